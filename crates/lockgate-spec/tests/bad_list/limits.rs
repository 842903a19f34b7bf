//! How large a spec may be, and that the largest ones are read at once.

use std::fmt::Write as _;

use super::{HEAD, TAIL, accepted, check, environments, root, service, tells};

fn codes(text: &str) -> Vec<u16> {
    check(text).iter().map(|it| it.code.0).collect()
}

#[test]
fn depth_has_an_end() {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        for depth in [65, 1_000, 100_000] {
            let text = format!("x-a: {}x{}", open.repeat(depth), close.repeat(depth));
            let all = codes(&text);
            assert!(all.iter().all(|it| [1, 3].contains(it)) && !all.is_empty(), "{depth}: {all:?}");
        }
    }
    let mut block = String::new();
    for depth in 0..100 {
        writeln!(block, "{}a:", "  ".repeat(depth)).unwrap();
    }
    assert!(codes(&block).contains(&3), "{:?}", codes(&block));
    let dashes = format!("x-a:\n  {}x\n", "- ".repeat(10_000));
    assert!(!codes(&dashes).is_empty());
}

#[test]
fn length_has_an_end() {
    let long = format!("{}# {}\n", root(""), "x".repeat(1 << 20));
    let all = check(&long);
    assert_eq!((all[0].code.0, all.len()), (3, 1));
    assert!(all[0].message.contains("a spec has at most 1048576"), "{}", all[0].message);
    let huge = " ".repeat(50 << 20);
    assert_eq!(codes(&huge), [3]);
    accepted(&format!("{}# {}\n", root(""), "x".repeat(1 << 19)));
}

#[test]
fn numbers_of_entries_have_an_end() {
    let services = |count: usize| {
        let mut text = format!("{HEAD}services:\n");
        for at in 0..count {
            writeln!(text, "  s{at}: {{command: [x]}}").unwrap();
        }
        text + TAIL
    };
    accepted(&services(256));
    tells(&services(257), "LG003", "at most 256 are allowed");
    tells(&services(501), "LG003", "more than 500 entries");
    let items = vec!["x"; 501].join(", ");
    tells(&service(&format!("command: [{items}]")), "LG003", "more than 500 entries");
    let environments: Vec<String> = (0..33).map(|at| format!("e{at}: {{target: local}}")).collect();
    let text = root("").replace("{local: {target: local}}", &format!("{{{}}}", environments.join(", ")));
    tells(&text, "LG003", "at most 32 are allowed");
}

/// 256 services whose variables all come from `defaults`.
fn shared(variables: &str, more: &str) -> String {
    let mut text = format!("{HEAD}defaults: {{env: {{{variables}}}}}\nservices:\n");
    for at in 0..256 {
        writeln!(text, "  s{at}: {{command: [x], port: {}}}", 1_000 + at).expect("a string takes all");
    }
    text + more
}

#[test]
fn what_is_multiplied_has_an_end() {
    let variables =
        |value: &str| (0..500).map(|at| format!("V{at}: \"{value}\"")).collect::<Vec<_>>().join(", ");
    let system = accepted(&shared(&variables("${s1.url}"), TAIL));
    assert_eq!(system.services["s0"].env["V499"], "http://127.0.0.1:1001");
    let all = codes(&shared(&variables("${nothing.url}"), TAIL));
    assert_eq!((all.len(), all[0]), (500, 204), "each place is told once");

    let environments: Vec<String> = (0..32).map(|at| format!("e{at}: {{target: local}}")).collect();
    let many = format!("environments: {{{}}}\n", environments.join(", "));
    tells(&shared(&variables("x"), &many), "LG003", "at most 32 are allowed");
    tells(&shared(&format!("V: {}", "x".repeat(125_000)), &many), "LG003", "said again for every service");

    // Each extends the one before, so that the last has the variables of all.
    let mut chain = format!("{HEAD}services:\n  s0: {{command: [x]}}\n");
    for at in 1..55 {
        let own: Vec<String> = (0..400).map(|it| format!("V{at}_{it}: x")).collect();
        writeln!(chain, "  s{at}: {{extends: s{}, command: [x], env: {{{}}}}}", at - 1, own.join(", "))
            .unwrap();
    }
    tells(&(chain + TAIL), "LG003", "`defaults` and `extends`");
}

#[test]
fn long_addresses_are_not_repeated_for_ever() {
    let address = format!("http://{}", "x".repeat(100_000));
    let text = service(&format!("env: {{A: \"{}\"}}", "${d.url}".repeat(10_000)));
    let text = text.replace(
        "services:",
        &format!("dependencies: {{d: {{type: http, external: {{url: {address}}}}}}}\nservices:"),
    );
    tells(&text, "LG003", "with their references replaced");
}

#[test]
fn long_words_are_shortened_in_messages() {
    let word = "x".repeat(100_000);
    for text in [
        service(&format!("{word}: 1")),
        service(&format!("replicas: {word}")),
        service(&format!("env: {{{word}-: x}}")),
        service(&format!("depends_on: [{word}]")),
        service(&format!("port: 80, health: {word}")),
        service(&format!("env: {{A: \"${{{word}.url}}\"}}")),
        service(&format!("image: {word}:1")),
        service(&format!("stop: {{drain: {word}}}")),
        service(&format!("autoscaling: {{max: 2, cpu: {word}%}}")),
        service(&format!("resources: {{limits: {{cpu: {word}, memory: {word}}}}}")),
        service(&format!("env: {{{word}: x, {word}: y}}")),
        service(&format!("files: ../{word}")),
        service(&format!("volumes: {{data: {word}}}")),
        service(&format!("{word}: 1, {word}: 2")),
        root(&format!("slo: {{error_rate: {{objective: \"< {word}%\", alert: \"> 1% for {word}\"}}}}")),
        root(&format!("slo: {{cpu: {{objective: \"< {word}\", alert: \"> 1% for {word}\"}}, {word}: {{}}}}")),
        root(&format!("conventions: {{ports: {{grpc: {word}}}}}")),
        root(&format!("rollout: {{strategy: canary, steps: [{{weight: {word}}}]}}")),
        root(&format!("notifications: {{slack: {word}}}")),
        root(&format!("include: {word}")),
        environments(&format!("{word}: {{target: {word}, branch: \"{word} \", host: {word}}}")),
        environments(&format!(
            "a: {{target: {{kubernetes: {{namespace: {word}}}}}, promote: {word}, services: {{{word}: {{}}}}}}"
        )),
        root(&format!("rollout: {{strategy: {word}}}")),
        root(&format!("cron: {{{word}: {{schedule: {word}}}}}")),
        format!("{HEAD}services: {{{word}: {{command: [x]}}}}\n{TAIL}"),
        format!("lockgate: {word}\nsystem: {word}\n"),
    ] {
        for it in check(&text) {
            let length = it.message.len() + it.labels.iter().map(|it| it.text.len()).sum::<usize>();
            let length = length + it.help.iter().map(String::len).sum::<usize>();
            assert!(length < 2_000, "{} has {length} characters: {:.200}", it.code, it.message);
        }
    }
}
