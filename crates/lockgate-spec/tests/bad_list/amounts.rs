//! Cores, bytes and numbers of instances.

use super::{accepted, service, tells};

#[test]
fn bytes_have_a_unit_and_are_enough() {
    let of = |written: &str| service(&format!("resources: {{limits: {{memory: {written}}}}}"));
    for good in ["256Mi", "1Gi", "1.5Gi", "512M"] {
        accepted(&of(good));
    }
    for (written, words) in [
        ("0", "more than zero is wanted"),
        ("0Gi", "more than zero is wanted"),
        ("512", "did you mean `512Mi`?"),
        ("1.5.5Gi", "is no number of bytes"),
        ("-1Gi", "is no number of bytes"),
        ("1GB", "did you mean `1Gi`?"),
        ("512m", "did you mean `512Mi`?"),
        ("1 Gi", "is no number of bytes"),
        ("1e9", "is no number of bytes"),
        ("\"\"", "is no number of bytes"),
        ("Gi", "is no number of bytes"),
        (".5Gi", "is no number of bytes"),
        ("99999999999999999999Gi", "is no number of bytes"),
        ("99999999Ti", "is no number of bytes"),
        ("NaNGi", "is no number of bytes"),
        ("1.2345Gi", "is no number of bytes"),
    ] {
        tells(&of(written), "LG013", words);
    }
}

#[test]
fn a_guess_is_never_what_was_written() {
    for written in ["1.5.5Gi", "99999999999999999999Gi", "..Gi"] {
        let all = super::check(&service(&format!("resources: {{limits: {{memory: {written}}}}}")));
        assert!(all.iter().flat_map(|it| &it.help).all(|it| !it.contains("did you mean")), "{all:#?}");
    }
}

#[test]
fn cores_are_parts_or_numbers() {
    let of = |written: &str| service(&format!("resources: {{requests: {{cpu: {written}}}}}"));
    for good in ["100m", "0.5", "2", "1.5"] {
        accepted(&of(good));
    }
    for written in ["0", "0m", "-1", "1e3", "two", "1.2345", "100M", "\"\"", "\"1,5\""] {
        tells(&of(written), "LG013", "");
    }
}

#[test]
fn a_limit_is_the_request_or_more() {
    let of = |requests: &str, limits: &str| {
        service(&format!("resources: {{requests: {{memory: {requests}}}, limits: {{memory: {limits}}}}}"))
    };
    accepted(&of("1Gi", "1024Mi"));
    tells(&of("2Gi", "1Gi"), "LG426", "the limit is the request, or more");
}

#[test]
fn numbers_of_instances_go_together() {
    for (keys, code, words) in [
        ("autoscaling: {min: 5, max: 2}", "LG423", "from 5 up to 2"),
        ("autoscaling: {min: 0, max: 2}", "LG013", "allowed are 1 to 1000"),
        ("autoscaling: {min: 1}", "LG014", "`max` is missing"),
        ("disruption_budget: -1", "LG013", "negative numbers"),
        ("disruption_budget: 101%", "LG013", "it is more than 100%"),
        ("disruption_budget: 1.5", "LG013", "is not a whole number"),
        ("disruption_budget: {min_available: 1, max_unavailable: 1}", "LG302", "both"),
    ] {
        tells(&service(keys), code, words);
    }
}
