//! GitHub workflows: references between steps, what a step needs, and two workflows that do one thing.

use std::collections::BTreeSet;

use lockgate_diagnostics::{codes, suggest};
use lockgate_model::{Diagnostic, Span};

use super::Context;
use crate::extract::shell::{Command, commands};
use crate::extract::workflow::{Job, Step, Trigger, Workflow};
use crate::markdown::Document;
use crate::place::Word;

/// `steps.NAME` and `needs.NAME` that lead nowhere.
pub(crate) fn no_such_step(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for workflow in context.facts.workflows.iter().filter(|it| !it.is_part) {
        for job in &workflow.jobs {
            let ids: Vec<&str> =
                job.steps.iter().filter_map(|it| it.id.as_ref()).map(|it| it.text.as_str()).collect();
            let spans: Vec<Span> = job.steps.iter().map(|it| it.span).collect();
            let inside =
                |it: &&Word| spans.iter().any(|span| span.start <= it.span.start && it.span.end <= span.end);
            let mut told: BTreeSet<String> = BTreeSet::new();
            for expression in workflow.expressions.iter().filter(inside) {
                for name in referred(&expression.text, "steps.") {
                    if ids.contains(&name.as_str()) || !told.insert(name.clone()) {
                        continue;
                    }
                    let message = format!("no step of the job `{}` has the id `{name}`", job.id.text);
                    let mut diagnostic = Diagnostic::error(codes::NO_SUCH_STEP, message)
                        .label(expression.span, "replaced by nothing");
                    let meant = job.steps.iter().find(|it| folded(it.title()) == folded(&name));
                    diagnostic = match (meant, suggest::nearest(&name, ids.iter().copied())) {
                        (Some(step), _) => diagnostic
                            .label(step.place(), "this step has no id")
                            .help(format!("add `id: {name}` to it")),
                        (None, Some(near)) => diagnostic.help(format!("is `{near}` meant?")),
                        (None, None) => diagnostic.help(format!("give the step that is meant `id: {name}`")),
                    };
                    report.push(diagnostic);
                }
            }
        }
    }
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace([' ', '-'], "_")
}

/// Names behind `steps.` within `${{ }}`.
fn referred(text: &str, mark: &str) -> Vec<String> {
    let mut found = vec![];
    for part in text.split("${{").skip(1) {
        let expression = part.split("}}").next().unwrap_or("");
        for (at, _) in expression.match_indices(mark) {
            let is_whole =
                !expression[..at].ends_with(|it: char| it.is_alphanumeric() || matches!(it, '_' | '.' | '-'));
            let name: String = expression[at + mark.len()..]
                .chars()
                .take_while(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-'))
                .collect();
            if is_whole && !name.is_empty() {
                found.push(name);
            }
        }
    }
    found
}

/// An image where the action wants a file, and the tags of all images where one tag is wanted.
pub(crate) fn wrong_input(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for workflow in &context.facts.workflows {
        for (job, step) in workflow.steps() {
            if step.action() == Some("aws-actions/amazon-ecs-deploy-task-definition") {
                image_for_file(job, step, report);
            }
            for (_, value) in &step.with {
                let Some(value) = value else { continue };
                let is_tag = value.text.contains(":${{ steps.") && value.text.contains(".outputs.tags }}");
                if !is_tag {
                    continue;
                }
                report.push(
                    Diagnostic::error(codes::WRONG_INPUT, "a list of whole image names is used as one tag")
                        .label(value.span, "`tags` holds names such as `ghcr.io/org/app:v1`, one per line")
                        .help("use `outputs.version` for the tag, or better: the digest of the push"),
                );
            }
        }
    }
}

fn image_for_file(job: &Job, step: &Step, report: &mut Vec<Diagnostic>) {
    let Some(input) = step.input("task-definition") else { return };
    let ids = referred(&input.text, "steps.");
    let output = input.text.split(".outputs.").nth(1).unwrap_or("");
    let output: String =
        output.chars().take_while(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-')).collect();
    let maker = job.steps.iter().find(|it| it.id.as_ref().is_some_and(|id| ids.contains(&id.text)));
    let writes = maker.and_then(|it| it.run.as_ref()).and_then(|run| {
        let mark = format!("{output}=");
        let (range, line) = run.lines().find(|it| it.1.contains(&mark) && it.1.contains("GITHUB_OUTPUT"))?;
        let is_image = line.split(&mark).nth(1)?.contains(':') && !line.contains(".json");
        let start = range.start + (line.len() - line.trim_start().len());
        is_image.then(|| run.span(start..range.end))
    });
    let Some(written) = writes else { return };
    report.push(
        Diagnostic::error(codes::WRONG_INPUT, "the action gets an image where it wants a task definition")
            .label(input.span, "the path of a JSON file is wanted")
            .label(written, "this is the name of an image")
            .help("render the file first, with `aws-actions/amazon-ecs-render-task-definition`"),
    );
}

/// Two workflows that a push of one branch starts, and that both deploy.
pub(crate) fn two_deployers(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    let deploys: Vec<(&Workflow, Word, Span, &'static str)> = context
        .facts
        .workflows
        .iter()
        .filter_map(|it| {
            let (span, what) = deployment(it)?;
            let push = it.triggers.iter().find(|it| it.event.text == "push" && !it.branches.is_empty())?;
            Some((it, push.event.clone(), span, what))
        })
        .collect();
    for (idx, a) in deploys.iter().enumerate() {
        for b in &deploys[idx + 1..] {
            let Some(branch) = shared_branch(a.0, b.0) else { continue };
            if !a.0.belongs_with(b.0) {
                continue;
            }
            let message = format!("a push to `{branch}` starts two deployments at the same time");
            report.push(
                Diagnostic::error(codes::TWO_DEPLOYERS, message)
                    .label(b.2, format!("{}: {}", b.0.name, b.3))
                    .label(a.2, format!("{}: {}", a.0.name, a.3))
                    .label(b.1.span, "started by a push")
                    .help("let one workflow deploy, and start the other one by hand or not at all"),
            );
        }
    }
}

fn shared_branch(a: &Workflow, b: &Workflow) -> Option<String> {
    let branches = |it: &Workflow| -> BTreeSet<String> {
        let push = it.triggers.iter().filter(|it| it.event.text == "push" && !it.paths);
        push.flat_map(|it| it.branches.iter().cloned()).collect()
    };
    branches(a).intersection(&branches(b)).next().cloned()
}

/// The first step that changes what runs.
fn deployment(workflow: &Workflow) -> Option<(Span, &'static str)> {
    for (_, step) in workflow.steps() {
        match step.action() {
            Some("aws-actions/amazon-ecs-deploy-task-definition") => {
                return Some((step.place(), "deploys to ECS"));
            }
            Some("awslabs/amazon-app-runner-deploy") => return Some((step.place(), "deploys to App Runner")),
            _ => (),
        }
        for command in step.run.iter().flat_map(|it| commands(it, 0, None)) {
            const DEPLOYS: &[(&[&str], &str)] = &[
                (&["aws", "apprunner", "start-deployment"], "deploys to App Runner"),
                (&["aws", "ecs", "update-service"], "deploys to ECS"),
                (&["kubectl", "apply"], "deploys to Kubernetes"),
                (&["helm", "upgrade"], "deploys to Kubernetes"),
            ];
            if let Some((_, what)) = DEPLOYS.iter().find(|it| command.is(it.0)) {
                return Some((command.head(), what));
            }
        }
    }
    None
}

/// Commands of a step, and the job that it is in.
fn scripts(workflow: &Workflow) -> Vec<(&Job, Command)> {
    let steps = workflow.steps().filter_map(|(job, step)| Some((job, step.run.as_ref()?)));
    steps.flat_map(|(job, run)| commands(run, 0, None).into_iter().map(move |it| (job, it))).collect()
}

/// The script that `npm run` starts.
fn npm_script(command: &Command) -> Option<Word> {
    let found = command.positional();
    let is_run = found.len() == 3 && found[0].text == "npm" && found[1].text == "run";
    is_run.then(|| Word::new(found[2].text.clone(), found[2].span))
}

/// The same tests once with and once without the services that they talk to.
pub(crate) fn no_services(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    let jobs: Vec<(&Workflow, &Job, Word)> = context
        .facts
        .workflows
        .iter()
        .flat_map(|workflow| scripts(workflow).into_iter().map(move |it| (workflow, it.0, it.1)))
        .filter_map(|(workflow, job, it)| Some((workflow, job, npm_script(&it)?)))
        .collect();
    let starts_some = |job: &Job| {
        let scripts = job.steps.iter().filter_map(|it| it.run.as_ref()).flat_map(|it| commands(it, 0, None));
        let mut scripts = scripts;
        !job.services.is_empty() || scripts.any(|it| it.program().starts_with("docker"))
    };
    for (workflow, with, script) in jobs.iter().filter(|it| !it.1.services.is_empty()) {
        if !["integration", "e2e"].iter().any(|it| script.text.contains(it)) {
            continue;
        }
        for (other_workflow, without, other) in &jobs {
            let is_e2e = other.text.contains("e2e");
            let is_same = other.text == script.text || is_e2e;
            if !is_same || starts_some(without) || !workflow.belongs_with(other_workflow) {
                continue;
            }
            let names = suggest::all(with.services.iter().map(|it| it.text.as_str()));
            let message = format!("`{}` runs without {names} in the job `{}`", other.text, without.id.text);
            report.push(
                Diagnostic::warning(codes::TESTS_ALONE, message)
                    .label(other.span, "no services in this job")
                    .label(with.services[0].span, format!("started for the tests of `{}`", with.id.text))
                    .help(format!("give the job `{}` the same services", without.id.text)),
            );
        }
    }
}

/// `npm run` in a job that checks out the sources and installs nothing.
pub(crate) fn nothing_installed(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for workflow in context.facts.workflows.iter().filter(|it| !it.is_part) {
        for job in workflow.jobs.iter().filter(|it| it.uses("actions/checkout") && !it.has_container) {
            let all: Vec<Command> = job
                .steps
                .iter()
                .filter_map(|it| it.run.as_ref())
                .flat_map(|it| commands(it, 0, None))
                .collect();
            let installs = |it: &Command| {
                let words: Vec<&str> = it.words.iter().map(|it| it.text.as_str()).collect();
                matches!(
                    words.as_slice(),
                    ["npm", "ci" | "install" | "i", ..] | ["yarn" | "pnpm" | "make" | "corepack", ..]
                )
            };
            let caches = job.uses("actions/cache") || job.uses("actions/download-artifact");
            let local = job.steps.iter().any(|it| it.action().is_some_and(|it| it.starts_with("./")));
            let script = all.iter().find_map(npm_script);
            let Some(script) = script.filter(|_| !all.iter().any(installs) && !caches && !local) else {
                continue;
            };
            let message = format!("the job `{}` runs a script and installs nothing", job.id.text);
            report.push(
                Diagnostic::warning(codes::NOTHING_INSTALLED, message)
                    .label(script.span, "needs what `package.json` names")
                    .help("run `npm ci` before"),
            );
        }
    }
}

/// `aws` in a job that has no access to an account.
pub(crate) fn no_aws_access(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for workflow in context.facts.workflows.iter().filter(|it| !it.is_part) {
        let text_has_keys = workflow.expressions.iter().any(|it| it.text.contains("AWS_ACCESS_KEY_ID"));
        for job in workflow.jobs.iter().filter(|it| is_hosted(&it.runs_on) && !it.has_container) {
            let configures = job.steps.iter().any(|it| {
                it.action().is_some_and(|it| it.contains("configure-aws-credentials") || it.starts_with("./"))
            });
            let command = job.steps.iter().filter_map(|it| it.run.as_ref()).find_map(|run| {
                commands(run, 0, None)
                    .into_iter()
                    .find(|it| it.program() == "aws" && it.positional().len() > 2)
            });
            let Some(command) = command.filter(|_| !configures && !text_has_keys) else { continue };
            let message = format!("the job `{}` calls AWS and has no access to an account", job.id.text);
            report.push(
                Diagnostic::error(codes::NO_AWS_ACCESS, message)
                    .label(command.head(), "fails: no credentials")
                    .label(job.id.span, format!("runs on {}", job.runs_on))
                    .help("add a step with `aws-actions/configure-aws-credentials`"),
            );
        }
    }
}

/// Machines of GitHub's, which know no account.
fn is_hosted(runs_on: &str) -> bool {
    ["ubuntu-", "windows-", "macos-"].iter().any(|it| runs_on.starts_with(it))
}

/// A scan that reports and fails nothing, where a document wants it clean.
pub(crate) fn scan_without_gate(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for workflow in &context.facts.workflows {
        for (_, step) in workflow.steps() {
            if step.action() != Some("aquasecurity/trivy-action") || step.input("exit-code").is_some() {
                continue;
            }
            let document = context.facts.document(step.span.source);
            let demand = document.and_then(demanded_clean);
            let Some(demand) = demand else { continue };
            report.push(
                Diagnostic::warning(codes::SCAN_WITHOUT_GATE, "the scan never fails, whatever it finds")
                    .label(step.place(), "no `exit-code`, so it ends well")
                    .label(demand, "wants it clean")
                    .help("set `exit-code: 1` and `severity: CRITICAL,HIGH`"),
            );
        }
    }
}

fn demanded_clean(document: &Document) -> Option<Span> {
    let is_demand = |text: &str| {
        let text = text.to_lowercase();
        text.contains("scan") && (text.contains("clean") || text.contains("no critical"))
    };
    document.prose.iter().find(|it| is_demand(it.text())).map(crate::markdown::Prose::span)
}

/// Two workflows that run the same checks for one pull request.
pub(crate) fn twice_checked(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    const SHARED_MIN: usize = 3;
    for (idx, a) in context.facts.workflows.iter().enumerate() {
        for b in &context.facts.workflows[idx + 1..] {
            let Some((one, other)) = same_pull_request(a, b) else { continue };
            let names = |it: &Workflow| -> BTreeSet<String> {
                scripts(it).iter().filter_map(|it| npm_script(&it.1)).map(|it| it.text).collect()
            };
            let shared: Vec<String> = names(a).intersection(&names(b)).cloned().collect();
            if shared.len() < SHARED_MIN || !a.belongs_with(b) {
                continue;
            }
            let message = format!(
                "`{}` and `{}` run the same {} checks for each pull request",
                a.name,
                b.name,
                shared.len()
            );
            report.push(
                Diagnostic::warning(codes::TWICE_CHECKED, message)
                    .label(other.event.span, "here")
                    .label(one.event.span, "and here")
                    .help(format!(
                        "keep one of them; both run {}",
                        suggest::all(shared.iter().map(String::as_str))
                    )),
            );
        }
    }
}

fn same_pull_request<'a>(a: &'a Workflow, b: &'a Workflow) -> Option<(&'a Trigger, &'a Trigger)> {
    let trigger =
        |it: &'a Workflow| it.triggers.iter().find(|it| it.event.text == "pull_request" && !it.paths);
    let (one, other) = (trigger(a)?, trigger(b)?);
    (one.branches == other.branches).then_some((one, other))
}
