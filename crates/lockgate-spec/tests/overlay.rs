//! Which value wins, and where it is said to come from.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use lockgate_model::{Code, EnvironmentName, Health, System};
use lockgate_spec::{Facts, Spec};

fn environment() -> EnvironmentName {
    EnvironmentName::new("e").unwrap()
}

fn resolve(text: &str) -> System {
    let (spec, _) = Spec::parse("lockgate.yaml", text);
    let (system, diagnostics) = spec.resolve(&environment(), &Facts::default());
    system.unwrap_or_else(|| panic!("{diagnostics:#?}\n{text}"))
}

fn codes(text: &str) -> Vec<Code> {
    let (spec, _) = Spec::parse("lockgate.yaml", text);
    spec.check().into_iter().map(|it| it.code).collect()
}

/// A spec whose four layers of service `web` are given, each as a flow map.
fn layered(defaults: &str, environment_defaults: &str, service: &str, environment_service: &str) -> String {
    format!(
        "lockgate: v1\nsystem: shop\ndefaults: {defaults}\nservices: {{web: {service}}}\n\
         environments: {{e: {{target: local, defaults: {environment_defaults}, services: {{web: {environment_service}}}}}}}\n"
    )
}

const RUN: &str = "{command: [./web]}";

#[test]
fn the_more_specific_value_wins() {
    for (defaults, environment_defaults, service, environment_service, replicas) in [
        ("{}", "{}", RUN, "{}", 1),
        ("{replicas: 2}", "{}", RUN, "{}", 2),
        ("{replicas: 2}", "{replicas: 3}", RUN, "{}", 3),
        ("{replicas: 2}", "{replicas: 3}", "{replicas: 4, command: [./web]}", "{}", 4),
        ("{replicas: 2}", "{replicas: 3}", "{replicas: 4, command: [./web]}", "{replicas: 5}", 5),
        ("{}", "{replicas: 3}", RUN, "{replicas: null}", 1),
        ("{replicas: 2}", "{replicas: null}", RUN, "{}", 1),
    ] {
        let text = layered(defaults, environment_defaults, service, environment_service);
        assert_eq!(resolve(&text).services["web"].replicas, replicas, "{text}");
    }
}

#[test]
fn maps_merge_and_lists_replace() {
    let text = layered(
        "{env: {A: a, B: b}, command: [./default, one]}",
        "{env: {B: b2}}",
        "{env: {C: c}}",
        "{env: {A: null}, command: [./web]}",
    );
    let web = &resolve(&text).services["web"];
    let env: Vec<(&str, &str)> = web.env.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    assert_eq!(env, [("B", "b2"), ("C", "c")]);
    assert_eq!(web.command, ["./web"]);
}

#[test]
fn shorthands_merge_like_what_they_stand_for() {
    let text = layered(
        "{command: [./web], health: {interval: 9s}, ports: {admin: 9000}}",
        "{}",
        "{port: 8080, health: /up}",
        "{ports: {http: {protocol: grpc}}, port: null}",
    );
    assert_eq!(codes(&text), [Code(4)], "the http port is given twice");

    let text = layered(
        "{command: [./web], health: {interval: 9s}, ports: {admin: 9000}}",
        "{}",
        "{port: 8080, health: /up}",
        "{port: 8081}",
    );
    let web = serde_json::to_value(&resolve(&text).services["web"]).unwrap();
    assert_eq!(web["health"]["http"]["path"], "/up");
    assert_eq!(web["health"]["http"]["interval"], 9_000);
    assert_eq!(web["ports"]["http"]["number"], 8_081);
    assert_eq!(web["ports"]["admin"]["number"], 9_000);
}

#[test]
fn an_override_that_matches_nothing_is_an_error() {
    for environment_service in ["{replicas: null}", "{env: {A: null}}", "{health: }"] {
        let text = layered("{}", "{}", RUN, environment_service);
        assert_eq!(codes(&text), [Code(20)], "{text}");
    }
    let text = "lockgate: v1\nsystem: shop\nservices: {web: {command: [./web]}}\n\
                environments: {e: {target: local, dependencies: {redis: {type: redis}}}}\n";
    assert_eq!(codes(text), [Code(20)]);
}

#[test]
fn an_environment_removes_a_service() {
    let text = "lockgate: v1\nsystem: shop\nservices: {web: {command: [./web]}, api: {command: [./api]}}\n\
                environments: {e: {target: local, services: {api: null}}}\n";
    let system = resolve(text);
    assert_eq!(system.services.keys().map(lockgate_model::ServiceName::as_str).collect::<Vec<_>>(), ["web"]);
}

#[test]
fn plain_text_keeps_what_was_written() {
    let text = "lockgate: v1\nsystem: shop\nowner: 1.10\n\
                dependencies: {db: {type: postgres, version: 7.20, external: {url: \"postgres://h/d\"}}}\n\
                services: {web: {command: [./web, 0o17, no, 1.10, 22:22, ~/x], env: {A: \"no\", B: a: b}, depends_on: [db]}}\n\
                environments: {e: {target: local}}\n";
    let text = text.replace("B: a: b", "B: a:b");
    let system = resolve(&text);
    assert_eq!(system.owner.as_deref(), Some("1.10"));
    assert_eq!(system.dependencies["db"].version.as_deref(), Some("7.20"));
    assert_eq!(system.services["web"].command, ["./web", "0o17", "no", "1.10", "22:22", "~/x"]);
    assert_eq!(system.services["web"].env["A"], "no");
    assert_eq!(system.services["web"].env["DATABASE_URL"], "postgres://h/d");
}

#[test]
fn defaults_may_say_what_does_not_fit_every_service() {
    let text = "lockgate: v1\nsystem: shop\n\
                defaults: {command: [./run], health: {path: /up, interval: 1s}, depends_on: [config]}\n\
                services: {config: {port: 8080}, worker: {}, web: {port: 8081}}\n\
                environments: {e: {target: local}}\n";
    let system = resolve(text);
    assert!(matches!(system.services["worker"].health, Health::Uptime { .. }));
    assert!(matches!(system.services["web"].health, Health::Http { .. }));
    assert!(system.services["config"].depends_on.is_empty());
    assert!(system.services["web"].depends_on.contains_key("config"));
}

#[test]
fn a_variable_that_depends_on_sets_is_explained() {
    let text = "lockgate: v1\nsystem: shop\n\
                dependencies: {redis: {type: redis, external: {url: \"redis://h\"}}}\n\
                services: {web: {command: [./web], depends_on: [redis]}}\n\
                environments: {e: {target: local}}\n";
    let (spec, _) = Spec::parse("lockgate.yaml", text);
    let explanation = spec.explain(&environment(), "services.web.env.REDIS_URL").unwrap();
    assert_eq!(explanation.value, "redis://h");
    assert_eq!(explanation.layers[0].layer, "depends_on");
}

#[test]
fn an_explanation_names_every_layer() {
    let text = "\
lockgate: v1
system: shop
conventions: {ports: {grpc: http + 1000}}
defaults: {replicas: 2}
services:
  web: {port: 8080, command: [./web], replicas: 4}
environments:
  e:
    target: local
    defaults: {replicas: 3}
    services: {web: {replicas: 5}}
";
    let (spec, _) = Spec::parse("lockgate.yaml", text);
    let explain = |path: &str| match spec.explain(&environment(), path) {
        Ok(explanation) => explanation.to_string(),
        Err(error) => error.to_string(),
    };
    let paths = [
        "services.web.replicas",
        "services.web.ports.grpc.number",
        "services.web.port",
        "services.web.stop.drain",
        "services.web.replica",
        "services.wbe.replicas",
        "target.local.bind",
        "nonsense",
        "",
    ];
    let all: Vec<String> = paths.iter().map(|it| explain(it)).collect();
    insta::assert_snapshot!(all.join("\n"));
}
