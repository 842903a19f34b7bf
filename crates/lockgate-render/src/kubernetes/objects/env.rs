//! Variables of a container: plain ones in a `ConfigMap`, the others by reference.
//!
//! Kubernetes fills `$(NAME)` in from entries that stand before, so what is referred to comes first.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector};

use super::{meta, secret};
use crate::facts::{Environment, Part as Piece, Template, Variable, VariableValue, as_variable};

pub(super) struct Env {
    /// Data of the `ConfigMap`.
    pub(super) plain: BTreeMap<String, String>,
    /// Entries of the container, in order.
    pub(super) entries: Vec<EnvVar>,
    /// Annotations that tell the pods which commit they are of, where one asks.
    pub(super) commit: BTreeSet<String>,
}

pub(super) fn of_variables(environment: &Environment<'_>, variables: &[Variable<'_>]) -> Env {
    let mut plain = BTreeMap::new();
    let mut composed = vec![];
    let mut entries = Entries::new(environment, variables.iter().map(|it| it.name));
    for variable in variables {
        let name = variable.name;
        match &variable.value {
            VariableValue::Plain(template) => match template.plain() {
                Some(text) => drop(plain.insert(name.to_owned(), text.to_owned())),
                None => composed.push((name, template)),
            },
            VariableValue::Secret(rule) => {
                entries.reference(name, secret::source(environment, name, Some(rule)));
            }
            VariableValue::Store { required } => {
                entries.reference(name, secret::stored(environment, name, *required));
            }
        }
    }
    // A secret that is a variable anyway needs no second entry.
    for (name, template) in composed {
        entries.template(name, template);
    }
    let commit = std::mem::take(&mut entries.commit);
    Env { plain, entries: entries.finish(), commit }
}

/// Settings of a container that is no service's: all of them as entries.
pub(super) fn of_settings(
    environment: &Environment<'_>,
    settings: &BTreeMap<&'static str, Template>,
) -> Vec<EnvVar> {
    let mut entries = Entries::new(environment, settings.keys().copied());
    for (name, template) in settings {
        entries.template(name, template);
    }
    entries.finish()
}

/// `$$` is the character in values, commands and arguments.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

struct Entries<'e, 'f> {
    environment: &'e Environment<'f>,
    /// Names that variables have of their own.
    declared: BTreeSet<String>,
    references: BTreeMap<String, EnvVarSource>,
    composed: BTreeMap<String, String>,
    commit: BTreeSet<String>,
}

impl<'e, 'f> Entries<'e, 'f> {
    fn new<'n>(environment: &'e Environment<'f>, declared: impl Iterator<Item = &'n str>) -> Entries<'e, 'f> {
        let declared = declared.map(str::to_owned).collect();
        Entries {
            environment,
            declared,
            references: BTreeMap::new(),
            composed: BTreeMap::new(),
            commit: BTreeSet::new(),
        }
    }

    fn reference(&mut self, name: &str, source: EnvVarSource) {
        self.references.insert(name.to_owned(), source);
    }

    fn template(&mut self, name: &str, template: &Template) {
        let others = template.0.iter().filter_map(|it| match it {
            Piece::Other(name) => meta::of_commit(name),
            Piece::Text(_) | Piece::Secret(_) | Piece::Version => None,
        });
        self.commit.extend(others);
        if let [piece] = template.0.as_slice()
            && let Some((_, source)) = self.source(piece)
        {
            self.reference(name, source);
            return;
        }
        let value = template.write(|piece| match (piece, self.source(piece)) {
            (_, Some((helper, source))) => {
                let helper = self.name_for(&helper, &source);
                self.references.insert(helper.clone(), source);
                format!("$({helper})")
            }
            (Piece::Text(text), None) => literal(text),
            (Piece::Secret(_) | Piece::Version | Piece::Other(_), None) => String::new(),
        });
        self.composed.insert(name.to_owned(), value);
    }

    /// Where a part of a value that is no text comes from, and what an entry for it alone is called.
    fn source(&self, piece: &Piece) -> Option<(String, EnvVarSource)> {
        match piece {
            Piece::Text(_) => None,
            Piece::Version => Some(("RELEASE_VERSION".to_owned(), annotation(meta::VERSION))),
            Piece::Secret(name) => {
                let rule = self.environment.secrets.get(name).and_then(|it| it.rule);
                Some((name.clone(), secret::source(self.environment, name, rule)))
            }
            // The commit is a part of the release; an address that is found by looking is kept as secrets are.
            Piece::Other(name) => {
                let source = match meta::of_commit(name) {
                    Some(key) => annotation(&key),
                    None => secret::source(self.environment, &as_variable(name), None),
                };
                Some((as_variable(name), source))
            }
        }
    }

    /// The variable of this name, unless it is something else.
    fn name_for(&self, helper: &str, source: &EnvVarSource) -> String {
        let is_it = self.references.get(helper) == Some(source);
        if is_it || !self.declared.contains(helper) { helper.to_owned() } else { format!("{helper}_VALUE") }
    }

    fn finish(self) -> Vec<EnvVar> {
        let references = self.references.into_iter();
        let references =
            references.map(|(name, it)| EnvVar { name, value_from: Some(it), ..EnvVar::default() });
        let composed = self.composed.into_iter();
        let composed = composed.map(|(name, it)| EnvVar { name, value: Some(it), ..EnvVar::default() });
        references.chain(composed).collect()
    }
}

/// Each pod reads what it was started as, so two versions can run beside each other.
fn annotation(key: &str) -> EnvVarSource {
    let field_path = format!("metadata.annotations['{key}']");
    let selector = ObjectFieldSelector { field_path, ..ObjectFieldSelector::default() };
    EnvVarSource { field_ref: Some(selector), ..EnvVarSource::default() }
}
