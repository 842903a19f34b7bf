//! Values in Compose's notation: `$` begins a variable, `$$` is the character.

use lockgate_model::Build;

use crate::facts::{Environment, Part, Template, Variable, VariableValue, as_variable, build};

pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// The value of a container's variable.
pub(super) fn of(environment: &Environment<'_>, variable: &Variable<'_>) -> String {
    match &variable.value {
        VariableValue::Plain(template) => filled(environment, template),
        VariableValue::Secret(rule) => from_outside(variable.name, rule.required),
        VariableValue::Store { required } => from_outside(variable.name, *required),
    }
}

pub(super) fn filled(environment: &Environment<'_>, template: &Template) -> String {
    template.write(|part| match part {
        Part::Text(text) => literal(text),
        Part::Secret(name) => {
            let required = environment.secrets.get(name).and_then(|it| it.rule).is_none_or(|it| it.required);
            from_outside(name, required)
        }
        Part::Version => version(environment),
        Part::Other(name) => from_outside(&as_variable(name), true),
    })
}

/// From the file of secrets, or the shell; Compose refuses to start while a required one is missing.
fn from_outside(name: &str, required: bool) -> String {
    if required { format!("${{{name}:?is not set}}") } else { format!("${{{name}:-}}") }
}

/// The version that is released; on a developer's machine there is none.
pub(super) fn version(environment: &Environment<'_>) -> String {
    let known = environment.version.as_deref().or(environment.system.policy.version.as_deref());
    let known = known.filter(|it| !it.contains("${"));
    format!("${{RELEASE_VERSION:-{}}}", known.unwrap_or("dev"))
}

pub(super) fn build_args(
    environment: &Environment<'_>,
    recipe: &Build,
) -> std::collections::BTreeMap<String, String> {
    let said = recipe.args.iter();
    let said = said.map(|(name, value)| (name.clone(), filled(environment, &Template::parse(value))));
    let mut args: std::collections::BTreeMap<String, String> = said.collect();
    if build::own(recipe).is_none() {
        args.entry(build::VERSION.to_owned()).or_insert_with(|| version(environment));
    }
    args
}
