//! Names: which letters, how long with what is added, and which are taken.

use super::{HEAD, TAIL, accepted, root, service, tells};

fn named(name: &str) -> String {
    format!("{HEAD}services: {{{name}: {{command: [x]}}}}\n{TAIL}")
}

fn on(target: &str, system: &str, services: &str, more: &str) -> String {
    format!(
        "lockgate: v1\nsystem: {system}\nservices: {{{services}}}\n{more}environments: {{prod: {{target: {target}}}}}\n"
    )
}

const KUBERNETES: &str = "{kubernetes: {}}";
const CANARY: &str = "rollout: {strategy: canary, rollback_on: [crash_loop]}\n";

#[test]
fn names_are_labels_of_the_domain_name_system() {
    for (name, words) in [
        ("Web", "did you mean `web`?"),
        ("my_web", "did you mean `my-web`?"),
        ("a.b", "did you mean `a-b`?"),
        ("\"web \"", "did you mean `web`?"),
        ("1web", "it must start with a lowercase letter"),
        ("-web", "it must start with a lowercase letter"),
        ("web-", "it must not end with `-`"),
        ("\"\"", "it is empty"),
        ("🚀", "is U+1F680"),
        ("wеb", "is U+0435"),
        ("web\u{301}", "is U+0301"),
        ("ｗeb", "is U+FF57"),
        ("\"\\u202eweb\"", "is U+202E"),
        ("\"we\\u200bb\"", "is U+200B"),
        ("~", "only a-z, 0-9 and `-` are allowed"),
    ] {
        let (code, words) = if name == "~" { ("LG016", "it must start") } else { ("LG016", words) };
        tells(&named(name), code, words);
    }
    tells(&named(&"a".repeat(64)), "LG016", "it is longer than 63 characters");
    accepted(&named(&"a".repeat(63)));
    accepted(&named("default"));
}

#[test]
fn all_that_has_a_name_is_named_alike() {
    tells(&root("").replace("system: shop", "system: Shop"), "LG016", "did you mean `shop`?");
    tells(&root("dependencies: {DB: {type: redis}}"), "LG016", "did you mean `db`?");
    tells(&root("cron: {Clean_Up: {schedule: \"0 1 * * *\", command: [x], in: web}}"), "LG016", "`clean-up`");
    tells(&service("ports: {HTTP: 80}"), "LG016", "did you mean `http`?");
    tells(&service("volumes: {Data: /data}"), "LG016", "did you mean `data`?");
    tells(&root("").replace("{local:", "{Local:"), "LG016", "did you mean `local`?");
    tells(
        &root("alerts: {redis-down: {query: up, alert: \"< 1 for 5m\"}}"),
        "LG016",
        "a name such as `RedisDown`",
    );
}

#[test]
fn names_of_two_things_differ() {
    tells(&root("dependencies: {web: {type: redis}}"), "LG106", "`web` is both a service and a dependency");
    let headers = |all: &str| root(&format!("smoke: [{{get: /up, headers: {{{all}}}}}]"));
    tells(&headers("X-A: a, x-a: b"), "LG033", "differ by case only");
    accepted(&headers("X-A: a, X-B: b"));
    let alerts = "alerts: {RedisDown: {query: up, alert: \"< 1 for 5m\"}, REDISDOWN: {query: up, alert: \"< 1 for 5m\"}}";
    tells(&root(alerts), "LG033", "`RedisDown` and `REDISDOWN` differ by case only");
}

#[test]
fn what_kubernetes_adds_must_fit() {
    let web = |len: usize| format!("{}: {{image: \"a/b:1\", port: 80}}", "w".repeat(len));
    accepted(&on(KUBERNETES, "shop", &web(63), ""));
    accepted(&on(KUBERNETES, "shop", &web(56), CANARY));
    tells(&on(KUBERNETES, "shop", &web(57), CANARY), "LG031", "64 characters, and 63 are the most");
    let green = CANARY.replace("canary", "blue-green");
    tells(&on(KUBERNETES, "shop", &web(58), &green), "LG031", "the second version has this name");

    let cron =
        |len: usize| format!("cron: {{{}: {{schedule: \"0 1 * * *\", command: [x]}}}}\n", "c".repeat(len));
    accepted(&on(KUBERNETES, "shop", &web(3), &cron(52)));
    tells(&on(KUBERNETES, "shop", &web(3), &cron(53)), "LG031", "53 characters, and 52 are the most");

    let helm = "{kubernetes: {via: helm}}";
    accepted(&on(helm, &"s".repeat(53), &web(3), ""));
    tells(&on(helm, &"s".repeat(54), &web(3), ""), "LG031", "too long a name for a release of Helm");
    accepted(&on(KUBERNETES, &"s".repeat(54), &web(3), ""));
}

#[test]
fn what_amazon_puts_together_must_fit() {
    let web = |len: usize| format!("{}: {{image: \"a/b:1\", port: 80}}", "w".repeat(len));
    let ecs = |more: &str| format!("{{ecs: {{region: eu-central-1, cluster: shop{more}}}}}");
    accepted(&on(&ecs(""), "shop", &web(60), ""));
    let balanced = ecs(", load_balancer: shop");
    accepted(&on(&balanced, "shop", &web(27), ""));
    tells(&on(&balanced, "shop", &web(28), ""), "LG031", "33 characters, and 32 are the most");
    tells(&on(&balanced, "shop", &web(21), CANARY), "LG031", "33 characters, and 32 are the most");
    let short = ecs(", load_balancer: shop, service: \"${service.name}\"");
    accepted(&on(&short, "shop", &web(25), CANARY));
    tells(
        &on(&ecs(", service: x").replace("cluster: shop", "cluster: \"my shop\""), "shop", &web(3), ""),
        "LG016",
        "cluster of ECS",
    );
    for region in ["mars", "\"\"", "EU-CENTRAL-1", "eu-central", "eu central 1"] {
        let text = on(&ecs("").replace("eu-central-1", region), "shop", &web(3), "");
        tells(&text, "LG013", "a region such as `eu-central-1` is wanted");
    }
    for region in ["us-gov-west-1", "ap-southeast-7", "cn-north-1"] {
        accepted(&on(&ecs("").replace("eu-central-1", region), "shop", &web(3), ""));
    }

    let runner = |service: &str| format!("{{apprunner: {{region: eu-central-1{service}}}}}");
    accepted(&on(&runner(""), "shop", &web(35), ""));
    tells(&on(&runner(""), "shop", &web(36), ""), "LG031", "41 characters, and 40 are the most");
    accepted(&on(&runner(", service: shop-web"), "shop", &web(36), ""));
    for name in ["web", "-web-shop", "web shop", &"w".repeat(41)] {
        tells(
            &on(&runner(&format!(", service: \"{name}\"")), "shop", &web(3), ""),
            "LG016",
            "4 to 40 letters",
        );
    }
}

#[test]
fn namespaces_are_the_systems_own() {
    let of = |namespace: &str| {
        on(&format!("{{kubernetes: {{namespace: {namespace}}}}}"), "shop", "web: {image: \"a/b:1\"}", "")
    };
    accepted(&of("shop"));
    accepted(&of("\"${system.name}-${environment.name}\""));
    for namespace in ["kube-system", "kube-public", "kube-anything"] {
        tells(&of(namespace), "LG032", "is the cluster's own");
    }
    tells(&of("default"), "LG032", "is everybody's");
    accepted(&of("default"));
    for namespace in ["Shop", "my_shop", "a.b", "-a", "a-", "\"\"", "a b", "ü"] {
        tells(&of(namespace), "LG016", "namespace");
    }
    tells(&of(&"n".repeat(64)), "LG016", "64 characters, and 63 are the most");
    // Without `namespace` it is the system's name.
    tells(&on(KUBERNETES, "default", "web: {image: \"a/b:1\"}", ""), "LG032", "is everybody's");
    tells(&on(KUBERNETES, "kube-system", "web: {image: \"a/b:1\"}", ""), "LG032", "is the cluster's own");
}
