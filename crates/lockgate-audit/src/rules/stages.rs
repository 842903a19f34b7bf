//! Stages that builds stop at.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::Diagnostic;

use super::Context;
use super::builds::built_from;
use crate::extract::dockerfile::Dockerfile;

/// `build.target` of a Compose file.
pub(crate) fn missing(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for compose in &context.facts.composes {
        for service in &compose.services {
            let Some(target) = service.build.as_ref().and_then(|it| it.target.as_ref()) else { continue };
            let found = built_from(context, compose, service)
                .and_then(|it| without(it, &service.name.text, &target.text));
            report.extend(found.map(|it| it.label(target.span, "asked for here")));
        }
    }
}

/// What is wrong if a service's build stops at a stage of this file.
pub(crate) fn without(file: &Dockerfile, service: &str, stage: &str) -> Option<Diagnostic> {
    let is_there = |at: usize, name: &str| name.eq_ignore_ascii_case(stage) || at.to_string() == stage;
    let is_known = file.stages.iter().enumerate().any(|(at, it)| is_there(at, &it.name));
    let last = file.stages.last()?;
    if is_known || stage.contains('$') {
        return None;
    }
    let names: Vec<String> = file.stages.iter().map(|it| format!("`{}`", shown(&it.name))).collect();
    let message = format!("`{service}` is built up to the stage `{}`, which is not there", shown(stage));
    Some(
        Diagnostic::error(codes::NO_SUCH_STAGE, message)
            .label(last.base.span, format!("the stages here are: {}", names.join(", ")))
            .help("name one of the stages, or leave the name out for the last one"),
    )
}
