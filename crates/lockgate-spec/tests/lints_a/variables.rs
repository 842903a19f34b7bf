//! Variables of which two things are said, and one thing that is said twice.

use super::{LOCAL, NONE, lines};

#[test]
fn addresses_are_not_written_twice() {
    let of = |env: &str, environments: &str| {
        lines("", &format!("web: {{port: 8080, command: [./web], env: {{{env}}}}}"), environments)
    };
    let both = "A: \"https://api.example/v1\", B: \"https://api.example/v1\"";
    assert_eq!(of(both, LOCAL), ["LG210 `A` and `B` always have the same value"]);
    // Somewhere they differ, or one of them is not there.
    for other in ["env: {B: \"https://b.example\"}", "env: {B: null}"] {
        let environments = format!("{LOCAL}, dev: {{target: local, services: {{web: {{{other}}}}}}}");
        assert_eq!(of(both, &environments), NONE, "{other}");
    }
    for same in
        ["production", "\"true\"", "\"604800\"", "/var/lib/app", "1.2.3.4", "us-east-1", "\"0 7 * * 1\""]
    {
        assert_eq!(of(&format!("A: {same}, B: {same}"), LOCAL), NONE, "{same}");
    }
    assert_eq!(of("A: \"${web.url}\", B: \"${web.url}\"", LOCAL), NONE);
}

#[test]
fn a_variable_is_set_by_one() {
    let of = |web: &str, environment: &str| {
        let services = format!("web: {{port: 8080, image: \"web:1\", {web}}}");
        lines(
            "dependencies: {cache: {type: redis}}",
            &services,
            &format!("e: {{target: docker, {environment}}}"),
        )
    };
    let both = |by: &str| {
        vec![format!("LG223 `C` is to carry the address of `cache`, and `{by}` declares it as well")]
    };
    assert_eq!(of("depends_on: {cache: {as: C}}, env: {C: \"${cache.url}/1\"}", ""), both("env"));
    assert_eq!(of("depends_on: {cache: {as: C}}, secrets: [C]", ""), both("secrets"));
    assert_eq!(of("depends_on: [cache], env: {REDIS_URL: \"${cache.url}/1\"}", ""), NONE);
    assert_eq!(of("depends_on: {cache: {as: C}}, env: {D: d}", ""), NONE);
    let overrides = "services: {web: {env: {C: \"${cache.url}/2\"}}}";
    assert_eq!(of("depends_on: {cache: {as: C}}", overrides), NONE);
}

#[test]
fn what_the_store_has_is_not_given_here() {
    let of = |env: &str, environments: &str| {
        lines("", &format!("web: {{port: 8080, command: [./web], env: {{A: {env}}}}}"), environments)
    };
    assert_eq!(
        of("{value: a, required: true}", LOCAL),
        ["LG224 `A` is wanted of the store and has a value here"]
    );
    assert_eq!(of("{required: true}", LOCAL), NONE);
    assert_eq!(of("{value: a, required: false}", LOCAL), NONE);
    let given = "local: {target: local, services: {web: {env: {A: a}}}}";
    assert_eq!(of("{required: true}", given), NONE);
}
