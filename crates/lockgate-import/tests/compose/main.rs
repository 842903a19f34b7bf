//! Compose files as specs: what is written, what becomes of each field, and what is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lockgate_import::{Fate, Imported, Input, compose};
use lockgate_model::{Severity, SourceId};
use lockgate_spec::Spec;

fn variables(dotenv: &str) -> BTreeMap<String, String> {
    let pairs = dotenv.lines().filter_map(|it| it.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn import_with(text: &str, dotenv: &str) -> Imported {
    let variables = variables(dotenv);
    let input = Input { name: "compose.yaml", text, variables: &variables, system: "shop" };
    compose(&input).unwrap_or_else(|it| panic!("{it:#?}"))
}

/// The spec in the usual looks, after everything was seen that holds for every spec that is written.
fn import(text: &str) -> (String, Imported) {
    let imported = import_with(text, "");
    let spec = lockgate_spec::format(SourceId::default(), &imported.spec)
        .unwrap_or_else(|it| panic!("{it:?}\n{}", imported.spec));
    let errors: Vec<_> = Spec::parse("lockgate.yaml", &spec)
        .0
        .check()
        .into_iter()
        .filter(|it| it.severity == Severity::Error)
        .collect();
    assert_eq!(errors, [], "{spec}");
    (spec, imported)
}

fn table(imported: &Imported) -> String {
    let mut table = String::new();
    for it in &imported.report.fields {
        let fate = match it.fate {
            Fate::Mapped => "mapped",
            Fate::Patch => "patch",
            Fate::Dropped => "dropped",
        };
        let to = it.to.as_deref().map_or(String::new(), |it| format!(" -> {it}"));
        let why = it.why.as_deref().map_or(String::new(), |it| format!(" ({it})"));
        writeln!(table, "{:>4} {fate:7} {}{to}{why}", it.line, it.path).expect("a string takes it");
    }
    for it in &imported.report.values {
        writeln!(table, "{:>4} wanted  {} in {} ({})", it.line, it.name, it.file, it.path)
            .expect("a string takes it");
    }
    table
}

macro_rules! files {
    ($($name:ident: $file:literal;)*) => {
        $(#[test]
        fn $name() {
            let (spec, imported) = import(include_str!(concat!("../files/", $file, ".yaml")));
            insta::assert_snapshot!(format!("{spec}\n{}", table(&imported)));
        })*
    };
}

files! {
    a_small_stack_becomes_a_spec: "flask-redis";
    a_site_with_api_worker_and_migration_becomes_a_spec: "next-postgres";
}
