//! Compose files as specs: what is written, what becomes of each field, and what is refused.

mod bad;
mod plain;
mod random;
mod round;
mod told;

use std::fmt::Write as _;

use lockgate_import::{Dotenv, Fate, Imported, Input, compose};
use lockgate_model::{Severity, SourceId};
use lockgate_spec::Spec;

/// The spec in the usual looks, after everything was seen that holds for every spec that is written.
fn import_with(text: &str, values: &str) -> (String, Imported) {
    let variables = Dotenv::read(values).values;
    let input = Input { name: "compose.yaml", text, variables: &variables, system: "shop" };
    let imported = compose(&input).unwrap_or_else(|it| panic!("{it:#?}"));
    let spec = lockgate_spec::format(SourceId::default(), &imported.spec)
        .unwrap_or_else(|it| panic!("{it:?}\n{}", imported.spec));
    let found = Spec::parse("lockgate.yaml", &spec).0.check();
    let errors: Vec<_> = found.into_iter().filter(|it| it.severity == Severity::Error).collect();
    assert_eq!(errors, [], "{spec}");
    told::check(text, &imported);
    // Every secret of these tests holds this word.
    assert!(!spec.contains("hush") && !table(&imported).contains("hush"), "{spec}\n{}", table(&imported));
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
    ($($name:ident: $file:literal, $dotenv:literal;)*) => {
        $(#[test]
        fn $name() {
            let text = include_str!(concat!("../files/", $file, ".yaml"));
            let (spec, imported) = import_with(text, $dotenv);
            let (unmeant, _) = round::compared_with_source(text, &Dotenv::read($dotenv).values, &spec, &imported);
            assert_eq!(unmeant, Vec::<String>::new(), "{spec}");
            insta::assert_snapshot!(format!("{spec}\n{}", table(&imported)));
        })*

        const FILES: &[(&str, &str)] = &[$((include_str!(concat!("../files/", $file, ".yaml")), $dotenv)),*];
    };
}

files! {
    a_small_stack_becomes_a_spec: "flask-redis", "";
    a_blog_with_a_root_password_becomes_a_spec: "wordpress-mariadb", "";
    a_search_stack_becomes_a_spec: "elk", "";
    a_proxy_with_two_networks_becomes_a_spec: "nginx-node-mongo", "";
    files_and_secrets_are_kept_as_patches: "files-and-secrets", "";
    queues_and_workers_become_a_spec: "queues", "";
    names_that_the_spec_does_not_take_are_changed: "names", "";
    jobs_and_a_database_without_values_become_a_spec: "django", "DB_USER=app\nDB_PASSWORD=hush-app";
    every_key_of_a_service_is_told: "every-key", "";
    ports_that_services_share_are_kept_as_patches: "one-port", "";
    a_database_alone_is_a_service: "only-a-database", "";
    a_site_with_api_worker_and_migration_becomes_a_spec: "next-postgres", "";
}

#[test]
fn every_difference_that_is_meant_occurs_and_stands_on_the_page() {
    let found = FILES.iter().flat_map(|(text, values)| {
        let (spec, imported) = import_with(text, values);
        round::compared_with_source(text, &Dotenv::read(values).values, &spec, &imported).1
    });
    let found: std::collections::BTreeSet<&str> = found.collect();
    let page = include_str!("../../../../docs/reference/import.md");
    for why in round::reasons() {
        assert!(found.contains(why), "nothing shows that {why}");
        assert!(page.contains(why), "docs/reference/import.md does not say that {why}");
    }
}
