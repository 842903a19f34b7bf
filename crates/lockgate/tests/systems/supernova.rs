//! Supernova: staging by branch, production by tag with the digests of staging. One cluster, two namespaces, two
//! repositories of images, and a git repository that names the versions.

use std::net::SocketAddr;
use std::process::Command;

use lockgate_testbed::{Cluster, Image, Namespace, Server, image_of_server};

use crate::folder::Folder;
use crate::images::sample_with;
use crate::users::{Users, assert_nothing_was_lost};

const HITS: (&str, &str) =
    ("0001_hits.sql", "CREATE TABLE hits (service text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);\n");
const REQUESTS_PER_SECOND: f64 = 60.0;

#[test]
fn what_staging_ran_goes_to_production_by_its_tag_and_nothing_else_does() {
    let Some(cluster) = Cluster::given("supernova on Kubernetes") else { return };
    let (Some(postgres), Some(redis)) = (
        image_of_server(Server::Postgres, "systems/postgres:17"),
        image_of_server(Server::Redis, "systems/redis:8"),
    ) else {
        return;
    };
    let supernova = Supernova::new(&cluster);
    for namespace in [&supernova.staging, &supernova.prod] {
        namespace.apply(&beside(&postgres, &redis));
        namespace.kubectl(&["wait", "--for=condition=available", "--timeout=60s", "deployment", "--all"]);
    }
    supernova.folder.run(&["check"]).ended(0);

    let one = supernova.commit("one");
    supernova.folder.run(&["deploy", "prod"]).ended(1).says("has no tag like `v*`");
    supernova.git(&["tag", "v1.0.0"]);
    supernova.folder.run(&["deploy", "prod"]).ended(1).says("`lockgate deploy staging` comes first");
    supernova.folder.run(&["deploy", "staging"]).ended(0);
    supernova.seeded_at_the_third_attempt();
    supernova.folder.run(&["deploy", "prod"]).ended(0).says(&format!("r1 ({one}) in `staging`"));
    let first = supernova.one_digest_everywhere();

    let two = supernova.commit("two");
    let users = [supernova.users("staging"), supernova.users("prod")];
    supernova.folder.run(&["deploy", "staging"]).ended(0);
    supernova.git(&["tag", "v1.1.0"]);
    supernova.folder.run(&["deploy", "prod"]).ended(0);
    let second = supernova.one_digest_everywhere();
    assert_ne!(first, second);
    let [of_staging, of_prod] = users.map(Users::leave);
    for (report, versions) in [(of_staging, [one.as_str(), &two]), (of_prod, ["v1.0.0", "v1.1.0"])] {
        assert_nothing_was_lost(&report);
        assert!(versions.iter().all(|it| 0 < report.answered_by(it)), "{versions:?}: {report:?}");
    }
    supernova.went_by_steps("r4");

    supernova.commit("three");
    supernova.git(&["tag", "v1.2.0"]);
    let said = supernova.folder.run(&["deploy", "prod"]).ended(1);
    said.says("no release of v1.2.0 or of commit").says(&format!("the newest there is {two} (r3)"));
    supernova.folder.run(&["deploy", "prod", "--version", "v9"]).ended(1).says("no release of v9");
    assert_eq!(supernova.one_digest_everywhere(), second);
}

struct Supernova<'c> {
    cluster: &'c Cluster,
    folder: Folder,
    staging: Namespace,
    prod: Namespace,
    image: Image,
    /// Of staging's images; production has another one.
    repository: String,
}

impl Supernova<'_> {
    fn new(cluster: &Cluster) -> Supernova<'_> {
        let [staging, prod] = ["supernova-staging", "supernova-prod"].map(|it| Namespace::new(cluster, it));
        let mut folder = Folder::of_example("supernova", "");
        folder.set("KUBECONFIG", cluster.kubeconfig.display().to_string());
        folder.set("LOCKGATE_INSECURE_REGISTRIES", &cluster.registry);
        let repository = format!("{}/server", staging.name);
        let supernova = Supernova { cluster, folder, staging, prod, image: sample_with([HITS]), repository };
        supernova.adapt();
        for environment in ["staging", "prod"] {
            let path = supernova.folder.path().join(format!(".env.{environment}"));
            std::fs::write(path, SECRETS).unwrap();
        }
        std::fs::write(supernova.folder.path().join(".gitignore"), ".env.*\n.lockgate/\n").unwrap();
        std::fs::write(supernova.folder.path().join("CHANGELOG.md"), "# Changelog\n").unwrap();
        supernova.git(&["init", "--quiet", "--initial-branch", "main"]);
        supernova
    }

    /// The example, with the sample service for its own, and with short times.
    fn adapt(&self) {
        let folder = &self.folder;
        let registry = &self.cluster.registry;
        folder.edit("ghcr.io/supernova/${service.name}", &format!("{registry}/{}", self.repository));
        folder.edit("  platforms: [linux/amd64, linux/arm64]\n", "");
        let service = "    port: 3000\n    command: [sample]\n    stop: {drain: 2s, grace: 5s}\n    \
                       env: {SAMPLE_VERSION: \"${release.version}\"}\n";
        folder.edit("    port: 3000\n", service);
        folder.edit("      path: /healthz\n", "      path: /healthz\n      interval: 1s\n");
        folder.edit("\"${environment.host}\", class: nginx", "\"${environment.host}\"");
        folder.edit("requests: {cpu: 250m, memory: 256Mi}", "requests: {cpu: 5m, memory: 16Mi}");
        folder.edit("[node, db/migrate.mjs]", "[node, sqlx-migrate, --source, /migrations]");
        folder.edit("[node, db/seed.mjs]", "[sample, task, seed, --fail-first, \"2\"]");
        folder.edit("initial: 2s, max: 60s", "initial: 500ms, max: 60s");
        folder.edit("  - {get: /auth/.well-known/jwks.json, json: $.keys}\n", "");
        folder.edit("/api/entitlements/test", "/work");
        folder.edit("pause: 5m", "pause: 2s");
        let analysis = "tick: 500ms, warmup: 500ms, min_time: 1s, min_requests: 30, max_time: 5m";
        folder.edit("  bake: 30m\n", &format!("  bake: 2s\n  analysis: {{{analysis}}}\n"));
        for (environment, namespace) in [("staging", &self.staging), ("prod", &self.prod)] {
            let name = &namespace.name;
            let kubeconfig = format!("KUBECONFIG_{}", environment.to_uppercase());
            let target = format!(
                "{{context: {environment}, namespace: supernova, via: helmfile, traffic: gateway-api, \
                 kubeconfig: {kubeconfig}, pull_secret: ghcr-secret}}"
            );
            folder.edit(&target, &format!("{{namespace: {name}, traffic: gateway-api}}"));
            let store = format!("{{external-secrets: supernova-{environment}}}");
            folder.edit(&store, &format!("{{file: .env.{environment}}}"));
        }
        folder.edit("host: staging.supernova.com", &format!("host: {}.test", self.staging.name));
        folder.edit("    host: supernova.com", &format!("    host: {}.test", self.prod.name));
        folder.edit(
            "    protection: {reviewers: 1, from: [team/developers], wait_timer: 0s, branches: [main]}\n",
            "",
        );
        let text = std::fs::read_to_string(folder.path().join("lockgate.yaml")).unwrap();
        let (_, rest) = text.split_once("    protection:\n").unwrap();
        let (block, _) = rest.split_once("    stores:").unwrap();
        folder.edit(&format!("    protection:\n{block}"), "");
        let own = format!("build: {{image: {registry}/{}/server}}", self.prod.name);
        folder.edit("    promote: staging", &format!("    {own}\n    promote: staging"));
    }

    /// Commits, and pushes the image that a pipeline would have made of the commit. Gives its version on staging.
    fn commit(&self, text: &str) -> String {
        std::fs::write(self.folder.path().join("server.txt"), text).unwrap();
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", text]);
        let version = format!("staging-{}", self.git(&["rev-parse", "--short=7", "HEAD"]));
        self.image.push(&self.cluster.registry, &format!("{}:{version}", self.repository));
        version
    }

    fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"];
        let mut command = Command::new("git");
        let done = command.arg("-C").arg(self.folder.path()).args(identity).args(args).output().unwrap();
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    fn users(&self, environment: &str) -> Users {
        let namespace = if environment == "prod" { &self.prod } else { &self.staging };
        let gateway: SocketAddr = self.cluster.gateway.trim_start_matches("http://").parse().unwrap();
        Users::of(vec![format!("http://{}.test/work", namespace.name)], Some(gateway), REQUESTS_PER_SECOND)
    }

    /// What the pods of both namespaces really run, as the kubelets say.
    fn one_digest_everywhere(&self) -> String {
        let of = |namespace: &Namespace| {
            let path = "jsonpath={range .items[*]}{.status.containerStatuses[0].imageID}{\"\\n\"}{end}";
            let label = "--selector=app.kubernetes.io/name=supernova-server";
            let phase = "--field-selector=status.phase=Running";
            let listed = namespace.kubectl(&["get", "pods", label, phase, "--output", path]);
            let mut digests: Vec<String> =
                listed.lines().map(|it| it.rsplit_once('@').unwrap().1.to_owned()).collect();
            digests.sort();
            digests.dedup();
            digests
        };
        let (staging, prod) = (of(&self.staging), of(&self.prod));
        assert_eq!(staging, prod);
        assert_eq!(staging.len(), 1, "{staging:?}");
        staging[0].clone()
    }

    fn seeded_at_the_third_attempt(&self) {
        let said = self.folder.run(&["history", "staging", "--release", "r1"]).ended(0).stdout;
        let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("no `{what}`:\n{said}"));
        let order = ["migrate: applied 1 hits", "seed: run 1 failed", "seed: run 2 failed", "seed: run 3"];
        assert!(order.map(at).is_sorted(), "{said}");
    }

    fn went_by_steps(&self, release: &str) {
        let said = self.folder.run(&["history", "prod", "--release", release]).ended(0).stdout;
        for weight in ["10% of", "50% of", "100% of"] {
            assert!(said.contains(weight), "no `{weight}`:\n{said}");
        }
    }
}

/// What the stores of the environments would hold.
const SECRETS: &str = "DATABASE_URL=postgres://postgres:test@postgres:5432/postgres
REDIS_URL=redis://redis:6379
ISSUER_ADMIN_SECRET=test
COLLAB_PAY_WEBHOOK_SECRET=test
GOOGLE_SERVICE_ACCOUNT_KEY={\"type\":\"service_account\"}
APPLE_SHARED_SECRET=test
SLACK_WEBHOOK_URL=https://hooks.slack.example/test
PAGERDUTY_KEY=test
SMOKE_JWT=test
";

/// The servers that somebody else runs, and the gateway.
fn beside(postgres: &str, redis: &str) -> String {
    let server = |name: &str, image: &str, port: u16, env: &str| {
        format!(
            "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: {name}
          image: {image}
          {env}
          readinessProbe: {{tcpSocket: {{port: {port}}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: {port}}}]}}
"
        )
    };
    let gateway = "---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: supernova}
spec: {gatewayClassName: traefik, listeners: [{name: web, port: 8000, protocol: HTTP}]}
";
    let password = "env: [{name: POSTGRES_PASSWORD, value: test}]";
    [&server("postgres", postgres, 5432, password), &server("redis", redis, 6379, ""), gateway].concat()
}
