//! The place of each variable of a service: the task definition itself, Parameter Store or Secrets Manager.

use lockgate_model::{Dependency, External, SecretRule, Store};

use super::cloud::{Cloud, only_aws_knows};
use crate::facts::{Part, ServiceFact, Template, Variable, VariableValue};

/// The largest value of a parameter, which is one of the advanced tier.
const PARAMETER_MAX: usize = 8_192;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Home {
    /// In what is deployed, in clear.
    Here(String),
    /// `None` is known to somebody else, or found by looking.
    Parameter { name: String, value: Option<String>, secure: bool },
    /// A whole secret, or a key of its JSON.
    Secret { id: String, key: Option<String> },
    /// It has no value, and needs none.
    Nowhere,
}

pub(crate) struct Placed<'f> {
    pub(crate) variable: &'f Variable<'f>,
    pub(crate) home: Home,
}

/// Of every variable of the service, by name.
pub(crate) fn homes<'f>(cloud: &Cloud<'_>, fact: &'f ServiceFact<'f>) -> Vec<Placed<'f>> {
    let placed = |variable| Placed { variable, home: home(cloud, fact, variable) };
    fact.variables.iter().map(placed).collect()
}

fn home(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, variable: &Variable<'_>) -> Home {
    match &variable.value {
        VariableValue::Secret(rule) => secret(cloud, variable.name, Some(rule)),
        VariableValue::Store { required: false } => Home::Nowhere,
        VariableValue::Store { required: true } => {
            let name = parameter_name(cloud, fact, variable);
            match &cloud.environment.system.stores.config {
                Some(Store::AwsSecretsManager(id)) => {
                    Home::Secret { id: id.clone(), key: Some(variable.name.to_owned()) }
                }
                _ => Home::Parameter { name, value: None, secure: false },
            }
        }
        VariableValue::Plain(value) => plain(cloud, fact, variable, value),
    }
}

fn plain(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, variable: &Variable<'_>, value: &Template) -> Home {
    if let [Part::Secret(name)] = value.0.as_slice() {
        return secret(cloud, name, rule_of(cloud, name));
    }
    // Nothing here joins a secret with a text around it: what is stored is the whole value.
    if value.secrets().next().is_some() {
        return secret(cloud, variable.name, None);
    }
    if let Some(dependency) = looked_up(cloud, value) {
        let kept_secret = matches!(dependency.external, Some(External::Secret(_) | External::Atlas(_)));
        if kept_secret || dependency.user.is_some() || dependency.auth {
            return secret(cloud, variable.name, None);
        }
        return Home::Parameter { name: parameter_name(cloud, fact, variable), value: None, secure: false };
    }
    let Some(text) = value.plain() else { return Home::Here(of_release(cloud, value)) };
    match &cloud.environment.system.stores.config {
        Some(Store::AwsParameterStore(_)) if fits_parameter(text) => Home::Parameter {
            name: parameter_name(cloud, fact, variable),
            value: Some(text.to_owned()),
            secure: false,
        },
        Some(Store::AwsSecretsManager(id)) => {
            Home::Secret { id: id.clone(), key: Some(variable.name.to_owned()) }
        }
        _ => Home::Here(text.to_owned()),
    }
}

/// What changes with each release goes with its task definition, so that the old one keeps its own.
fn of_release(cloud: &Cloud<'_>, value: &Template) -> String {
    value.write(|it| match it {
        Part::Text(text) => text.clone(),
        Part::Version => {
            let version = cloud.environment.version.clone();
            version.unwrap_or_else(|| only_aws_knows("release.version"))
        }
        Part::Secret(name) | Part::Other(name) => only_aws_knows(name),
    })
}

/// Parameters hold no empty text, nothing that looks like a reference to another parameter, and not everything.
pub(super) fn fits_parameter(text: &str) -> bool {
    !text.is_empty() && text.len() <= PARAMETER_MAX && !text.contains("{{")
}

/// The dependency whose address is found by looking, if the value has one in it.
pub(super) fn looked_up<'c>(cloud: &'c Cloud<'_>, value: &Template) -> Option<&'c Dependency> {
    let names = value.0.iter().filter_map(|it| match it {
        Part::Other(name) => name.split_once('.').map(|it| it.0),
        Part::Text(_) | Part::Secret(_) | Part::Version => None,
    });
    let dependencies = &cloud.environment.system.dependencies;
    names.into_iter().find_map(|name| dependencies.iter().find(|it| it.0.as_str() == name)).map(|it| it.1)
}

fn rule_of<'c>(cloud: &'c Cloud<'_>, name: &str) -> Option<&'c SecretRule> {
    let known = cloud.environment.secrets.get(name).and_then(|it| it.rule);
    known.or_else(|| cloud.environment.system.secrets.get(name))
}

fn secret(cloud: &Cloud<'_>, name: &str, rule: Option<&SecretRule>) -> Home {
    let from = rule.and_then(|it| it.from.clone());
    let key = rule.and_then(|it| it.key.clone());
    match (&cloud.environment.system.stores.secrets, from) {
        (Some(Store::AwsParameterStore(path)), from) => {
            let name = from.unwrap_or_else(|| name.to_owned());
            let name = if name.starts_with('/') { name } else { below(path, &name) };
            Home::Parameter { name, value: None, secure: true }
        }
        (_, Some(id)) => Home::Secret { id, key },
        (Some(Store::AwsSecretsManager(id)), None) => {
            Home::Secret { id: id.clone(), key: Some(key.unwrap_or_else(|| name.to_owned())) }
        }
        // `review` says that there is no store.
        _ => Home::Secret { id: only_aws_knows("store of secrets"), key: Some(name.to_owned()) },
    }
}

/// One parameter for a variable that is the same everywhere, else one for each service.
fn parameter_name(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, variable: &Variable<'_>) -> String {
    let system = cloud.environment.system;
    let path = match &system.stores.config {
        Some(Store::AwsParameterStore(path)) => path.clone(),
        _ => format!("/{}/{}", system.name, system.environment),
    };
    let value = |it: &Variable<'_>| match &it.value {
        VariableValue::Plain(value) => Some(value.clone()),
        VariableValue::Secret(_) | VariableValue::Store { .. } => None,
    };
    let mine = value(variable);
    let readers = cloud.environment.services.values().flat_map(|it| &it.variables);
    let differs = readers.filter(|it| it.name == variable.name).any(|it| value(it) != mine);
    let path = if differs { below(&path, fact.name.as_str()) } else { path };
    below(&path, variable.name)
}

/// `/shop/config` and `PORT` as `/shop/config/PORT`.
fn below(path: &str, name: &str) -> String {
    format!("/{}/{name}", path.trim_matches('/'))
}

impl Home {
    /// What ECS and App Runner take as the place of a value; `None` where the value is no secret of theirs.
    ///
    /// The ARN of a secret has no suffix here: it is found without one, and the suffix is known to nobody before the
    /// secret is there.
    pub(crate) fn value_from(&self, cloud: &Cloud<'_>) -> Option<String> {
        match self {
            Home::Here(_) | Home::Nowhere => None,
            Home::Parameter { name, .. } => Some(parameter_arn(cloud, name)),
            Home::Secret { id, key } => {
                let arn = secret_arn(cloud, id) + &suffix(id);
                Some(key.as_ref().map_or_else(|| arn.clone(), |key| format!("{arn}:{key}::")))
            }
        }
    }
}

pub(super) fn parameter_arn(cloud: &Cloud<'_>, name: &str) -> String {
    cloud.arn("ssm", &format!("parameter{name}"))
}

/// A name that ends as if it had a suffix is found with the whole ARN only.
fn suffix(id: &str) -> String {
    let last = id.rsplit_once('-').map_or("", |it| it.1);
    let looks_like_one = last.len() == 6 && last.bytes().all(|it| it.is_ascii_alphanumeric());
    if id.starts_with("arn:") || !looks_like_one {
        return String::new();
    }
    format!("-{}", only_aws_knows(&format!("secret-suffix {id}")))
}

pub(super) fn secret_arn(cloud: &Cloud<'_>, id: &str) -> String {
    if id.starts_with("arn:") { id.to_owned() } else { cloud.arn("secretsmanager", &format!("secret:{id}")) }
}
