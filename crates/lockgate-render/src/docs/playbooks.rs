//! What to do when something is wrong: first look, then act.

use lockgate_model::{KubernetesTarget, TargetKind, Via};

use super::commands::Commands;
use super::markdown::{Page, code, plain};
use super::thresholds::limit;
use crate::facts::{Environment, ServiceFact, health};

pub(super) fn write(page: &mut Page, environment: &Environment<'_>, commands: &Commands) {
    failed_release(page, environment, commands);
    if environment.migration.is_some() {
        failed_migration(page, environment, commands);
    }
    crash_loop(page, environment, commands);
    if let TargetKind::Kubernetes(target) = &environment.system.target {
        kubernetes(page, environment, target, commands);
    }
    dependencies(page, environment, commands);
    beyond_limits(page, environment);
}

fn failed_release(page: &mut Page, environment: &Environment<'_>, commands: &Commands) {
    page.heading(3, "A release fails");
    page.text("Users are on the version before as long as the new one is not ready. Find out why it is not:");
    page.commands(&commands.look);
    if let Some(fact) = first(environment) {
        page.commands(&commands.describe(fact.name));
    }
    page.text("If users are hit, take it back now and look for the cause later:");
    page.commands(&commands.rollback);
}

fn failed_migration(page: &mut Page, environment: &Environment<'_>, commands: &Commands) {
    page.heading(3, "A migration fails");
    page.text("The release has stopped: nothing of the new version runs. Read what the migration said:");
    page.commands(&commands.migrate);
    let compatible = environment.system.migrations.as_ref().is_none_or(|it| it.compatible);
    page.text(if compatible {
        "Mend it in a new commit and release again. The version that runs works with the schema before and after."
    } else {
        "Mend it in a new commit and release again. Look at the schema first: a half of the migration may be in."
    });
}

fn crash_loop(page: &mut Page, environment: &Environment<'_>, commands: &Commands) {
    let Some(fact) = first(environment) else { return };
    page.heading(3, "Instances crash at start");
    page.text("A variable that is missing and a dependency that does not answer are the usual causes. The last lines say which:");
    page.commands(&commands.logs(fact.name));
    page.commands(&commands.describe(fact.name));
}

fn kubernetes(
    page: &mut Page,
    environment: &Environment<'_>,
    target: &KubernetesTarget,
    commands: &Commands,
) {
    if let (Some(secret), Some(fact)) = (&target.pull_secret, first(environment)) {
        page.heading(3, "An image cannot be pulled");
        page.text(&format!(
            "The Secret {} of the namespace holds a token that reads the registry and does no more. See what was asked for, and replace the token if it ended:",
            code(secret)
        ));
        page.commands(&commands.describe(fact.name));
    }
    if matches!(target.via, Via::Helm | Via::Helmfile) {
        page.heading(3, "A release of Helm hangs");
        page.text("`pending-upgrade` in its history means that whoever upgraded it was stopped. Nothing has to be deleted: going back to the last revision that was deployed frees it.");
        page.commands(&commands.rollback);
    }
}

fn dependencies(page: &mut Page, environment: &Environment<'_>, commands: &Commands) {
    for (name, dependency) in &environment.system.dependencies {
        let mut users = environment
            .services
            .values()
            .filter(|it| it.service.depends_on.contains_key(name.as_str()))
            .peekable();
        let Some(user) = users.peek().map(|it| it.name) else { continue };
        page.heading(3, &format!("{name} does not answer"));
        let users: Vec<String> = users.map(|it| code(it.name.as_str())).collect();
        let who = if dependency.external.is_some() {
            "It is not run by this system: ask its status page or who runs it."
        } else {
            "It runs with the system: see whether it is up, and whether its disk is full."
        };
        page.text(&format!(
            "Hit: {}. {who} What its clients say, and whether one of them is ready now:",
            users.join(", ")
        ));
        let asked = environment.services.get(user).and_then(|it| health::command(environment, it));
        let inside = asked.map(|it| commands.inside(user, &it)).unwrap_or_default();
        let lines = [commands.logs(user), inside, commands.between()].concat();
        page.commands(&lines);
        page.text("Its address is in [variables](#variables); where it holds a password, see that the store and the clients have the same.");
    }
}

fn beyond_limits(page: &mut Page, environment: &Environment<'_>) {
    for (metric, slo) in &environment.system.slo {
        let Some(alert) = slo.alert else { continue };
        page.heading(3, &format!("Alert: {metric}"));
        let more = slo.runbook.as_deref().map_or_else(String::new, |it| format!(" More: {}.", plain(it)));
        page.text(&format!(
            "It fires when {} for {}.{more}",
            limit(*metric, alert.limit, false),
            alert.lasting
        ));
        page.text("If a release is under way or has just ended, [take it back](#rollback). Else look at [what runs](#what-runs), and at the dependencies.");
    }
    for (name, rule) in &environment.system.alerts {
        page.heading(3, &format!("Alert: {name}"));
        let summary = rule.summary.as_deref().map_or_else(String::new, |it| format!("{}. ", plain(it)));
        let what = rule.metric.as_deref().or(rule.query.as_deref()).unwrap_or_default();
        page.text(&format!("{summary}It fires when {} is {}.", code(what), plain(&rule.alert.to_string())));
    }
}

/// The service that takes the traffic of users, or any.
fn first<'e, 'a>(environment: &'e Environment<'a>) -> Option<&'e ServiceFact<'a>> {
    let mut services = environment.services.values();
    services.clone().find(|it| it.service.ingress.is_some()).or_else(|| services.next())
}
