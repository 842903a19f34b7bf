//! Values of secrets, and of variables that the spec has no value of: found or made, checked, and put in the vault.
//! A release knows them by reference only.

mod find;
mod format;
mod kept;
mod make;
mod needs;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use lockgate_model::{Scope, Secret, SecretRef, ServiceName, Store, System};
use lockgate_node::{Place, Vault};

use find::Sources;
use kept::Kept;
use needs::{Key, Need, Needs, Owner, Piece, Variable};

/// Variables by name, whose values are in the vault.
type Variables = BTreeMap<String, SecretRef>;

#[derive(Debug, Default)]
pub struct Secrets {
    pub services: BTreeMap<ServiceName, Variables>,
    /// Of the release itself.
    pub own: Variables,
    /// Passwords of the dependencies that are started with the system, by the secret's name.
    pub passwords: Variables,
}

/// What has no usual value, with all that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct Unusable {
    environment: String,
    problems: Vec<Problem>,
    hint: String,
}

#[derive(Debug)]
struct Problem {
    name: String,
    readers: Vec<String>,
    what: String,
}

impl Unusable {
    fn text(&self) -> String {
        let count = match self.problems.len() {
            1 => "one value".to_owned(),
            count => format!("{count} values"),
        };
        let mut text = format!("{count} for `{}` cannot be used:", self.environment);
        for it in &self.problems {
            text.push_str("\n  ");
            text.push_str(&it.to_string());
        }
        text
    }

    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (read by {}): {}", self.name, self.readers.join(", "), self.what)
    }
}

/// Where the platform has the values itself, nothing is read here.
fn stays_there(system: &System) -> bool {
    matches!(system.stores.secrets, Some(Store::Kubernetes(_) | Store::ExternalSecrets(_)))
}

/// All values that the system needs, in the vault.
pub fn collect(system: &System, folder: &Path, place: &Place) -> anyhow::Result<Secrets> {
    let needs = Needs::of(system);
    if stays_there(system) || needs.values.is_empty() {
        return Ok(Secrets::default());
    }
    let scope = Scope { system: system.name.clone(), environment: system.environment.clone() };
    let vault = Vault::open(place)?;
    let kept = Kept::open(vault.dir(), &scope)?;
    let mut collecting =
        Collecting { sources: Sources::of(system, folder)?, vault, kept, found: BTreeMap::new() };
    let mut problems = vec![];
    // A public half comes after its private one.
    let (halves, whole): (Vec<_>, Vec<_>) = needs.values.iter().partition(|it| it.1.public_of.is_some());
    for (key, need) in whole.into_iter().chain(halves) {
        if let Err(what) = collecting.value(key, need)? {
            let readers = need.readers.iter().cloned().collect();
            problems.push(Problem { name: name_of(key), readers, what });
        }
    }
    if problems.is_empty() {
        return collecting.secrets(&needs);
    }
    let hint = collecting.sources.places(system);
    Err(Unusable { environment: system.environment.to_string(), problems, hint }.into())
}

fn name_of(key: &Key) -> String {
    match &key.part {
        None => key.name.clone(),
        Some(part) => format!("{}, key `{part}`", key.name),
    }
}

struct Collecting {
    sources: Sources,
    vault: Vault,
    kept: Kept,
    /// What there is; a value that may be missing is not in it.
    found: BTreeMap<Key, Secret<String>>,
}

impl Collecting {
    /// The outer failure is of this machine, the inner one of the value.
    fn value(&mut self, key: &Key, need: &Need) -> anyhow::Result<Result<(), String>> {
        let found = match self.sources.find(key) {
            Ok(Some(found)) => Some(found),
            Ok(None) => match self.other(key, need)? {
                Ok(other) => other,
                Err(what) => return Ok(Err(what)),
            },
            Err(what) => return Ok(Err(what)),
        };
        let Some(found) = found else {
            let lacking = match need.public_of {
                Some(_) => "it has no value, nor has its private half",
                None => "it has no value",
            };
            return Ok(if need.required { Err(lacking.to_owned()) } else { Ok(()) });
        };
        if let Err(what) = format::check(found.reveal(), need.format) {
            return Ok(Err(what.to_owned()));
        }
        self.found.insert(key.clone(), found);
        Ok(Ok(()))
    }

    /// What nobody wrote down: made before, made now, or derived.
    fn other(&mut self, key: &Key, need: &Need) -> anyhow::Result<Result<Option<Secret<String>>, String>> {
        if let Some(private) = &need.public_of {
            let Some(private) = self.found.get(private) else { return Ok(Ok(None)) };
            return Ok(make::public_half(private).map(Some));
        }
        let Some(kind) = need.generate else { return Ok(Ok(None)) };
        if let Some(kept) = self.kept.get(&key.name) {
            return Ok(Ok(Some(self.vault.reveal(kept)?)));
        }
        match make::make(kind) {
            Ok(made) => {
                let kept = self.vault.keep(&key.name, &made)?;
                self.kept.set(&key.name, kept)?;
                Ok(Ok(Some(made)))
            }
            Err(by_hand) if need.required => Ok(Err(format!("it has no value. {by_hand}"))),
            Err(_) => Ok(Ok(None)),
        }
    }

    fn secrets(&self, needs: &Needs) -> anyhow::Result<Secrets> {
        let mut secrets = Secrets::default();
        for variable in &needs.variables {
            let Some(value) = self.put_together(variable) else { continue };
            let kept = self.vault.keep(&variable.name, &value)?;
            let variables = match &variable.owner {
                Owner::Service(name) => secrets.services.entry(name.clone()).or_default(),
                Owner::Release => &mut secrets.own,
            };
            variables.insert(variable.name.clone(), kept);
        }
        for (name, key) in &needs.passwords {
            if let Some(value) = self.found.get(key) {
                secrets.passwords.insert(name.clone(), self.vault.keep(name, value)?);
            }
        }
        Ok(secrets)
    }

    /// `None` when a value in it is missing, which it may be.
    fn put_together(&self, variable: &Variable) -> Option<Secret<String>> {
        let pieces = variable.pieces.iter().map(|it| match it {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Value(key) => self.found.get(key).map(|it| it.reveal().as_str()),
        });
        pieces.collect::<Option<String>>().map(Secret::new)
    }
}
