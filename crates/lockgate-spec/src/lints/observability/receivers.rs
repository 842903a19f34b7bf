//! Who is told: receivers without an address, events that they do not take, and alerts that reach nobody.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, EnvironmentName, Event, SloSeverity, Span, System, TargetKind};

use crate::layers::Value;
use crate::levels;
use crate::lints::shared::is_production;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    without_address(seen, report);
    only_by_mail(seen, report);
}

/// Of one of the notifications: the events that it takes, and where.
struct Receiver<'a> {
    name: &'static str,
    events: &'a [Event],
    environments: &'a [EnvironmentName],
}

fn receivers(system: &System) -> Vec<Receiver<'_>> {
    let all = &system.notifications;
    let slack = all.slack.as_ref().map(|it| ("slack", &it.events, &it.environments));
    let pagerduty = all.pagerduty.as_ref().map(|it| ("pagerduty", &it.events, &it.environments));
    let email = all.email.as_ref().map(|it| ("email", &it.events, &it.environments));
    let sns = all.sns.as_ref().map(|it| ("sns", &it.events, &it.environments));
    let webhook = all.webhook.as_ref().map(|it| ("webhook", &it.events, &it.environments));
    let written = [slack, pagerduty, email, sns, webhook].into_iter().flatten();
    written.map(|(name, events, environments)| Receiver { name, events, environments }).collect()
}

impl Receiver<'_> {
    fn is_told_of(&self, environment: &EnvironmentName) -> bool {
        self.environments.is_empty() || self.environments.contains(environment)
    }

    /// Without a list of events, alerts are told as well.
    fn takes_alerts(&self) -> bool {
        self.events.is_empty() || self.events.contains(&Event::Alert)
    }
}

fn without_address(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let secret = "name the secret, and declare it under `secrets`";
    for (name, key, help) in [
        ("slack", "webhook", secret),
        ("pagerduty", "key", secret),
        ("sns", "to", "name who subscribes, as in `to: team@example.org`"),
    ] {
        let Some(value) = seen.tree.at(&["notifications", name]).filter(|it| it.get(key).is_none()) else {
            continue;
        };
        let message = format!("`{name}` tells nobody: it has no `{key}`");
        report.push(
            Diagnostic::warning(codes::NO_ADDRESS_TO_TELL, message)
                .label(value.key_span, "where to send it is not said")
                .help(help),
        );
    }
}

fn only_by_mail(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for name in ["slack", "pagerduty", "webhook"] {
        let events = seen.tree.at(&["notifications", name, "events"]);
        let events = events.map_or(&[][..], Value::items);
        let Some(event) = events.iter().find(|it| it.text() == Some("weekly-summary")) else { continue };
        let message = format!("`{name}` does not get the weekly summary, which is a mail");
        report.push(
            Diagnostic::warning(codes::ONLY_BY_MAIL, message)
                .label(event.place(), "sent by `email` only")
                .help("move it: `email: {to: team@example.org, events: weekly-summary}`"),
        );
    }
}

/// Critical alerts that reach nobody: anywhere, or where users are.
pub(super) fn across(all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    let served = || all.iter().filter(|it| serves(&it.system));
    let only = served().count() == 1;
    for seen in served() {
        let last = only || is_production(&seen.system);
        let told = seen.tree.get("notifications").is_some();
        if told && !last {
            continue;
        }
        let mut found: Vec<Diagnostic> = unheard(seen).into_iter().collect();
        levels::apply(seen.tree.get("checks"), &mut found);
        report.append(&mut found);
    }
}

fn serves(system: &System) -> bool {
    !matches!(system.target, TargetKind::Local(_) | TargetKind::Docker(_))
}

fn unheard(seen: &Seen<'_>) -> Option<Diagnostic> {
    let (name, critical) = first_critical(seen)?;
    let environment = &seen.system.environment;
    let receivers = receivers(&seen.system);
    if receivers.iter().any(|it| it.takes_alerts() && it.is_told_of(environment)) {
        return None;
    }
    if receivers.is_empty() {
        let message = format!("`{name}` is critical, and nobody is told of alerts");
        let diagnostic =
            Diagnostic::warning(codes::NO_RECEIVER, message).label(critical, "somebody must act");
        return Some(
            diagnostic.help("add a receiver, such as `notifications: {pagerduty: {key: PAGERDUTY_KEY}}`"),
        );
    }
    let message = format!("`{name}` is critical, and nobody is told of alerts in `{environment}`");
    let mut diagnostic =
        Diagnostic::warning(codes::NO_RECEIVER, message).label(critical, "somebody must act");
    for it in &receivers {
        let Some(value) = seen.tree.at(&["notifications", it.name]) else { continue };
        let (key, why) = if it.takes_alerts() {
            ("environments", format!("`{environment}` is not among them"))
        } else {
            ("events", "`alert` is not among them".to_owned())
        };
        diagnostic = diagnostic.label(value.get(key).map_or(value.key_span, Value::place), why);
    }
    Some(diagnostic.help("one of the receivers has to take `alert` there"))
}

/// What is critical first, with its place.
fn first_critical<'a>(seen: &'a Seen<'_>) -> Option<(&'a str, Span)> {
    let system = &seen.system;
    let slos = system.slo.iter().filter(|it| it.1.alert.is_some() && it.1.severity == SloSeverity::Critical);
    let objectives =
        system.objectives.iter().filter(|it| it.1.alert.is_some() && it.1.severity == SloSeverity::Critical);
    let alerts = system.alerts.iter().filter(|it| it.1.severity == SloSeverity::Critical);
    let names = slos.map(|it| ("slo", it.0.as_str())).chain(objectives.map(|it| ("slo", it.0.as_str())));
    let mut names = names.chain(alerts.map(|it| ("alerts", it.0.as_str())));
    let (group, name) = names.next()?;
    let severity = seen.tree.at(&[group, name, "severity"])?;
    Some((name, severity.place()))
}
