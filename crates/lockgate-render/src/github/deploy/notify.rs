//! People are told how a release goes, where and of what the spec says.

use lockgate_model::{EnvironmentName, Event};

use super::super::text;
use super::super::workflow::Step;
use crate::facts::Environment;

const SLACK: &str = r#"jq --null-input --arg channel "$CHANNEL" --arg text "$TEXT $RUN" '$ARGS.named' |
  curl --fail --silent --show-error --max-time 20 --header 'Content-Type: application/json' --data @- "$WEBHOOK"
"#;

const PAGER: &str = r#"jq --null-input --arg key "$KEY" --arg source "$RUN" --arg summary "$TEXT" \
  '{routing_key: $key, event_action: "trigger", payload: {severity: "critical", source: $source, summary: $summary}}' |
  curl --fail --silent --show-error --max-time 20 --header 'Content-Type: application/json' --data @- https://events.pagerduty.com/v2/enqueue
"#;

const RUN: &str = "${{ github.server_url }}/${{ github.repository }}/actions/runs/${{ github.run_id }}";

pub(super) fn started(environment: &Environment<'_>) -> Vec<Step> {
    slack(environment, Event::Started, "Say that it starts", "begins", None).into_iter().collect()
}

pub(super) fn ended(environment: &Environment<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![];
    steps.extend(slack(environment, Event::Success, "Say that it is done", "is done", None));
    steps.extend(slack(environment, Event::Failure, "Say that it failed", "failed", Some("failure()")));
    steps.extend(pager(environment));
    steps
}

fn slack(
    environment: &Environment<'_>,
    event: Event,
    name: &str,
    what: &str,
    condition: Option<&str>,
) -> Option<Step> {
    let slack = environment.system.notifications.slack.as_ref()?;
    let webhook = slack.webhook.as_deref()?;
    if !is_told(&slack.events, event) || !is_meant(&slack.environments, environment) {
        return None;
    }
    let mut step = Step::run(name, SLACK)
        .env("CHANNEL", text::literal(&slack.channel))
        .env("RUN", RUN)
        .env("TEXT", said(environment, what))
        .env("WEBHOOK", text::secret(webhook));
    step.condition = condition.map(str::to_owned);
    step.continue_on_error = true;
    Some(step)
}

fn pager(environment: &Environment<'_>) -> Option<Step> {
    let pager = environment.system.notifications.pagerduty.as_ref()?;
    let key = pager.key.as_deref()?;
    let told = is_told(&pager.events, Event::Failure) && is_meant(&pager.environments, environment);
    told.then(|| {
        Step::run("Page who is on call", PAGER)
            .env("KEY", text::secret(key))
            .env("RUN", RUN)
            .env("TEXT", said(environment, "failed"))
            .when("failure()")
    })
}

fn said(environment: &Environment<'_>, what: &str) -> String {
    format!(
        "{} {}: the release of ${{{{ github.ref_name }}}} (${{{{ github.sha }}}}) {what}.",
        environment.system.name,
        environment.name()
    )
}

/// Nothing said is everything.
fn is_told(events: &[Event], event: Event) -> bool {
    events.is_empty() || events.contains(&event)
}

fn is_meant(environments: &[EnvironmentName], environment: &Environment<'_>) -> bool {
    environments.is_empty() || environments.contains(&environment.system.environment)
}

pub(super) fn rolled_back(environment: &Environment<'_>) -> Option<Step> {
    slack(environment, Event::Rollback, "Say that it is back", "was taken back by hand", Some("always()"))
}
