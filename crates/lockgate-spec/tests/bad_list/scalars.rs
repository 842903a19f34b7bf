//! Words that some readers of YAML take for numbers or truth values, and how much is too much.

use lockgate_model::{Millis, Version};
use lockgate_spec::{Facts, Spec};

use super::{accepted, root, service, tells};

#[test]
fn whole_numbers_are_plain_digits() {
    for (written, words) in [
        ("\"3\"", "`3` is a string, not a number"),
        ("yes", "is not a whole number"),
        ("no", "is not a whole number"),
        ("on", "is not a whole number"),
        ("true", "is not a whole number"),
        ("0o17", "write it as a decimal number: `15`"),
        ("0x1F", "write it as a decimal number: `31`"),
        ("017", "begins with a zero"),
        ("1_000", "is not a whole number"),
        ("1e3", "is not a whole number"),
        (".inf", "is not a whole number"),
        (".nan", "is not a whole number"),
        ("22:22", "is not a whole number"),
        ("+1000", "is not a whole number"),
        ("-1", "negative numbers have no meaning here"),
        ("2.5", "is not a whole number"),
        ("3.0", "is not a whole number"),
        ("٣", "is not a whole number"),
        ("0", "allowed are 1 to 1000"),
        ("1001", "allowed are 1 to 1000"),
        ("99999999999999999999999999", "allowed are 1 to 1000"),
    ] {
        tells(&service(&format!("replicas: {written}")), "LG013", words);
    }
    tells(&service("replicas: ~"), "LG020", "`replicas` has no value");
    tells(&service("replicas:"), "LG020", "`replicas` has no value");
}

#[test]
fn truth_values_are_true_or_false() {
    let of = |written: &str| root(&format!("release: {{draft: {written}}}"));
    for written in ["true", "True", "TRUE", "false"] {
        accepted(&of(written));
    }
    for written in ["yes", "no", "on", "off", "Y", "1", "\"true\"", "tRue"] {
        tells(&of(written), "LG013", "`true` or `false` is wanted");
    }
}

#[test]
fn texts_that_look_like_numbers_stay_as_they_are_written() {
    for version in ["1.10", "1.0", "1e3", "0o17", "007", "22:22", "no", "2024-01-01", "+1"] {
        let text = root(&format!("dependencies: {{db: {{type: postgres, version: {version}}}}}"));
        assert_eq!(accepted(&text).dependencies["db"].version.as_deref(), Some(version));
    }
}

#[test]
fn the_version_of_a_release_stays_as_it_is_written() {
    let (spec, _) = Spec::parse("lockgate.yaml", &service("env: {V: \"${release.version}\"}"));
    for version in ["1.10", "1.0", "0x10", "1e3", "no"] {
        let facts = Facts { version: Some(Version::new(version).unwrap()), ..Facts::default() };
        let (system, _) = spec.resolve(&spec.environments()[0], &facts);
        assert_eq!(system.unwrap().services["web"].env["V"], version);
    }
}

#[test]
fn ports_are_those_of_tcp() {
    for written in ["0", "65536", "100000"] {
        tells(&service(&format!("port: {written}")), "LG013", "allowed are 1 to 65535");
    }
    tells(&service("port: 8080-8090"), "LG013", "is not a whole number");
    tells(&service("port: 8080:80"), "LG013", "is not a whole number");
    tells(&service("ports: {http: 80, admin: 80}"), "LG101", "port 80 is used twice");
    tells(&service("port: 80, ports: {http: 81}"), "LG004", "`port` is short for");
    let grpc = root("conventions: {ports: {grpc: http + 1000}}")
        .replace("port: 8080", "ports: {http: 8080, grpc: 9000}");
    tells(&grpc, "LG102", "the rule says 9080");
    let high = root("conventions: {ports: {grpc: http + 60000}}");
    tells(&high, "LG103", "ports are 1 to 65535");
    for rule in ["http", "http * 2", "http + 0", "+ 1000", "http + 65536", "http + -1", "1000"] {
        tells(&root(&format!("conventions: {{ports: {{grpc: \"{rule}\"}}}}")), "LG103", "is not a port rule");
    }
}

#[test]
fn durations_have_a_unit_and_an_end() {
    let of = |written: &str| service(&format!("stop: {{drain: {written}}}"));
    for (written, words) in [
        ("5", "`5s`, `5m` or `5ms`?"),
        ("-1s", "write a number and a unit"),
        ("1h1", "a unit is missing or unknown"),
        ("1.5s", "a unit is missing or unknown"),
        ("∞", "write a number and a unit"),
        ("\"1 s\"", "a unit is missing or unknown"),
        ("1S", "a unit is missing or unknown"),
        ("5min", "a unit is missing or unknown"),
        ("\"\"", "it is empty"),
        ("3y", "at most two years"),
        ("18446744073709551615ms", "at most two years"),
        ("18446744073709551616ms", "the number is too large"),
        ("18446744073709551615w", "it is too long"),
        ("1e3s", "a unit is missing or unknown"),
    ] {
        tells(&of(written), "LG013", words);
    }
    for (written, millis) in [("0s", 0), ("0", 0), ("1h1m", 3_660_000), ("90s", 90_000), ("1500ms", 1_500)] {
        assert_eq!(accepted(&of(written)).services["web"].stop.drain, Millis(millis), "{written}");
    }
    tells(&service("port: 80, health: {timeout: 0s}"), "LG013", "at least `100ms` is wanted");
}

#[test]
fn shares_have_a_percent_sign_and_at_most_a_hundred() {
    let of = |written: &str| {
        service(&format!("autoscaling: {{max: 4, cpu: {written}}}, resources: {{requests: {{cpu: 1}}}}"))
    };
    accepted(&of("70%"));
    for (written, words) in [
        ("70", "write it with `%`"),
        ("0.7", "a percentage such as `70%` is wanted"),
        ("0%", "more than zero is wanted"),
        ("101%", "it is more than 100%"),
        ("-5%", "write a plain number"),
        ("NaN%", "write a plain number"),
        ("1e1%", "write a plain number"),
    ] {
        tells(&of(written), "LG013", words);
    }
}
