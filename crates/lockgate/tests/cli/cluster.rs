//! What looks into a real cluster, by an account that has the rendered Role and nothing else.

use std::path::{Path, PathBuf};

use lockgate_testbed::{Cluster, Namespace, image_of_program};
use serde_json::{Value, json};

use crate::world::World;

const WHAT: &str = "commands that look into a cluster";

/// A folder, a namespace, and an account that may do what the rendered Role says.
struct Account {
    world: World,
    namespace: Namespace,
}

impl Account {
    fn open() -> Option<Account> {
        let namespace = Namespace::new(&Cluster::given(WHAT)?, "lg-account");
        let world = World::new();
        world.write_text(&spec(&namespace.name));
        world.run(&["render", "--only", "rbac"]).ended(0);
        let kubeconfig = world.path().join("kubeconfig");
        let world = world.with_variable("KUBECONFIG", kubeconfig.to_str().unwrap());
        let account = Account { world, namespace };
        account.apply_role();
        account.log_in(&kubeconfig);
        Some(account)
    }

    fn role(&self) -> PathBuf {
        self.world.path().join("deploy/rbac/prod.yaml")
    }

    fn apply_role(&self) {
        self.namespace.kubectl(&["apply", "--filename", self.role().to_str().unwrap()]);
    }

    /// The tests' own kubeconfig, with another user in it.
    fn log_in(&self, kubeconfig: &Path) {
        let token = self.namespace.kubectl(&["create", "token", "lockgate"]);
        let all = ["config", "view", "--raw", "--minify", "--flatten", "--output", "json"];
        let mut config: Value = serde_json::from_str(&self.namespace.kubectl(&all)).unwrap();
        config["users"][0]["user"] = json!({ "token": token.trim() });
        std::fs::write(kubeconfig, config.to_string()).unwrap();
    }
}

fn spec(namespace: &str) -> String {
    format!(
        "lockgate: v1
system: shop
services:
  web:
    image: shop/web
    command: [sample]
    port: 8080
    replicas: 1
    health: {{path: /health, interval: 1s, ready_within: 30s}}
    stop: {{drain: 1s, grace: 2s}}
    env: {{LABEL: \"${{release.version}}\"}}
smoke: [{{get: /health, service: web}}]
rollout: {{strategy: rolling}}
environments:
  prod: {{target: {{kubernetes: {{namespace: {namespace}, via: apply, traffic: replicas}}}}}}
"
    )
}

#[test]
fn an_account_with_the_rendered_role_releases_and_sees_what_others_change() {
    let Some(account) = Account::open() else { return };
    let world = &account.world;
    world.run(&["doctor", "prod"]).ended(0).says("that a release needs");
    let image = image_of_program(
        Path::new(env!("CARGO_BIN_EXE_lockgate")),
        &format!("lockgate-test/account:{}", std::process::id()),
    );
    let image = format!("web={image}");
    let plan = ["plan", "prod", "--version", "v1", "--image", &image];
    world
        .run(&plan)
        .ended(0)
        .says("differ from what is in the cluster")
        .says("Deployment web-r1  is missing");
    world.run(&["deploy", "prod", "--version", "v1", "--image", &image]).ended(0);
    world.run(&["diff", "prod"]).ended(0).says("as the spec says");

    account.namespace.kubectl(&[
        "set",
        "image",
        "deployment/web-r1",
        "web=shop/other:2",
        "--field-manager",
        "somebody",
    ]);
    world
        .run(&["diff", "prod"])
        .ended(10)
        .says("containers[web].image: shop/other:2  (written by somebody at");
    let plan = world.run(&[&plan[..], &["--format", "json"]].concat()).ended(0).json();
    assert_eq!(plan["objects"]["differ"][0]["name"], "web-r1", "{}", plan["objects"]);

    let role = std::fs::read_to_string(account.role()).unwrap();
    let without = role.replace("[pods/log]", "[pods/none]");
    assert_ne!(role, without);
    std::fs::write(account.role(), without).unwrap();
    account.apply_role();
    let said = world.run(&["doctor", "prod"]).ended(1);
    let said = said.says("right to get pods/log").says("the last words of what crashed are shown");
    said.says(r#"{apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}"#);
}
