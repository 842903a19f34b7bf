//! When Helm runs Jobs.
//!
//! A migration runs before the objects of the release are applied, so that a failed one stops the rollout. What it
//! refers to is not there yet on a first install, and on an upgrade it is still that of the last release; so the hook
//! has copies of its own, which go once it has succeeded. Where the database itself comes with the release, or a volume
//! that the migration mounts, nothing can run before the first install: then the migration is installed along with the rest, retries until the database
//! answers, and is waited for with `--wait-for-jobs`; no pod becomes ready on a schema that it refuses.

use lockgate_yaml::scalar;
use serde_json::{Value, json};

use super::Chart;
use super::node::{Node, escaped};
use super::scene::{Key, Reference, Scene, references};
use super::values::{Entry, Presence, Values};
use crate::facts::{Environment, Peer};
use crate::kubernetes::objects::{Object, Part};

pub(super) struct Hook {
    /// In which runs of Helm it is one; in all if nothing is said.
    pub(super) condition: Option<String>,
    pub(super) annotations: [(&'static str, String); 3],
    pub(super) has_copies: bool,
}

const BEFORE: &str = "pre-install,pre-upgrade";
const AFTER: &str = "post-install,post-upgrade";
/// The Job stays, for its log, until the next one or the time that it is kept for.
const UNTIL_NEXT: &str = "before-hook-creation";

/// Of what a hook has copies of.
pub(super) const COPIED: [(&str, &str); 3] = [
    ("helm.sh/hook", BEFORE),
    ("helm.sh/hook-weight", "-10"),
    ("helm.sh/hook-delete-policy", "before-hook-creation,hook-succeeded"),
];

/// Of data, which outlive the release: a first install that fails is taken back by an uninstall.
pub(super) const KEPT: [(&str, &str); 1] = [("helm.sh/resource-policy", "keep")];

pub(super) fn runs_before(object: &Object) -> bool {
    object.kind == "Job" && object.part == Part::Migration
}

pub(super) fn hook(chart: &Chart<'_>, key: &Key, part: &Part, values: &mut Values) -> Option<Hook> {
    if key.0 != "Job" {
        return None;
    }
    let annotations = |events: String, weight: &str| {
        [
            ("helm.sh/hook", events),
            ("helm.sh/hook-weight", weight.to_owned()),
            ("helm.sh/hook-delete-policy", UNTIL_NEXT.to_owned()),
        ]
    };
    let always = |events: String, weight: &str| Hook {
        condition: None,
        annotations: annotations(events, weight),
        has_copies: false,
    };
    Some(match part {
        Part::Migration => {
            bind_on_install(chart, values);
            Hook {
                condition: Some(format!("include \"{}.before\" $", chart.name)),
                annotations: annotations(BEFORE.to_owned(), "0"),
                has_copies: true,
            }
        }
        // Their names change with their content, so they are objects like any other.
        Part::Dependency(_) | Part::Service(_) | Part::Cron(_) | Part::Shared | Part::Check(_) => {
            return None;
        }
        Part::MigrationAfter => always(AFTER.to_owned(), "5"),
        Part::Seed => {
            bind_run(chart, values);
            let upgrade = "{{ if eq $.Values.jobs.seed.run \"always\" }},post-upgrade{{ end }}";
            always(format!("post-install{upgrade}"), "10")
        }
    })
}

/// `true` while the migration is a hook.
pub(super) fn definition_of_before(chart: &Chart<'_>) -> String {
    if !chart.scenes.iter().any(|it| it.objects.values().any(|it| runs_before(it))) {
        return String::new();
    }
    format!(
        "{{{{- /* Whether migrations run before the release is applied. */ -}}}}\n{{{{- define \"{}.before\" -}}}}\n{{{{- if or $.Release.IsUpgrade (eq $.Values.jobs.migrate.onInstall \"before\") }}}}true{{{{ end -}}}}\n{{{{- end }}}}\n",
        chart.name
    )
}

fn bind_on_install(chart: &Chart<'_>, values: &mut Values) {
    let about = "On a first install, the migration runs `before` everything else, or `along` with it where the \
                 database or a volume that it needs is a part of the release";
    let places = chart.environments.iter().zip(&chart.scenes);
    let on_install = places.map(|(environment, scene)| {
        let is_alone = !brings_database(environment) && !mounts_claim(scene);
        if is_alone { "before" } else { "along" }
    });
    bind(values, ["jobs", "migrate", "onInstall"], about, ["before", "along"], on_install);
}

fn bind_run(chart: &Chart<'_>, values: &mut Values) {
    use lockgate_model::SeedsRun;
    let about = "Seeds run `once`, after the first install, or `always`, after upgrades as well";
    let run = chart.environments.iter().map(|it| match it.system.seeds.as_ref().map(|it| it.run) {
        Some(SeedsRun::Always) => "always",
        Some(SeedsRun::Once) | None => "once",
    });
    bind(values, ["jobs", "seed", "run"], about, ["once", "always"], run);
}

fn bind(
    values: &mut Values,
    path: [&str; 3],
    about: &str,
    allowed: [&str; 2],
    by_environment: impl Iterator<Item = &'static str>,
) {
    let entry = Entry {
        about: about.to_owned(),
        schema: Some(json!({"enum": allowed})),
        values: by_environment.map(|it| Some(Value::from(it))).collect(),
        presence: Presence::Always,
        guards: std::collections::BTreeSet::new(),
    };
    values.bind(&path.map(str::to_owned), &entry);
}

/// Of the release, which is not there before it.
fn mounts_claim(scene: &Scene<'_>) -> bool {
    let mut found = false;
    for job in scene.objects.values().filter(|it| runs_before(it)) {
        references(&job.value, &mut vec![], &mut |reference, name| {
            found |= reference == Reference::Claim && scene.provider(reference, name).is_some();
        });
    }
    found
}

fn brings_database(environment: &Environment<'_>) -> bool {
    let service = environment.migration.as_ref().and_then(|it| environment.services.get(it.service));
    service.is_some_and(|service| {
        service
            .edges
            .calls
            .iter()
            .any(|it| matches!(it, Peer::Dependency(name) if environment.bundled.contains_key(name)))
    })
}

/// Does the migration need it, whether or not it refers to it?
pub(super) fn lets_migration_out(object: &Object) -> bool {
    object.kind == "NetworkPolicy" && object.part == Part::Migration
}

/// Adds annotations that are there only if the condition holds.
pub(super) fn annotate<T: AsRef<str>>(node: &mut Node, condition: Option<&str>, annotations: &[(&str, T)]) {
    let Some(Node::Map(metadata)) = node.get_mut(&["metadata"]) else { return };
    let own = match metadata.remove("annotations") {
        Some(Node::Map(map)) => Some((None, map.iter().flat_map(|(key, node)| lines(key, node)).collect())),
        Some(Node::Lines { condition, lines }) => Some((condition, lines)),
        _ => None,
    };
    let added = annotations.iter().map(|(key, value)| format!("{key}: \"{}\"", value.as_ref())).collect();
    let node = match own {
        Some((own, there)) => {
            let either = own.as_ref().zip(condition).map(|(one, other)| format!("or ({one}) ({other})"));
            let lines = [under(own.as_deref(), there), under(condition, added)].concat();
            Node::Lines { condition: either, lines }
        }
        None => Node::Lines { condition: condition.map(str::to_owned), lines: added },
    };
    metadata.insert("annotations".to_owned(), node);
}

fn under(condition: Option<&str>, lines: Vec<String>) -> Vec<String> {
    let Some(condition) = condition else { return lines };
    let begin = format!("{{{{- if {condition} }}}}");
    [vec![begin], lines, vec!["{{- end }}".to_owned()]].concat()
}

fn lines(key: &str, node: &Node) -> Vec<String> {
    let key = escaped(&scalar(key));
    match node {
        Node::Literal(Value::String(text)) => vec![format!("{key}: {}", escaped(&scalar(text)))],
        Node::Hole(text) => vec![format!("{key}: {text}")],
        Node::Optional { condition, text } => under(Some(condition), vec![format!("{key}: {text}")]),
        Node::Literal(_) | Node::Map(_) | Node::List(_) | Node::Lines { .. } | Node::Control(_) => vec![],
    }
}
