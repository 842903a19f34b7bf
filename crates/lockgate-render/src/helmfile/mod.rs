//! Helmfile: which chart goes to which cluster with which values, and what each release must say.

use lockgate_model::TargetKind;
use lockgate_yaml::{WriteStyle, write_all};
use serde_json::{Map, Value, json};

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::helm::{self, Supplied};
use crate::kubernetes::objects;
use crate::output::{File, Output};

/// Helm's own, which holds where nothing of ours takes longer.
const TIMEOUT: u64 = 300;
/// Scheduling and pulling come on top of the time that a Job may take.
const BEFORE_START: u64 = 60;
/// Releases that can be gone back to.
const HISTORY: u32 = 10;

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<&Environment<'_>> = facts.wanting(Kind::Helmfile).collect();
    let Some(first) = environments.first() else { return };
    let system = first.system.name.as_str();
    let lists = environments.iter().map(|it| objects::objects(facts, it, output));
    let timeout = lists.flatten().map(|it| patience(&it.value)).max().unwrap_or(TIMEOUT);
    let supplied = helm::supplied(facts, output);
    let style = WriteStyle { first: &["name", "namespace", "chart"], ..WriteStyle::default() };
    let documents = [json!({"environments": states(&environments)}), release(system, timeout)];
    file(output, "helmfile.yaml", write_all(&documents, &style));
    file(output, "release.yaml.gotmpl", helm::template(&supplied, value));
}

fn file(output: &mut Output<'_>, name: &str, text: String) {
    output.file(File {
        kind: Kind::Helmfile,
        path: format!("deploy/helmfile/{name}"),
        environment: None,
        comment: Comment::Hash,
        text,
        origin: vec!["environments".to_owned()],
    });
}

fn states(environments: &[&Environment<'_>]) -> Value {
    let states = environments.iter().map(|it| {
        let mut state = Map::new();
        if let TargetKind::Kubernetes(target) = &it.system.target
            && let Some(context) = &target.context
        {
            state.insert("kubeContext".to_owned(), json!(context));
        }
        state.insert("missingFileHandler".to_owned(), json!("Error"));
        state.insert("values".to_owned(), json!([{"namespace": objects::namespace(it)}]));
        (it.name().to_owned(), Value::Object(state))
    });
    Value::Object(states.collect())
}

/// Helmfile fills in the fields of a release itself, also in files that are no templates.
fn release(system: &str, timeout: u64) -> Value {
    json!({
        "helmDefaults": {
            "createNamespace": true,
            "wait": true,
            // A migration that is installed along with its database is no hook, and is waited for all the same.
            "waitForJobs": true,
            "timeout": timeout,
            // A release that fails leaves what was there before it.
            "atomic": true,
            "cleanupOnFail": true,
            "historyMax": HISTORY,
        },
        "releases": [{
            "name": system,
            "namespace": "{{ .Values.namespace }}",
            "chart": format!("../helm/{system}"),
            "missingFileHandler": "Error",
            "values": ["../helm/values-{{ .Environment.Name }}.yaml", "release.yaml.gotmpl"],
        }],
    })
}

fn patience(object: &Value) -> u64 {
    let seconds = |name: &str| object["spec"][name].as_u64();
    let job = seconds("activeDeadlineSeconds").map(|it| it.saturating_add(BEFORE_START));
    job.or(seconds("progressDeadlineSeconds")).unwrap_or(0).max(TIMEOUT)
}

/// What a release supplies is taken from the values of the state, so that nothing is released by an old default.
fn value(supplied: &Supplied) -> String {
    let name = supplied.path.join(".");
    let message = format!(
        "{name} is not set: say it of the release, as in --state-values-set-string {name}={}",
        supplied.example
    );
    format!("{{{{ required {message:?} (.Values | get {name:?} \"\") | quote }}}}")
}
