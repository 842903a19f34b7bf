//! Secrets that get old: what can be generated is made anew, and for the rest a person is asked.
//!
//! A value that a person makes is never written over: nobody but its issuer could make one that works.

use std::collections::BTreeMap;

use lockgate_model::{Generate, Millis, SecretRule, Store, TargetKind};
use serde_json::json;

use super::workflow::{Concurrency, Job, Step, Workflow};
use super::{deploy, images, text};
use crate::facts::Environment;
use crate::facts::Facts;
use crate::output::Output;

pub(super) const FILE: &str = "rotate-secrets";

const DAY: u64 = 86_400_000;

/// How often, as the longest time between two runs allows it; each at a time of its own.
const RHYTHMS: [(u64, &str, &str); 6] = [
    (365 * DAY, "41 3 5 1 *", "year"),
    (184 * DAY, "41 3 5 1,7 *", "half year"),
    (92 * DAY, "41 3 5 1,4,7,10 *", "quarter"),
    (62 * DAY, "41 3 5 1,3,5,7,9,11 *", "two months"),
    (31 * DAY, "41 3 5 * *", "month"),
    (7 * DAY, "41 3 * * 2", "week"),
];
const DAILY: (&str, &str) = ("41 3 * * *", "day");

fn rhythm(rotate: Millis) -> (&'static str, &'static str) {
    RHYTHMS.into_iter().find(|it| it.0 <= rotate.0).map_or(DAILY, |it| (it.1, it.2))
}

/// A secret of an environment, and the public half that goes with it.
struct Due<'a> {
    name: &'a str,
    rule: &'a SecretRule,
    public: Option<(&'a str, &'a SecretRule)>,
}

/// `None` where nothing gets old.
pub(super) fn workflow(facts: &Facts<'_>, output: &mut Output<'_>) -> Option<Workflow> {
    let mut jobs: Vec<(String, Job)> = vec![];
    let mut crons: Vec<&str> = vec![];
    let mut names = vec![];
    for environment in super::released(facts) {
        let before = jobs.len();
        for ((cron, every), due) in by_rhythm(environment) {
            let id = format!("{}-{}", text::id(environment.name()), every.replace(' ', "-"));
            let mut job = job(environment, &due, every, output);
            job.condition = Some(format!(
                "github.event.schedule == '{cron}' || inputs.environment == '{}'",
                environment.name()
            ));
            jobs.push((id, job));
            if !crons.contains(&cron) {
                crons.push(cron);
            }
        }
        if before < jobs.len() {
            names.push(environment.name());
        }
    }
    if jobs.is_empty() {
        return None;
    }
    let schedule: Vec<_> = crons.iter().map(|it| json!({"cron": it})).collect();
    let on = json!({
        "schedule": schedule,
        "workflow_dispatch": {"inputs": {
            "environment": {"description": "Where, at once", "type": "choice", "options": names, "required": true},
        }},
    });
    let mut workflow = Workflow::new("Rotate secrets", on);
    workflow.concurrency = Some(Concurrency {
        group: "rotate-secrets".to_owned(),
        queue: Some("max"),
        cancel_in_progress: false,
    });
    workflow.jobs = jobs;
    Some(workflow)
}

fn by_rhythm<'a>(environment: &'a Environment<'_>) -> BTreeMap<(&'static str, &'static str), Vec<Due<'a>>> {
    let rules: BTreeMap<&str, &SecretRule> = environment
        .secrets
        .iter()
        .filter_map(|(name, it)| Some((name.as_str(), it.rule?)))
        .chain(environment.system.secrets.iter().map(|(name, rule)| (name.as_str(), rule)))
        .collect();
    let mut due: BTreeMap<_, Vec<Due<'a>>> = BTreeMap::new();
    for (name, rule) in &rules {
        let Some(rotate) = rule.rotate else { continue };
        let public = rules.iter().find(|it| it.1.public_of.as_deref() == Some(name)).map(|it| (*it.0, *it.1));
        due.entry(rhythm(rotate)).or_default().push(Due { name, rule, public });
    }
    due
}

fn job(environment: &Environment<'_>, due: &[Due<'_>], every: &str, output: &mut Output<'_>) -> Job {
    let name = environment.name();
    let mut job = deploy::at(environment, &format!("Secrets of {name}, each {every}"), Millis::mins(30));
    job.environment = Some(json!({"name": name, "deployment": false}));
    let writable = matches!(
        environment.system.stores.secrets,
        Some(Store::AwsSecretsManager(_) | Store::AwsParameterStore(_) | Store::Kubernetes(_))
    );
    let (made, asked): (Vec<_>, Vec<_>) = due.iter().partition(|it| writable && it.rule.generate.is_some());
    if !made.is_empty() {
        job.steps.extend(sign_in(environment, &mut job.permissions, output));
        job.steps.extend(made.iter().flat_map(|it| make(environment, it)));
        job.steps.extend(restart(environment));
    }
    if !asked.is_empty() {
        job.permissions.insert("issues", "write");
        job.steps.push(ask(environment, &asked));
    }
    job
}

fn sign_in(
    environment: &Environment<'_>,
    permissions: &mut super::workflow::Permissions,
    output: &mut Output<'_>,
) -> Vec<Step> {
    match &environment.system.target {
        TargetKind::Kubernetes(target) => deploy::cluster(environment, target, output),
        TargetKind::Ecs(_) | TargetKind::EcsExpress(_) | TargetKind::AppRunner(_) => {
            permissions.insert("id-token", "write");
            let region = deploy::region(environment).unwrap_or_default();
            vec![images::aws_role(region, images::role(&environment.system.target))]
        }
        TargetKind::Local(_) | TargetKind::Docker(_) => vec![],
    }
}

/// Values are made in files that nobody else reads, and are never shown.
fn generator(generate: Generate) -> &'static str {
    match generate {
        Generate::Hex32 => "openssl rand -hex 32",
        Generate::Hex64 => "openssl rand -hex 64",
        Generate::Base64Of32 => "openssl rand -base64 32",
        Generate::Base64Of64 => "openssl rand -base64 64 | tr -d '\\n'",
        Generate::Password => "openssl rand -base64 96 | tr -dc 'A-Za-z0-9' | cut -c 1-32",
        Generate::Uuid => "cat /proc/sys/kernel/random/uuid",
        Generate::Rsa2048 => "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        Generate::Rsa4096 => "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096",
        Generate::Ed25519 => "openssl genpkey -algorithm ED25519",
    }
}

fn make(environment: &Environment<'_>, due: &Due<'_>) -> Vec<Step> {
    let Some(generate) = due.rule.generate else { return vec![] };
    // Keys keep their line breaks; everything else is one line without one.
    let one_line = if generate.is_key_pair() { "" } else { " | tr -d '\\n'" };
    let mut script = format!("umask 077\n{}{one_line} > value\n", generator(generate));
    let mut step = Step::run(&format!("Make {} anew", due.name), "");
    script += &write_down(environment, due.name, due.rule, "value", "", &mut step);
    if let Some((name, rule)) = due.public {
        script += "openssl pkey -in value -pubout > public\n";
        script += &write_down(environment, name, rule, "public", "PUBLIC_", &mut step);
        script += "rm public\n";
    }
    script += "rm value\n";
    step.run = Some(script);
    vec![step]
}

/// Shell that puts the content of a file into the environment's store, beside what is there.
fn write_down(
    environment: &Environment<'_>,
    name: &str,
    rule: &SecretRule,
    file: &str,
    prefix: &str,
    step: &mut Step,
) -> String {
    let mut set = |key: &str, value: &str| {
        step.env.insert(format!("{prefix}{key}"), text::literal(value));
    };
    let key = rule.key.as_deref().unwrap_or(name);
    match &environment.system.stores.secrets {
        Some(Store::AwsSecretsManager(usual)) => {
            set("SECRET", rule.from.as_deref().unwrap_or(usual));
            if rule.from.is_some() && rule.key.is_none() {
                return format!(
                    "aws secretsmanager put-secret-value --secret-id \"${prefix}SECRET\" --secret-string file://{file} > /dev/null\n"
                );
            }
            set("KEY", key);
            format!(
                "aws secretsmanager get-secret-value --secret-id \"${prefix}SECRET\" --query SecretString --output text |\n  \
                 jq --arg key \"${prefix}KEY\" --rawfile value {file} '.[$key] = $value' > secret.json\n\
                 aws secretsmanager put-secret-value --secret-id \"${prefix}SECRET\" --secret-string file://secret.json > /dev/null\n\
                 rm secret.json\n"
            )
        }
        Some(Store::AwsParameterStore(path)) => {
            set(
                "PARAMETER",
                &rule.from.clone().unwrap_or_else(|| format!("{}/{name}", path.trim_end_matches('/'))),
            );
            format!(
                "aws ssm put-parameter --name \"${prefix}PARAMETER\" --type SecureString --overwrite --value file://{file} > /dev/null\n"
            )
        }
        Some(Store::Kubernetes(usual)) => {
            set("SECRET", rule.from.as_deref().unwrap_or(usual));
            set("KEY", key);
            format!(
                "jq --null-input --arg key \"${prefix}KEY\" --arg value \"$(base64 --wrap 0 {file})\" '{{data: {{($key): $value}}}}' > patch.json\n\
                 kubectl patch secret \"${prefix}SECRET\" --patch-file patch.json\n\
                 rm patch.json\n"
            )
        }
        Some(Store::ExternalSecrets(_) | Store::File(_) | Store::Github(_)) | None => String::new(),
    }
}

/// A new value counts once the application has read it.
fn restart(environment: &Environment<'_>) -> Option<Step> {
    match &environment.system.target {
        TargetKind::Kubernetes(_) => Some(
            Step::run(
                "Let services read them",
                "kubectl rollout restart deployments --selector \"$SELECTOR\"\nkubectl rollout status deployments --selector \"$SELECTOR\" --timeout 15m\n",
            )
            .env("SELECTOR", deploy::selector(environment)),
        ),
        TargetKind::Ecs(_) | TargetKind::EcsExpress(_) => Some(deploy::restart(environment)),
        TargetKind::AppRunner(_) | TargetKind::Local(_) | TargetKind::Docker(_) => None,
    }
}

const ASK: &str = r#"if [ -z "$(gh issue list --search "in:title \"$TITLE\"" --state open --json number --jq '.[].number')" ]; then
  gh issue create --title "$TITLE" --body "$BODY"
fi
"#;

fn ask(environment: &Environment<'_>, asked: &[&Due<'_>]) -> Step {
    let name = environment.name();
    let lines: Vec<String> = asked
        .iter()
        .map(|it| {
            let about = it.rule.about.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
            format!("- [ ] `{}`{about}", it.name)
        })
        .collect();
    let body = format!(
        "These secrets of `{name}` have come of age. Make new values where they are issued, put them into the store of `{name}`, release, and then end the old ones.\n\n{}",
        lines.join("\n")
    );
    Step::run("Ask for new values", ASK)
        .env("BODY", text::literal(&body))
        .env("GH_REPO", "${{ github.repository }}")
        .env("GH_TOKEN", "${{ github.token }}")
        .env("TITLE", text::literal(&format!("Secrets of {name} are due")))
}
