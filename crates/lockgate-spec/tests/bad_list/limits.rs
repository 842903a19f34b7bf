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
