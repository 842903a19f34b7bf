//! What an account needs to release to an environment on Kubernetes, and nothing else: its account, Role and binding.
//!
//! The Role follows from the kinds that the environment's objects have: no other kind of object can be made with it.
//! It is written on request only: somebody with more rights applies it, once.

mod rule;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::Resource;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use lockgate_model::{System, TargetKind};
use serde::Serialize;
use serde_json::Value;

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::kubernetes::documents;
use crate::kubernetes::objects::{Object, namespace, objects};
use crate::output::{File, Output};
use crate::{Lock, Request, Selection};

pub use rule::Rule;

const ACCOUNT: &str = "lockgate";
const API: &str = "rbac.authorization.k8s.io";

/// What a release to this environment does in its namespace; nothing where it is not on Kubernetes.
pub fn rules(system: &System) -> Vec<Rule> {
    if !matches!(system.target, TargetKind::Kubernetes(_)) {
        return vec![];
    }
    let request = Request {
        systems: vec![system.clone()],
        lock: Lock::default(),
        source: String::new(),
        selection: Selection::default(),
        images: BTreeMap::new(),
        version: None,
    };
    let facts = Facts::new(&request);
    let mut output = Output::new(&facts);
    let of_environment = |it| of_namespace(it, &objects(&facts, it, &mut output));
    facts.environments.iter().flat_map(of_environment).collect()
}

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<_> = facts.wanting(Kind::Rbac).collect();
    for environment in environments {
        let objects = objects(facts, environment, output);
        let values = made(environment, &objects, output);
        output.file(File {
            kind: Kind::Rbac,
            path: path(environment),
            environment: Some(&environment.system.environment),
            comment: Comment::Hash,
            text: documents(&values),
            origin: vec!["environments".to_owned()],
        });
        output.note(format!(
            "environment `{}`: somebody who may give rights applies `{}` once; `kubectl create token {ACCOUNT} \
             --namespace {}` makes a token of the account",
            environment.name(),
            path(environment),
            namespace(environment),
        ));
    }
}

fn path(environment: &Environment<'_>) -> String {
    format!("deploy/rbac/{}.yaml", environment.name())
}

fn of_namespace(environment: &Environment<'_>, objects: &[Object]) -> Vec<Rule> {
    let kinds: BTreeSet<&str> = objects.iter().map(|it| it.kind.as_str()).collect();
    rule::of_namespace(&kinds, environment)
}

/// The namespace comes first, as it is rendered: the account lives in it.
fn made(environment: &Environment<'_>, objects: &[Object], output: &mut Output<'_>) -> Vec<Value> {
    let rules = of_namespace(environment, objects);
    let role = format!("{ACCOUNT}-{}", environment.system.name);
    let meta = |name: &str| meta(name, Some(namespace(environment)));
    let mut list = Made { environment, output, values: vec![] };
    list.values.extend(objects.iter().filter(|it| it.kind == "Namespace").map(|it| it.value.clone()));
    list.add(&ServiceAccount { metadata: meta(ACCOUNT), ..ServiceAccount::default() });
    list.add(&Role {
        metadata: ObjectMeta { annotations: Some(reasons(&rules)), ..meta(&role) },
        rules: Some(rules.iter().map(policy).collect()),
    });
    let subjects = Some(vec![subject(environment)]);
    list.add(&RoleBinding {
        metadata: meta(&role),
        role_ref: reference("Role", &role),
        subjects: subjects.clone(),
    });
    let wide = rule::of_cluster(&objects.iter().map(|it| it.kind.as_str()).collect());
    if !wide.is_empty() {
        let name = format!("{role}-{}", environment.name());
        let named = || self::meta(&name, None);
        list.add(&ClusterRole {
            metadata: ObjectMeta { annotations: Some(reasons(&wide)), ..named() },
            rules: Some(wide.iter().map(policy).collect()),
            ..ClusterRole::default()
        });
        list.add(&ClusterRoleBinding {
            metadata: named(),
            role_ref: reference("ClusterRole", &name),
            subjects,
        });
    }
    list.values
}

struct Made<'m, 'f, 'out> {
    environment: &'m Environment<'f>,
    output: &'m mut Output<'out>,
    values: Vec<Value>,
}

impl Made<'_, '_, '_> {
    fn add<K: Resource + Serialize>(&mut self, object: &K) {
        let mut value = serde_json::to_value(object).expect("keys of maps are text");
        let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.output.patch(self.environment, K::KIND, &name, &mut value);
        self.values.push(value);
    }
}

/// Not the labels of the system's own objects: nothing that cleans up after it takes the account away.
fn meta(name: &str, namespace: Option<String>) -> ObjectMeta {
    let labels = BTreeMap::from([
        ("app.kubernetes.io/name".to_owned(), ACCOUNT.to_owned()),
        ("app.kubernetes.io/component".to_owned(), "release".to_owned()),
    ]);
    ObjectMeta { name: Some(name.to_owned()), namespace, labels: Some(labels), ..ObjectMeta::default() }
}

/// A Role has no comments: each of its rules is explained by an annotation.
fn reasons(rules: &[Rule]) -> BTreeMap<String, String> {
    let reason =
        |it: &Rule| (format!("why.lockgate.dev/{}", it.resource.replace('/', ".")), it.why.to_owned());
    rules.iter().map(reason).collect()
}

fn policy(rule: &Rule) -> PolicyRule {
    PolicyRule {
        api_groups: Some(vec![rule.group.to_owned()]),
        resources: Some(vec![rule.resource.to_owned()]),
        verbs: rule.verbs.iter().map(|it| (*it).to_owned()).collect(),
        ..PolicyRule::default()
    }
}

fn reference(kind: &str, name: &str) -> RoleRef {
    RoleRef { api_group: API.to_owned(), kind: kind.to_owned(), name: name.to_owned() }
}

fn subject(environment: &Environment<'_>) -> Subject {
    Subject {
        kind: ServiceAccount::KIND.to_owned(),
        name: ACCOUNT.to_owned(),
        namespace: Some(namespace(environment)),
        ..Subject::default()
    }
}
