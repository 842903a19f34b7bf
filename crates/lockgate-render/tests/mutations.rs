//! One fact of the spec is changed, and exactly the artifacts that state it change: no more, and none is forgotten.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use common::{example_folder, request};
use lockgate_render::render;

/// What is changed in the spec of an example, and what that is.
struct Mutation {
    what: &'static str,
    example: &'static str,
    from: &'static str,
    to: &'static str,
}

const MUTATIONS: [Mutation; 12] = [
    Mutation {
        what: "a port",
        example: "nova",
        from: "user-service:         {port: 8080}",
        to: "user-service:         {port: 8092}",
    },
    Mutation {
        what: "a variable's value",
        example: "nova",
        from: "value: smtp.nova.example",
        to: "value: mail.nova.example",
    },
    Mutation {
        what: "what a variable is",
        example: "nova",
        from: "about: sends confirmations",
        to: "about: sends mail",
    },
    Mutation {
        what: "memory in one environment",
        example: "nova",
        from: "limits: {memory: 1Gi}",
        to: "limits: {memory: 2Gi}",
    },
    Mutation {
        what: "an alert's limit",
        example: "nova",
        from: "objective: \"< 500ms\", alert: \"> 1s for 5m\"",
        to: "objective: \"< 500ms\", alert: \"> 2s for 5m\"",
    },
    Mutation {
        what: "who is told",
        example: "nova",
        from: "channel: \"#nova-deploys\"",
        to: "channel: \"#nova-releases\"",
    },
    Mutation {
        what: "a dependency's version",
        example: "nova",
        from: "type: redis, version: \"8.2\"",
        to: "type: redis, version: \"8.4\"",
    },
    Mutation {
        what: "a smoke check",
        example: "supernova",
        from: "{get: /healthz}\n",
        to: "{get: /readyz}\n",
    },
    Mutation {
        what: "a host",
        example: "supernova",
        from: "host: dev.supernova.com",
        to: "host: test.supernova.com",
    },
    Mutation {
        what: "the size of autoscaling",
        example: "supernova",
        from: "autoscaling: {max: 4}",
        to: "autoscaling: {max: 6}",
    },
    Mutation {
        what: "how long logs are kept",
        example: "kanvaro",
        from: "retention: 30d",
        to: "retention: 60d",
    },
    Mutation {
        what: "the worker's size",
        example: "covenant-connect-ecs",
        from: "replicas: 1                         # the one",
        to: "replicas: 3                         # the one",
    },
];

fn files(spec: &str) -> BTreeMap<String, String> {
    let rendered = render(&request(spec)).unwrap_or_else(|problems| panic!("{problems:#?}"));
    rendered.artifacts.into_iter().map(|it| (it.path, it.text)).collect()
}

#[test]
fn a_changed_fact_changes_exactly_what_states_it() {
    let mut said = String::new();
    for mutation in MUTATIONS {
        let spec = std::fs::read_to_string(example_folder(mutation.example).join("lockgate.yaml")).unwrap();
        assert_eq!(spec.matches(mutation.from).count(), 1, "{}: {}", mutation.example, mutation.from);
        let (before, after) = (files(&spec), files(&spec.replace(mutation.from, mutation.to)));
        let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        writeln!(said, "{} ({})", mutation.what, mutation.example).unwrap();
        for path in paths.into_iter().filter(|it| before.get(*it) != after.get(*it)) {
            let how = match (before.contains_key(path), after.contains_key(path)) {
                (true, true) => "",
                (true, false) => " (gone)",
                (false, _) => " (new)",
            };
            writeln!(said, "  {path}{how}").unwrap();
        }
    }
    insta::assert_snapshot!(said);
}
