//! Dependencies that tests ask: started beside the job, in the versions of the spec.

use std::collections::BTreeMap;

use lockgate_model::DependencyName;

use super::text;
use super::workflow::{Job, ServiceContainer, Step};
use crate::facts::{Bundled, Environment, Facts, Part, Template, VariableValue, shell};

/// Of databases that live as long as the job and are reached by it alone.
const PASSWORD: &str = "test";

/// A dependency as an environment starts it.
pub(super) struct Started<'a> {
    name: &'a DependencyName,
    bundled: &'a Bundled,
    environment: &'a Environment<'a>,
}

/// `None` where no environment starts it: then nobody says in which way.
pub(super) fn find<'a>(facts: &'a Facts<'_>, name: &'a DependencyName) -> Option<Started<'a>> {
    facts
        .environments
        .iter()
        .find_map(|environment| Some(Started { name, bundled: environment.bundled.get(name)?, environment }))
}

impl Started<'_> {
    /// Starts it beside the job, prepares it, and tells `step` where it is.
    pub(super) fn join(&self, facts: &Facts<'_>, job: &mut Job, step: &mut Step) {
        job.services.insert(self.name.to_string(), self.container(facts));
        if !self.bundled.setup.is_empty() {
            job.steps.push(self.setup());
        }
        for (name, value) in self.variables() {
            step.env.entry(name).or_insert(value);
        }
    }

    /// The image, where the lock does not say which bytes it is.
    pub(super) fn unpinned(&self, facts: &Facts<'_>) -> Option<&str> {
        let image = self.bundled.image.as_str();
        (!facts.lock.image(image).contains('@')).then_some(image)
    }

    fn container(&self, facts: &Facts<'_>) -> ServiceContainer {
        let port = self.bundled.port;
        let options = (!self.bundled.check.is_empty()).then(|| {
            let check = text::literal(&docker_word(&shell::line(&self.bundled.check)));
            format!("--health-cmd {check} --health-interval 5s --health-timeout 5s --health-retries 24")
        });
        ServiceContainer {
            image: text::literal(&facts.lock.image(&self.bundled.image)),
            env: self.bundled.env.iter().map(|(name, it)| ((*name).to_owned(), self.filled(it))).collect(),
            ports: vec![format!("{port}:{port}")],
            options,
        }
    }

    /// Topics, extensions: made from within, where the tools are.
    fn setup(&self) -> Step {
        let commands =
            self.bundled.setup.iter().map(|it| format!("docker exec \"$CONTAINER\" {}", text::command(it)));
        let script: String = commands.map(|it| it + "\n").collect();
        Step::run(&format!("Prepare {}", self.name), script)
            .env("CONTAINER", format!("${{{{ job.services['{}'].id }}}}", self.name))
    }

    /// Variables of services that say where it is; from the job it is on this machine.
    fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for variable in self.environment.services.values().flat_map(|it| &it.variables) {
            let VariableValue::Plain(template) = &variable.value else { continue };
            let value = template.write(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Secret(_) => PASSWORD.to_owned(),
                Part::Version => "test".to_owned(),
                Part::Other(name) => format!("${{{name}}}"),
            });
            if let Some(value) = here(&value, self.name.as_str(), self.bundled.port) {
                variables.insert(variable.name.to_owned(), text::literal(&value));
            }
        }
        variables
    }

    /// A broker tells its clients its address, and theirs is this machine.
    fn filled(&self, template: &Template) -> String {
        let value = template.write(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Secret(_) => PASSWORD.to_owned(),
            Part::Version => String::new(),
            Part::Other(name) => format!("${{{name}}}"),
        });
        text::literal(&here(&value, self.name.as_str(), self.bundled.port).unwrap_or(value))
    }
}

/// The address with this machine for the host, if it is one of `host:port`.
fn here(value: &str, host: &str, port: u16) -> Option<String> {
    let address = format!("{host}:{port}");
    let at = value.match_indices(&address).map(|it| it.0).find(|at| {
        let ends = value[at + address.len()..].chars().next().is_none_or(|it| !it.is_ascii_digit());
        let begins = *at == 0 || value[..*at].ends_with(['/', '@', ',']);
        begins && ends
    })?;
    Some(format!("{}127.0.0.1:{port}{}", &value[..at], &value[at + address.len()..]))
}

/// Options are split at blanks outside of double quotes, and nothing else in them is read.
fn docker_word(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_seen_from_the_job() {
        let seen = |it| here(it, "redis", 6379);
        assert_eq!(seen("redis://:test@redis:6379/0"), Some("redis://:test@127.0.0.1:6379/0".to_owned()));
        assert_eq!(seen("redis:6379"), Some("127.0.0.1:6379".to_owned()));
        assert_eq!(seen("redis://cache-redis:6379"), None);
        assert_eq!(seen("redis://redis:63790"), None);
    }
}
