//! Alertmanager: who is told of which alerts.
//!
//! Secrets are read from files of their names in [`SECRETS`]; nothing secret stands in what is rendered.

mod config;
mod receiver;

use lockgate_model::SloSeverity;
use lockgate_yaml::WriteStyle;

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::output::{File, Output};
use config::{Config, Inhibit, Receiver, Route};
use receiver::{Told, told};

/// Folder of the container with a file for each secret.
pub(crate) const SECRETS: &str = "/etc/alertmanager/secrets";
/// Receiver of what nobody wants to hear of.
const NOBODY: &str = "nobody";
/// Receiver of the alert that always fires: a patch gives it to whoever notices when it stops.
const WATCHDOG: &str = "watchdog";

const TEMPLATES: &str = include_str!("lockgate.tmpl");

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    for environment in facts.wanting(Kind::Alertmanager) {
        let told = told(environment, output);
        // Whoever is told of anything is told of what is critical.
        if told.is_empty() {
            output.note(format!(
                "nobody is told of alerts in `{0}`, critical ones included; add a receiver, such as `notifications: {{email: {{to: team@example.org}}}}`",
                environment.name()
            ));
        }
        write(environment, config(environment, told, output), output);
    }
}

fn config(environment: &Environment<'_>, told: Vec<Told>, output: &mut Output<'_>) -> Config {
    let mut routes = vec![Route {
        receiver: WATCHDOG,
        matchers: vec![r#"alertname="Watchdog""#],
        group_wait: Some("0s"),
        group_interval: Some("1m"),
        repeat_interval: Some("5m"),
        ..Route::default()
    }];
    let mut receivers = vec![Receiver::new(NOBODY), Receiver::new(WATCHDOG)];
    for it in told {
        routes.push(Route {
            receiver: it.receiver.name,
            matchers: vec![match it.least {
                SloSeverity::Critical => r#"severity="critical""#,
                SloSeverity::Warning => r#"severity=~"warning|critical""#,
            }],
            // All who want it are told, not the first alone.
            carry_on: true,
            ..Route::default()
        });
        receivers.push(it.receiver);
    }
    let receivers = receivers.into_iter().map(|it| {
        let mut value = serde_json::to_value(&it).expect("maps have keys of text");
        output.patch(environment, "Receiver", it.name, &mut value);
        value
    });
    Config {
        templates: ["templates/*.tmpl"],
        route: Route {
            receiver: NOBODY,
            group_by: vec!["alertname", "service", "dependency"],
            group_wait: Some("30s"),
            group_interval: Some("5m"),
            repeat_interval: Some("4h"),
            routes,
            ..Route::default()
        },
        // What is critical of one thing says more than what is worrying of it.
        inhibit_rules: ["service", "dependency"].map(|label| Inhibit {
            source_matchers: vec![r#"severity="critical""#.to_owned(), format!(r#"{label}!="""#)],
            target_matchers: [r#"severity="warning""#],
            equal: [label],
        }),
        receivers: receivers.collect(),
    }
}

fn write(environment: &Environment<'_>, config: Config, output: &mut Output<'_>) {
    let name = &environment.system.environment;
    let folder = format!("deploy/alertmanager/{name}");
    let first = ["global", "templates", "route", "receiver", "name"];
    let style = WriteStyle { first: &first, indent_lists: true, ..WriteStyle::default() };
    let value = serde_json::to_value(config).expect("maps have keys of text");
    let origin = vec!["notifications".to_owned()];
    output.file(File {
        kind: Kind::Alertmanager,
        path: format!("{folder}/alertmanager.yml"),
        environment: Some(name),
        comment: Comment::Hash,
        text: lockgate_yaml::write(&value, &style),
        origin: origin.clone(),
    });
    output.file(File {
        kind: Kind::Alertmanager,
        path: format!("{folder}/templates/lockgate.tmpl"),
        environment: Some(name),
        comment: Comment::None,
        text: TEMPLATES.to_owned(),
        origin,
    });
}
