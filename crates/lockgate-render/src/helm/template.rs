//! Files of templates.

use serde_json::Value;

use super::hooks;
use super::node::Node;
use super::scene::Key;
use super::unify::COPY;
use super::values::{Path, expression, quoted};

pub(super) fn path((kind, name): &Key) -> String {
    let kind = kind.to_ascii_lowercase();
    if kind == *name { format!("{name}.yaml") } else { format!("{name}-{kind}.yaml") }
}

pub(super) fn plain(node: &Node, guard: Option<&Path>) -> String {
    guarded(&node.text(), guard.map(|it| expression(it)).as_deref())
}

/// An object that is written under more than one name: its own, that of a hook's copy, and the one without a digest
/// that its digest is made of.
pub(super) struct Defined<'d> {
    pub(super) chart: &'d str,
    pub(super) key: &'d Key,
    pub(super) guard: Option<&'d Path>,
    pub(super) is_by_content: bool,
    pub(super) is_copied: bool,
}

impl Defined<'_> {
    pub(super) fn text(&self, mut node: Node) -> String {
        if let Some(name) = node.get_mut(&["metadata", "name"]) {
            *name = Node::Hole("{{ $.name }}".to_owned());
        }
        if self.is_copied {
            as_copy(&mut node);
        }
        let (template, name) = (self.template(), quoted(&self.key.1));
        let mut parts = vec![format!("{{{{- define \"{template}\" -}}}}\n{}{{{{- end }}}}\n", node.text())];
        let name = if self.is_by_content {
            parts.push(self.name(&self.include(&name, "")));
            format!("(include \"{template}.name\" $)")
        } else {
            name
        };
        let guard = self.guard.map(|it| expression(it));
        parts.push(guarded(&format!("{{{{ {} }}}}\n", self.include(&name, "")), guard.as_deref()));
        if self.is_copied {
            let is_hook = format!("(include \"{}.before\" $)", self.chart);
            let condition = guard.map_or_else(|| is_hook.clone(), |it| format!("and {it} {is_hook}"));
            let copy = self.include(&format!("(printf \"%s{COPY}\" {name})"), " \"hook\" true");
            parts.push(guarded(&format!("---\n{{{{ {copy} }}}}\n"), Some(&condition)));
        }
        parts.concat()
    }

    fn template(&self) -> String {
        format!("{}.{}.{}", self.chart, self.key.0, self.key.1)
    }

    fn include(&self, name: &str, more: &str) -> String {
        let context = format!("\"Values\" $.Values \"Release\" $.Release \"name\" {name}{more}");
        format!("include \"{}\" (dict {context})", self.template())
    }

    /// The digest of the content as names of the plain manifests have it.
    fn name(&self, object: &str) -> String {
        let content = if self.key.0 == "ConfigMap" {
            "{{- $content := \"\" -}}\n\
             {{- range $key, $value := $object.data }}{{ $content = printf \"%s%s=%s\\n\" $content $key $value }}{{ end -}}"
        } else {
            "{{- $content := $object.spec | toRawJson -}}"
        };
        format!(
            "{{{{- define \"{}.name\" -}}}}\n\
             {{{{- $object := {object} | fromYaml -}}}}\n\
             {content}\n\
             {}-{{{{ $content | sha256sum | trunc 8 }}}}\n\
             {{{{- end }}}}\n",
            self.template(),
            self.key.1
        )
    }
}

/// A copy makes a Secret of its own.
fn as_copy(node: &mut Node) {
    hooks::annotate(node, Some("$.hook"), &hooks::COPIED);
    if let Some(target) = node.get_mut(&["spec", "target", "name"])
        && let Node::Literal(Value::String(name)) = target
    {
        *target = Node::Hole(format!("\"{name}{{{{ if $.hook }}}}{COPY}{{{{ end }}}}\""));
    }
}

fn guarded(text: &str, condition: Option<&str>) -> String {
    match condition {
        Some(it) => format!("{{{{- if {it} }}}}\n{text}{{{{- end }}}}\n"),
        None => text.to_owned(),
    }
}
