//! Servers of Debian do in containers what the official images do, as the users that manifests name.

use std::time::{Duration, Instant};

use lockgate_testbed::{Engine, Networks, Server};

const WHAT: &str = "servers of Debian in containers";
const SERVERS: [(Server, &str); 3] =
    [(Server::Postgres, "postgres:17"), (Server::Redis, "redis:8"), (Server::Prometheus, "prometheus:2")];
/// A database is made first, on a machine that does other things too.
const ANSWERS_WITHIN: Duration = Duration::from_mins(1);
const CREATE: &str =
    "psql -h server -U nova -d shop -tAc 'CREATE EXTENSION pg_stat_statements; SELECT 40 + 2'";

#[test]
fn servers_answer_the_clients_of_other_containers() {
    let Some(engine) = Engine::start(WHAT, Networks::Bridges) else { return };
    let made: Option<Vec<_>> = SERVERS.into_iter().map(|it| it.0.image(WHAT)).collect();
    let Some(images) = made else { return };
    let names = SERVERS.iter().map(|it| it.1);
    engine.load(&images.iter().zip(names).collect::<Vec<_>>());
    engine.run(["network", "create", "data"]);

    let env = ["POSTGRES_USER=nova", "POSTGRES_DB=shop", "POSTGRES_PASSWORD=it's", "PGDATA=/tmp/data"];
    let preload = ["postgres", "-c", "shared_preload_libraries=pg_stat_statements"];
    let said = asked(&engine, ("postgres:17", "999:999", &env, &preload), |engine| {
        run(engine, "postgres:17", &["PGPASSWORD=it's"], &["sh", "-ec", CREATE])
    });
    assert!(said.ends_with("42"), "{said}");

    let said =
        asked(&engine, ("redis:8", "999:999", &[], &["redis-server", "--appendonly", "yes"]), |engine| {
            run(engine, "redis:8", &[], &["redis-cli", "-h", "server", "ping"])
        });
    assert_eq!(said, "PONG");

    let said = asked(&engine, ("prometheus:2", "65534:65534", &[], &[]), |engine| {
        let query = "exec 3<>/dev/tcp/server/9090; printf 'GET /-/ready HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
        run(engine, "redis:8", &[], &["bash", "-c", query]).filter(|it| it.contains("200 OK"))
    });
    assert!(said.contains("Ready"), "{said}");
}

/// What a client got from the server once it answered.
fn asked(
    engine: &Engine,
    (image, user, env, command): (&str, &str, &[&str], &[&str]),
    client: impl Fn(&Engine) -> Option<String>,
) -> String {
    let mut args =
        vec!["run", "--detach", "--name=server", "--network=data", "--user", user, "--cap-drop=ALL"];
    args.extend(env.iter().flat_map(|it| ["--env", it]));
    args.push(image);
    args.extend(command);
    engine.run(args);
    let begun = Instant::now();
    loop {
        if let Some(said) = client(engine) {
            engine.run(["rm", "--force", "server"]);
            return said;
        }
        assert!(begun.elapsed() < ANSWERS_WITHIN, "{image}: {}", engine.logs("server"));
    }
}

fn run(engine: &Engine, image: &str, env: &[&str], command: &[&str]) -> Option<String> {
    let mut args = vec!["run", "--rm", "--network=data"];
    args.extend(env.iter().flat_map(|it| ["--env", it]));
    args.push(image);
    args.extend(command);
    engine.try_run(args)
}
