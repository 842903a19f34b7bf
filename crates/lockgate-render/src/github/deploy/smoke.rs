//! Smoke checks: the questions of the spec, asked of what was just released.

use std::fmt::Write as _;

use lockgate_model::{Ingress, SmokeCheck, SmokeExpect, SmokeKind, TargetKind};

use super::super::workflow::{Step, minutes};
use super::super::{text, tools};
use crate::facts::Environment;
use crate::output::Output;

/// New instances have a moment to be found by those who send them requests.
const ASK: &str = r#"status="$(curl --silent --show-error --max-time "$LIMIT" --retry 5 --retry-all-errors --retry-connrefused \
  --header @headers.txt --output answer.txt --write-out '%{http_code}' "$URL")"
echo "$URL: $status"
[ "$status" = "$STATUS" ]
"#;

/// A cluster's service that is not reached from outside, by way of the API server.
const FORWARD: &str = r#"kubectl port-forward "service/$SERVICE" "18080:$PORT" > forward.txt &
trap 'kill %1' EXIT
timeout 30 bash -c 'until grep --quiet Forwarding forward.txt; do sleep 0.2; done'
"#;

pub(super) fn steps(environment: &Environment<'_>, output: &mut Output<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![];
    for check in &environment.system.smoke {
        match &check.kind {
            SmokeKind::Get { path, status, expect } => {
                steps.extend(get(environment, check, path, *status, expect, output));
            }
            SmokeKind::Run { command } => {
                if !steps.iter().any(|it| it.run.is_some() && it.name.starts_with("Prepare")) {
                    // The files are checked out already.
                    let prepared = tools::prepared(&environment.system.ci, std::slice::from_ref(command));
                    steps.extend(prepared.into_iter().skip(1));
                }
                let command: Vec<String> = command.iter().map(|it| from_outside(environment, it)).collect();
                steps.push(Step::run("Smoke check", text::command(&command)).minutes(minutes(check.timeout)));
            }
            SmokeKind::Mail { .. } => output.note(format!(
                "GitHub Actions: deploy-{}.yml sends no mail to check that it can; `lockgate deploy` does",
                environment.name()
            )),
        }
    }
    steps
}

/// Requests for this path come to the service.
fn reaches(ingress: &Ingress, path: &str) -> bool {
    let begins = |it: &String| path.starts_with(it.trim_end_matches('/'));
    ingress.paths.is_empty() || ingress.paths.iter().any(begins)
}

/// Addresses within the network of the services, as users write them.
fn from_outside(environment: &Environment<'_>, text: &str) -> String {
    let mut text = text.to_owned();
    for (name, service) in &environment.system.services {
        let Some(ingress) = &service.ingress else { continue };
        let Some(host) = ingress.hosts.first() else { continue };
        for port in service.ports.values() {
            text = text
                .replace(&format!("http://{name}:{}", port.number), &format!("{}://{host}", scheme(ingress)));
        }
    }
    text
}

fn scheme(ingress: &Ingress) -> &'static str {
    if ingress.tls { "https" } else { "http" }
}

fn get(
    environment: &Environment<'_>,
    check: &SmokeCheck,
    path: &str,
    status: u16,
    expect: &SmokeExpect,
    output: &mut Output<'_>,
) -> Option<Step> {
    let service = environment.system.services.get(&check.service)?;
    let policy = &environment.system.policy;
    let host = service.ingress.as_ref().and_then(|it| it.hosts.first()).or(policy.host.as_ref());
    let on_cluster = matches!(environment.system.target, TargetKind::Kubernetes(_));
    let outside = host.is_some() && service.ingress.as_ref().is_some_and(|it| reaches(it, path));
    let (url, forward) = match host.filter(|_| outside) {
        Some(host) => {
            let scheme = service.ingress.as_ref().map_or("https", scheme);
            (format!("{scheme}://{host}{path}"), None)
        }
        None if on_cluster => (format!("http://127.0.0.1:18080{path}"), Some(service.main_port()?.1.number)),
        None => {
            output.note(format!(
                "GitHub Actions: deploy-{}.yml cannot ask `{}` for {path}: nothing outside reaches it",
                environment.name(),
                check.service
            ));
            return None;
        }
    };
    let mut script = String::new();
    if forward.is_some() {
        script += FORWARD;
    }
    script += "printf '%s\\n' \"$HEADERS\" > headers.txt\n";
    let headers: Vec<String> =
        expect.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let mut step = Step::run(&format!("Smoke check of {}: {path}", check.service), "")
        .minutes(minutes(check.timeout) + 2);
    step.name = text::literal(&step.name);
    if let Some(secret) = &expect.bearer {
        script += "printf 'Authorization: Bearer %s\\n' \"$TOKEN\" >> headers.txt\n";
        step = step.env("TOKEN", text::secret(secret));
    }
    script += ASK;
    for (index, (at, wanted)) in expect.json.iter().enumerate() {
        let (filter, value) = (format!("PATH_{index}"), format!("VALUE_{index}"));
        if wanted == "*" {
            writeln!(script, "jq --exit-status --arg path \"${filter}\" '{FIND} != null' answer.txt")
                .expect("a string takes all");
        } else {
            writeln!(
                script,
                "jq --exit-status --arg path \"${filter}\" --arg value \"${value}\" '{FIND} | tostring == $value' answer.txt"
            )
            .expect("a string takes all");
            step = step.env(&value, text::literal(wanted));
        }
        step = step.env(&filter, text::literal(at.trim_start_matches("$.").trim_start_matches('$')));
    }
    if let Some(contains) = &expect.contains {
        script += "grep --quiet --fixed-strings -e \"$CONTAINS\" answer.txt\n";
        step = step.env("CONTAINS", text::literal(contains));
    }
    if let Some(port) = forward {
        step = step.env("PORT", port.to_string()).env("SERVICE", check.service.as_str());
    }
    step.run = Some(script);
    Some(
        step.env("HEADERS", text::literal(&headers.join("\n")))
            .env("LIMIT", (check.timeout.0 / 1_000).max(1).to_string())
            .env("STATUS", status.to_string())
            .env("URL", text::literal(&url)),
    )
}

/// The value at a path such as `status` or `items.0.name`.
const FIND: &str = r#"getpath($path | split(".") | map(if test("^[0-9]+$") then tonumber else . end))"#;
