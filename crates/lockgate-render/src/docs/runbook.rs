//! The runbook: what runs, how it is released, watched and taken back.

use lockgate_model::{
    Event, Notifications, Policy, RollbackTrigger, SmokeKind, StepGate, Strategy, TargetKind,
};

use super::commands::Commands;
use super::markdown::{Page, code, codes, plain};
use super::{playbooks, tables, thresholds};
use crate::facts::{Environment, shell};

pub(super) fn page(environment: &Environment<'_>) -> String {
    let system = environment.system;
    let commands = Commands::of(environment);
    let mut page = Page::default();
    page.heading(1, &format!("Runbook: {} in {}", system.name, environment.name()));
    about(&mut page, environment);
    page.heading(2, "What runs");
    tables::services(&mut page, environment);
    tables::dependencies(&mut page, environment);
    page.commands(&commands.look);
    page.heading(2, "Variables");
    tables::variables(&mut page, environment);
    if !environment.secrets.is_empty() {
        page.heading(2, "Secrets");
        page.text("A changed value counts once its readers were started anew.");
        tables::secrets(&mut page, environment);
        page.commands(&commands.secrets);
        let readers = environment
            .services
            .keys()
            .filter(|it| environment.secrets.values().any(|fact| fact.services.contains(*it)));
        page.commands(&readers.flat_map(|it| commands.restart(it)).collect::<Vec<_>>());
    }
    release(&mut page, environment, &commands);
    page.heading(2, "Thresholds");
    thresholds::table(&mut page, environment);
    told(&mut page, &system.notifications, environment);
    page.heading(2, "Rollback");
    rollback(&mut page, environment, &commands);
    page.heading(2, "When something is wrong");
    playbooks::write(&mut page, environment, &commands);
    page.finish()
}

fn about(page: &mut Page, environment: &Environment<'_>) {
    let system = environment.system;
    let mut facts = vec![];
    facts.extend(system.owner.as_deref().map(|it| format!("Owner: {}", plain(it))));
    facts.push(format!("Target: {}", target(&system.target)));
    facts.extend(system.policy.host.as_deref().map(|it| format!("Users reach it at {}", code(it))));
    page.list(facts);
}

fn target(target: &TargetKind) -> String {
    match target {
        TargetKind::Local(it) => {
            format!("processes of one machine, behind the proxy on {}", code(&it.bind.to_string()))
        }
        TargetKind::Docker(it) if it.hosts.is_empty() => "Docker on this machine".to_owned(),
        TargetKind::Docker(it) => format!("Docker on {}", codes(it.hosts.iter().map(String::as_str))),
        TargetKind::Kubernetes(it) => {
            let context =
                it.context.as_deref().map_or_else(String::new, |it| format!(", context {}", code(it)));
            format!("Kubernetes, namespace {}{context}", code(&it.namespace))
        }
        TargetKind::Ecs(it) => format!("Amazon ECS, cluster {} in {}", code(&it.cluster), code(&it.region)),
        TargetKind::EcsExpress(it) => format!("Amazon ECS Express Mode in {}", code(&it.region)),
        TargetKind::AppRunner(it) => format!("AWS App Runner in {}", code(&it.region)),
    }
}

fn release(page: &mut Page, environment: &Environment<'_>, commands: &Commands) {
    let system = environment.system;
    page.heading(2, "Release");
    page.list(origin(&system.policy));
    if !commands.prepare.is_empty() {
        page.text("Before the first release:");
        page.commands(&commands.prepare);
    }
    page.text("By hand, from the folder of the spec:");
    page.commands(&commands.release);
    if let Some(job) = &environment.migration {
        let retry = if job.retry.attempts == 1 {
            "once".to_owned()
        } else {
            format!(
                "up to {} times, waiting {} at first and {} at most",
                job.retry.attempts, job.retry.initial, job.retry.max
            )
        };
        let command = code(&shell::line(&job.command));
        page.text(&format!(
            "Migrations: {command} from the image of {}, {} at most for each attempt, tried {retry}.",
            code(job.service.as_str()),
            job.timeout
        ));
        page.commands(&commands.migrate);
    }
    if let Some(job) = &environment.seed {
        let command = code(&shell::line(&job.command));
        page.text(&format!("Seeds: {command} from the image of {}.", code(job.service.as_str())));
        page.commands(&commands.seed);
    }
    page.text(&strategy(environment));
    steps(page, environment);
    smoke(page, environment);
}

/// What brings a change here, and who must agree.
fn origin(policy: &Policy) -> Vec<String> {
    let mut items = vec![];
    items.extend(
        policy.branch.as_deref().map(|it| format!("A push to the branch {} is released here", code(it))),
    );
    items.extend(policy.tag.as_deref().map(|it| format!("A tag such as {} is released here", code(it))));
    items.extend(policy.version.as_deref().map(|it| format!("Versions are called {}", code(it))));
    items.extend(policy.promote.as_ref().map(|it| {
        format!("Images are those that passed {}, by digest; nothing is built", code(it.as_str()))
    }));
    if let Some(protection) = &policy.protection {
        if 0 < protection.reviewers {
            items.push(format!(
                "Approvals needed: {}, from {}",
                protection.reviewers,
                codes(protection.from.iter().map(String::as_str))
            ));
        }
        if 0 < protection.wait_timer.0 {
            items.push(format!("A release waits {} before it begins", protection.wait_timer));
        }
    }
    items
}

fn strategy(environment: &Environment<'_>) -> String {
    let rollout = &environment.system.rollout;
    match rollout.strategy {
        Strategy::Canary => "The new version takes a part of the traffic first:".to_owned(),
        Strategy::Rolling => "Instances are replaced one after the other.".to_owned(),
        Strategy::BlueGreen => {
            "The new version is started whole beside the old one, then takes all traffic at once.".to_owned()
        }
        Strategy::Recreate => {
            "The old version ends before the new one begins; users wait meanwhile.".to_owned()
        }
    }
}

fn steps(page: &mut Page, environment: &Environment<'_>) {
    let rollout = &environment.system.rollout;
    let mut items: Vec<String> = rollout
        .steps
        .iter()
        .map(|it| match (it.gate, it.pause.0) {
            (StepGate::Approval, _) => format!("{} of the traffic, then a person agrees", it.weight),
            (StepGate::Metrics, 0) => format!("{} of the traffic", it.weight),
            (StepGate::Metrics, _) => format!("{} of the traffic for {}", it.weight, it.pause),
        })
        .collect();
    if 0 < rollout.bake.0 {
        items.push(format!("the old version stays for {}, so that going back is a switch", rollout.bake));
    }
    if !rollout.rollback_on.is_empty() {
        let triggers: Vec<&str> = rollout
            .rollback_on
            .iter()
            .map(|it| match it {
                RollbackTrigger::Slo(metric) => metric.as_str(),
                RollbackTrigger::CrashLoop => "crash_loop",
            })
            .collect();
        items.push(format!("taken back by {}", codes(triggers)));
    }
    for freeze in &rollout.freeze {
        let reason = freeze.reason.as_deref().map_or_else(String::new, |it| format!(": {}", plain(it)));
        items.push(format!(
            "nothing is released from {} to {} ({}){reason}",
            code(&freeze.from),
            code(&freeze.to),
            plain(&freeze.timezone)
        ));
    }
    page.list(items);
}

fn smoke(page: &mut Page, environment: &Environment<'_>) {
    let checks: Vec<String> = environment
        .system
        .smoke
        .iter()
        .map(|it| {
            let what = match &it.kind {
                SmokeKind::Get { path, status, .. } => {
                    format!("{} answers {status}", code(&format!("GET {path}")))
                }
                SmokeKind::Run { command } => format!("{} ends well", code(&shell::line(command))),
                SmokeKind::Mail { from, to } => {
                    format!("a mail from {} to {} is taken, with STARTTLS", code(from), code(to))
                }
            };
            format!("{}: {what}, within {}", code(it.service.as_str()), it.timeout)
        })
        .collect();
    if !checks.is_empty() {
        page.text("Smoke checks:");
        page.list(checks);
    }
}

fn told(page: &mut Page, notifications: &Notifications, environment: &Environment<'_>) {
    let here = |only: &[lockgate_model::EnvironmentName]| {
        only.is_empty() || only.contains(&environment.system.environment)
    };
    let mut rows = vec![];
    let mut row = |who: String, only: &[lockgate_model::EnvironmentName], events: &[Event]| {
        if here(only) {
            let events: Vec<String> = events
                .iter()
                .map(|it| {
                    serde_json::to_value(it)
                        .ok()
                        .and_then(|it| it.as_str().map(str::to_owned))
                        .unwrap_or_default()
                })
                .collect();
            rows.push(vec![who, if events.is_empty() { "all".to_owned() } else { events.join(", ") }]);
        }
    };
    if let Some(it) = &notifications.slack {
        row(format!("Slack {}", code(&it.channel)), &it.environments, &it.events);
    }
    if let Some(it) = &notifications.pagerduty {
        row("PagerDuty".to_owned(), &it.environments, &it.events);
    }
    if let Some(it) = &notifications.email {
        row(format!("mail to {}", codes(it.to.iter().map(String::as_str))), &it.environments, &it.events);
    }
    if let Some(it) = &notifications.sns {
        row(format!("SNS topic {}", code(&it.topic)), &it.environments, &it.events);
    }
    if let Some(it) = &notifications.webhook {
        row(format!("webhook {}", code(&it.url)), &it.environments, &it.events);
    }
    if !rows.is_empty() {
        page.heading(2, "Who is told");
        page.table(&["whom", "of what"], &rows);
    }
}

fn rollback(page: &mut Page, environment: &Environment<'_>, commands: &Commands) {
    let compatible = environment.system.migrations.as_ref().is_none_or(|it| it.compatible);
    page.text(if compatible {
        "The schema stays as it is: the version before works with it as well."
    } else {
        "The version before does not work with the new schema: restore the database first, or go forward with a fix."
    });
    page.commands(&commands.rollback);
}
