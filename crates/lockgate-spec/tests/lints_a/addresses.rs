//! Addresses that are written out, and what instances keep.

use super::{LOCAL, NONE, lines};

const DEPENDENCIES: &str = "dependencies: {db: {type: postgres, database: shop}, cache: {type: redis, tls: required}, \
                            search: {type: elasticsearch}, kafka: {type: kafka}}";

fn of(env: &str, environment: &str) -> Vec<String> {
    let services = format!(
        "web: {{port: 8080, image: \"web:1\", command: [./web], env: {{{env}}}}}, \
         api: {{port: 8081, image: \"api:1\", command: [./api]}}"
    );
    lines(DEPENDENCIES, &services, &format!("e: {environment}"))
}

const DOCKER: &str = "{target: docker}";

#[test]
fn addresses_have_what_the_dependency_demands() {
    let lacks = |env: &str, what: &str| {
        assert_eq!(of(env, DOCKER), [format!("LG211 `URL` leads to {what}")], "{env}");
    };
    lacks("URL: \"postgresql://shop@db:5432/shop\"", "`db` without its password");
    lacks("URL: \"postgresql://db/shop\"", "`db` without its password");
    lacks("URL: \"redis://cache:6379\"", "`cache` without TLS, which it requires");
    lacks("URL: \"http://search:9201\"", "another port than 9200, where `search` listens");
    lacks("URL: \"http://api:80/v1\"", "another port than 8081, where `api` listens");
    for env in [
        "URL: \"${db.url}\"",
        "URL: \"postgresql://shop:${secrets.DB_PASSWORD}@db:5432/other\"",
        "URL: \"rediss://cache.example:6379\"",
        "NAME: db",
        "URL: \"https://example.org/db\"",
    ] {
        assert_eq!(of(env, DOCKER), NONE, "{env}");
    }
}

#[test]
fn addresses_are_said_once() {
    let repeats = |env: &str, reference: &str| {
        assert_eq!(of(env, DOCKER), [format!("LG212 `A_HOST` repeats what `{reference}` says")], "{env}");
    };
    repeats("A_HOST: \"http://search:9200\"", "${search.url}");
    repeats("A_HOST: \"rediss://cache:6379/1\"", "${cache.url}");
    repeats("A_HOST: \"kafka:9092\"", "${kafka.url}");
    repeats("A_HOST: \"http://api:8081/v1\"", "${api.url}");
    repeats("A_HOST: search", "${search.host}");
    for env in
        ["A: search", "A_HOST: \"http://search:92000\"", "A_HOST: \"${search.host}\"", "A_HOST: example.org"]
    {
        assert_eq!(of(env, DOCKER), NONE, "{env}");
    }
}

#[test]
fn addresses_name_what_has_that_name_here() {
    let nowhere = |host: &str| {
        vec![format!("LG222 `A_HOST` leads to `{host}`, and nothing has that name in environment `e`")]
    };
    let external = "{target: docker, dependencies: {search: {external: {url: \"https://s.example\"}}}}";
    assert_eq!(of("A_HOST: \"http://search:9200\"", external), nowhere("search"));
    assert_eq!(of("A_HOST: search", external), nowhere("search"));
    assert_eq!(of("A_HOST: \"${search.url}\"", external), NONE);
    assert_eq!(of("A: search", external), NONE);
    // Somebody else may run it under the same name, and what a store holds is not known.
    for same in ["url: \"http://search:9200\"", "secret: search-url"] {
        let environment = format!("{{target: docker, dependencies: {{search: {{external: {{{same}}}}}}}}}");
        assert_eq!(of("A_HOST: \"http://search:80\"", &environment), NONE, "{same}");
    }
    assert_eq!(of("A_HOST: \"http://api:8081\"", "{target: local}"), nowhere("api"));
    for env in ["A_HOST: \"http://example.org\"", "SERVER_NAME: api", "HOST_ROLE: search", "NAME: api"] {
        assert_eq!(of(env, "{target: local}"), NONE, "{env}");
    }
    let removed = "{target: docker, services: {api: null}}, f: {target: docker}";
    let found = of("A_HOST: \"http://api:8081\"", removed);
    assert_eq!(found[..1], nowhere("api")[..]);
}

#[test]
fn a_volume_of_one_instance_has_one() {
    let of = |keys: &str, target: &str| {
        let web = format!("web: {{image: \"web:1\", command: [./web], port: 8080, {keys}}}");
        lines("", &web, &format!("e: {{target: {target}}}"))
    };
    let single = ["LG330 the volume `data` is for one instance, and `web` has up to 2"];
    assert_eq!(of("replicas: 2, volumes: {data: /data}", "docker"), single);
    assert_eq!(of("replicas: 2, volumes: {data: {path: /data, access: single}}", "docker"), single);
    assert_eq!(of("replicas: 1, volumes: {data: /data}", "docker"), NONE);
    assert_eq!(of("replicas: 2, volumes: {data: {path: /data, access: shared}}", "docker"), NONE);
    assert_eq!(of("replicas: 2, volumes: {data: {path: /data, access: scratch}}", "docker"), NONE);
}

#[test]
fn instances_keep_nothing_that_the_others_want() {
    let of = |replicas: u16, env: &str, more: &str| {
        let web =
            format!("web: {{port: 8080, command: [./web], replicas: {replicas}, env: {{{env}}}{more}}}");
        lines("", &web, LOCAL)
    };
    let own = |name: &str, text: &str| {
        vec![format!("LG331 each of 2 instances of `web` keeps its own: `{name}` is `{text}`")]
    };
    assert_eq!(of(2, "STORAGE_DRIVER: local", ""), own("STORAGE_DRIVER", "local"));
    assert_eq!(of(2, "QUEUE_DRIVER: memory", ""), own("QUEUE_DRIVER", "memory"));
    assert_eq!(of(2, "UPLOADS_DIR: /tmp/uploads", ""), own("UPLOADS_DIR", "/tmp/uploads"));
    assert_eq!(of(1, "STORAGE_DRIVER: local", ""), NONE);
    assert_eq!(of(2, "STORAGE_DRIVER: local", ", volumes: {u: {path: /u, access: shared}}"), NONE);
    for env in [
        "STORAGE_DRIVER: s3",
        "TMP_DIR: /tmp",
        "CACHE_DIR: /tmp/cache",
        "UPLOADS_DIR: /tmpfiles",
        "LOG_DRIVER: file",
    ] {
        assert_eq!(of(2, env, ""), NONE, "{env}");
    }
}
