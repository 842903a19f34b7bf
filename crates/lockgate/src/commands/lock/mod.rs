//! `lock`: which bytes stand behind the tags that artifacts name, written beside the spec.

mod actions;
mod client;

use std::path::Path;

use anyhow::Context as _;
use lockgate_images::{Client, Config, Reference, RegistryError};
use lockgate_render::{Lock, Needed, Pin, Request, Selection};
use serde_json::json;

use crate::args::{Format, Global, LockArgs};
use crate::commands::render::{LOCK_NAME, lock as read};
use crate::context::Context;
use crate::exit::Exit;
use crate::out::{Out, style};

pub fn lock(global: &Global, args: &LockArgs, out: Out) -> anyhow::Result<Exit> {
    let context = Context::load(global, out)?;
    let needed = lockgate_render::needed(&request(&context)?);
    let path = context.folder().join(LOCK_NAME);
    let before = read(context.folder())?;
    if args.check {
        return Ok(check(&before, &needed, out));
    }
    let mut after = before.filled(&needed, &Lock::known());
    let unreached = if args.update { update(&mut after, &needed) } else { vec![] };
    write(&path, &after)?;
    tell(&before, &after, &needed, &unreached, out);
    Ok(if unreached.is_empty() { Exit::Done } else { Exit::Unreachable })
}

fn request(context: &Context) -> anyhow::Result<Request> {
    let mut systems = vec![];
    for environment in context.spec.environments() {
        systems.push(context.system_without_warnings(&environment, &lockgate_spec::Facts::default())?);
    }
    let source = context.spec_path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Request {
        systems,
        lock: Lock::default(),
        source,
        selection: Selection::default(),
        images: std::collections::BTreeMap::new(),
        version: None,
    })
}

/// Asks for each what its tag means today. What is not reached keeps its pin, and is returned with the reason.
fn update(lock: &mut Lock, needed: &Needed) -> Vec<(String, String)> {
    let agent = client::agent();
    let registries = Client::new(Config::from_env(|name| std::env::var_os(name)));
    let date = jiff::Zoned::now().date().to_string();
    let mut unreached = vec![];
    for name in &needed.images {
        match digest(&registries, name) {
            Ok(found) => put(&mut lock.images, name, found.tag, found.digest, &date),
            Err(error) => unreached.push((name.clone(), error.to_string())),
        }
    }
    for (name, tag) in &needed.actions {
        match actions::newest(&agent, name, tag) {
            Ok(found) => put(&mut lock.actions, name, found.tag, found.digest, &date),
            Err(error) => unreached.push((name.clone(), format!("{error:#}"))),
        }
    }
    unreached
}

fn digest(registries: &Client, name: &str) -> Result<Found, RegistryError> {
    let reference: Reference = name.parse()?;
    let digest = registries.resolve(&reference)?.to_string();
    Ok(Found { tag: reference.tag.unwrap_or_else(|| "latest".to_owned()), digest })
}

/// What a name means.
struct Found {
    tag: String,
    digest: String,
}

/// The day stays with a pin that means the same as before: it says since when.
fn put(
    pins: &mut std::collections::BTreeMap<String, Pin>,
    name: &str,
    tag: String,
    digest: String,
    date: &str,
) {
    let same = pins.get(name).is_some_and(|it| it.digest == digest && it.tag == tag);
    if !same {
        pins.insert(name.to_owned(), Pin { tag, digest, date: date.to_owned() });
    }
}

fn write(path: &Path, lock: &Lock) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let text = lock.to_text();
    if std::fs::read_to_string(path).is_ok_and(|it| it == text) {
        return Ok(());
    }
    let wrong = || format!("cannot write {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(wrong)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).with_context(wrong)?;
    // As any other file of the repository: a temporary one is its owner's alone.
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    file.as_file().set_permissions(mode).with_context(wrong)?;
    file.persist(path).with_context(wrong)?;
    Ok(())
}

fn names(needed: &Needed) -> Vec<&String> {
    needed.images.iter().chain(needed.actions.keys()).collect()
}

fn check(lock: &Lock, needed: &Needed, out: Out) -> Exit {
    let missing = lock.missing(needed);
    let missing = names(&missing);
    let good = missing.is_empty();
    match out.format {
        Format::Json => out.json(&json!({"pinned": good, "missing": missing})),
        Format::Human if good => {
            let count = names(needed).len();
            out.note(&format!("{}: {count} names are pinned", style::paint(style::GOOD, "ok")));
        }
        Format::Human => {
            for name in &missing {
                out.warn(&format!("{}: {name} has no pin", style::paint(style::BAD, "error")));
            }
            hint(out);
        }
    }
    if good { Exit::Done } else { Exit::Failed }
}

fn hint(out: Out) {
    let hint = style::paint(style::HINT, "hint:");
    out.note(&format!("{hint} `lockgate lock --update` asks the registries"));
}

fn tell(before: &Lock, after: &Lock, needed: &Needed, unreached: &[(String, String)], out: Out) {
    let all = |lock: &Lock| -> std::collections::BTreeMap<String, Pin> {
        lock.images.iter().chain(&lock.actions).map(|(name, pin)| (name.clone(), pin.clone())).collect()
    };
    let (old, new) = (all(before), all(after));
    let changed: Vec<_> = new.iter().filter(|(name, pin)| old.get(*name) != Some(*pin)).collect();
    let missing = after.missing(needed);
    let missing = names(&missing);
    if out.format == Format::Json {
        let changed: Vec<_> = changed
            .iter()
            .map(|(name, pin)| json!({"name": name, "tag": pin.tag, "digest": pin.digest}))
            .collect();
        let unreached: Vec<_> =
            unreached.iter().map(|(name, why)| json!({"name": name, "reason": why})).collect();
        out.json(&json!({"changed": changed, "missing": missing, "unreached": unreached}));
        return;
    }
    for (name, pin) in &changed {
        let was = old.get(*name).map(|it| format!(", was {}", it.digest)).unwrap_or_default();
        out.data(&format!("{name} {} {}{was}", pin.tag, pin.digest));
    }
    out.note(&format!(
        "{} of {} names are pinned, {} changed",
        new.len(),
        names(needed).len(),
        changed.len()
    ));
    for (name, why) in unreached {
        out.warn(&format!("{}: {name} was not reached: {why}", style::paint(style::WARN, "warning")));
    }
    for name in &missing {
        out.warn(&format!("{}: {name} has no pin", style::paint(style::WARN, "warning")));
    }
    if !missing.is_empty() && unreached.is_empty() {
        hint(out);
    }
}
