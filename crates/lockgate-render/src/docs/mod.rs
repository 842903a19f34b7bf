//! The runbook and the release checklist of each environment, in Markdown.

mod checklist;
mod commands;
mod markdown;
mod playbooks;
mod runbook;
mod tables;
mod thresholds;

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::output::{File, Output};
use markdown::Page;

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    for environment in facts.wanting(Kind::Docs) {
        let runbook = ["services", "dependencies", "slo", "alerts", "rollout", "environments"];
        output.file(page(environment, "runbook", &runbook, runbook::page(environment)));
        let checklist = ["environments", "migrations", "rollout", "smoke"];
        output.file(page(environment, "checklist", &checklist, checklist::page(environment)));
    }
    blocks(facts, output);
}

fn page<'e>(environment: &'e Environment<'_>, name: &str, origin: &[&str], text: String) -> File<'e> {
    File {
        kind: Kind::Docs,
        path: format!("deploy/docs/{}/{name}.md", environment.name()),
        environment: Some(&environment.system.environment),
        comment: Comment::Markup,
        text,
        origin: origin.iter().map(|it| (*it).to_owned()).collect(),
    }
}

/// Parts of the runbook, for pages of the user's own: `variables-prod`.
fn blocks(facts: &Facts<'_>, output: &mut Output<'_>) {
    type Table = fn(&mut Page, &Environment<'_>);
    const TABLES: [(&str, Table); 5] = [
        ("services", tables::services),
        ("dependencies", tables::dependencies),
        ("variables", tables::variables),
        ("secrets", tables::secrets),
        ("thresholds", thresholds::table),
    ];
    for environment in &facts.environments {
        for (name, table) in TABLES {
            let mut page = Page::default();
            table(&mut page, environment);
            output.block(&format!("{name}-{}", environment.name()), page.finish());
        }
    }
}
