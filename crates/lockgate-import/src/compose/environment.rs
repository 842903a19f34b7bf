//! Variables of a service: plain ones, secrets, addresses of others, and those that somebody must give.

use std::collections::BTreeMap;

use lockgate_model::Span;
use lockgate_yaml::{Kind, Node};

use super::connection::{self, Refer};
use super::needs::Needs;
use super::part::Part;
use super::patches;
use super::reading::{Reading, to_service};
use super::{items, names, text};
use crate::secret;
use crate::template::{self, Filled};
use crate::value::{Map, Value};

/// A variable as it is written, before anything is put in.
#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    /// `None` where Compose takes it from the shell.
    pub(super) value: Option<String>,
    pub(super) span: Span,
}

/// The variables of a map or a list, and the places of what is none.
pub(super) fn variables(node: &Node) -> (Vec<Variable>, Vec<Span>) {
    let mut found: Vec<Variable> = vec![];
    let mut bad = vec![];
    for entry in node.entries() {
        match &entry.value.kind {
            Kind::Scalar(scalar) => {
                let value = (!scalar.is_null()).then(|| scalar.text.clone());
                found.push(Variable { name: entry.key.clone(), value, span: entry.key_span });
            }
            Kind::Seq(_) | Kind::Map(_) => bad.push(entry.key_span),
        }
    }
    for item in items(node) {
        let Some(written) = text(item) else {
            bad.push(item.span);
            continue;
        };
        let (name, value) =
            written.split_once('=').map_or((written, None), |it| (it.0, Some(it.1.to_owned())));
        let variable = Variable { name: name.to_owned(), value, span: item.span };
        // In a list the last one holds.
        match found.iter_mut().find(|it| it.name == name) {
            Some(earlier) => *earlier = variable,
            None => found.push(variable),
        }
    }
    (found, bad)
}

/// What the spec says of the variables of a service.
pub(super) struct Environment {
    env: Map,
    secrets: Map,
}

impl Environment {
    pub(super) fn write(self, spec: &mut Map) {
        spec.set_map("env", self.env);
        spec.set_map("secrets", self.secrets);
    }
}

pub(super) fn read(reading: &mut Reading<'_>, part: &Part, needs: &mut Needs) -> Environment {
    let mut environment = Environment { env: Map::default(), secrets: Map::default() };
    let Some(entry) = part.entry("environment") else { return environment };
    if matches!(entry.value.kind, Kind::Scalar(_)) {
        reading.dropped(part.path("environment"), entry.key_span, "it is neither a map nor a list");
        return environment;
    }
    let (variables, bad) = variables(&entry.value);
    for span in bad {
        reading.dropped(part.path("environment"), span, "a variable has one value, and this has several");
    }
    for variable in &variables {
        let mut one =
            One { reading, part, variable, path: part.path(&format!("environment.{}", variable.name)) };
        one.read(&mut environment, needs);
    }
    environment
}

/// Ports that an instance is told, by the variables that tell it.
fn told(part: &Part) -> BTreeMap<String, u16> {
    let named = part
        .ports
        .iter()
        .map(|(name, number)| (format!("{}_PORT", name.to_ascii_uppercase().replace('-', "_")), *number));
    let main = part.ports.first().map(|it| ("PORT".to_owned(), it.1));
    named.chain(main).collect()
}

struct One<'r, 'i> {
    reading: &'r mut Reading<'i>,
    part: &'r Part,
    variable: &'r Variable,
    path: String,
}

impl One<'_, '_> {
    fn read(&mut self, environment: &mut Environment, needs: &mut Needs) {
        let name = self.variable.name.as_str();
        if !names::is_variable(name) {
            return self.patch("the spec takes letters, digits and `_` in the names of variables");
        }
        let filled = match &self.variable.value {
            Some(written) => self.reading.fill(written),
            None => self.reading.fill(&format!("${{{name}}}")),
        };
        let Some(filled) = filled else {
            let why = "Compose cannot read its `${...}`; a dollar sign itself is written `$$`";
            return self.reading.dropped(&self.path, self.variable.span, why);
        };
        if let Some(number) = told(self.part).get(name) {
            if filled.text == number.to_string() {
                let to = format!("services.{}.ports", self.part.name);
                let value = Value::Map(Map::one(name, Value::Text(filled.text)));
                self.reading.patches.add(patches::SERVICE, &self.part.name, Map::one("environment", value));
                return self.reading.mapped_but(
                    &self.path,
                    self.variable.span,
                    to,
                    "each instance is told its own ports".to_owned(),
                );
            }
            return self.patch("an instance is told its own port in it, and here it is another number");
        }
        if name.starts_with("LOCKGATE_") {
            return self.patch("Lockgate sets variables of this name itself");
        }
        if self.refers(&filled, environment, needs) {
            return;
        }
        if self.is_secret(&filled) {
            return self.secret(&filled, environment, needs);
        }
        self.plain(&filled, environment);
    }

    fn to(&self, group: &str) -> String {
        format!("services.{}.{group}.{}", self.part.name, self.variable.name)
    }

    /// As it is written, for Compose.
    fn patch(&mut self, why: &str) {
        let name = &self.variable.name;
        let written = self.variable.value.clone();
        let hidden = written.as_deref().is_some_and(|it| {
            secret::is_known_form(it)
                || (secret::is_name(name) && secret::is_value(name, it) && !it.contains('$'))
        });
        if hidden {
            return self.reading.dropped(
                &self.path,
                self.variable.span,
                format!("it looks like a secret, and {why}"),
            );
        }
        let value = Value::Text(written.unwrap_or_else(|| format!("${{{name}:-}}")));
        let set = Map::one("environment", Value::Map(Map::one(name, value)));
        self.reading.patches.add(patches::SERVICE, &self.part.name, set);
        let to = to_service(&self.part.name, &format!("environment.{name}"));
        self.reading.patched(&self.path, self.variable.span, to, why);
    }

    /// Whether the value leads to something else in the file, and was written as a reference.
    fn refers(&mut self, filled: &Filled, environment: &mut Environment, needs: &mut Needs) -> bool {
        let name = self.variable.name.as_str();
        let (span, path) = (self.variable.span, self.path.clone());
        match connection::refer(self.reading, self.part, &filled.text) {
            None => return false,
            Some(Refer::Secret) => self.secret(filled, environment, needs),
            Some(Refer::Address { dependency }) => {
                if needs.connect(self.reading, &dependency, name) {
                    let to = format!("services.{}.depends_on.{dependency}", self.part.name);
                    self.reading.mapped_but(
                        path,
                        span,
                        to,
                        "it is the address that the spec makes by itself".to_owned(),
                    );
                } else {
                    needs.refer(&dependency);
                    environment.env.set(name, Value::Text(format!("${{{dependency}.url}}")));
                    self.reading.mapped(path, span, self.to("env"));
                }
            }
            Some(Refer::Text { text, to }) => {
                for it in &to {
                    needs.refer(it);
                }
                environment.env.set(name, Value::Text(text));
                self.reading.mapped_but(path, span, self.to("env"), filled.note());
            }
        }
        true
    }

    fn is_secret(&self, filled: &Filled) -> bool {
        let name = self.variable.name.as_str();
        let missing = !filled.missing.is_empty();
        let literal = template::without_marks(&filled.text);
        let asked = filled.missing.iter().any(|it| secret::is_name(&it.0));
        asked
            || secret::is_known_form(&literal)
            || (secret::is_name(name) && (missing || secret::is_value(name, &literal)))
    }

    fn secret(&mut self, filled: &Filled, environment: &mut Environment, needs: &mut Needs) {
        let name = self.variable.name.as_str();
        let (span, path) = (self.variable.span, self.path.clone());
        if let Some((dependency, secret)) = self.password_of(filled, needs) {
            needs.refer(&dependency);
            let to = if secret == name {
                environment.secrets.set(name, Value::Map(Map::default()));
                self.to("secrets")
            } else {
                environment.env.set(name, Value::Text(format!("${{secrets.{secret}}}")));
                self.to("env")
            };
            return self.reading.mapped_but(path, span, to, format!("it is the password of `{dependency}`"));
        }
        let kept = self.reading.secret_name(name, &self.part.name, &filled.text);
        let mut rule = Map::default();
        if kept != name {
            rule.set("from", Value::Text(kept.clone()));
            let value = Map::one(name, Value::Text(patches::asked(&kept)));
            let set = Map::one("environment", Value::Map(value));
            self.reading.patches.add(patches::SERVICE, &self.part.name, set);
        }
        environment.secrets.set(name, Value::Map(rule));
        self.reading.want(&kept, &path, span, true);
        let why = format!("its value is not written: give it as `{kept}` in `{}`", super::STORE);
        self.reading.mapped_but(path, span, self.to("secrets"), why);
    }

    /// The dependency whose password this is, and the secret that has it.
    fn password_of(&self, filled: &Filled, needs: &Needs) -> Option<(String, String)> {
        let known =
            self.reading.parts.iter().filter(|it| {
                needs.has(&it.name) || self.part.needs().iter().any(|need| need.0 == it.written)
            });
        let all = known.chain(&self.reading.parts).filter_map(|it| Some((it, it.bundled()?)));
        let mut same = all.filter(|it| it.1.password.as_deref() == Some(&filled.text));
        same.next().map(|it| (it.0.name.clone(), it.1.secret.clone()))
    }

    fn plain(&mut self, filled: &Filled, environment: &mut Environment) {
        let name = self.variable.name.as_str();
        let (span, path) = (self.variable.span, self.path.clone());
        if filled.missing.is_empty() {
            environment.env.set(name, Value::Text(connection::escaped(&filled.text)));
            return self.reading.mapped_but(path, span, self.to("env"), filled.note());
        }
        let mut rule = Map::one("required", Value::flag(true));
        if let Some(said) = filled.missing.iter().find_map(|it| it.1.clone()) {
            rule.set("about", Value::Text(said));
        }
        environment.env.set(name, Value::Map(rule));
        self.reading.want(name, &path, span, false);
        let why = format!("it has no value here: give the whole of it as `{name}` in `{}`", super::STORE);
        self.reading.mapped_but(path, span, self.to("env"), why);
    }
}
