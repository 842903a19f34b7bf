//! A mail each week about what was released, for those who asked for it.

use std::collections::BTreeSet;

use lockgate_model::Event;
use serde_json::json;

use super::text;
use super::workflow::{Concurrency, Job, Step, Workflow};
use crate::facts::Facts;
use crate::output::Output;

pub(super) const FILE: &str = "weekly-summary";

const WRITE: &str = r#"since="$(date --utc --date '7 days ago' +%Y-%m-%dT%H:%M:%SZ)"
{
  printf 'From: %s\nTo: %s\nSubject: %s\nContent-Type: text/plain; charset=utf-8\n\n' "$FROM" "$TO" "$SUBJECT"
  gh api --paginate "repos/$GITHUB_REPOSITORY/deployments?per_page=100" \
    --jq ".[] | select(.created_at > \"$since\") | [.id, .created_at, .environment, .ref, .sha[0:7], .creator.login] | @tsv" |
    while IFS=$'\t' read -r id created environment ref sha who; do
      state="$(gh api "repos/$GITHUB_REPOSITORY/deployments/$id/statuses?per_page=1" --jq '.[0].state // "unknown"' < /dev/null)"
      printf '%s  %-12s %-10s %s (%s) by %s\n' "$created" "$environment" "$state" "$ref" "$sha" "$who"
    done
} > mail.txt
"#;

/// The password comes by standard input: arguments are seen by every program of the machine.
const SEND: &str = r#"recipients=()
for address in ${TO//,/ }; do recipients+=(--mail-rcpt "$address"); done
printf 'user = "%s:%s"\n' "$SMTP_USER" "$SMTP_PASSWORD" |
  curl --config - --fail --silent --show-error --ssl-reqd --url "$SMTP_URL" --mail-from "$FROM" "${recipients[@]}" --upload-file mail.txt
"#;

/// `None` where nobody asked for it.
pub(super) fn workflow(facts: &Facts<'_>, output: &mut Output<'_>) -> Option<Workflow> {
    let mails = facts.environments.iter().filter_map(|it| it.system.notifications.email.as_ref());
    let asked: Vec<_> = mails.filter(|it| it.events.contains(&Event::WeeklySummary)).collect();
    let to: BTreeSet<&str> = asked.iter().flat_map(|it| &it.to).map(String::as_str).collect();
    let first = asked.first()?;
    let to = to.into_iter().collect::<Vec<_>>().join(",");
    let from = first.from.clone().unwrap_or_else(|| first.to.first().cloned().unwrap_or_default());
    output.note(
        "GitHub Actions: the weekly summary is sent with the variable SMTP_URL and the secrets SMTP_USER and \
         SMTP_PASSWORD of the environment `ci` of the repository"
            .to_owned(),
    );
    let name = facts.environments.first().map_or("", |it| it.system.name.as_str());
    // Monday morning in Europe, and not at the full hour, when everybody's clocks start something.
    let on = json!({"schedule": [{"cron": "23 6 * * 1"}], "workflow_dispatch": {}});
    let mut workflow = Workflow::new("Weekly summary", on);
    workflow.concurrency =
        Some(Concurrency { group: "weekly-summary".to_owned(), queue: None, cancel_in_progress: true });
    let mut job = Job::new("Mail", 10).allowed([("deployments", "read")]);
    job.environment = Some(json!({"name": super::quality::SECRETS, "deployment": false}));
    let addressed = |step: Step| step.env("FROM", text::literal(&from)).env("TO", text::literal(&to));
    job.steps.push(
        addressed(Step::run("Write", WRITE))
            .env("GH_TOKEN", "${{ github.token }}")
            .env("SUBJECT", format!("Releases of {name} in the last week")),
    );
    job.steps.push(
        addressed(Step::run("Send", SEND))
            .env("SMTP_PASSWORD", text::secret("SMTP_PASSWORD"))
            .env("SMTP_URL", "${{ vars.SMTP_URL }}")
            .env("SMTP_USER", text::secret("SMTP_USER")),
    );
    workflow.job("mail", job);
    Some(workflow)
}
