//! `doctor`: whether an environment's platform has what a release needs.

use lockgate_model::{EnvironmentName, Scope};
use lockgate_render::Rule;
use lockgate_targets::{Check, Found, Platform, Right, Target as _, TargetError};

use super::drive::target_of;
use crate::args::{Format, Global};
use crate::context::Context;
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::state;

pub async fn doctor(
    global: &Global,
    environment: Option<&EnvironmentName>,
    out: Out,
) -> anyhow::Result<Exit> {
    let context = Context::load(global, out)?;
    let environment = context.environment(environment)?;
    let system = context.system_without_warnings(&environment, &lockgate_spec::Facts::default())?;
    let scope = Scope { system: system.name.clone(), environment };
    let checks = match target_of(&system, &state::dir(global)?, &scope)? {
        Platform::Kubernetes(cluster) => {
            let rules = lockgate_render::rules(&system);
            cluster.doctor(&rules.iter().map(right).collect::<Vec<_>>()).await
        }
        target => vec![answers(target.observe().await)],
    };
    match out.format {
        Format::Json => out.json(&checks),
        Format::Human => out.data(&human(&checks)),
    }
    let bad = checks.iter().any(|it| it.found == Found::Bad);
    Ok(if bad { Exit::Failed } else { Exit::Done })
}

fn right(rule: &Rule) -> Right {
    Right {
        group: rule.group.to_owned(),
        resource: rule.resource.to_owned(),
        verbs: rule.verbs.iter().map(|it| (*it).to_owned()).collect(),
        why: rule.why.to_owned(),
    }
}

fn answers<T>(observed: Result<T, TargetError>) -> Check {
    match observed {
        Ok(_) => Check::good("platform", "answers"),
        Err(error) => Check::bad("platform", error.message, error.hint.unwrap_or_default()),
    }
}

fn human(checks: &[Check]) -> String {
    let width = checks.iter().map(|it| it.what.chars().count()).max().unwrap_or_default();
    let mut lines = vec![];
    for check in checks {
        let mark = match check.found {
            Found::Good => style::paint(style::GOOD, "✓"),
            Found::Lacking => style::paint(style::WARN, "!"),
            Found::Bad => style::paint(style::BAD, "✗"),
        };
        lines.push(format!("{mark} {:<width$}  {}", check.what, check.detail));
        let hint = check.hint.as_deref().filter(|it| !it.is_empty());
        lines.extend(hint.map(|it| format!("  {:<width$}  {} {it}", "", style::paint(style::HINT, "hint:"))));
    }
    lines.join("\n")
}
