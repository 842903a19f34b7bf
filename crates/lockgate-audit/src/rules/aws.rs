//! What AWS knows: parameters, endpoints, metrics and files.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Span};

use super::Context;
use crate::kind::Kind;
use crate::listing::name_of;
use crate::tree::Tree;

/// A command of the AWS CLI, as the service models of botocore 1.44.5 describe it.
struct Known {
    words: [&'static str; 3],
    /// All that it takes; empty where only what it needs is checked.
    takes: &'static [&'static str],
    needs: &'static [(&'static [&'static str], &'static str)],
    help: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        words: ["aws", "apprunner", "start-deployment"],
        takes: &["--service-arn"],
        needs: &[],
        help: "it deploys what the service is configured for; change that with `aws apprunner update-service`",
    },
    Known {
        words: ["aws", "ecs", "execute-command"],
        takes: &[],
        needs: &[(&["--interactive", "--non-interactive"], "--interactive")],
        help: "add `--interactive`; ECS has no other way",
    },
];

/// Services without waiters in the AWS CLI.
const NO_WAITERS: [&str; 1] = ["apprunner"];

/// Options of every command.
const GLOBAL: &[&str] = &[
    "--region",
    "--profile",
    "--output",
    "--query",
    "--no-cli-pager",
    "--debug",
    "--endpoint-url",
    "--cli-input-json",
    "--no-paginate",
    "--color",
    "--no-verify-ssl",
    "--cli-read-timeout",
    "--cli-connect-timeout",
    "--generate-cli-skeleton",
    "--no-sign-request",
    "--ca-bundle",
    "--cli-input-yaml",
    "--cli-binary-format",
];

pub(crate) fn parameters(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for command in &context.facts.commands {
        let found = command.positional();
        if let [aws, service, wait, ..] = found.as_slice()
            && aws.text == "aws"
            && wait.text == "wait"
            && NO_WAITERS.contains(&service.text.as_str())
        {
            report.push(
                Diagnostic::error(
                    codes::AWS_PARAMETER,
                    format!("`aws {} wait` does not exist", service.text),
                )
                .label(Span { end: wait.span.end, ..aws.span }, "fails: App Runner has no waiters")
                .help("ask `aws apprunner list-operations` until the operation has ended"),
            );
            continue;
        }
        let Some(known) = KNOWN.iter().find(|it| command.is(&it.words)) else { continue };
        let name = known.words[1..].join(" ");
        let flags = command.words.iter().filter(|it| it.text.starts_with("--"));
        let plain = |it: &str| it.split('=').next().unwrap_or("").to_owned();
        let mut unknown = flags.filter(|it| {
            let flag = plain(&it.text);
            !known.takes.is_empty()
                && !known.takes.contains(&flag.as_str())
                && !GLOBAL.contains(&flag.as_str())
        });
        if let Some(flag) = unknown.next() {
            report.push(
                Diagnostic::error(codes::AWS_PARAMETER, format!("`{name}` takes no `{}`", plain(&flag.text)))
                    .label(flag.span, "fails: unknown option")
                    .help(known.help),
            );
        }
        for (any, wanted) in known.needs {
            if !any.iter().any(|it| command.has(it)) && !command.has("--cli-input-json") {
                report.push(
                    Diagnostic::error(codes::AWS_PARAMETER, format!("`{name}` needs `{wanted}`"))
                        .label(command.head(), "fails: a required option is missing")
                        .help(known.help),
                );
            }
        }
    }
}

/// The endpoint of a cluster for what is said to be an instance.
pub(crate) fn endpoint_kind(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let rows = || document.tables.iter().flat_map(|it| &it.rows);
        let endpoint = rows()
            .flatten()
            .flat_map(|it| &it.codes)
            .find(|it| it.text.contains(".cluster-") && it.text.contains(".rds.amazonaws.com"));
        let Some(endpoint) = endpoint else { continue };
        let host = endpoint.text.split(['@', '/']).find(|it| it.contains(".cluster-")).unwrap_or("");
        let identifier = host.split('.').next().unwrap_or("");
        let instance = rows().find_map(|row| {
            let is_this = row.iter().flat_map(|it| &it.codes).any(|it| it.text == identifier);
            let says = row.iter().find(|it| {
                let text = it.text().to_lowercase();
                text.contains("instance") && !text.contains("aurora") && !text.contains("cluster")
            });
            says.filter(|_| is_this)
        });
        let Some(instance) = instance else { continue };
        report.push(
            Diagnostic::warning(
                codes::ENDPOINT_KIND,
                format!("`{identifier}` is an instance, and its endpoint is a cluster's"),
            )
            .label(endpoint.span, "`.cluster-` is of clusters only")
            .label(instance.span(), "an instance")
            .help("write `NAME.HASH.REGION.rds.amazonaws.com` for an instance, or say that it is a cluster"),
        );
    }
}

const APP_RUNNER_METRICS: [&str; 9] = [
    "Requests",
    "2xxStatusResponses",
    "4xxStatusResponses",
    "5xxStatusResponses",
    "RequestLatency",
    "ActiveInstances",
    "Concurrency",
    "CPUUtilization",
    "MemoryUtilization",
];

fn resources<'a>(tree: Tree<'a>, kind: &'a str) -> impl Iterator<Item = (crate::place::Word, Tree<'a>)> {
    let all = tree.get("Resources").into_iter().flat_map(Tree::entries);
    all.filter(move |it| it.1.str("Type") == Some(kind))
}

/// Alarms on metrics that nobody publishes.
pub(crate) fn no_such_metric(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (_, tree) in context.facts.trees(Kind::CloudFormation) {
        for (_, alarm) in resources(tree, "AWS::CloudWatch::Alarm") {
            let Some(properties) = alarm.get("Properties") else { continue };
            if properties.str("Namespace") != Some("AWS/AppRunner") {
                continue;
            }
            let Some(metric) = properties.get("MetricName").and_then(Tree::word) else { continue };
            if APP_RUNNER_METRICS.contains(&metric.text.as_str()) {
                continue;
            }
            let namespace = properties.get("Namespace").map_or(metric.span, Tree::span);
            report.push(
                Diagnostic::error(
                    codes::NO_SUCH_METRIC,
                    format!("App Runner publishes no metric `{}`", metric.text),
                )
                .label(metric.span, "the alarm never goes off")
                .label(namespace, "not in this namespace")
                .help("use `5xxStatusResponses` with the dimensions `ServiceName` and `ServiceID`"),
            );
        }
    }
}

/// Alarms that go to a topic without subscribers.
pub(crate) fn nobody_told(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (file, tree) in context.facts.trees(Kind::CloudFormation) {
        if resources(tree, "AWS::SNS::Subscription").next().is_some() {
            continue;
        }
        for (name, topic) in resources(tree, "AWS::SNS::Topic") {
            let has_own = topic.at(&["Properties", "Subscription"]).is_some();
            let alarm = resources(tree, "AWS::CloudWatch::Alarm").find_map(|(_, it)| {
                let actions = it.at(&["Properties", "AlarmActions"]).map(Tree::words).unwrap_or_default();
                actions.into_iter().find(|it| it.text == name.text)
            });
            // What other templates import may be subscribed to there.
            let exported = file.excerpt.text.contains("Outputs:");
            let Some(action) = alarm.filter(|_| !has_own && !exported) else { continue };
            report.push(
                Diagnostic::warning(codes::NOBODY_TOLD, format!("nobody is told what `{}` gets", name.text))
                    .label(name.span, "a topic without a subscription")
                    .label(action.span, "the alarm goes there")
                    .help("add a `Subscription`, with the address or the endpoint of who is on call"),
            );
        }
    }
}

/// The configuration of App Runner under another name.
pub(crate) fn file_not_read(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (file, tree) in context.facts.trees(Kind::AppRunner) {
        if file.name.is_empty() || name_of(&file.name) == "apprunner.yaml" {
            continue;
        }
        let Some((first, _)) = tree.entries().next() else { continue };
        let place = tree.get("runtime").map_or(first.span, Tree::span);
        report.push(
            Diagnostic::error(codes::FILE_NOT_READ, format!("App Runner does not read `{}`", file.name))
                .label(place, "the configuration of an App Runner service")
                .help("call the file `apprunner.yaml`, in the folder of the sources"),
        );
    }
}
