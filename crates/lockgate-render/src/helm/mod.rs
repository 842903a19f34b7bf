//! A chart that makes the very objects of the plain manifests, with values for what differs between the environments
//! and for what people expect to set.

mod chart;
mod hooks;
mod node;
mod rules;
mod scene;
mod schema;
mod template;
mod unify;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::kubernetes::objects::{self, Object};
use crate::output::{File, Output};

use node::Node;
use scene::{Key, Reference, Scene};
use unify::Copies;
use values::{Presence, Values};

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<&Environment<'_>> = facts.wanting(Kind::Helm).collect();
    let lists = objects_of(facts, &environments, output);
    let Some(chart) = Chart::new(&environments, &lists) else { return };
    let mut values = Values::default();
    for (path, text, origin) in chart.templates(&mut values) {
        let path = format!("{}/templates/{path}", chart.name);
        file(output, &path, None, Comment::Hash, text, vec![origin]);
    }
    let origin: BTreeSet<String> = lists.iter().flatten().map(|it| it.part.origin()).collect();
    let origin: Vec<String> = origin.into_iter().collect();
    for (path, comment, text) in chart.files(&values) {
        file(output, &format!("{}/{path}", chart.name), None, comment, text, origin.clone());
    }
    for (idx, environment) in environments.iter().enumerate() {
        let text = chart::of_environment(&values, idx, &chart.abouts());
        let path = format!("values-{}.yaml", environment.name());
        file(output, &path, Some(environment), Comment::Hash, text, origin.clone());
    }
}

/// A value that only a release knows.
pub(crate) struct Supplied {
    pub(crate) path: Vec<String>,
    pub(crate) example: &'static str,
}

/// All of them, whether or not this release is known.
pub(crate) fn supplied(facts: &Facts<'_>, output: &mut Output<'_>) -> Vec<Supplied> {
    let of = |kind| facts.wanting(kind).collect::<Vec<_>>();
    let environments = Some(of(Kind::Helm)).filter(|it| !it.is_empty()).unwrap_or_else(|| of(Kind::Helmfile));
    let lists = objects_of(facts, &environments, output);
    let mut values = Values::default();
    if let Some(chart) = Chart::new(&environments, &lists) {
        chart.templates(&mut values);
    }
    let supplied = values.entries.into_iter().filter(|it| it.1.presence == Presence::Supplied);
    let example = |path: &[String]| match path.first().map(String::as_str) {
        Some("images") => "sha256:...",
        Some("version") => "v1.2.3",
        _ => "...",
    };
    supplied.map(|(path, _)| Supplied { example: example(&path), path }).collect()
}

/// A file of values, each written as a template has it.
pub(crate) fn template(supplied: &[Supplied], text: impl Fn(&Supplied) -> String) -> String {
    let mut root = Node::Map(BTreeMap::new());
    for it in supplied {
        root.insert(&it.path, Node::Hole(text(it)));
    }
    root.text()
}

fn objects_of(
    facts: &Facts<'_>,
    environments: &[&Environment<'_>],
    output: &mut Output<'_>,
) -> Vec<Vec<Object>> {
    environments.iter().map(|it| objects::objects(facts, it, output)).collect()
}

fn file(
    output: &mut Output<'_>,
    path: &str,
    environment: Option<&Environment<'_>>,
    comment: Comment,
    text: String,
    origin: Vec<String>,
) {
    output.file(File {
        kind: Kind::Helm,
        path: format!("deploy/helm/{path}"),
        environment: environment.map(|it| &it.system.environment),
        comment,
        text,
        origin,
    });
}

struct Chart<'c> {
    name: &'c str,
    environments: &'c [&'c Environment<'c>],
    scenes: Vec<Scene<'c>>,
}

impl<'c> Chart<'c> {
    fn new(environments: &'c [&'c Environment<'c>], lists: &'c [Vec<Object>]) -> Option<Chart<'c>> {
        let scenes = environments.iter().zip(lists).map(|(it, objects)| Scene::new(it, objects)).collect();
        Some(Chart { name: environments.first()?.system.name.as_str(), environments, scenes })
    }

    /// Path, text and origin of each.
    fn templates(&self, values: &mut Values) -> Vec<(String, String, String)> {
        let wanted = self.copied();
        let mut copies = Copies::new();
        let mut files = vec![];
        // Hooks come last: they hang on the values of what they have copies of.
        let keys: BTreeSet<&Key> = self.scenes.iter().flat_map(|it| it.objects.keys()).collect();
        let (jobs, others): (Vec<&Key>, Vec<&Key>) = keys.into_iter().partition(|it| it.0 == "Job");
        for key in others.into_iter().chain(jobs) {
            let Some(object) = self.scenes.iter().find_map(|it| it.objects.get(key)) else { continue };
            let hook = hooks::hook(self, key, &object.part, values);
            let referring = hook.as_ref().filter(|it| it.has_copies).map(|_| &copies);
            let Some((mut node, guard)) = unify::object(values, &self.scenes, self.name, key, referring)
            else {
                continue;
            };
            if let Some(hook) = &hook {
                hooks::annotate(&mut node, hook.condition.as_deref(), &hook.annotations);
            }
            if key.0 == "PersistentVolumeClaim" {
                hooks::annotate(&mut node, None, &hooks::KEPT);
            }
            let is_copied = wanted.contains(key);
            if is_copied {
                copies.insert(key.clone(), guard.clone());
            }
            let is_by_content = self.scenes.iter().any(|it| it.is_by_content(key));
            let guard = guard.as_ref();
            let text = if is_copied || is_by_content {
                template::Defined { chart: self.name, key, guard, is_by_content, is_copied }.text(node)
            } else {
                template::plain(&node, guard)
            };
            let path = template::path(key);
            files.push((path, text, object.part.origin()));
        }
        files
    }

    /// What the hooks before a rollout refer to: it is not there yet, or still as the last release left it.
    fn copied(&self) -> BTreeSet<Key> {
        let mut copied = BTreeSet::new();
        for scene in &self.scenes {
            let mut is_needed = false;
            for object in scene.objects.values().filter(|it| hooks::runs_before(it)) {
                is_needed = true;
                scene::references(&object.value, &mut vec![], &mut |reference, name| {
                    // What a volume holds has no copy.
                    if reference != Reference::Claim {
                        copied.extend(scene.provider(reference, name).cloned());
                    }
                });
            }
            let policies = scene.objects.iter().filter(|it| is_needed && hooks::lets_migration_out(it.1));
            copied.extend(policies.map(|it| it.0.clone()));
        }
        copied
    }
}
