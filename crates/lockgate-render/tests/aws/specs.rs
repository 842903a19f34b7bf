//! Specs that ask for everything that the formats can do.

use crate::common;
use lockgate_render::Rendered;

/// Two services that users reach, one that only others do, workers, jobs, and each kind of store and of alert.
pub const ECS: &str = r#"
lockgate: v1
system: shop
owner: shop-team
build: {preset: node, image: 210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop, platforms: [linux/arm64]}
dependencies:
  postgres: {type: postgres, version: "17", database: shop, user: shop}
  cache: {type: redis, version: "7.2", tls: required}
services:
  web:
    port: 8000
    env:
      PLAIN: text
      EMPTY: ""
      NESTED: "{{other}}"
      VERSION: ${release.version}
      JOINED: "x-${secrets.SHARED}"
      SHARED_COPY: ${secrets.SHARED}
      ORDERS: ${orders.url}
      UPLOADS_S3_BUCKET: shop-uploads
    secrets:
      SHARED: {generate: hex32, rotate: 30d}
      WHOLE: {from: shop/whole}
      AMBIGUOUS: {from: shop/the-secret}
      PART: {from: shop/parts, key: one}
      OPTIONAL: {required: false}
    health: /health
    depends_on: [postgres, cache]
    replicas: 2
    autoscaling: {min: 2, max: 6, cpu: 70%, memory: 80%, requests_per_second: 50}
    resources: {limits: {cpu: "1", memory: 1Gi}}
    volumes:
      files: {path: /files, size: 1Gi, access: shared}
      work: {path: /work, access: scratch}
    ingress: {hosts: [shop.example], paths: [/]}
    stop: {drain: 45s, grace: 3m}
  api:
    extends: web
    port: 8001
    env: {PLAIN: other}
    health: /health
    ingress: {hosts: [shop.example], paths: [/api]}
  orders:
    build: {preset: rust, image: 210987654321.dkr.ecr.eu-west-1.amazonaws.com/orders}
    ports: {grpc: 50051}
    depends_on: [postgres]
  worker:
    extends: web
    command: [node, worker.js]
    replicas: 3
migrations: {command: [node, migrate.js], in: web, when: before-rollout}
seeds: {command: [node, seed.js], in: web, run: once}
cron:
  report: {schedule: "30 2 * * 1-5", timezone: Europe/Berlin, command: [node, report.js], in: web}
smoke:
  - {get: /health, service: web}
slo:
  availability: {objective: "> 99.9%", alert: "< 99% for 10m", severity: critical}
  error_rate: {objective: "< 0.5%", alert: "> 1.5% for 5m", severity: critical}
  latency_p95: {objective: "< 300ms", alert: "> 500ms for 5m", severity: warning}
  latency_p99: {objective: "< 1s", alert: "> 2s for 5m", severity: warning}
  cpu: {alert: "> 90% for 15m", severity: warning}
  memory: {alert: "> 90% for 15m", severity: warning}
  postgres.cpu: {alert: "> 80% for 10m", severity: warning}
  cache.memory: {alert: "> 80% for 10m", severity: warning}
  cache.evictions: {alert: "> 100 in 10m", severity: warning}
alerts:
  PostgresDown: {metric: postgres.up, alert: "< 1 for 1m", severity: critical}
  CacheDown: {metric: cache.up, alert: "< 1 for 2m", severity: critical}
  TooFew: {metric: up, alert: "< 1 for 3m", severity: critical}
monitoring: {logs: {group: /shop/logs, retention: 20d}}
rollout:
  strategy: canary
  steps: [{weight: 25%, pause: 5m}, {weight: 50%, pause: 5m}, {weight: 75%, pause: 5m}, {weight: 100%}]
  bake: 10m
  rollback_on: [error_rate, latency_p95, crash_loop]
notifications:
  sns: {topic: shop-alerts, to: [ops@shop.example, "https://hooks.shop.example/aws"], severity: critical}
  email: {to: team@shop.example}
environments:
  production:
    target:
      ecs:
        region: eu-west-1
        cluster: shop
        load_balancer: shop-alb
        subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
        security_groups: [sg-0123456789abcdef0]
    stores:
      secrets: {aws-secrets-manager: shop/app}
      config: {aws-parameter-store: /shop/config}
    dependencies:
      postgres: {external: {rds: shop-db}}
      cache: {external: {elasticache: shop-cache}}
"#;

/// A service, a worker and a migration in Express Mode, without a registry that says whose account it is.
pub const EXPRESS: &str = r"
lockgate: v1
system: shop
build: {preset: python, image: registry.example/shop}
services:
  web:
    port: 8000
    health: /health
    autoscaling: {min: 1, max: 4, requests_per_second: 20}
    ingress: {hosts: [shop.example]}
  worker: {command: [python, worker.py]}
migrations: {command: [alembic, upgrade, head], in: web}
environments:
  production: {target: {ecs-express: {region: us-gov-west-1}}}
";

pub const APP_RUNNER: &str = r#"
lockgate: v1
system: shop
build: {preset: nextjs, image: 210987654321.dkr.ecr.eu-west-1.amazonaws.com/shop}
dependencies:
  cache: {type: redis, version: "7.2"}
services:
  web:
    port: 3000
    command: [node, "my server.js"]
    env: {LOG_LEVEL: info}
    secrets: {TOKEN: {}}
    health: /health
    depends_on: [cache]
    autoscaling: {min: 1, max: 4, cpu: 70%}
    ingress: {hosts: [shop.example]}
slo:
  error_rate: {objective: "< 0.5%", alert: "> 2% for 5m", severity: critical}
  latency_p95: {objective: "< 300ms", alert: "> 500ms for 5m", severity: warning}
notifications: {email: {to: ops@shop.example}}
environments:
  production:
    target: {apprunner: {region: eu-west-1}}
    stores: {secrets: {aws-parameter-store: /shop/secrets}, config: {aws-parameter-store: /shop/config}}
    dependencies: {cache: {external: {elasticache: shop-cache}}}
"#;

/// Everything of AWS that the examples and these specs give.
pub fn all() -> Vec<(&'static str, Rendered)> {
    let examples = ["covenant-connect-ecs", "kanvaro"].map(|it| (it, common::example(it)));
    let specs = [("ecs", ECS), ("express", EXPRESS), ("apprunner", APP_RUNNER)];
    let specs = specs.map(|(name, spec)| (name, common::rendered(spec)));
    examples.into_iter().chain(specs).collect()
}
