//! Which services there are, and how they reach one another.

use super::{LOCAL, WEB, lines};

#[test]
fn extends_leads_to_a_service_that_is_there() {
    let of = |worker: &str, environments: &str| {
        lines("", &format!("{WEB}, worker: {{command: [./worker], extends: {worker}}}"), environments)
    };
    let none: [&str; 0] = [];
    assert_eq!(of("web", LOCAL), none);
    assert_eq!(of("worker", LOCAL), ["LG110 `worker` extends itself"]);
    assert_eq!(of("wbe", LOCAL), ["LG104 there is no service `wbe`"]);
    // What is shared of a removed service is written at the root; without an image nothing is missed.
    assert_eq!(of("web", "local: {target: local, services: {web: null}}, all: {target: local}"), none);
    let chain = "a: {command: [./a]}, b: {extends: a}, c: {extends: b}, d: {extends: b}";
    assert_eq!(lines("", chain, LOCAL), none);
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
    let none: [&str; 0] = [];
    let removed = ["LG111 `search` is needed, and environment `dev` removes it"];
    assert_eq!(of("", "depends_on: [search]"), removed);
    assert_eq!(of("", "env: {URL: \"${services.search.url}/v1\"}"), removed);
    assert_eq!(of("smoke: [{get: /, service: search}]", ""), removed);
    assert_eq!(of("migrations: {command: [./migrate], in: search}", ""), removed);
    assert_eq!(of("", ""), none);
    assert_eq!(of("", "env: {NAME: search, MONEY: \"$$search\"}"), none);
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
    let none: [&str; 0] = [];
    assert_eq!(lines("", own, dev), none);
}
