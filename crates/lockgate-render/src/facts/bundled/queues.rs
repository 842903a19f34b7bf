//! What carries messages.

use super::{Bundled, Exporter, Wanted, settings, words};

pub(super) fn kafka(wanted: &Wanted<'_>) -> Bundled {
    const TOOLS: &str = "/opt/kafka/bin";
    let image = wanted.image_of_patch("apache/kafka", "4.1");
    let port = wanted.port(9092);
    let check = format!("{TOOLS}/kafka-broker-api-versions.sh");
    let mut it = Bundled::new(image, port, &[&check, "--bootstrap-server", &format!("127.0.0.1:{port}")]);
    let address = format!("{}:{port}", wanted.name);
    it.env = settings([
        ("KAFKA_NODE_ID", "1"),
        ("KAFKA_PROCESS_ROLES", "broker,controller"),
        ("KAFKA_LISTENERS", format!("PLAINTEXT://:{port},CONTROLLER://:9093").as_str()),
        ("KAFKA_ADVERTISED_LISTENERS", format!("PLAINTEXT://{address}").as_str()),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@127.0.0.1:9093"),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
        ("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1"),
        ("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1"),
        ("KAFKA_LOG_DIRS", "/var/lib/kafka/data"),
    ]);
    it.data = Some("/var/lib/kafka/data");
    it.user = 1000;
    let topics = format!("{TOOLS}/kafka-topics.sh");
    let create = |topic: &String| {
        words(&[&topics, "--bootstrap-server", &address, "--create", "--if-not-exists", "--topic", topic])
    };
    it.setup = wanted.dependency.topics.iter().map(create).collect();
    it.exporter = Some(Exporter {
        image: "danielqsj/kafka-exporter:v1.9.0",
        port: 9308,
        env: settings([]),
        args: vec![format!("--kafka.server={address}")],
    });
    it
}

pub(super) fn rabbitmq(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("rabbitmq", "4.1") + "-management";
    let mut it = Bundled::new(image, wanted.port(5672), &["rabbitmq-diagnostics", "-q", "ping"]);
    it.env = settings([
        ("RABBITMQ_DEFAULT_USER", wanted.user()),
        ("RABBITMQ_DEFAULT_PASS", wanted.password_reference().as_str()),
    ]);
    it.data = Some("/var/lib/rabbitmq");
    it.user = 999;
    it.password = Some(wanted.password());
    it.metrics = Some(("/metrics", 15692));
    it.page = Some(15672);
    it
}

pub(super) fn nats(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("nats", "2.12") + "-alpine";
    let check = ["wget", "-q", "--spider", "http://127.0.0.1:8222/healthz"];
    let mut it = Bundled::new(image, wanted.port(4222), &check);
    it.args = words(&["nats-server", "--http_port", "8222", "--jetstream", "--store_dir", "/data"]);
    it.data = Some("/data");
    it
}
