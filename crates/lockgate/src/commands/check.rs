//! `check` and `explain`: what is wrong with the spec, and what that means.

use std::collections::BTreeSet;

use anyhow::bail;
use lockgate_diagnostics::Source;
use lockgate_model::{Code, Diagnostic, Severity};

use super::{dockerfiles, fix};
use crate::args::{CheckArgs, Format, FormatName, Global};
use crate::context::Context;
use crate::exit::Exit;
use crate::findings;
use crate::out::{Out, style};
use crate::rewrite::{self, Change};

pub fn check(global: &Global, args: &CheckArgs, out: Out) -> anyhow::Result<Exit> {
    let mut context = Context::load(global, out)?;
    if args.fix {
        let mended = fix::mend(context);
        if args.dry_run {
            return Ok(rewrite::show(&mended.changes, out));
        }
        mended.changes.iter().try_for_each(Change::write)?;
        fix::tell(&mended, out);
        context = mended.context;
    }
    let mut diagnostics = match &args.env {
        Some(environment) => context.spec.resolve(environment, &lockgate_spec::Facts::default()).1,
        None => context.spec.check(),
    };
    let mut sources = context.sources().to_vec();
    let (dockerfiles, found) = dockerfiles::lint(&context, sources.len());
    sources.extend(dockerfiles);
    diagnostics.extend(found);
    report(&context, &sources, &diagnostics, global.format);
    let errors = diagnostics.iter().any(|it| it.severity == Severity::Error);
    Ok(if errors { Exit::Failed } else { Exit::Done })
}

fn report(context: &Context, sources: &[Source], diagnostics: &[Diagnostic], format: FormatName) {
    findings::write(context.out, format, "check", sources, diagnostics);
    if matches!(format, FormatName::Json | FormatName::Sarif) {
        return;
    }
    let count = |severity| diagnostics.iter().filter(|it| it.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let path = context.spec.name();
    if errors + warnings == 0 {
        let environments = context.spec.environments().len();
        let good = style::paint(style::GOOD, "ok");
        context.out.note(&format!("{good}: {path} ({})", counted(environments, "environment")));
    } else {
        context.out.note(&format!("{path}: {}, {}", counted(errors, "error"), counted(warnings, "warning")));
        let codes: BTreeSet<Code> = diagnostics.iter().map(|it| it.code).collect();
        if let Some(code) = codes.first() {
            let which = if codes.len() == 1 { "it" } else { "one of them" };
            let hint = style::paint(style::HINT, "hint:");
            context.out.note(&format!("{hint} `lockgate explain {code}` says more about {which}"));
        }
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

pub fn explain(code: &str, out: Out) -> anyhow::Result<Exit> {
    let parsed: Code = match code.parse() {
        Ok(parsed) => parsed,
        Err(reason) => bail!("`{code}` is not a code: {reason}"),
    };
    let Some(page) = lockgate_diagnostics::explain_code(parsed) else {
        let known: Vec<String> =
            lockgate_diagnostics::codes().map(|(code, title)| format!("  {code}  {title}")).collect();
        bail!("there is no code {parsed}; these are:\n{}", known.join("\n"));
    };
    match out.format {
        Format::Human => out.data(page),
        Format::Json => out.json(&serde_json::json!({"code": parsed, "page": page})),
    }
    Ok(Exit::Done)
}
