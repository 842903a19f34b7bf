//! Files of the chart beside its templates of objects.

use std::collections::BTreeMap;

use lockgate_yaml::{WriteStyle, write};
use serde_json::{Value, json};

use super::schema::schema;
use super::values::{Path, Presence, Values};
use super::{Chart, hooks};
use crate::header::Comment;

/// Values that people look for first.
const FIRST: [&str; 6] = ["version", "images", "services", "enabled", "repository", "digest"];

impl Chart<'_> {
    /// Path, style of comments and text of each.
    pub(super) fn files(&self, values: &Values) -> Vec<(&'static str, Comment, String)> {
        let schema = serde_json::to_string_pretty(&schema(self.name, values)).expect("keys are text");
        let ignored = "# What is no part of the chart\n.DS_Store\n.git/\n*.orig\n*.swp\n*.tgz\n";
        vec![
            ("Chart.yaml", Comment::Hash, self.chart()),
            (".helmignore", Comment::Hash, ignored.to_owned()),
            ("values.yaml", Comment::Hash, defaults(values, &self.abouts())),
            ("values.schema.json", Comment::None, schema + "\n"),
            ("templates/_helpers.tpl", Comment::Template, self.helpers()),
            ("templates/NOTES.txt", Comment::Template, self.notes()),
        ]
    }

    /// What the spec says of variables, by name.
    pub(super) fn abouts(&self) -> BTreeMap<&str, &str> {
        let services = self.environments.iter().flat_map(|it| it.services.values());
        services.flat_map(|it| &it.variables).filter_map(|it| Some((it.name, it.about?))).collect()
    }

    fn chart(&self) -> String {
        let value = json!({
            "apiVersion": "v2",
            "name": self.name,
            "description": format!("{} on Kubernetes", self.name),
            "type": "application",
            "version": "0.0.0",
        });
        let remark = |key: &str, _: &Value| {
            (key == "version").then(|| "of the chart: `helm package --version` sets it".to_owned())
        };
        write(
            &value,
            &WriteStyle { first: &["apiVersion", "name"], remark: Some(&remark), ..WriteStyle::default() },
        )
    }

    fn helpers(&self) -> String {
        let chart = self.name;
        let before = hooks::definition_of_before(self);
        format!(
            r#"{{{{- /* The version, which every release must name. */ -}}}}
{{{{- define "{chart}.version" -}}}}
{{{{- required "version is not set: name the version that is released, as in --set-string version=v1.2.3" $.Values.version -}}}}
{{{{- end }}}}
{{{{- /* An image by its digest, which every release must name: a tag may mean other bytes tomorrow. */ -}}}}
{{{{- define "{chart}.image" -}}}}
{{{{- $image := index $.Values.images $.name -}}}}
{{{{- $image.repository }}}}@{{{{ required (printf "images.%s.digest is not set: name the bytes that are released, as in --set-string images.%s.digest=sha256:..." $.name $.name) $image.digest -}}}}
{{{{- end }}}}
{{{{- /* Any value on one line. `toYaml` writes nothing at all where a text has control characters. */ -}}}}
{{{{- define "{chart}.value" -}}}}
{{{{- $separator := "" -}}}}
{{{{- if kindIs "map" . -}}}}
{{ {{{{- range $key, $value := . }}}}{{{{ $separator }}}}{{{{ $key | quote }}}}: {{{{ include "{chart}.value" $value }}}}{{{{ $separator = ", " }}}}{{{{ end -}}}} }}
{{{{- else if kindIs "slice" . -}}}}
[{{{{- range $value := . }}}}{{{{ $separator }}}}{{{{ include "{chart}.value" $value }}}}{{{{ $separator = ", " }}}}{{{{ end -}}}}]
{{{{- else if kindIs "string" . -}}}}
{{{{ . | quote }}}}
{{{{- else -}}}}
{{{{ toJson . }}}}
{{{{- end -}}}}
{{{{- end }}}}
{before}"#
        )
    }

    fn notes(&self) -> String {
        let chart = self.name;
        format!(
            r#"{{{{ include "{chart}.version" $ }}}} of {chart} is applied to namespace {{{{ $.Release.Namespace }}}}.

Its pods:          kubectl -n {{{{ $.Release.Namespace }}}} get pods -l app.kubernetes.io/part-of={chart}
Its history:       helm -n {{{{ $.Release.Namespace }}}} history {{{{ $.Release.Name }}}}
Back to before it: helm -n {{{{ $.Release.Namespace }}}} rollback {{{{ $.Release.Name }}}} --wait
"#
        )
    }
}

fn defaults(values: &Values, abouts: &BTreeMap<&str, &str>) -> String {
    let supplied = values.entries.iter().filter(|it| it.1.presence == Presence::Supplied);
    let said = supplied.map(|it| format!("# Each release says {}: {}.\n", it.0.join("."), it.1.about));
    let head = "# What all environments share; values that differ are in the files beside the chart.\n";
    let head: Vec<String> = std::iter::once(head.to_owned()).chain(said).collect();
    head.concat() + &text(values, &values.defaults(), abouts)
}

pub(super) fn of_environment(values: &Values, idx: usize, abouts: &BTreeMap<&str, &str>) -> String {
    let tree = values.of_environment(idx);
    let nothing = tree.as_object().is_some_and(serde_json::Map::is_empty);
    let head = if nothing { "# All that it needs is said by the chart and by each release.\n" } else { "" };
    head.to_owned() + &text(values, &tree, abouts)
}

fn text(values: &Values, tree: &Value, abouts: &BTreeMap<&str, &str>) -> String {
    let above = |keys: &[&str]| about(values, keys);
    let remark = |key: &str, _: &Value| abouts.get(key).map(|it| (*it).to_owned());
    let style =
        WriteStyle { first: &FIRST, above: Some(&above), remark: Some(&remark), ..WriteStyle::default() };
    write(tree, &style)
}

/// Fields of objects and names of variables say enough.
fn about(values: &Values, keys: &[&str]) -> Option<String> {
    let path: Path = keys.iter().map(|it| (*it).to_owned()).collect();
    let is_variable = |it: &Path| path.len() == it.len() + 1 && path.starts_with(it);
    if let Some(about) = group(keys) {
        return Some(about.to_owned());
    }
    if matches!(keys, ["objects" | "secretNames", ..]) || values.free.keys().any(is_variable) {
        return None;
    }
    values.entries.get(&path).map(|it| it.about.clone()).or_else(|| values.free.get(&path).cloned())
}

fn group(keys: &[&str]) -> Option<&'static str> {
    match keys {
        ["images"] => Some("Images that are built for the system, by the service whose build makes them"),
        ["services"] => Some("By service"),
        ["dependencies"] => Some("What is started with the system"),
        ["jobs"] => Some("What runs once for a release"),
        ["cron"] => Some("What runs by the clock"),
        ["objects"] => {
            Some("What else differs between the environments, by kind, name and field of the object")
        }
        ["secretNames"] => Some("Which Secret holds which key"),
        _ => None,
    }
}
