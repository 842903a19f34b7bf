//! Which services there are, and how they reach one another.

use super::{LOCAL, NONE, WEB, lines};

#[test]
fn extends_leads_to_a_service_that_is_there() {
    let of = |worker: &str, environments: &str| {
        lines("", &format!("{WEB}, worker: {{command: [./worker], extends: {worker}}}"), environments)
    };

    assert_eq!(of("web", LOCAL), NONE);
    assert_eq!(of("worker", LOCAL), ["LG110 `worker` extends itself"]);
    assert_eq!(of("wbe", LOCAL), ["LG104 there is no service `wbe`"]);
    // What is shared of a removed service is written at the root; without an image nothing is missed.
    assert_eq!(of("web", "local: {target: local, services: {web: null}}, all: {target: local}"), NONE);
    let chain = "a: {command: [./a]}, b: {extends: a}, c: {extends: b}, d: {extends: b}";
    assert_eq!(lines("", chain, LOCAL), NONE);
    assert_eq!(lines("defaults: {extends: web}", WEB, LOCAL), ["LG110 `defaults` cannot extend a service"]);
}

#[test]
fn circles_of_extends_are_reported_once() {
    let circle = "a: {command: [./a], extends: c}, b: {extends: a}, c: {extends: b}, d: {extends: c}";
    assert_eq!(lines("", circle, LOCAL), ["LG110 services extend each other in a circle: a -> c -> b -> a"]);
}

#[test]
fn what_an_environment_removes_is_not_needed_there() {
    let search = "search: {port: 8081, command: [./search]}";
    let dev = "dev: {target: local, services: {search: null}}, all: {target: local}";
    let of = |keys: &str, web: &str| {
        lines(keys, &format!("web: {{port: 8080, command: [./web], {web}}}, {search}"), dev)
    };

    let removed = ["LG111 `search` is needed, and environment `dev` removes it"];
    assert_eq!(of("", "depends_on: [search]"), removed);
    assert_eq!(of("", "env: {URL: \"${services.search.url}/v1\"}"), removed);
    assert_eq!(of("smoke: [{get: /, service: search}]", ""), removed);
    assert_eq!(of("migrations: {command: [./migrate], in: search}", ""), removed);
    assert_eq!(of("", ""), NONE);
    assert_eq!(of("", "env: {NAME: search, MONEY: \"$$search\"}"), NONE);
    assert_eq!(of("", "depends_on: [serach]"), ["LG104 `serach` is neither a service nor a dependency"]);
}

#[test]
fn an_image_of_a_removed_service_is_missed_where_images_run() {
    let services =
        "web: {port: 8080, build: {preset: node, image: shop}}, worker: {extends: web, command: [./w]}";
    let dev = "dev: {target: docker, services: {web: null}}, all: {target: docker}";
    assert_eq!(lines("", services, dev), ["LG111 `web` is needed, and environment `dev` removes it"]);
    let own = "web: {port: 8080, build: {preset: node, image: shop}}, \
               worker: {extends: web, build: {preset: node, image: work}}";

    assert_eq!(lines("", own, dev), NONE);
}

#[test]
fn a_published_port_belongs_to_one() {
    let of = |a: &str, b: &str, target: &str| {
        let services = format!(
            "a: {{image: \"a:1\", ports: {{http: {{number: 8080{a}}}}}}}, b: {{image: \"b:1\", ports: {{http: {{number: 8081{b}}}}}}}"
        );
        lines("", &services, &format!("e: {{target: {target}}}"))
    };
    let twice = ["LG112 `http` of `a` and `http` of `b` are both published as 80"];
    assert_eq!(of(", publish: 80", ", publish: 80", "docker"), twice);
    assert_eq!(of(", publish: 80", ", publish: 81", "docker"), NONE);
    // Inside, each has an address of its own.
    assert_eq!(of(", publish: 8081", "", "docker"), NONE);
    assert_eq!(of(", publish: 80", ", publish: 80", "{docker: {hosts: [ssh://a, ssh://b]}}"), NONE);
}

#[test]
fn dependencies_publish_ports_as_well() {
    let of = |dependency: &str| {
        let keys = format!("dependencies: {{db: {{type: postgres, {dependency}}}}}");
        let web = "web: {image: \"web:1\", ports: {http: {number: 8080, publish: 5432}}}";
        lines(&keys, web, "e: {target: docker}")
    };
    assert_eq!(of("publish: 5432"), ["LG112 `http` of `web` and `db` are both published as 5432"]);
    assert_eq!(of("publish: 5433"), NONE);
    // Inside, it has an address of its own.
    assert_eq!(of("port: 5432"), NONE);
}

#[test]
fn one_instance_can_have_a_published_port() {
    let of = |keys: &str, target: &str| {
        let web =
            format!("web: {{image: \"web:1\", ports: {{http: {{number: 8080, publish: 80}}}}, {keys}}}");
        lines("", &web, &format!("e: {{target: {target}}}"))
    };
    assert_eq!(of("", "docker"), NONE);
    assert_eq!(
        of("replicas: 2", "docker"),
        ["LG113 Compose cannot give port 80 of one machine to 2 instances of `web`"]
    );
    assert_eq!(
        of("autoscaling: {max: 3, cpu: 70%}, resources: {requests: {cpu: 100m}}", "docker"),
        ["LG113 Compose cannot give port 80 of one machine to 3 instances of `web`"]
    );
    assert_eq!(of("replicas: 2", "{docker: {hosts: [ssh://a, ssh://b]}}"), NONE);
}

#[test]
fn services_and_dependencies_of_a_machine_have_ports_of_their_own() {
    let of = |url: &str, target: &str| {
        let keys = format!("dependencies: {{db: {{type: postgres, external: {{url: \"{url}\"}}}}}}");
        lines(&keys, WEB, &format!("e: {{target: {target}}}"))
    };
    let taken = ["LG114 port 8080 of this machine is that of `db`, and `web` wants it"];
    assert_eq!(of("postgres://localhost:8080/db", "local"), taken);
    assert_eq!(of("127.0.0.1:8080", "local"), taken);
    assert_eq!(of("postgres://127.0.0.1:8080", "{local: {bind: 0.0.0.0}}"), taken);
    assert_eq!(of("postgres://127.0.0.1:8080", "{local: {bind: 127.0.0.2}}"), NONE);
    assert_eq!(of("postgres://db.example:8080", "local"), NONE);
    assert_eq!(of("postgres://localhost:8081", "local"), NONE);
    // The service itself is what the dependency stands for.
    assert_eq!(of("${web.url}", "local"), NONE);
}

#[test]
fn ports_of_prometheus_are_named_where_something_is_measured() {
    let of = |keys: &str, environments: &str| {
        let web = format!("web: {{port: 9090, command: [./web], {keys}}}");
        lines("", &web, environments)
    };
    assert_eq!(of("metrics: /metrics", LOCAL), ["LG115 port 9090 of `web` is the usual one of Prometheus"]);
    assert_eq!(of("", LOCAL), NONE);
    // A container has an address of its own.
    assert_eq!(of("metrics: /metrics, image: \"web:1\"", "e: {target: docker}"), NONE);
}
