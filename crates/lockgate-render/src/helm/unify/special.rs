//! Leaves that are made of something else: images, the version, the namespace, names that follow from a content, and
//! variables.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Unifier, Variants, each};
use crate::helm::node::Node;
use crate::helm::rules;
use crate::helm::scene::{Key, NAMESPACE, Reference};
use crate::helm::values::{Entry, Path, Presence, expression, quoted};
use crate::kubernetes::objects::{Part, UNRELEASED, VERSION};

/// Annotations that say a fact of the commit.
const COMMIT: &str = "lockgate.dev/git-";

impl Unifier<'_> {
    pub(super) fn special(&mut self, path: &Path, variants: &Variants<'_>) -> Option<Node> {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        match keys.as_slice() {
            ["metadata", "name"] if self.key.0 == NAMESPACE => self.namespace(variants),
            ["metadata", "namespace"] | [.., "kubernetes.io/metadata.name"] => self.namespace(variants),
            ["metadata", "name"] if self.scenes.iter().any(|it| it.is_by_content(self.key)) => {
                Some(Node::Hole("{{ $.name }}".to_owned()))
            }
            [.., "annotations", VERSION] => self.version(variants),
            [.., "annotations", name] if name.starts_with(COMMIT) => self.commit(name, variants),
            [.., "image"] => self.image(variants),
            ["data"] if self.key.0 == "ConfigMap" => self.config(variants),
            [.., "secretKeyRef"] => self.secret(variants),
            _ => self.name_by_content(variants),
        }
    }

    fn namespace(&self, variants: &Variants<'_>) -> Option<Node> {
        let mut places = variants.iter().zip(self.scenes);
        let fits = places.all(|(it, scene)| it.is_none_or(|it| *it == *scene.namespace));
        fits.then(|| Node::Hole("{{ $.Release.Namespace | quote }}".to_owned()))
    }

    fn version(&mut self, variants: &Variants<'_>) -> Option<Node> {
        let about = "What is released, as pods and variables say it";
        self.supplied(&["version".to_owned()], about, variants)?;
        Some(Node::Hole(format!("{{{{ include \"{}.version\" $ | quote }}}}", self.chart)))
    }

    fn commit(&mut self, annotation: &str, variants: &Variants<'_>) -> Option<Node> {
        let fact = annotation.strip_prefix(COMMIT)?;
        let path = vec!["git".to_owned(), fact.to_owned()];
        self.supplied(&path, "Of the commit that is released", variants)?;
        let message = format!("git.{fact} is not set: say it of the commit that is released");
        Some(Node::Hole(format!("{{{{ required {} {} | quote }}}}", quoted(&message), expression(&path))))
    }

    /// What only a release knows.
    fn supplied(&mut self, path: &[String], about: &str, variants: &Variants<'_>) -> Option<()> {
        let known = |it: &str| (it != UNRELEASED).then(|| Value::from(it));
        let values = each(variants, Value::as_str)?.into_iter().map(|it| it.and_then(known)).collect();
        let entry = Entry {
            schema: Some(json!({"type": "string", "minLength": 1})),
            values,
            guards: BTreeSet::new(),
            ..self.entry(about, &[], Presence::Supplied)
        };
        self.values.bind(path, &entry).then_some(())
    }

    fn image(&mut self, variants: &Variants<'_>) -> Option<Node> {
        let texts = each(variants, Value::as_str)?;
        let mut images = vec![];
        for (text, scene) in texts.iter().zip(self.scenes) {
            images.push(match text {
                Some(text) => Some(scene.images.get(*text)?),
                None => None,
            });
        }
        let name = &images.iter().flatten().next()?.name;
        if !images.iter().flatten().all(|it| it.name == *name) {
            return None;
        }
        let value = |of: &str| vec!["images".to_owned(), name.clone(), of.to_owned()];
        let repository = Entry {
            schema: Some(json!({"type": "string", "minLength": 1})),
            values: images.iter().map(|it| it.map(|it| json!(it.repository))).collect(),
            ..self.entry("Where it is, without tag and digest", variants, Presence::Always)
        };
        let digest = Entry {
            schema: Some(json!({"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"})),
            values: images.iter().map(|it| it.and_then(|it| it.digest.clone()).map(Value::from)).collect(),
            guards: BTreeSet::new(),
            ..self.entry("The bytes that are released", &[], Presence::Supplied)
        };
        let fits = self.values.bind(&value("repository"), &repository)
            && self.values.bind(&value("digest"), &digest);
        let context = format!("(dict \"Values\" $.Values \"name\" {})", quoted(name));
        fits.then(|| Node::Hole(format!("{{{{ include \"{}.image\" {context} | quote }}}}", self.chart)))
    }

    /// Variables of a service are values one by one, so that an environment names only its own.
    fn config(&mut self, variants: &Variants<'_>) -> Option<Node> {
        let maps = each(variants, Value::as_object)?;
        let owner = rules::owner(self.part);
        if owner.last() != Some(&self.key.1) || matches!(self.part, Part::Dependency(_)) {
            return None;
        }
        let names: BTreeSet<&String> = maps.iter().flatten().flat_map(|it| it.keys()).collect();
        let mut config = owner;
        config.push("config".to_owned());
        for name in names {
            let variants: Vec<_> = maps.iter().map(|it| it.and_then(|it| it.get(name))).collect();
            let is_everywhere = maps.iter().zip(&variants).all(|it| it.0.is_none() || it.1.is_some());
            let presence = if is_everywhere { Presence::Always } else { Presence::Optional };
            let about = format!("Variable {name}");
            let entry =
                Entry { schema: Some(json!({"type": "string"})), ..self.entry(&about, &variants, presence) };
            let mut path = config.clone();
            path.push(name.clone());
            self.values.bind(&path, &entry);
        }
        let range = format!("{{{{- range $name, $value := {} }}}}", expression(&config));
        self.values.free.insert(config, "Variables that are no secrets".to_owned());
        let line = "{{ $name | quote }}: {{ $value | quote }}".to_owned();
        let lines = vec![range, line, "{{- end }}".to_owned()];
        Some(Node::Lines { condition: None, lines })
    }

    /// The Secret that holds a key, where environments keep it in different ones.
    fn secret(&mut self, variants: &Variants<'_>) -> Option<Node> {
        let maps = each(variants, Value::as_object)?;
        let mut there = maps.iter().flatten();
        let first = there.next()?;
        let key = first.get("key")?.as_str()?;
        let rest = |it: &serde_json::Map<String, Value>| {
            let mut it = it.clone();
            it.remove("name");
            it
        };
        let is_literal = maps.iter().flatten().all(|it| it.get("name") == first.get("name"));
        if is_literal || !there.all(|it| rest(it) == rest(first)) {
            return None;
        }
        let names: Vec<_> = maps.iter().map(|it| it.and_then(|it| it.get("name"))).collect();
        let path = vec!["secretNames".to_owned(), key.to_owned()];
        let entry = Entry {
            schema: Some(json!({"type": "string", "minLength": 1})),
            ..self.entry(&format!("Name of the Secret that holds {key}"), &names, Presence::Always)
        };
        if !self.values.bind(&path, &entry) {
            return None;
        }
        let literals = rest(first).into_iter().map(|(key, value)| (key, Node::Literal(value)));
        let name = Node::Hole(self.inserted(&path, &names));
        let name = ("name".to_owned(), self.copied(Reference::Secret, name, &names));
        Some(Node::Map(literals.chain([name]).collect()))
    }

    /// What names another object, whose name ends in a digest of its content.
    fn name_by_content(&self, variants: &Variants<'_>) -> Option<Node> {
        let texts = each(variants, Value::as_str)?;
        let mut keys: BTreeSet<&Key> = BTreeSet::new();
        for (text, scene) in texts.iter().zip(self.scenes) {
            if let Some(text) = text {
                keys.insert(scene.named_by_content(text)?);
            }
        }
        let mut keys = keys.into_iter();
        let (kind, name) = keys.next().filter(|_| keys.next().is_none())?;
        Some(Node::Hole(format!("{{{{ include \"{}.{kind}.{name}.name\" $ }}}}", self.chart)))
    }
}
