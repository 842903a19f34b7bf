//! `import`: what files of other tools say, as a spec, and what became of each of their fields.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use lockgate_diagnostics::{Source, render};
use lockgate_import::{Fate, Field, Imported, Input, Report};
use lockgate_model::{Severity, SourceId};
use lockgate_spec::Spec;

use crate::args::{Format, ImportArgs, ImportCommand};
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::ui::table;
use crate::{context, findings};

/// What Compose reads values from, beside its file.
const VALUES: &str = ".env";

pub fn import(command: &ImportCommand, out: Out) -> anyhow::Result<Exit> {
    match command {
        ImportCommand::Compose(args) => compose(args, out),
    }
}

fn compose(args: &ImportArgs, out: Out) -> anyhow::Result<Exit> {
    if let Some(path) = args.out.as_ref().filter(|it| !args.force && it.exists()) {
        bail!("{} is there already; `--force` replaces it", path.display());
    }
    let path = std::path::absolute(&args.path)?;
    let source = context::read(&path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let values = folder.join(VALUES);
    let variables = if values.is_file() {
        lockgate_import::Dotenv::read(&context::read(&values)?.text).values
    } else {
        BTreeMap::new()
    };
    let name = |it: &Path| it.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let input =
        Input { name: &name(&path), text: &source.text, variables: &variables, system: &name(folder) };
    let imported = match lockgate_import::compose(&input) {
        Ok(imported) => imported,
        Err(diagnostics) => {
            let sources = [source];
            match out.format {
                Format::Human => findings::show(out, &sources, &diagnostics),
                Format::Json => out.warn(&render::json(&sources, &diagnostics)),
            }
            return Ok(Exit::Failed);
        }
    };
    let spec = spec(&imported, out)?;
    if let Some(path) = &args.out {
        write(path, &spec, args.force)?;
    }
    let dropped = imported.report.counts().dropped;
    match out.format {
        Format::Json => out.json(&serde_json::json!({
            "spec": spec,
            "fields": imported.report.fields,
            "values": imported.report.values,
            "counts": imported.report.counts(),
        })),
        Format::Human => {
            if args.out.is_none() {
                out.data(&spec);
            }
            tell(&imported.report, args, out);
        }
    }
    Ok(if 0 < dropped && !args.lossy { Exit::Failed } else { Exit::Done })
}

/// The spec in the usual looks. It has no errors; if it has, the importer is to blame.
fn spec(imported: &Imported, out: Out) -> anyhow::Result<String> {
    let Ok(text) = lockgate_spec::format(SourceId::default(), &imported.spec) else {
        bail!("the spec that was made cannot be read; please report this, with the file");
    };
    let errors: Vec<_> = Spec::parse("the imported spec", &text).0.check();
    let errors: Vec<_> = errors.into_iter().filter(|it| it.severity == Severity::Error).collect();
    if !errors.is_empty() {
        let source = Source { name: "the imported spec".to_owned(), text: text.clone() };
        findings::show(out, &[source], &errors);
        out.warn("the spec is to be mended by hand where it is shown; please report this, with the file");
    }
    Ok(text)
}

fn write(path: &Path, spec: &str, force: bool) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).truncate(true);
    // Somebody else may make the file in the meantime.
    let options = if force { options.create(true) } else { options.create_new(true) };
    let written = options.open(path).and_then(|mut it| it.write_all(spec.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn tell(report: &Report, args: &ImportArgs, out: Out) {
    let mut all = table::new(["field", "line", "", "now", "why"]);
    for field in &report.fields {
        all.add_row(row(field));
    }
    out.note(&format!("\n{}\n", trimmed(&all)));
    if !report.values.is_empty() {
        let mut wanted = table::new(["value", "give it in", "it stood in", "line"]);
        for it in &report.values {
            wanted.add_row([shown(&it.name), it.file.to_owned(), shown(&it.path), it.line.to_string()]);
        }
        out.note(&format!("{}\n", trimmed(&wanted)));
    }
    let counts = report.counts();
    let summary = format!("{} mapped, {} patched, {} dropped", counts.mapped, counts.patch, counts.dropped);
    if 0 == counts.dropped || args.lossy {
        out.note(&summary);
    } else {
        out.warn(&format!("{summary}; `--lossy` accepts that"));
    }
    if let Some(path) = &args.out {
        out.note(&format!(
            "wrote {}; `lockgate check -f {}` says more of it",
            path.display(),
            path.display()
        ));
    }
}

fn row(field: &Field) -> [String; 5] {
    let fate = match field.fate {
        Fate::Mapped => style::paint(style::GOOD, "mapped"),
        Fate::Patch => style::paint(style::WARN, "patch"),
        Fate::Dropped => style::paint(style::BAD, "dropped"),
    };
    let text = |it: &Option<String>| it.as_deref().map_or(String::new(), shown);
    [shown(&field.path), field.line.to_string(), fate, text(&field.to), text(&field.why)]
}

/// Keys of the file are whatever somebody wrote.
fn shown(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

fn trimmed(table: &comfy_table::Table) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}
