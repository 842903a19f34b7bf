//! A small system with one of everything, and its variants.

use std::collections::BTreeSet;

use lockgate_render::{Artifact, Kind, Rendered, Request, Selection, render};
use serde_json::Value;

use crate::common::manifests::{Objects, objects};
use crate::common::{EXAMPLES, example_request, rendered, request};

pub(crate) const SHOP: &str = r#"
lockgate: v1
system: shop
build: {preset: node, image: "registry.example.org/${service.name}"}
dependencies:
  postgres: {type: postgres, version: "17", database: shop, storage: 5Gi, extensions: [pgcrypto]}
  redis: {type: redis, external: {url: "rediss://cache.example.org:7000"}}
defaults: {resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {cpu: "1", memory: 256Mi}}}
services:
  web:
    port: 8080
    env:
      GREETING: "costs $5"
      VERSION: "${release.version}"
      BANNER: "web ${release.version} of ${git.sha7}"
      REGION: {required: true}
    secrets: {TOKEN: {about: of the API}, EXTRA: {required: false}}
    health: {live: {tcp: http}, ready: /up, path: /up, ready_within: 90s}
    depends_on: [api, redis]
    replicas: 3
    disruption_budget: {min_available: 50%}
    volumes: {cache: {path: /cache, size: 1Gi, access: scratch}}
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: 500m, memory: 1Gi}}
    ingress: {hosts: shop.example.org, class: public}
    egress: ["https://api.example.org", "tcp://10.1.2.3:25"]
    metrics: /metrics
    stop: {drain: 20s, grace: 15s}
  api:
    command: [node, api.js, "--price=$(free)"]
    ports: {http: 9000, grpc: 9001}
    health: /up
    depends_on: [postgres]
    replicas: 2
    autoscaling: {max: 6, cpu: 70%}
    resources: {requests: {cpu: 250m}}
    volumes: {uploads: {path: /data, size: 2Gi, access: shared}}
  worker: {command: [node, worker.js], depends_on: [postgres]}
migrations: {command: [node, migrate.js], in: api, timeout: 2m, keep_for: 30m, retry: {attempts: 6, initial: 2s, max: 60s}}
seeds: {command: [node, seed.js], in: api, run: once}
cron:
  report: {schedule: "0 7 * * 1", timezone: Europe/Berlin, command: [node, report.js], in: api}
environments:
  prod:
    target: {kubernetes: {namespace: shop, via: apply, traffic: gateway-api, pull_secret: registry}}
    tag: v*
    stores: {secrets: {kubernetes: shop-secrets}}
    rollout: {strategy: canary, steps: [{weight: 10%, pause: 5m}, {weight: 100%}]}
"#;

/// Plain manifests and Kustomize of every environment on Kubernetes, whatever it is shipped with.
pub(crate) fn both_forms(request: Request) -> Rendered {
    let kinds = BTreeSet::from([Kind::Manifests, Kind::Kustomize]);
    let selection = Selection { kinds: Some(kinds), ..request.selection };
    render(&Request { selection, ..request }).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

pub(crate) fn manifests<'r>(rendered: &'r Rendered, environment: &str) -> impl Iterator<Item = &'r Artifact> {
    let folder = format!("deploy/kubernetes/{environment}/");
    rendered.artifacts.iter().filter(move |it| it.path.starts_with(&folder))
}

pub(crate) fn of_shop(spec: &str) -> Objects {
    objects(manifests(&rendered(spec), "prod").map(|it| it.text.clone()))
}

pub(crate) fn object<'o>(objects: &'o Objects, kind: &str, name: &str) -> &'o Value {
    let found = objects.get(&(kind.to_owned(), name.to_owned()));
    found.unwrap_or_else(|| panic!("no {kind} {name}; there are {:?}", objects.keys()))
}

/// The one whose name begins so, where a digest follows.
pub(crate) fn by_content<'o>(objects: &'o Objects, kind: &str, name: &str) -> &'o Value {
    let begin = format!("{name}-");
    let mut found = objects.iter().filter(|it| it.0.0 == kind && it.0.1.starts_with(&begin));
    found.next().unwrap_or_else(|| panic!("no {kind} {name}-...")).1
}

/// The examples, and the small system in the variants that they do not have.
pub(crate) fn requests() -> Vec<(String, Request)> {
    let examples = EXAMPLES.iter().map(|it| ((*it).to_owned(), example_request(it)));
    let second = "  staging:\n    target: {kubernetes: {namespace: shop-staging, via: apply, traffic: ingress-nginx}}\n    branch: main\n    stores: {secrets: {external-secrets: vault}}\n    services: {web: {replicas: 1, env: {MORE: x}}, worker: null}\n    dependencies: {redis: {external: null, version: \"8.2\", auth: true}}\n    cron: null\n";
    let variants = [
        ("shop".to_owned(), SHOP.to_owned()),
        ("shop-twice".to_owned(), SHOP.to_owned() + second),
        (
            "shop-blue-green".to_owned(),
            SHOP.replace(
                "{strategy: canary, steps: [{weight: 10%, pause: 5m}, {weight: 100%}]}",
                "{strategy: blue-green}",
            ),
        ),
        (
            "shop-recreate".to_owned(),
            SHOP.replace(
                "{strategy: canary, steps: [{weight: 10%, pause: 5m}, {weight: 100%}]}",
                "{strategy: recreate}",
            ),
        ),
    ];
    examples.chain(variants.into_iter().map(|it| (it.0, request(&it.1)))).collect()
}
