//! Hosts and paths that others are told.

use super::{NONE, lines};

fn of(ingress: &str, env: &str, keys: &str) -> Vec<String> {
    let web = format!("web: {{port: 8080, image: \"web:1\", ingress: {ingress}, env: {{{env}}}}}");
    lines(keys, &web, "prod: {target: {kubernetes: {}}}")
}

fn lost(name: &str, what: &str) -> Vec<String> {
    vec![format!("LG216 `{name}` tells others of `{what}`, where no ingress of `prod` leads")]
}

const APP: &str = "app.shop.example";

#[test]
fn hosts_that_others_are_told_have_a_route() {
    for (env, name, host) in [
        (
            "CORS_ORIGINS: \"https://app.shop.example,https://admin.shop.example\"",
            "CORS_ORIGINS",
            "admin.shop.example",
        ),
        ("OAUTH_REDIRECT_URI: https://login.shop.example/done", "OAUTH_REDIRECT_URI", "login.shop.example"),
        ("SERVER_NAME: www.shop.example", "SERVER_NAME", "www.shop.example"),
    ] {
        assert_eq!(of(APP, env, ""), lost(name, host), "{env}");
    }
    for env in [
        "CORS_ORIGINS: https://app.shop.example",
        "CORS_ORIGINS: https://partner.example",
        "CORS_ORIGINS: \"https://*.shop.example\"",
        "COOKIE_DOMAIN: .shop.example",
        "DOMAIN: shop.example",
        "CDN_BASE_URL: https://cdn.shop.example",
        "MAIL_DOMAIN: mail.shop.example",
        "LINK: https://admin.shop.example",
        "WEBHOOK_URL: https://hooks.slack.com/services/x",
        "PUBLIC_URL: /shop",
    ] {
        assert_eq!(of(APP, env, ""), NONE, "{env}");
    }
    let admin = "CORS_ORIGINS: https://admin.shop.example";
    assert_eq!(of("\"*.shop.example\"", admin, ""), NONE);
    // Many systems have names there.
    assert_eq!(of("shop.fly.dev", "CORS_ORIGINS: https://other.fly.dev", ""), NONE);
    // It is said that somebody else answers.
    let external = "dependencies: {admin: {type: http, external: {url: \"https://admin.shop.example/v2\"}}}";
    assert_eq!(of(APP, admin, external), NONE);
}

#[test]
fn paths_that_others_are_told_have_a_route() {
    let paths = "{hosts: app.shop.example, paths: [/api, /auth]}";
    let at = |path: &str| of(paths, &format!("STRIPE_WEBHOOK_URL: https://app.shop.example{path}"), "");
    assert_eq!(at("/webhooks/stripe"), lost("STRIPE_WEBHOOK_URL", "app.shop.example/webhooks/stripe"));
    assert_eq!(at("/apis"), lost("STRIPE_WEBHOOK_URL", "app.shop.example/apis"));
    for path in ["/api/stripe", "/auth", "", "/", "/api?x=/webhooks"] {
        assert_eq!(at(path), NONE, "{path}");
    }
}

#[test]
fn the_host_of_the_environment_has_a_domain_as_well() {
    let web = "web: {port: 8080, image: \"web:1\", ingress: shop.fly.dev, env: {CALLBACK_URL: https://api.shop.example/x}}";
    let of = |host: &str| lines("", web, &format!("prod: {{target: {{kubernetes: {{}}}}{host}}}"));
    assert_eq!(of(", host: www.shop.example"), lost("CALLBACK_URL", "api.shop.example"));
    assert_eq!(of(""), NONE);
}

#[test]
fn without_an_ingress_nothing_is_known_of_routes() {
    let web = "web: {port: 8080, image: \"web:1\", env: {CORS_ORIGINS: https://admin.shop.example}}";
    assert_eq!(lines("", web, "prod: {target: {kubernetes: {}}, host: app.shop.example}"), NONE);
}
