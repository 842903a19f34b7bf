//! Dependencies: services of the file whose images are known.

use lockgate_yaml::{Entry, Node};

use super::environment::{self, Variable};
use super::kinds::{self, Kind};
use super::mounts::{self, Mount};
use super::part::{Part, Role};
use super::patches;
use super::ports;
use super::reading::{Reading, to_service};
use super::{is_empty, items, keys, text, words};
use crate::template;
use crate::value::{Map, Value};

/// Compose volumes have no size; some size is needed where volumes do.
const STORAGE: &str = "1Gi";

/// A dependency as the file sets it up.
#[derive(Clone, Debug)]
pub(super) struct Bundled {
    pub(super) kind: &'static Kind,
    pub(super) user: Name,
    pub(super) database: Option<Name>,
    /// As it is written, with marks for variables.
    pub(super) password: Option<String>,
    pub(super) password_in_file: bool,
    /// Clients sign in although the type leaves it open.
    pub(super) auth: bool,
    /// The secret that its password is in the spec.
    pub(super) secret: String,
}

/// A name in the file, and what the spec calls it where the file does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// With marks for variables that have no value here.
    pub(super) marked: String,
    pub(super) plain: String,
}

impl Bundled {
    pub(super) fn read(reading: &Reading<'_>, part: &Part, kind: &'static Kind) -> Option<Bundled> {
        let node = part.get("environment");
        let (variables, _) = node.map_or((vec![], vec![]), environment::variables);
        let filled = |it: &Variable| reading.fill(it.value.as_deref()?).map(|it| it.text);
        let find = |names: &[&str]| {
            let found = names.iter().find_map(|name| variables.iter().find(|it| it.name == *name));
            found.and_then(filled).filter(|it| !it.is_empty())
        };
        let has = |name: &str| variables.iter().any(|it| it.name == name);
        if kind.name == "kafka" && !variables.is_empty() && !has("KAFKA_PROCESS_ROLES") {
            // A broker that needs another server to run; the spec has none of these.
            return None;
        }
        let user = find(kind.user);
        let root = &["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"];
        let own_user = user.is_some() || kind.default_user != "root";
        let password = if own_user { find(kind.password) } else { find(root) };
        let command = requirepass(reading, part).filter(|_| matches!(kind.name, "redis" | "valkey"));
        let guest = (kind.name == "rabbitmq").then(|| "guest".to_owned());
        let password = password.or(command).or(guest);
        let in_file = |it: &Variable| it.name.ends_with("PASSWORD_FILE");
        let auth = !kind.signs_in && password.is_some();
        let name = |marked: String, otherwise: &str| {
            let plain = if template::has_marks(&marked) { otherwise.to_owned() } else { marked.clone() };
            Name { marked, plain }
        };
        let user = name(user.unwrap_or_else(|| kind.default_user.to_owned()), kind.default_user);
        let database = find(kind.database).or_else(|| {
            // The image makes a database of the user's name.
            (kind.name == "postgres" && user.marked != kind.default_user).then(|| user.marked.clone())
        });
        Some(Bundled {
            kind,
            database: database.map(|it| name(it, &user.plain)),
            user,
            password,
            password_in_file: variables.iter().any(in_file),
            auth,
            secret: lockgate_model::password_secret(&part.name),
        })
    }

    pub(super) fn signs_in(&self) -> bool {
        self.kind.signs_in || self.auth
    }

    /// The variable that carries its address unless something else is said.
    pub(super) fn variable(&self) -> String {
        match self.kind.name {
            "postgres" | "mysql" | "mariadb" => "DATABASE_URL".to_owned(),
            "valkey" => "REDIS_URL".to_owned(),
            name => format!("{}_URL", name.to_ascii_uppercase()),
        }
    }
}

/// The password of a Redis that is nothing but a server with one.
fn requirepass(reading: &Reading<'_>, part: &Part) -> Option<String> {
    let words = command_words(reading, part.get("command")?)?;
    let at = words.iter().position(|it| it == "--requirepass")?;
    words.get(at + 1).cloned()
}

/// The words of a command with marks for variables.
pub(super) fn command_words(reading: &Reading<'_>, node: &Node) -> Option<Vec<String>> {
    let Some(line) = text(node) else {
        let words = items(node).iter().map(|it| Some(reading.fill(text(it)?)?.text));
        return words.collect();
    };
    words::split(&reading.fill(line)?.text)
}

pub(super) fn all(reading: &mut Reading<'_>) -> Map {
    let mut dependencies = Map::default();
    for part in reading.parts.clone() {
        if let Role::Dependency(bundled) = &part.role {
            let one = One { reading, part: &part, bundled };
            dependencies.set(&part.name, Value::Map(one.write()));
        }
    }
    dependencies
}

struct One<'r, 'i> {
    reading: &'r mut Reading<'i>,
    part: &'r Part,
    bundled: &'r Bundled,
}

impl One<'_, '_> {
    fn write(mut self) -> Map {
        let (part, bundled) = (self.part, self.bundled);
        let mut spec = Map::one("type", Value::Text(bundled.kind.name.to_owned()));
        self.reading.renamed(part);
        for entry in &part.keys {
            match entry.key.as_str() {
                _ if is_empty(&entry.value) => keys::rest(self.reading, part, entry),
                "image" => self.image(entry, &mut spec),
                "environment" => self.environment(entry, &mut spec),
                "ports" => self.ports(entry, &mut spec),
                "volumes" => self.volumes(entry, &mut spec),
                "command" => self.command(entry, &mut spec),
                "healthcheck" => self.health(entry),
                "depends_on" => self.depends_on(entry),
                "secrets" if bundled.password_in_file => self.files(entry),
                "expose" => {
                    let to = self.to("type");
                    self.reading.mapped(part.path("expose"), entry.key_span, to);
                }
                _ => keys::rest(self.reading, part, entry),
            }
        }
        self.implied(&mut spec);
        self.only_root();
        if bundled.signs_in() {
            // The file may say nothing of a password that there is now.
            let path = format!("services.{}", part.written);
            self.reading.want(&bundled.secret, &path, part.span, true);
        }
        spec
    }

    fn to(&self, key: &str) -> String {
        format!("dependencies.{}.{key}", self.part.name)
    }

    fn image(&mut self, entry: &Entry, spec: &mut Map) {
        let Some(filled) = &self.part.image else { return };
        let Some(image) = filled.whole() else { return };
        let reference = kinds::reference(image);
        let is_usual = self.bundled.kind.images[0] == reference.repository;
        let version = reference.tag.map_or("", |it| it.strip_prefix('v').unwrap_or(it));
        let number = version.split('-').next().unwrap_or("");
        let is_number = number.starts_with(|it: char| it.is_ascii_digit())
            && number.bytes().all(|it| it.is_ascii_digit() || it == b'.');
        let (path, span) = (self.part.path("image"), entry.key_span);
        // The numbers of other images are not those of what is in them.
        if is_number && (is_usual || self.bundled.kind.name == "postgres") {
            spec.set("version", Value::Text(number.to_owned()));
        }
        if is_number
            && is_usual
            && self.bundled.kind.plain_tags
            && !reference.has_digest
            && Some(number) == reference.tag
        {
            return self.reading.mapped_but(path, span, self.to("version"), filled.note());
        }
        spec.set("image", Value::Text(image.to_owned()));
        self.reading.mapped_but(path, span, self.to("image"), filled.note());
    }

    fn environment(&mut self, entry: &Entry, spec: &mut Map) {
        let (kind, bundled) = (self.bundled.kind, self.bundled);
        let (variables, bad) = environment::variables(&entry.value);
        for span in bad {
            self.reading.dropped(
                self.part.path("environment"),
                span,
                "a variable has one value, and this has several",
            );
        }
        for variable in &variables {
            let name = variable.name.as_str();
            if kind.user.contains(&name) && !bundled.user.marked.is_empty() {
                self.named(variable, "user", &bundled.user, spec);
            } else if let Some(database) = bundled.database.as_ref().filter(|_| kind.database.contains(&name))
            {
                self.named(variable, "database", database, spec);
            } else if self.is_password(name) {
                self.password(variable);
            } else {
                self.other(variable);
            }
        }
    }

    /// What the image does by itself and the spec would not.
    fn implied(&mut self, spec: &mut Map) {
        let bundled = self.bundled;
        if let Some(database) = &bundled.database {
            spec.set("database", Value::Text(database.plain.clone()));
        }
        let by_spec = bundled.database.as_ref().map_or(bundled.kind.name, |it| it.plain.as_str());
        if bundled.kind.signs_in && bundled.user.plain != by_spec {
            spec.set("user", Value::Text(bundled.user.plain.clone()));
        }
    }

    fn named(&mut self, variable: &Variable, key: &str, name: &Name, spec: &mut Map) {
        let path = self.part.path(&format!("environment.{}", variable.name));
        let to = self.to(key);
        spec.set(key, Value::Text(name.plain.clone()));
        if name.marked == name.plain {
            return self.reading.mapped(path, variable.span, to);
        }
        let why = format!(
            "it has no value here, so it is called `{}`: put the value into `{}` beside the file, and import once more",
            name.plain,
            super::STORE
        );
        self.reading.dropped(path, variable.span, why);
    }

    fn is_password(&self, name: &str) -> bool {
        let bundled = self.bundled;
        let root = bundled.kind.default_user == "root" && bundled.user.marked == "root";
        let own =
            if root { &["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"][..] } else { bundled.kind.password };
        own.iter().any(|it| *it == name || name.strip_suffix("_FILE") == Some(it))
    }

    /// What the variables of its image begin with, when it has a root.
    fn root(&self) -> Option<&'static str> {
        match self.bundled.kind.name {
            "mysql" => Some("MYSQL"),
            "mariadb" => Some("MARIADB"),
            _ => None,
        }
    }

    /// The image refuses its root as the user whom services sign in as.
    fn only_root(&mut self) {
        let Some(prefix) = self.root().filter(|_| self.bundled.user.marked == "root") else { return };
        let mut settings = Map::default();
        for name in ["USER", "PASSWORD", "RANDOM_ROOT_PASSWORD"] {
            settings.set(&format!("{prefix}_{name}"), Value::Plain("null".to_owned()));
        }
        if self.bundled.database.is_none() {
            settings.set(&format!("{prefix}_DATABASE"), Value::Plain("null".to_owned()));
        }
        let password = Value::Text(patches::asked(&self.bundled.secret));
        settings.set(&format!("{prefix}_ROOT_PASSWORD"), password);
        let set = Map::one("environment", Value::Map(settings));
        self.reading.patches.add(patches::SERVICE, &self.part.name, set);
    }

    fn password(&mut self, variable: &Variable) {
        let path = self.part.path(&format!("environment.{}", variable.name));
        let secret = &self.bundled.secret;
        self.reading.want(secret, &path, variable.span, true);
        let why = format!("its value is not written: give it as `{secret}` in `{}`", super::STORE);
        self.reading.mapped_but(path, variable.span, format!("secrets.{secret}"), why);
    }

    /// A variable of the image that the spec has no word for.
    fn other(&mut self, variable: &Variable) {
        let (name, part) = (variable.name.as_str(), self.part);
        let path = part.path(&format!("environment.{name}"));
        let written = variable.value.clone();
        let literal = written.as_deref().unwrap_or("");
        let hidden = crate::secret::is_known_form(literal)
            || (crate::secret::is_name(name)
                && !literal.contains('$')
                && crate::secret::is_value(name, literal));
        let filled = written.as_deref().and_then(|it| self.reading.fill(it)).map(|it| it.text);
        let same = filled.is_some() && filled == self.bundled.password;
        let kept = match (&written, hidden || same) {
            (_, true) => {
                // Another password of the same server, such as that of its root.
                let filled = filled.unwrap_or_default();
                let secret = if same {
                    self.bundled.secret.clone()
                } else {
                    self.reading.secret_name(name, &part.name, &filled)
                };
                self.reading.want(&secret, &path, variable.span, true);
                patches::asked(&secret)
            }
            (Some(text), false) => text.clone(),
            (None, false) => format!("${{{name}:-}}"),
        };
        let mut settings = Map::one(name, Value::Text(kept));
        let instead = self.bundled.kind.instead.iter().copied();
        let random = self.root().map(|it| format!("{it}_RANDOM_ROOT_PASSWORD"));
        let random = random.as_deref().filter(|_| name.ends_with("_ROOT_PASSWORD"));
        for other in instead.chain(random) {
            settings.set(other, Value::Plain("null".to_owned()));
        }
        let set = Map::one("environment", Value::Map(settings));
        self.reading.patches.add(patches::SERVICE, &part.name, set);
        let to = to_service(&part.name, &format!("environment.{name}"));
        let why = if hidden || same {
            "the spec has one password of a dependency; this value is taken from `.env`"
        } else {
            "the spec says nothing of how a dependency is set up"
        };
        self.reading.patched(path, variable.span, to, why);
    }

    fn ports(&mut self, entry: &Entry, spec: &mut Map) {
        let part = self.part;
        let mut patched = false;
        for (idx, item) in items(&entry.value).iter().enumerate() {
            let path = part.path(&format!("ports[{idx}]"));
            let why = match ports::read(self.reading, item) {
                Ok(opened) if opened.number == self.bundled.kind.port && spec.get("publish").is_none() => {
                    if let Some(number) = opened.publish {
                        spec.set("publish", Value::number(number));
                    }
                    let to = self.to("publish");
                    let is_front = self.bundled.kind.name == "nginx";
                    patched |= is_front;
                    let why = (!opened.is_local && !is_front)
                        .then(|| "what is rendered opens it on 127.0.0.1 only".to_owned());
                    self.reading.mapped_but(path, item.span, to, why);
                    continue;
                }
                Ok(_) => "a dependency publishes one port, its usual one".to_owned(),
                Err(why) => why,
            };
            patched = true;
            self.reading.patched(path, item.span, to_service(&part.name, "ports"), why);
        }
        if patched || items(&entry.value).is_empty() {
            keys::whole(self.reading, part, entry);
        }
    }

    fn volumes(&mut self, entry: &Entry, spec: &mut Map) {
        let part = self.part;
        let mut patched = false;
        for (idx, item) in items(&entry.value).iter().enumerate() {
            let path = part.path(&format!("volumes[{idx}]"));
            let why = match mounts::read(self.reading, item) {
                Mount::Named { volume, target }
                    if self.bundled.kind.data.contains(&target.as_str())
                        && mounts::is_own(self.reading, part, &volume) =>
                {
                    spec.set("storage", Value::Text(STORAGE.to_owned()));
                    let to = self.to("storage");
                    self.reading.volumes.insert(volume, to.clone());
                    let why = format!("Compose says no size: {STORAGE} is a guess");
                    self.reading.mapped_but(path, item.span, to, why);
                    continue;
                }
                mount => mount.why("a dependency has one volume, for its data"),
            };
            patched = true;
            self.reading.patched(path, item.span, to_service(&part.name, "volumes"), why);
        }
        if patched || items(&entry.value).is_empty() {
            mounts::whole(self.reading, part, entry);
        }
    }

    fn command(&mut self, entry: &Entry, spec: &mut Map) {
        let words = command_words(self.reading, &entry.value).unwrap_or_default();
        let Some(password) = self.bundled.password.clone().filter(|_| self.bundled.auth) else {
            return keys::whole_but(
                self.reading,
                self.part,
                entry,
                "the spec says nothing of how a dependency is started",
            );
        };
        spec.set("auth", Value::flag(true));
        let path = self.part.path("command");
        let secret = self.bundled.secret.clone();
        self.reading.want(&secret, &path, entry.key_span, true);
        let server = ["redis-server", "valkey-server"];
        let rest = words
            .iter()
            .filter(|it| !server.contains(&it.as_str()) && *it != "--requirepass" && **it != password);
        let to = self.to("auth");
        if rest.count() == 0 {
            return self.reading.mapped_but(
                path,
                entry.key_span,
                to,
                format!("the password is the secret `{secret}`"),
            );
        }
        let words = words
            .iter()
            .map(|it| if *it == password { patches::asked(&secret) } else { it.replace('$', "$$") });
        let set = Map::one("command", Value::texts(words));
        self.reading.patches.add(patches::SERVICE, &self.part.name, set);
        let why = format!(
            "the spec says nothing of how a dependency is started; the password is the secret `{secret}`"
        );
        self.reading.patched(path, entry.key_span, to_service(&self.part.name, "command"), why);
    }

    fn health(&mut self, entry: &Entry) {
        let test = entry.value.get("test");
        let words = test.and_then(|it| {
            text(it)
                .map(str::to_owned)
                .or_else(|| Some(items(it).iter().filter_map(text).collect::<Vec<_>>().join(" ")))
        });
        let usual = words.is_some_and(|it| self.bundled.kind.checks.iter().any(|check| it.contains(check)));
        if usual {
            let to = self.to("type");
            let why = "what is rendered asks it in the usual way of its type".to_owned();
            return self.reading.mapped_but(self.part.path("healthcheck"), entry.key_span, to, why);
        }
        keys::whole_but(self.reading, self.part, entry, "a dependency is asked in the usual way of its type");
    }

    /// Files that the password of the dependency is in.
    fn files(&mut self, entry: &Entry) {
        let names = items(&entry.value).iter().filter_map(|it| text(it).or(it.get("source").and_then(text)));
        self.reading.files.extend(names.map(str::to_owned));
        let why = format!("the password is a secret now, in `{}`", super::STORE);
        let to = format!("secrets.{}", self.bundled.secret);
        self.reading.mapped_but(self.part.path("secrets"), entry.key_span, to, why);
    }

    fn depends_on(&mut self, entry: &Entry) {
        let path = self.part.path("depends_on");
        let entries = self.part.needs().into_iter().map(|(written, _, said)| {
            let name = self.reading.part(written).map_or(written, |it| &it.name);
            let said = said.map_or_else(
                || Value::Map(Map::one("condition", Value::Text("service_started".to_owned()))),
                Value::of,
            );
            (name.to_owned(), said)
        });
        let mut map = Map::default();
        for (name, said) in entries {
            map.set(&name, said);
        }
        self.reading.patches.add(patches::SERVICE, &self.part.name, Map::one("depends_on", Value::Map(map)));
        let to = to_service(&self.part.name, "depends_on");
        self.reading.patched(
            path,
            entry.key_span,
            to,
            "in the spec a dependency needs nothing of the system",
        );
    }
}
