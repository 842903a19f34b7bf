//! What browsers get to see.

use super::{NONE, lines};

/// A web service and a backend, both built; `args` and `env` are of the web service.
fn of(args: &str, env: &str, target: &str) -> Vec<String> {
    let services = format!(
        "backend: {{port: 8000, ingress: api.shop.example}}, \
         web: {{port: 3000, command: [./web], build: {{args: {{{args}}}}}, env: {{{env}}}}}"
    );
    let build = "build: {dockerfile: D, image: \"shop/${service.name}\"}\ndefaults: {command: [./run]}";
    lines(build, &services, &format!("e: {{target: {target}}}"))
}

const CLUSTER: &str = "{kubernetes: {}}";

#[test]
fn browsers_are_told_what_they_can_find() {
    for good in ["/api", "https://api.shop.example", "${backend.ingress.url}", "http://backend.shop.example"]
    {
        assert_eq!(of(&format!("VITE_API: \"{good}\""), "", CLUSTER), NONE, "{good}");
    }
    for bad in ["http://backend:8000", "http://api.shop.svc.cluster.local", "http://localhost:8000"] {
        let found = [format!("LG213 browsers read `VITE_API`, and `{bad}` is known inside only")];
        assert_eq!(of(&format!("VITE_API: \"{bad}\""), "", CLUSTER), found);
        assert_eq!(of("", &format!("PUBLIC_API: \"{bad}\""), CLUSTER), [found[0].replace("VITE", "PUBLIC")]);
    }
    for (bad, comes_to) in [("${backend.url}/v1", "http://backend:8000/v1"), ("${backend.host}", "backend")] {
        assert_eq!(
            of(&format!("VITE_API: \"{bad}\""), "", CLUSTER),
            [format!("LG213 browsers read `VITE_API`, and `{comes_to}` is known inside only")]
        );
    }
}

#[test]
fn what_stays_inside_may_be_internal() {
    assert_eq!(of("API_URL: \"${backend.url}\"", "API_URL: \"${backend.url}\"", CLUSTER), NONE);
    // A word that happens to be the name of a service is no address.
    assert_eq!(of("VITE_MODE: backend", "", CLUSTER), NONE);
    // On this machine the browser is inside as well.
    assert_eq!(of("VITE_API: \"http://localhost:8000\"", "", "docker"), NONE);
    assert_eq!(of("", "VITE_API: \"${backend.url}\"", "local"), NONE);
}

#[test]
fn variables_of_the_build_are_arguments_of_it() {
    let late = "LG214 `VITE_API` is read when the image is built, and `env` is set when it is started";
    assert_eq!(of("", "VITE_API: /api", CLUSTER), [late]);
    assert_eq!(of("VITE_API: /v1", "VITE_API: /v2", CLUSTER), [late]);
    assert_eq!(of("VITE_API: /api", "VITE_API: /api", CLUSTER), NONE);
    assert_eq!(of("", "NUXT_PUBLIC_API: /api, PUBLIC_API: /api, API: /api", CLUSTER), NONE);
    // Whoever built that image may replace it at the start.
    let other = "web: {port: 3000, image: \"web:1\", env: {VITE_API: /api}}";
    assert_eq!(lines("", other, "e: {target: docker}"), NONE);
    // There the program starts from its source.
    assert_eq!(of("", "VITE_API: /api", "local"), NONE);
}
