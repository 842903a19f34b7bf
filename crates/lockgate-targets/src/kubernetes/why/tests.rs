//! Verdicts over what a real cluster said, one file of `fixtures/` for each kind of failure.

use std::fmt::Write as _;

use super::*;

fn seen(fixture: &str) -> Seen {
    let path = format!("{}/src/kubernetes/why/fixtures/{fixture}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn times(waited: u64) -> Times {
    Times { waited: Millis::secs(waited), running: BTreeMap::new(), ready_within: Millis::secs(60) }
}

fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Waiting { what } => format!("waits: {what}"),
        Verdict::Hopeless(error) => {
            let hint = error.hint.as_deref().unwrap_or("-");
            format!("{:?}: {}\nhint: {hint}", error.class, error.message)
        }
    }
}

/// All fixtures, after the longest patience.
#[test]
fn each_kind_of_failure_is_named_with_what_mends_it() {
    let folder = format!("{}/src/kubernetes/why/fixtures", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().file_name().to_string_lossy().trim_end_matches(".json").to_owned())
        .collect();
    names.sort();
    let mut text = String::new();
    for name in names {
        writeln!(text, "-- {name}\n{}", told(&verdict(&seen(&name), &times(30)))).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_cannot_mend_itself_is_told_at_once_and_the_rest_is_waited_for() {
    let at_once =
        ["no-tag", "no-repo", "bad-name", "no-program", "crash", "oom", "init-fails", "unlively", "policy"];
    for fixture in at_once {
        let verdict = verdict(&seen(fixture), &times(0));
        assert!(matches!(verdict, Verdict::Hopeless(_)), "{fixture}: {verdict:?}");
    }
    let patience = [
        ("no-registry", 15),
        ("no-configmap", 5),
        ("no-volume", 5),
        ("too-big", 30),
        ("quota", 10),
        ("webhook", 15),
    ];
    for (fixture, seconds) in patience {
        let early = verdict(&seen(fixture), &times(seconds - 1));
        assert!(matches!(early, Verdict::Waiting { .. }), "{fixture}: {early:?}");
        let late = verdict(&seen(fixture), &times(seconds));
        assert!(matches!(late, Verdict::Hopeless(_)), "{fixture}: {late:?}");
    }
}

#[test]
fn a_probe_that_fails_is_hopeless_once_the_pod_ran_for_its_time() {
    let seen = seen("unready");
    let pod = name(&seen.pods[0]).to_owned();
    let mut times = times(0);
    times.running.insert(pod, Millis::secs(59));
    assert!(told(&verdict(&seen, &times)).starts_with("waits"));
    times.running.values_mut().for_each(|it| *it = Millis::secs(60));
    insta::assert_snapshot!(told(&verdict(&seen, &times)));
}

#[test]
fn a_crash_is_told_with_its_last_lines() {
    let mut seen = seen("crash");
    let key = seen::log_key(name(&seen.pods[0]), "crash");
    seen.logs.insert(key, vec!["starting".to_owned(), "panic: no DATABASE_URL".to_owned()]);
    insta::assert_snapshot!(told(&verdict(&seen, &times(0))));
}

/// One healthy pod is no news of the others, nor are pods that are on their way out.
#[test]
fn pods_that_are_ready_or_leave_are_not_judged() {
    let mut both = seen("crash");
    both.pods.extend(seen("healthy").pods);
    assert!(matches!(verdict(&both, &times(0)), Verdict::Hopeless(_)));
    assert!(matches!(verdict(&seen("healthy"), &times(99)), Verdict::Waiting { .. }));
    let mut leaving = seen("crash");
    let now = leaving.pods[0].metadata.creation_timestamp.clone();
    leaving.pods[0].metadata.deletion_timestamp = now;
    assert!(matches!(verdict(&leaving, &times(99)), Verdict::Waiting { .. }));
}

#[test]
fn words_of_registries_are_told_apart() {
    let cases = [
        (
            "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope",
            "Fatal",
        ),
        ("unexpected status from HEAD request to https://r/v2/a/manifests/1: 401 Unauthorized", "Fatal"),
        ("no match for platform in manifest: not found", "Fatal"),
        ("tls: failed to verify certificate: x509: certificate signed by unknown authority", "Fatal"),
        ("http: server gave HTTP response to HTTPS client", "Fatal"),
        ("toomanyrequests: You have reached your pull rate limit", "Transient"),
        ("dial tcp: lookup registry.invalid: no such host", "Transient"),
        ("unexpected status code 503 Service Unavailable", "Transient"),
        ("write /var/lib/containerd/x: no space left on device", "Transient"),
    ];
    let mut text = String::new();
    for (said, class) in cases {
        let mut seen = seen("no-tag");
        let status = seen.pods[0].status.as_mut().unwrap().container_statuses.as_mut().unwrap();
        let waiting = status[0].state.as_mut().unwrap().waiting.as_mut().unwrap();
        waiting.message = Some(format!(
            "failed to pull and unpack image \"r/a:1\": failed to resolve reference \"r/a:1\": {said}"
        ));
        let verdict = told(&verdict(&seen, &times(30)));
        assert!(verdict.starts_with(class), "{verdict}");
        writeln!(text, "{}", verdict.replace("10.201.0.1:5000/why/busybox:nope", "IMAGE")).unwrap();
    }
    insta::assert_snapshot!(text);
}
