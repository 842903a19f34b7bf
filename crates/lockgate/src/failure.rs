//! How a command that failed says so: for people, and as JSON for whoever asked for JSON.

use clap::error::ErrorKind;
use serde::Serialize;

use crate::args::Format;
use crate::exit::Exit;
use crate::out::{Out, style};

#[derive(Serialize)]
struct Json<'a> {
    error: JsonError<'a>,
}

#[derive(Serialize)]
struct JsonError<'a> {
    message: &'a str,
    /// What led to it, the nearest first.
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    exit: u8,
}

/// Tells of the failure on standard error.
pub fn tell(error: &anyhow::Error, out: Out) -> Exit {
    let exit = exit_of(error);
    match out.format {
        Format::Human => show(error, out),
        Format::Json => {
            let error = JsonError {
                message: &error.to_string(),
                causes: causes(error),
                hint: hint(error),
                exit: exit as u8,
            };
            out.warn(&serde_json::to_string(&Json { error }).expect("strings and numbers serialise"));
        }
    }
    exit
}

/// A command line that cannot be read; help and version come this way as well.
pub fn tell_usage(error: &clap::Error, json: bool) -> Exit {
    let help = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    if !json || help.contains(&error.kind()) {
        // Without its stream there is nobody left to tell.
        drop(error.print());
        return if error.use_stderr() { Exit::Usage } else { Exit::Done };
    }
    let text = error.render().to_string();
    let message = text.split("\n\n").next().unwrap_or(&text);
    let message = message.strip_prefix("error: ").unwrap_or(message).trim();
    let error = JsonError { message, causes: vec![], hint: None, exit: Exit::Usage as u8 };
    crate::out::to_stderr(&serde_json::to_string(&Json { error }).expect("strings and numbers serialise"));
    Exit::Usage
}

/// What failed, then each cause on its own line.
fn show(error: &anyhow::Error, out: Out) {
    out.warn(&format!("{} {error}", style::paint(style::BAD, "error:")));
    for cause in causes(error) {
        out.warn(&format!("  caused by: {cause}"));
    }
    if let Some(hint) = hint(error) {
        out.warn(&format!("\n{} {hint}", style::paint(style::HINT, "hint:")));
    }
}

fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut last = error.to_string();
    let mut causes = vec![];
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Some libraries repeat their cause in their own message.
        if !last.contains(&cause) {
            causes.push(cause.clone());
        }
        last = cause;
    }
    causes
}

fn hint(error: &anyhow::Error) -> Option<&str> {
    if error.is::<crate::freeze::Refused>() {
        return Some(
            "release when it has ended, or now with `--despite-freeze REASON`; `lockgate rollback` works at any time",
        );
    }
    if error.is::<crate::commands::render::NotOurs>() {
        return Some(
            "move the change into the spec or its `patches`, and run it again with `--force`; `--check` shows it",
        );
    }
    if let Some(missing) = error.downcast_ref::<crate::images::ImagesMissing>() {
        return missing.hint.as_deref();
    }
    if let Some(docker) = error.downcast_ref::<crate::commands::build::DockerFailed>() {
        return docker.hint.as_deref();
    }
    if let Some(unusable) = error.downcast_ref::<crate::secrets::Unusable>() {
        return Some(unusable.hint());
    }
    error.downcast_ref::<lockgate_targets::TargetError>()?.hint.as_deref()
}

fn exit_of(error: &anyhow::Error) -> Exit {
    let docker = error.downcast_ref::<crate::commands::build::DockerFailed>();
    let images = error.downcast_ref::<crate::images::ImagesMissing>();
    if docker.is_some_and(|it| it.is_unreachable) || images.is_some_and(|it| it.unreached) {
        return Exit::Unreachable;
    }
    match error.downcast_ref::<lockgate_node::NodeError>() {
        Some(lockgate_node::NodeError::NotRunning { .. }) => Exit::Unreachable,
        _ => Exit::Failed,
    }
}
