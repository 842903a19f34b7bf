//! Images of services, and how they are built.

use lockgate_yaml::{Entry, Kind, Node};

use super::environment;
use super::part::Part;
use super::patches;
use super::reading::{Reading, to_service};
use super::{connection, items, keys, kinds, names, text};
use crate::secret;
use crate::template::{self, Filled};
use crate::value::{Map, Value};

pub(super) fn write(reading: &mut Reading<'_>, part: &Part, spec: &mut Map) {
    if let Some(entry) = part.entry("build") {
        let mut build = One { reading, part, build: Map::default() };
        build.read(entry);
        let mut build = build.build;
        if let Some(image) = part.entry("image") {
            repository(reading, part, image, &mut build);
        }
        spec.set("build", Value::Map(build));
    } else if let Some(entry) = part.entry("image") {
        named(reading, part, entry, spec);
    } else {
        spec.set("image", Value::Text(part.name.clone()));
        if part.elsewhere.is_none() {
            let why =
                format!("it has neither `image` nor `build`: the spec says `image: {}` for it", part.name);
            reading.dropped(format!("services.{}", part.written), part.span, why);
        }
    }
}

/// An image that is pulled.
fn named(reading: &mut Reading<'_>, part: &Part, entry: &Entry, spec: &mut Map) {
    let (path, to) = (part.path("image"), format!("services.{}.image", part.name));
    let Some(filled) = part.image.clone() else {
        spec.set("image", Value::Text(part.name.clone()));
        return reading.dropped(path, entry.key_span, "Compose cannot read its `${...}`");
    };
    if let Some(image) = filled.whole().filter(|it| !it.is_empty()) {
        spec.set("image", Value::Text(connection::escaped(image)));
        return reading.mapped_but(path, entry.key_span, to, filled.note());
    }
    if let Some((repository, _)) = tagged_by_variable(&filled) {
        spec.set("image", Value::Text(format!("{}:${{release.version}}", connection::escaped(repository))));
        let why = "its tag is the version of the release; Compose takes it from the variable, as before";
        reading.mapped_but(path, entry.key_span, to, why.to_owned());
        let written = Value::Text(super::text(&entry.value).unwrap_or_default().to_owned());
        return reading.patches.add(patches::SERVICE, &part.name, Map::one("image", written));
    }
    let image = template::without_marks(&filled.text);
    let image = image.trim_matches(['/', ':', '@']);
    let image = if image.is_empty() { part.name.as_str() } else { image };
    spec.set("image", Value::Text(connection::escaped(image)));
    keys::whole_but(
        reading,
        part,
        entry,
        &format!("a variable in it has no value here; the spec says `{image}`"),
    );
}

/// The repository of an image whose tag is a variable and nothing else.
fn tagged_by_variable(filled: &Filled) -> Option<(&str, &str)> {
    let (repository, tag) = filled.text.rsplit_once(':')?;
    let whole = !repository.is_empty() && !template::has_marks(repository);
    Some((repository, template::only(tag)?)).filter(|_| whole)
}

/// The name of an image that is built.
fn repository(reading: &mut Reading<'_>, part: &Part, entry: &Entry, build: &mut Map) {
    let (path, to) = (part.path("image"), format!("services.{}.build.image", part.name));
    let filled = part.image.clone().unwrap_or_default();
    let tagged = tagged_by_variable(&filled).map(|it| it.0.to_owned());
    let Some(image) = tagged.or(filled.whole().map(str::to_owned)).filter(|it| !it.is_empty()) else {
        return keys::whole_but(reading, part, entry, "a variable in it has no value here");
    };
    let reference = kinds::reference(&image);
    let repository = image.split('@').next().unwrap_or(&image);
    let repository = reference.tag.map_or(repository, |tag| &repository[..repository.len() - tag.len() - 1]);
    build.set("image", Value::Text(connection::escaped(repository)));
    let why = reference
        .tag
        .map(|it| format!("the tag `{it}` is left out: an image is tagged with the version of its release"));
    reading.mapped_but(path, entry.key_span, to, why);
}

struct One<'r, 'i> {
    reading: &'r mut Reading<'i>,
    part: &'r Part,
    build: Map,
}

impl One<'_, '_> {
    fn read(&mut self, entry: &Entry) {
        match &entry.value.kind {
            Kind::Scalar(_) => {
                self.context(Some(&entry.value), (&self.part.path("build"), entry));
            }
            Kind::Map(entries) => self.map(entry, entries),
            Kind::Seq(_) => {
                self.build.set("context", Value::Text(".".to_owned()));
                self.reading.dropped(
                    self.part.path("build"),
                    entry.key_span,
                    "it is a list, not a folder or a map",
                );
            }
        }
    }

    fn map(&mut self, whole: &Entry, entries: &[Entry]) {
        let context = entries.iter().find(|it| it.key == "context" && !it.value.is_null());
        let place = (&*self.part.path("build.context"), context.unwrap_or(whole));
        self.context(context.map(|it| &it.value), place);
        for entry in entries {
            let path = self.part.path(&format!("build.{}", entry.key));
            match entry.key.as_str() {
                "context" => {}
                _ if entry.value.is_null() => {
                    self.reading.mapped_but(path, entry.key_span, "nothing", "it is empty".to_owned());
                }
                "dockerfile" => self.dockerfile(entry),
                "secrets" => {
                    keys::needed(self.reading, "secrets", entry);
                    self.keep(entry, "the spec says nothing of how an engine builds");
                }
                "target" => match self.reading.plain(&entry.value) {
                    Some(stage) => {
                        self.build.set("stage", Value::Text(stage));
                        let to = format!("services.{}.build.stage", self.part.name);
                        self.reading.mapped(path, entry.key_span, to);
                    }
                    None => self.keep(entry, "its value is not known here"),
                },
                "args" => self.args(entry),
                "platforms" => self.platforms(entry),
                _ => self.keep(entry, "the spec says nothing of how an engine builds"),
            }
        }
    }

    fn keep(&mut self, entry: &Entry, why: &str) {
        keys::inner(self.reading, self.part, &["build"], entry, why);
    }

    /// The folder that is built, from where the spec stands.
    fn context(&mut self, node: Option<&Node>, (path, entry): (&str, &Entry)) {
        let folder = node.map_or(Some(".".to_owned()), |it| self.reading.plain(it));
        let folder = folder.and_then(|it| inside(&it));
        self.build.set("context", Value::Text(folder.clone().unwrap_or_else(|| ".".to_owned())));
        if folder.is_some() {
            let to = format!("services.{}.build.context", self.part.name);
            return self.reading.mapped(path, entry.key_span, to);
        }
        let context = Entry { key: "context".to_owned(), ..entry.clone() };
        self.keep(&context, "the spec builds what is beside it or below");
    }

    /// The Dockerfile, from the folder that is built.
    fn dockerfile(&mut self, entry: &Entry) {
        let file = self.reading.plain(&entry.value).and_then(|it| inside(&it)).filter(|it| it != ".");
        let Some(file) = file else {
            return self.keep(entry, "the spec has Dockerfiles in the folder that is built");
        };
        if file != "Dockerfile" {
            self.build.set("dockerfile", Value::Text(file));
        }
        let to = format!("services.{}.build.dockerfile", self.part.name);
        self.reading.mapped(self.part.path("build.dockerfile"), entry.key_span, to);
    }

    fn args(&mut self, entry: &Entry) {
        let (variables, bad) = environment::variables(&entry.value);
        for span in bad {
            self.reading.dropped(
                self.part.path("build.args"),
                span,
                "an argument has one value, and this has several",
            );
        }
        let mut args = Map::default();
        for variable in variables {
            let name = variable.name.as_str();
            let path = self.part.path(&format!("build.args.{name}"));
            let written = variable.value.as_deref().unwrap_or("");
            let filled = variable.value.as_deref().and_then(|it| self.reading.fill(it));
            let hidden = (secret::is_name(name) && secret::is_value(name, written) && !written.contains('$'))
                || secret::is_known_form(written);
            if hidden {
                let why = "it looks like a secret, and arguments of a build are part of the image";
                self.reading.dropped(path, variable.span, why);
                continue;
            }
            let whole = filled.as_ref().and_then(Filled::whole).filter(|_| names::is_variable(name));
            if let Some(value) = whole {
                args.set(name, Value::Text(connection::escaped(value)));
                let to = format!("services.{}.build.args.{name}", self.part.name);
                let note = filled.as_ref().and_then(Filled::note);
                self.reading.mapped_but(path, variable.span, to, note);
                continue;
            }
            let value = Value::Text(variable.value.clone().unwrap_or_else(|| format!("${{{name}:-}}")));
            let set = Map::one("args", Value::Map(Map::one(name, value)));
            self.reading.patches.add(patches::SERVICE, &self.part.name, Map::one("build", Value::Map(set)));
            let to = to_service(&self.part.name, &format!("build.args.{name}"));
            self.reading.patched(path, variable.span, to, "it has no value here");
        }
        self.build.set_map("args", args);
    }

    fn platforms(&mut self, entry: &Entry) {
        let listed: Vec<&str> = items(&entry.value).iter().filter_map(text).collect();
        let known = |it: &&str| ["linux/amd64", "linux/arm64"].contains(it);
        if listed.is_empty() || listed.len() != items(&entry.value).len() || !listed.iter().all(known) {
            return self.keep(entry, "the spec builds for `linux/amd64` and `linux/arm64`");
        }
        self.build.set("platforms", Value::texts(listed));
        let to = format!("services.{}.build.platforms", self.part.name);
        self.reading.mapped(self.part.path("build.platforms"), entry.key_span, to);
    }
}

/// A path in the usual looks, when it stays in its folder.
fn inside(path: &str) -> Option<String> {
    if path.is_empty() || path.starts_with(['/', '~']) || path.contains("://") || path.contains(['\\', ':']) {
        return None;
    }
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn paths_stay_in_their_folder() {
        for (path, wanted) in
            [("./api/", "api"), (".", "."), ("a/../b", "b"), ("docker/Dockerfile", "docker/Dockerfile")]
        {
            assert_eq!(inside(path).as_deref(), Some(wanted));
        }
        for path in ["..", "../x", "a/../../x", "/x", "~/x", "https://x/y.git", "git@x:y", "C:\\x", ""] {
            assert_eq!(inside(path), None, "{path}");
        }
    }
}
