//! What the language says beyond plain values: images, `extends`, alternatives, dependencies, references, files.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use lockgate_diagnostics::Source;
use lockgate_model::{EnvironmentName, Image, ProbeKind, Severity, SmokeKind, Strategy, System, TargetKind};
use lockgate_spec::{Facts, Spec};

const HEAD: &str = "lockgate: v1\nsystem: shop\n";

fn environment(name: &str) -> EnvironmentName {
    EnvironmentName::new(name).unwrap()
}

fn resolved(text: &str, name: &str) -> System {
    let (spec, _) = Spec::parse("lockgate.yaml", text);
    let (system, diagnostics) = spec.resolve(&environment(name), &Facts::default());
    system.unwrap_or_else(|| panic!("{diagnostics:#?}\n{text}"))
}

/// A system on Kubernetes with the given keys at its root, and more for the environment.
fn on_kubernetes(root: &str, more: &str) -> System {
    let target = "target: {kubernetes: {namespace: shop}}";
    resolved(&format!("{HEAD}{root}\nenvironments: {{e: {{{target}{more}}}}}\n"), "e")
}

/// What is wrong, one message a line.
fn messages(text: &str) -> String {
    let found = Spec::parse("lockgate.yaml", text).0.check();
    let errors = found.iter().filter(|it| it.severity == Severity::Error);
    errors.map(|it| format!("{} {}", it.code, it.message)).collect::<Vec<_>>().join("\n")
}

#[test]
fn builds_are_layered_and_an_image_takes_their_place() {
    let system = on_kubernetes(
        "build: {preset: node, image: \"registry.example/${service.name}\", args: {A: root}}\n\
         services: {web: {port: 80}, api: {port: 81, build: {dockerfile: api/Dockerfile, args: {B: own}}},\n\
         proxy: {port: 82, image: \"nginx:1.29.1\"}}",
        "",
    );
    let Some(Image::Built(web)) = &system.services["web"].image else { panic!("{system:#?}") };
    assert_eq!(web.image.as_deref(), Some("registry.example/web"));
    let Some(Image::Built(api)) = &system.services["api"].image else { panic!("{system:#?}") };
    assert_eq!((api.preset, api.dockerfile.as_deref()), (None, Some("api/Dockerfile")));
    assert_eq!(api.args.keys().collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(system.services["proxy"].image, Some(Image::Named("nginx:1.29.1".to_owned())));
}

#[test]
fn who_extends_a_service_shares_its_image_and_variables_and_not_its_ports() {
    let system = on_kubernetes(
        "build: {preset: python, image: registry.example/shop}\n\
         services:\n  web: {port: 80, health: /up, replicas: 3, env: {A: a}, secrets: [KEY], ingress: {hosts: shop.example}}\n  \
         worker: {extends: web, command: [./worker], env: {B: b}}\n  mailer: {extends: worker, command: [./mailer]}",
        ", services: {web: {env: {A: here}}}",
    );
    let worker = &system.services["worker"];
    assert_eq!(worker.image, Some(Image::SameAs("web".parse().unwrap())));
    assert_eq!(system.services["mailer"].image, Some(Image::SameAs("web".parse().unwrap())));
    let env: Vec<_> = worker.env.iter().map(|it| format!("{}={}", it.0, it.1)).collect();
    assert_eq!(env, ["A=here", "B=b"]);
    assert!(worker.secrets.contains_key("KEY") && worker.ports.is_empty() && worker.ingress.is_none());
    assert_eq!((worker.replicas, system.services["mailer"].env.len()), (1, 2));
}

#[test]
fn choosing_an_alternative_in_a_stronger_layer_drops_the_others() {
    let system = on_kubernetes(
        "dependencies: {db: {type: postgres, external: {rds: prod}}}\n\
         services: {web: {port: 80, image: a/b:1, disruption_budget: {min_available: 1}}}",
        ", dependencies: {db: {external: {url: \"postgres://h/x\"}}}, \
         services: {web: {disruption_budget: {max_unavailable: 1}, build: {dockerfile: Dockerfile}}}",
    );
    assert_eq!(system.dependencies["db"].url.as_deref(), Some("postgres://h/x"));
    assert!(matches!(system.services["web"].image, Some(Image::Built(_))));
    let both = format!(
        "{HEAD}services: {{web: {{port: 80, image: a/b:1, build: node}}}}\nenvironments: {{e: {{target: docker}}}}\n"
    );
    assert_eq!(messages(&both), "LG302 service `web` has both `image` and `build`");
}

#[test]
fn bundled_dependencies_have_addresses_with_their_credentials() {
    let system = on_kubernetes(
        "dependencies:\n  main-db: {type: postgres, database: shop}\n  cache: {type: redis, tls: required}\n  \
         docs: {type: mongodb, user: app, database: docs}\n  bus: {type: kafka}\n\
         services: {web: {port: 80, image: \"a/b:1\", depends_on: {main-db: {}, cache: {}, docs: {as: DOCS}, bus: {}},\n\
         env: {HOST: \"${docs.host}:${docs.port}\"}}}",
        "",
    );
    let env: Vec<String> = system.services["web"].env.iter().map(|it| format!("{}={}", it.0, it.1)).collect();
    insta::assert_snapshot!(env.join("\n"), @r"
    DATABASE_URL=postgresql://shop:${secrets.MAIN_DB_PASSWORD}@main-db:5432/shop
    DOCS=mongodb://app:${secrets.DOCS_PASSWORD}@docs:27017/docs?authSource=admin
    HOST=docs:27017
    HTTP_PORT=80
    KAFKA_URL=bus:9092
    PORT=80
    REDIS_URL=rediss://cache:6379
    ");
}

#[test]
fn addresses_in_a_store_are_secrets_of_those_who_need_them() {
    let system = on_kubernetes(
        "dependencies: {db: {type: postgres}}\nservices: {web: {port: 80, image: \"a/b:1\", depends_on: [db]}}",
        ", dependencies: {db: {external: {secret: shop/database-url}}}",
    );
    let web = &system.services["web"];
    assert_eq!(web.env, web.port_variables());
    assert_eq!(web.secrets["DATABASE_URL"].from.as_deref(), Some("shop/database-url"));
}

#[test]
fn a_dependency_that_an_environment_removes_is_not_needed_there() {
    let system = on_kubernetes(
        "dependencies: {db: {type: postgres}, bus: {type: kafka}}\n\
         services: {web: {port: 80, image: \"a/b:1\", depends_on: [db, bus]}}\n\
         slo: {bus.consumer_lag: {alert: \"> 100k for 5m\"}, db.connections: {alert: \"> 80% for 5m\"}}\n\
         alerts: {BusDown: {metric: bus.up, alert: \"< 1 for 1m\"}}",
        ", dependencies: {bus: null}",
    );
    assert_eq!(system.services["web"].depends_on.keys().collect::<Vec<_>>(), ["db"]);
    assert_eq!(system.objectives.keys().collect::<Vec<_>>(), ["db.connections"]);
    assert!(system.alerts.is_empty());
}

#[test]
fn references_reach_the_environment_its_target_and_the_ways_in() {
    let system = resolved(
        &format!(
            "{HEAD}services: {{web: {{port: 80, image: \"${{target.registry}}/web:${{release.version}}\", secrets: [TOKEN],\n\
             ingress: {{hosts: \"${{environment.host}}\"}}, env: {{A: \"${{web.ingress.url}}/x\", B: \"${{api.url}}\",\n\
             C: \"${{git.sha7}} ${{secrets.TOKEN}}\"}}}}, api: {{port: 81, image: \"a/b:1\"}}}}\n\
             environments: {{prod: {{target: {{ecs: {{region: eu-west-1, cluster: c, registry: r.example}}}}, host: shop.example}}}}\n"
        ),
        "prod",
    );
    let web = &system.services["web"];
    assert_eq!(web.image, Some(Image::Named("r.example/web:${release.version}".to_owned())));
    let env: Vec<&str> = web.env.values().map(String::as_str).collect();
    assert_eq!(env, ["https://shop.example/x", "http://api:81", "${git.sha7} ${secrets.TOKEN}", "80", "80"]);
    assert!(web.depends_on.contains_key("api"));
    let TargetKind::Ecs(target) = &system.target else { panic!("{:?}", system.target) };
    assert_eq!(target.service, "${system.name}-${service.name}");
}

#[test]
fn references_that_lead_nowhere_say_what_there_is() {
    let with = |value: &str| {
        messages(&format!(
            "{HEAD}services: {{web: {{port: 80, command: [./web], secrets: [TOKEN], env: {{A: \"{value}\"}}}}}}\n\
             environments: {{e: {{target: local}}}}\n"
        ))
    };
    for (value, says) in [
        ("${environment.host}", "LG204 the reference `${environment.host}` leads nowhere"),
        ("${target.registry}", "LG204 the reference `${target.registry}` leads nowhere"),
        ("${secrets.TOKN}", "LG204 the reference `${secrets.TOKN}` leads nowhere"),
        ("${web.ingress.host}", "LG204 the reference `${web.ingress.host}` leads nowhere"),
        ("${git.commit}", "LG204 the reference `${git.commit}` leads nowhere"),
    ] {
        assert_eq!(with(value), says);
    }
    assert_eq!(with("${secrets.TOKEN} ${git.sha}"), "");
}

#[test]
fn probes_are_of_four_kinds_and_take_what_health_says() {
    let system = on_kubernetes(
        "services: {web: {ports: {http: 80, grpc: 81}, image: \"a/b:1\", health: {path: /up, interval: 5s,\n\
         live: {tcp: http}, ready: {path: /ready, body: {$.status: ok}}, startup: {grpc: \"\", timeout: 1s}}}}",
        "",
    );
    let probes = &system.services["web"].probes;
    let (live, ready, startup) =
        (probes.live.as_ref().unwrap(), probes.ready.as_ref().unwrap(), probes.startup.as_ref().unwrap());
    assert!(matches!(&live.kind, ProbeKind::Tcp { port } if port.as_str() == "http"));
    assert!(matches!(&ready.kind, ProbeKind::Http { body, .. } if body["$.status"] == "ok"));
    assert!(matches!(&startup.kind, ProbeKind::Grpc { port, .. } if port.as_str() == "grpc"));
    assert_eq!((ready.interval.0, startup.timeout.0), (5_000, 1_000));
}

#[test]
fn smoke_checks_ask_more_than_a_status() {
    let system = on_kubernetes(
        "secrets: [TOKEN]\nservices: {web: {port: 80, image: \"a/b:1\"}}\n\
         smoke: [{get: /keys, json: $.keys, bearer: TOKEN, headers: {X-Env: \"${environment.name}\"}},\n\
         {mail: {from: a@shop.example, to: b@shop.example}}]\nrollout: {strategy: blue-green}",
        "",
    );
    let SmokeKind::Get { expect, .. } = &system.smoke[0].kind else { panic!("{:?}", system.smoke) };
    assert_eq!((expect.json["$.keys"].as_str(), expect.headers["X-Env"].as_str()), ("*", "e"));
    assert!(matches!(&system.smoke[1].kind, SmokeKind::Mail { to, .. } if to == "b@shop.example"));
    assert_eq!((system.rollout.strategy, system.rollout.steps.len()), (Strategy::BlueGreen, 1));
}

#[test]
fn what_a_map_demands_is_said_with_its_meaning() {
    let text = format!(
        "{HEAD}services: {{web: {{port: 80, command: [./web], autoscaling: {{cpu: 70%}}, volumes: {{data: {{size: 1Gi}}}}}}}}\n\
         cron: {{nightly: {{schedule: 0 3 * * *}}}}\nalerts: {{Down: {{alert: \"< 1 for 1m\"}}}}\n\
         environments: {{e: {{target: {{ecs: {{region: r}}}}, stores: {{secrets: {{}}}}}}}}\n"
    );
    insta::assert_snapshot!(messages(&text), @r"
    LG014 `autoscaling` has no `max`
    LG014 volume `data` has no `path`
    LG014 cron job `nightly` has no `command`
    LG302 alert `Down` has none of `metric` or `query`
    LG014 `ecs` has no `cluster`
    LG302 store `secrets` has none of `aws-secrets-manager`, `aws-parameter-store`, `kubernetes`, `external-secrets`, `file` or `github`
    ");
}

#[test]
fn included_files_are_joined_and_say_nothing_twice() {
    let source = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let main = source(
        "lockgate.yaml",
        "lockgate: v1\nsystem: shop\ninclude: services/*.yaml\nservices: {web: {port: 80, command: [./web]}}\n\
         environments: {local: {target: local}}\n",
    );
    assert_eq!(lockgate_spec::includes(&main.text), ["services/*.yaml"]);
    assert!(lockgate_spec::fits("services/*.yaml", "services/api.yaml"));
    assert!(!lockgate_spec::fits("services/*.yaml", "services/old/api.yaml"));

    let api = source(
        "services/api.yaml",
        "services: {api: {port: 81, command: [./api], env: {WEB: \"${web.url}\"}}}\n",
    );
    let (spec, found) = Spec::load(vec![main.clone(), api]);
    assert_eq!(found, []);
    let system = spec.resolve(&environment("local"), &Facts::default()).0.unwrap();
    assert_eq!(system.services["api"].env["WEB"], "http://127.0.0.1:80");

    let twice = source("services/web.yaml", "services: {web: {port: 82}}\n");
    let (_, found) = Spec::load(vec![main.clone(), twice]);
    let shown: Vec<String> = found.iter().map(|it| format!("{} {}", it.code, it.message)).collect();
    assert_eq!(shown, ["LG004 `number` is said in two files"]);
    assert_eq!(found[0].labels.iter().map(|it| it.span.source.0).collect::<Vec<_>>(), [1, 0]);

    let (_, found) = Spec::load(vec![main]);
    assert_eq!(found[0].message, "`services/*.yaml` includes nothing");
}

#[test]
fn lints_are_seen_as_the_user_has_decided_and_errors_stay() {
    let text = |level: &str| {
        format!(
            "{HEAD}services: {{web: {{port: 80, command: [./web]}}}}\nrollout: {{strategy: canary}}\n\
             checks: {{LG402: {{level: {level}, reason: judged by hand}}}}\nenvironments: {{local: {{target: local}}}}\n"
        )
    };
    let severity = |level: &str| {
        let found = Spec::parse("lockgate.yaml", &text(level)).0.check();
        found.iter().find(|it| it.code.0 == 402).map(|it| it.severity)
    };
    assert_eq!(severity("off"), None);
    assert_eq!(severity("error"), Some(Severity::Error));
    assert_eq!(severity("info"), Some(Severity::Info));
    let unknown = text("off").replace("LG402", "LG499");
    assert_eq!(messages(&unknown), "LG017 there is no diagnostic `LG499`");
    let unreasoned = text("off").replace(", reason: judged by hand", "");
    assert_eq!(messages(&unreasoned), "LG014 entry of checks `LG402` has no `reason`");
}
