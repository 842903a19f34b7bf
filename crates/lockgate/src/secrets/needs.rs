//! Which values a system needs from the store of its environment, and who reads them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{
    DependencyName, External, Generate, SecretFormat, SecretRule, ServiceName, SmokeExpect, SmokeKind, System,
};

/// One value of a store: its name, and the key in it where a value holds several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) part: Option<String>,
}

impl Key {
    fn of(name: &str, rule: Option<&SecretRule>) -> Key {
        let (from, key) = rule.map_or((None, None), |it| (it.from.as_ref(), it.key.as_ref()));
        match (from, key) {
            (Some(from), Some(key)) => Key { name: from.clone(), part: Some(key.clone()) },
            (Some(only), None) | (None, Some(only)) => Key { name: only.clone(), part: None },
            (None, None) => Key { name: name.to_owned(), part: None },
        }
    }
}

/// What is asked of a value.
#[derive(Debug, Default)]
pub(super) struct Need {
    pub(super) required: bool,
    pub(super) format: Option<SecretFormat>,
    pub(super) generate: Option<Generate>,
    /// The private key that this is the public half of.
    pub(super) public_of: Option<Key>,
    /// Services and dependencies.
    pub(super) readers: BTreeSet<String>,
}

/// Whose variable it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Service(ServiceName),
    /// Smoke checks, and migrations that no service runs.
    Release,
}

/// A variable whose value is kept apart, put together of texts and values.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) owner: Owner,
    pub(super) name: String,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Value(Key),
}

#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) values: BTreeMap<Key, Need>,
    pub(super) variables: Vec<Variable>,
    /// Passwords of the dependencies that are started with the system.
    pub(super) passwords: BTreeMap<String, Key>,
}

impl Needs {
    pub(super) fn of(system: &System) -> Needs {
        let mut needs = Needs::default();
        for (dependency, it) in &system.dependencies {
            let Some(name) = lockgate_render::password_of(dependency, it) else { continue };
            let key = needs.secret(system, &name, None, dependency.as_str());
            needs.passwords.insert(name, key);
        }
        for (name, service) in &system.services {
            let owner = Owner::Service(name.clone());
            for (variable, rule) in &service.secrets {
                let key = needs.secret(system, variable, Some(rule), name.as_str());
                needs.variable(&owner, variable, vec![Piece::Value(key)]);
            }
            for (variable, it) in &service.variables {
                if !service.env.contains_key(variable) && !service.secrets.contains_key(variable) {
                    let key = needs.stored(variable, it.required, name.as_str());
                    needs.variable(&owner, variable, vec![Piece::Value(key)]);
                }
            }
            needs.texts(system, &owner, name.as_str(), &service.env);
        }
        // Others run in a service, and have what it has.
        if let Some(migrations) = system.migrations.as_ref().filter(|it| it.service.is_none()) {
            needs.texts(system, &Owner::Release, "migrations", &migrations.env);
        }
        for check in &system.smoke {
            if let SmokeKind::Get { expect: SmokeExpect { bearer: Some(name), .. }, .. } = &check.kind {
                let key = needs.secret(system, name, None, "smoke");
                needs.variable(&Owner::Release, name, vec![Piece::Value(key)]);
            }
        }
        needs
    }

    fn variable(&mut self, owner: &Owner, name: &str, pieces: Vec<Piece>) {
        self.variables.push(Variable { owner: owner.clone(), name: name.to_owned(), pieces });
    }

    /// Variables with secrets within their text: composed here, or by whoever launches a container.
    fn texts(&mut self, system: &System, owner: &Owner, reader: &str, env: &BTreeMap<String, String>) {
        for (whole, text) in env {
            let parts = split(system, text);
            let mut pieces = vec![];
            for part in &parts {
                match part {
                    Part::Text(text) => pieces.push(Piece::Text((*text).to_owned())),
                    Part::Secret { name, variable } => {
                        let key = self.secret(system, name, None, reader);
                        if system.target.runs_images() {
                            self.variable(owner, variable, vec![Piece::Value(key.clone())]);
                        }
                        pieces.push(Piece::Value(key));
                    }
                }
            }
            let has_secrets = pieces.iter().any(|it| matches!(it, Piece::Value(_)));
            if has_secrets && !system.target.runs_images() {
                self.variable(owner, whole, pieces);
            }
        }
    }

    /// A plain variable whose value is in the store only.
    fn stored(&mut self, name: &str, required: bool, reader: &str) -> Key {
        let key = Key::of(name, None);
        let need = self.values.entry(key.clone()).or_default();
        need.required |= required;
        need.readers.insert(reader.to_owned());
        key
    }

    /// Somebody reads a secret. Where its reader says nothing of it, another service or the system may.
    fn secret(&mut self, system: &System, name: &str, rule: Option<&SecretRule>, reader: &str) -> Key {
        let rule = rule.or_else(|| rule_of(system, name));
        let private = rule.and_then(|it| it.public_of.as_deref());
        // The private half may be somebody else's; it is asked for when there is no public one.
        let private = private.map(|it| self.known(system, it, rule_of(system, it)));
        let key = self.known(system, name, rule);
        let need = self.values.entry(key.clone()).or_default();
        need.required |= rule.is_none_or(|it| it.required);
        need.public_of = need.public_of.take().or(private);
        need.readers.insert(reader.to_owned());
        key
    }

    /// What is said of a secret, whoever reads it.
    fn known(&mut self, system: &System, name: &str, rule: Option<&SecretRule>) -> Key {
        let key = Key::of(name, rule);
        let mut passwords =
            system.dependencies.iter().filter_map(|it| lockgate_render::password_of(it.0, it.1));
        let is_password = passwords.any(|it| it == name);
        let need = self.values.entry(key.clone()).or_default();
        need.format = need.format.or(rule.and_then(|it| it.format));
        need.generate = need.generate.or(rule.and_then(|it| it.generate));
        need.generate = need.generate.or(is_password.then_some(Generate::Password));
        key
    }
}

fn rule_of<'a>(system: &'a System, name: &str) -> Option<&'a SecretRule> {
    system.services.values().find_map(|it| it.secrets.get(name)).or_else(|| system.secrets.get(name))
}

enum Part<'t> {
    Text(&'t str),
    /// By its name, and by what it is called as a variable of its own.
    Secret {
        name: &'t str,
        variable: String,
    },
}

/// A text and the secrets within it: `${secrets.NAME}`, and addresses that a store keeps.
fn split<'t>(system: &'t System, text: &'t str) -> Vec<Part<'t>> {
    let mut parts = vec![];
    let (mut done, mut looked) = (0, 0);
    while let Some(begin) = text[looked..].find("${").map(|it| looked + it) {
        let Some(end) = text[begin..].find('}').map(|it| begin + it) else { break };
        if let Some(secret) = secret_of(system, &text[begin + 2..end]) {
            parts.extend([Part::Text(&text[done..begin]), secret]);
            done = end + 1;
        }
        looked = end + 1;
    }
    parts.push(Part::Text(&text[done..]));
    parts
}

fn secret_of<'t>(system: &'t System, reference: &'t str) -> Option<Part<'t>> {
    if let Some(name) = reference.strip_prefix("secrets.") {
        return Some(Part::Secret { name, variable: name.to_owned() });
    }
    let dependency = DependencyName::new(reference.strip_suffix(".url")?).ok()?;
    match &system.dependencies.get(&dependency)?.external {
        Some(External::Secret(name)) => {
            let variable = reference.to_ascii_uppercase().replace(['.', '-'], "_");
            Some(Part::Secret { name, variable })
        }
        Some(External::Url(_) | External::Rds(_) | External::Elasticache(_) | External::Atlas(_)) | None => {
            None
        }
    }
}
