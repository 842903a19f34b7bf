//! `fmt`: the same spec in the usual looks.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use lockgate_diagnostics::{Source, render};
use lockgate_model::SourceId;
use lockgate_spec::Unformatted;

use crate::args::{FmtArgs, Format, Global};
use crate::context::{self, Context};
use crate::exit::Exit;
use crate::findings;
use crate::out::Out;
use crate::rewrite::{self, Change};

/// Stands for standard input.
const STDIN: &str = "-";

pub fn fmt(global: &Global, args: &FmtArgs, out: Out) -> anyhow::Result<Exit> {
    let sources = match &args.file {
        Some(path) if path == Path::new(STDIN) => return stdin(args, out),
        Some(path) => vec![context::read(&std::path::absolute(path)?)?],
        None => Context::load(global, out)?.sources().to_vec(),
    };
    let mut refused = 0;
    let mut changes = vec![];
    for source in sources {
        match formatted(&source, out)? {
            Some(after) if after == source.text => {}
            Some(after) => changes.push(Change { name: source.name, before: source.text, after }),
            None => refused += 1,
        }
    }
    let mut exit = if args.check { tell_differences(&changes, out) } else { write(&changes, out)? };
    if 0 < refused {
        exit = Exit::Failed;
    }
    Ok(exit)
}

/// `None` when the file cannot be read; why not has been shown.
fn formatted(source: &Source, out: Out) -> anyhow::Result<Option<String>> {
    match lockgate_spec::format(SourceId::default(), &source.text) {
        Ok(text) => Ok(Some(text)),
        Err(Unformatted::Broken(diagnostics)) => {
            let sources = std::slice::from_ref(source);
            match out.format {
                Format::Human => findings::show(out, sources, &diagnostics),
                Format::Json => out.warn(&render::json(sources, &diagnostics)),
            }
            out.note(&format!("{} is left as it is", source.name));
            Ok(None)
        }
        Err(Unformatted::Bug) => {
            bail!(
                "{} would say something else when formatted, and is left as it is; please report this",
                source.name
            )
        }
    }
}

fn tell_differences(changes: &[Change], out: Out) -> Exit {
    match out.format {
        Format::Human => rewrite::show(changes, out),
        Format::Json => {
            tell_json(changes, out);
            if changes.is_empty() { Exit::Done } else { Exit::Failed }
        }
    }
}

fn write(changes: &[Change], out: Out) -> anyhow::Result<Exit> {
    changes.iter().try_for_each(Change::write)?;
    match out.format {
        Format::Human if changes.is_empty() => out.note("nothing to format"),
        Format::Human => changes.iter().for_each(|it| out.note(&format!("formatted {}", it.name))),
        Format::Json => tell_json(changes, out),
    }
    Ok(Exit::Done)
}

fn tell_json(changes: &[Change], out: Out) {
    let names: Vec<&str> = changes.iter().map(|it| it.name.as_str()).collect();
    let diff: String = changes.iter().map(Change::diff).collect();
    out.json(&serde_json::json!({"changed": names, "diff": diff}));
}

/// For editors: text comes in, and the formatted text goes out.
fn stdin(args: &FmtArgs, out: Out) -> anyhow::Result<Exit> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    let source = Source { name: "standard input".to_owned(), text };
    let Some(after) = formatted(&source, out)? else { return Ok(Exit::Failed) };
    if args.check {
        let changes = [Change { name: source.name, before: source.text, after }];
        let differs = changes[0].before != changes[0].after;
        return Ok(tell_differences(if differs { &changes } else { &[] }, out));
    }
    out.data(&after);
    Ok(Exit::Done)
}
