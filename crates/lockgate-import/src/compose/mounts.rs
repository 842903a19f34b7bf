//! Volumes, and what else is mounted.

use lockgate_yaml::{Entry, Kind, Node};

use super::part::Part;
use super::patches;
use super::reading::{Reading, to_service};
use super::{items, names};
use crate::value::{Map, Value};

/// What an entry of `volumes` mounts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mount {
    Named {
        volume: String,
        target: String,
    },
    /// What the spec has no words for, and why.
    Other(&'static str),
}

impl Mount {
    pub(super) fn why(&self, otherwise: &str) -> String {
        match self {
            Mount::Named { .. } => otherwise.to_owned(),
            Mount::Other(why) => (*why).to_owned(),
        }
    }
}

const FOLDER: &str = "the spec mounts no folders of the machine";
const UNNAMED: &str = "the spec has no volumes without a name";

pub(super) fn read(reading: &Reading<'_>, node: &Node) -> Mount {
    match &node.kind {
        Kind::Scalar(_) => {
            reading.plain(node).map_or(Mount::Other("its place is not known here"), |it| short(&it))
        }
        Kind::Map(_) => long(reading, node),
        Kind::Seq(_) => Mount::Other("a list is no volume"),
    }
}

fn short(text: &str) -> Mount {
    let parts: Vec<&str> = text.split(':').collect();
    match parts[..] {
        [_] => Mount::Other(UNNAMED),
        [source, ..] if source.starts_with(['.', '/', '~', '\\']) || source.contains(['/', '\\']) => {
            Mount::Other(FOLDER)
        }
        [volume, target] | [volume, target, "rw"] if !volume.is_empty() && is_path(target) => {
            Mount::Named { volume: volume.to_owned(), target: target.to_owned() }
        }
        [_, _, _] => Mount::Other("the spec has no options of mounts"),
        _ => Mount::Other(FOLDER),
    }
}

fn long(reading: &Reading<'_>, node: &Node) -> Mount {
    let read = |key: &str| node.get(key).and_then(|it| reading.plain(it));
    match read("type").as_deref() {
        Some("volume") => {}
        Some("bind") => return Mount::Other(FOLDER),
        Some("tmpfs") => return Mount::Other("the spec mounts no memory"),
        _ => return Mount::Other("the spec has no mounts of this type"),
    }
    if node.entries().iter().any(|it| !["type", "source", "target"].contains(&it.key.as_str())) {
        return Mount::Other("the spec has no options of mounts");
    }
    match (read("source"), read("target")) {
        (Some(volume), Some(target)) if is_path(&target) => Mount::Named { volume, target },
        _ => Mount::Other(UNNAMED),
    }
}

fn is_path(target: &str) -> bool {
    target.starts_with('/') && 1 < target.len() && !target.split('/').any(|it| it == "..")
}

/// The named volume that an entry mounts, whatever else it says.
fn volume(reading: &Reading<'_>, node: &Node) -> Option<String> {
    if let Some(text) = reading.plain(node) {
        let (source, _) = text.split_once(':')?;
        return (!source.is_empty() && !source.contains(['/', '.', '~', '\\'])).then(|| source.to_owned());
    }
    let is_volume = node.get("type").and_then(super::text) == Some("volume");
    node.get("source").filter(|_| is_volume).and_then(|it| reading.plain(it))
}

/// Does this service alone mount the volume, which is a plain one?
pub(super) fn is_own(reading: &Reading<'_>, part: &Part, name: &str) -> bool {
    let mounts = |it: &&Part| {
        let all = it.get("volumes").map_or(&[][..], items).iter();
        it.written != part.written && all.filter_map(|it| volume(reading, it)).any(|it| it == name)
    };
    !reading.special_volumes.contains(name) && !reading.parts.iter().any(|it| mounts(&it))
}

/// The volumes of a service: those that the spec says, and all of them as a patch when it cannot say one of them.
pub(super) fn service(reading: &mut Reading<'_>, part: &Part, entry: &Entry, spec: &mut Map) {
    let mut volumes = Map::default();
    let mut patched = items(&entry.value).is_empty();
    for (idx, item) in items(&entry.value).iter().enumerate() {
        let path = part.path(&format!("volumes[{idx}]"));
        let why = match read(reading, item) {
            Mount::Named { volume, target } if is_own(reading, part, &volume) => {
                let name = names::fitting(&volume);
                if volumes.get(&name).is_none() {
                    let to = format!("services.{}.volumes.{name}", part.name);
                    volumes.set(&name, Value::Text(target));
                    reading.volumes.insert(volume, to.clone());
                    reading.mapped(path, item.span, to);
                    continue;
                }
                "it is mounted at another place as well".to_owned()
            }
            mount => mount.why("the spec has no volumes that services share, and none of another driver"),
        };
        patched = true;
        reading.patched(path, item.span, to_service(&part.name, "volumes"), why);
    }
    spec.set_map("volumes", volumes);
    if patched {
        whole(reading, part, entry);
    }
}

/// All entries as they are written: a patch of a list replaces it.
pub(super) fn whole(reading: &mut Reading<'_>, part: &Part, entry: &Entry) {
    for item in items(&entry.value) {
        if let Some(volume) = volume(reading, item) {
            reading.needed.insert(("volumes", volume));
        }
    }
    let path = part.path("volumes");
    if let Some(value) = reading.written(&path, entry) {
        reading.patches.add(patches::SERVICE, &part.name, Map::one("volumes", value));
        if items(&entry.value).is_empty() {
            reading.patched(
                path,
                entry.key_span,
                to_service(&part.name, "volumes"),
                "it is no list of volumes",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_volumes_are_told_from_folders() {
        let named = |volume: &str, target: &str| Mount::Named {
            volume: volume.to_owned(),
            target: target.to_owned(),
        };
        assert_eq!(short("data:/var/lib/x"), named("data", "/var/lib/x"));
        assert_eq!(short("data:/x:rw"), named("data", "/x"));
        for text in ["./a:/b", "/a:/b", "~/a:/b:ro", "a/b:/c"] {
            assert_eq!(short(text), Mount::Other(FOLDER), "{text}");
        }
        assert_eq!(short("/only"), Mount::Other(UNNAMED));
        assert!(matches!(short("data:/x:ro"), Mount::Other(_)));
    }
}
