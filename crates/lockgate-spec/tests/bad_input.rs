//! Texts that are no specs, and values that are almost right: each is answered by diagnostics.

use lockgate_diagnostics::{Source, apply_fixes, render};
use lockgate_model::Diagnostic;
use lockgate_spec::Spec;
use proptest::prelude::*;

const NOVA: &str = include_str!("specs/nova.yaml");
const HEAD: &str = "lockgate: v1\nsystem: shop\n";
const TAIL: &str = "environments: {local: {target: local}}\n";

/// A key is missing, a key is not known, the system has no services.
const LACKS: [u16; 3] = [14, 10, 107];

fn check(text: &str) -> Vec<Diagnostic> {
    Spec::parse("lockgate.yaml", text).0.check()
}

fn line(it: &Diagnostic) -> String {
    format!("{} {}\n", it.code, it.message)
}

/// The messages, one a line, of a spec with the given keys between head and tail.
fn messages(middle: &str) -> String {
    let all = check(&format!("{HEAD}{middle}\n{TAIL}"));
    all.iter().map(line).collect::<Vec<_>>().concat()
}

fn service(keys: &str) -> String {
    let command = if keys.starts_with("command") { "" } else { "command: [./web], " };
    messages(&format!("services: {{web: {{{command}{keys}}}}}"))
}

#[test]
fn texts_that_are_no_specs_are_told_so() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let wide = format!("x-a: [{}]", "a,".repeat(501));
    let large = " ".repeat((1 << 20) + 1);
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
    let mut all = String::new();
    for (name, text) in [
        ("empty", ""),
        ("comment", "# nothing"),
        ("null", "~"),
        ("scalar", "hello"),
        ("list", "- a"),
        ("two documents", "a: b\n---\nc: d\n"),
        ("null byte", "lockgate: v1\0"),
        ("escape sequence", "lockgate: \u{1b}[31mv1"),
        ("tab", "services:\n\tweb: {}\n"),
        ("unclosed", "services: {"),
        ("deep", &deep),
        ("wide", &wide),
        ("large", &large),
        ("billion laughs", laughs),
        ("unknown alias", "lockgate: *nothing"),
        ("key that is a list", "? [a]\n: b"),
        ("at sign", "lockgate: @v1"),
    ] {
        let diagnostics = check(text);
        assert!(!diagnostics.is_empty(), "{name}");
        all.push_str(name);
        all.push('\n');
        // What such a text lacks besides is not the point here.
        for it in diagnostics.iter().filter(|it| !LACKS.contains(&it.code.0)) {
            all.push_str(&indented(&line(it)));
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn byte_order_mark_and_windows_line_ends_are_read() {
    let text = format!("\u{feff}{NOVA}").replace('\n', "\r\n");
    assert_eq!(check(&text), []);
}

#[test]
fn values_that_are_almost_right_are_explained() {
    let mut all = String::new();
    for keys in [
        "port: 0",
        "port: 65536",
        "port: -1",
        "port: 8080.5",
        "port: \"8080\"",
        "port: 0o17",
        "port: +8080",
        "port: 8_080",
        "port: 08080",
        "port: 1e3",
        "port: 22:22",
        "port: .inf",
        "port: 99999999999999999999999",
        "port: [8080]",
        "replicas: 0",
        "replicas: 101",
        "stop: {drain: 5}",
        "stop: {drain: -1s}",
        "stop: {drain: 1h1}",
        "stop: {drain: ∞}",
        "stop: {drain: 99999999999999999999s}",
        "stop: {drain: 10y}",
        "stop: {signal: SIGKILL}",
        "port: 80, health: up",
        "port: 80, health: http://web/health",
        "port: 80, health: {interval: 0s}",
        "files: /etc",
        "files: a/../../b",
        "files: \"C:\\\\x\"",
        "env: {A: 1}",
        "env: {A: [x]}",
        "env: {A: {b: c}}",
        "env: {\"A=B\": x}",
        "env: {A: \"${x\"}",
        "env: {A: \"${}\"}",
        "env: {A: \"${PATH}\"}",
        "env: {A: \"${web.url:-x}\"}",
        "env: {A: \"${nothing.url}\"}",
        "env: {A: \"${web.url}\"}",
        "depends_on: [web]",
        "depends_on: [[web]]",
        "depends_on: web",
        "command: \"./web 'a b'\"",
        "command: []",
        "command: {a: b}",
        "build: {preset: rust}",
        "Replicas: 3",
        "banana: 3",
    ] {
        all.push_str(keys);
        all.push('\n');
        all.push_str(&indented(&service(keys)));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn thresholds_that_are_almost_right_are_explained() {
    let mut all = String::new();
    for slo in [
        "error_rate: {objective: 0.5%}",
        "error_rate: {objective: \"< 0.5\"}",
        "error_rate: {objective: \"< 300ms\"}",
        "error_rate: {objective: \"< 101%\"}",
        "error_rate: {objective: \"< 0%\"}",
        "error_rate: {objective: \"< NaN%\"}",
        "error_rate: {alert: \"> 100% for 5m\"}",
        "error_rate: {alert: \"> 1% for 5\"}",
        "error_rate: {alert: \"> 1% for 0s\"}",
        "availability: {objective: \"< 99%\"}",
        "availability: {objective: \"> 0%\"}",
        "availability: {objective: \"> 99.9%\", alert: \"< 99.95% for 5m\"}",
        "latency_p95: {objective: \"< 500\"}",
        "latency_p95: {objective: \"< 1.5s\"}",
        "latency_p95: {objective: \"< 5%\"}",
        "latency_p95: {objective: 300ms}",
        "restarts: {objective: \"< 0\"}",
        "restarts: {objective: \"= 0\", alert: \"> 3 in 5m\"}",
        "restarts: {objective: \"< 1%\"}",
        "error_rate: {severity: critical}",
        "error_rate: {objective: \"< 1%\", severity: page}",
        "kafka.consumer_lag: {alert: \"> 5 for 5m\"}",
        "latency_p90: {objective: \"< 300ms\"}",
    ] {
        let text = messages(&format!("services: {{web: {{command: [./web]}}}}\nslo: {{{slo}}}"));
        all.push_str(slo);
        all.push('\n');
        all.push_str(&indented(&text));
    }
    insta::assert_snapshot!(all);
}

fn indented(text: &str) -> String {
    text.lines().map(|it| format!("  {it}\n")).collect::<Vec<_>>().concat()
}

#[test]
fn releases_that_are_almost_right_are_explained() {
    let mut all = String::new();
    for keys in [
        "smoke: [{get: /up, run: [./x]}]",
        "smoke: [{get: /up, in: web}]",
        "smoke: [{run: [./x], service: web, status: 200}]",
        "smoke: [{get: /up, service: wbe}]",
        "smoke: [{get: /up, service: worker}]",
        "smoke: [{get: up}]",
        "smoke: [~]",
        "smoke: {get: /up}",
        "migrations: {tool: flyway}",
        "migrations: {tool: sqlx}",
        "migrations: {tool: sqlx, source: ../migrations}",
        "migrations: {tool: sqlx, source: migrations}",
        "migrations: {tool: sqlx, source: migrations, command: [x]}",
        "migrations: {command: [x]}",
        "migrations: {command: [x], in: wbe}",
        "migrations: {command: [x], in: web, retry: {attempts: 0, initial: 2}}",
        "migrations: {timeout: 5m}",
        "rollout: {strategy: canary, steps: []}",
        "rollout: {strategy: canary, steps: [{weight: 5}]}",
        "rollout: {strategy: canary, steps: [{pause: 5m}]}",
        "rollout: {strategy: canary, steps: [{weight: 0%}, {weight: 100%}], rollback_on: [crash_loop]}",
        "rollout: {strategy: canary, steps: [{weight: 101%}]}",
        "rollout: {strategy: canary, steps: [{weight: 50%}, {weight: 50%}, {weight: 100%}], rollback_on: [crash_loop]}",
        "rollout: {strategy: blue-green}",
        "rollout: {strategy: canary, rollback_on: [error_rat]}",
        "rollout: {analysis: {alpha: 0, tick: 1ms, promote_early: yes, on_undecided: wait}}",
        "rollout: {analysis: {margin: {ratio: .nan, abs: 200%}}}",
        "conventions: {ports: {grpc: http}}",
        "conventions: {ports: {grpc: http + 0}}",
        "conventions: {ports: {http: http + 1}}",
        "dependencies: {db: {version: \"1\"}}",
        "dependencies: {db: {type: postgres, external: {url: \"${web.url}\"}}}",
        "dependencies: {web: {type: postgres}}",
    ] {
        let services = "services: {web: {port: 80, command: [./web]}, worker: {command: [./work]}}";
        all.push_str(keys);
        all.push('\n');
        all.push_str(&indented(&messages(&format!("{services}\n{keys}"))));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_json_form_has_lines_and_columns() {
    let text = format!("{HEAD}# größer\nservices: {{web: {{command: [./web], replica: 3}}}}\n{TAIL}");
    let sources = [Source { name: "lockgate.yaml".to_owned(), text: text.clone() }];
    insta::assert_snapshot!(render::json(&sources, &check(&text)));
}

/// Whatever the text: no panic, every span within it, and it can be shown, in both forms, and fixed.
fn holds(text: &str) {
    let diagnostics = check(text);
    for diagnostic in &diagnostics {
        let labels = diagnostic.labels.iter().map(|it| it.span);
        let edits = diagnostic.fix.iter().flat_map(|it| it.edits.iter().map(|it| it.span));
        for span in labels.chain(edits) {
            assert!(text.get(span.start..span.end).is_some(), "{diagnostic:?} in {text:?}");
        }
        assert!(!diagnostic.message.contains(char::is_control), "{diagnostic:?}");
    }
    let sources = [Source { name: "lockgate.yaml".to_owned(), text: text.to_owned() }];
    let human = render::human(&sources, &diagnostics, render::Style { color: false, width: 80 });
    assert!(!human.contains('\u{1b}'), "{human:?}");
    assert!(!render::json(&sources, &diagnostics).is_empty());
    drop(check(&apply_fixes(text, &diagnostics)));
}

/// Lines of a real spec with pieces replaced by others of it, and by what tends to break parsers.
fn mutated() -> impl Strategy<Value = String> {
    let pieces: Vec<&'static str> = vec![
        "",
        " ",
        "\n",
        "\t",
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "${",
        "$$",
        "&a ",
        "*a",
        "<<: ",
        "!t ",
        "null",
        "~",
        "%",
        "@",
        "#",
        "|",
        ">",
        "---\n",
        "é",
        "\u{1b}",
        "\u{feff}",
        "\r",
        "web",
        "100%",
        "5m",
        "-1",
        "http + 1000",
        "services: ",
        "x-a: ",
    ];
    let edit = (0..NOVA.len(), 0_usize..12, proptest::sample::select(pieces));
    proptest::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut text = NOVA.to_owned();
        for (at, len, piece) in edits {
            let start = text.floor_char_boundary(at.min(text.len()));
            let end = text.floor_char_boundary((start + len).min(text.len()));
            text.replace_range(start..end, piece);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        holds(&text);
    }

    #[test]
    fn any_yaml_like_text_is_answered(text in "[a-z0-9:{}\\[\\],\"'#&*!|>%@$ \n\t-]{0,120}") {
        holds(&text);
        holds(&format!("{HEAD}services:\n  web:\n    {text}\n{TAIL}"));
    }

    #[test]
    fn any_mutation_of_a_spec_is_answered(text in mutated()) {
        holds(&text);
    }
}

#[test]
fn safe_fixes_are_applied_and_guesses_are_not() {
    let text = format!(
        "{HEAD}services: {{web: {{command: ./web -v, port: \"80\", replica: 2, env: {{A: yes}}}}}}\n{TAIL}"
    );
    let fixed = apply_fixes(&text, &check(&text));
    assert_eq!(
        fixed,
        format!(
            "{HEAD}services: {{web: {{command: [./web, -v], port: 80, replica: 2, env: {{A: \"yes\"}}}}}}\n{TAIL}"
        )
    );
}
