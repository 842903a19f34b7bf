//! Who is told of alerts in an environment, and how they are reached.

use lockgate_model::{EnvironmentName, Event, External, SloSeverity};

use super::SECRETS;
use super::config::{Authorization, Email, Headers, Http, PagerDuty, Receiver, Sigv4, Slack, Sns, Webhook};
use crate::facts::{Environment, Template};
use crate::output::Output;
use crate::prometheus::template_text;

pub(super) struct Told {
    pub(super) receiver: Receiver,
    /// What is less than this does not reach them.
    pub(super) least: SloSeverity,
}

const TITLE: &str = r#"{{ template "lockgate.title" . }}"#;
const TEXT: &str = r#"{{ template "lockgate.text" . }}"#;

pub(super) fn told(environment: &Environment<'_>, output: &mut Output<'_>) -> Vec<Told> {
    let all = &environment.system.notifications;
    let hears = |events: &[Event], environments: &[EnvironmentName]| {
        (events.is_empty() || events.contains(&Event::Alert))
            && (environments.is_empty() || environments.contains(&environment.system.environment))
    };
    let mut told = vec![];
    let mut tell = |name, least: Option<SloSeverity>, fill: &dyn Fn(&mut Receiver)| {
        let mut receiver = Receiver::new(name);
        fill(&mut receiver);
        told.push(Told { receiver, least: least.unwrap_or(SloSeverity::Warning) });
    };
    if let Some(it) = all.pagerduty.as_ref().filter(|it| hears(&it.events, &it.environments))
        && let Some(key) = &it.key
    {
        tell("pagerduty", it.severity, &|to| to.pagerduty_configs = vec![pagerduty(key)]);
    }
    if let Some(it) = all.slack.as_ref().filter(|it| hears(&it.events, &it.environments))
        && let Some(webhook) = &it.webhook
    {
        tell("slack", it.severity, &|to| to.slack_configs = vec![slack(webhook, &it.channel)]);
    }
    if let Some(it) = all.email.as_ref().filter(|it| hears(&it.events, &it.environments)) {
        let server = mail_server(environment, output);
        let from = it.from.clone().unwrap_or_else(|| sender(environment));
        tell("email", it.severity, &|to| to.email_configs = vec![email(&it.to, &from, &server)]);
    }
    if let Some(it) = all.sns.as_ref().filter(|it| hears(&it.events, &it.environments)) {
        match region(&it.topic) {
            Some(region) => tell("sns", it.severity, &|to| to.sns_configs = vec![sns(&it.topic, &region)]),
            None => output.note(format!(
                "Alertmanager knows topics by their ARN, and `{}` is none: it tells no topic in `{}`",
                it.topic,
                environment.name()
            )),
        }
    }
    if let Some(it) = all.webhook.as_ref().filter(|it| hears(&it.events, &it.environments)) {
        match Template::parse(&it.url).plain() {
            Some(url) => {
                let url = url.to_owned();
                tell("webhook", it.severity, &|to| {
                    to.webhook_configs = vec![webhook(&url, it.secret.as_deref())];
                });
            }
            None => output.note(format!(
                "Alertmanager reads no part of an address from a secret: it calls no webhook in `{}`",
                environment.name()
            )),
        }
    }
    told
}

fn file(secret: &str) -> String {
    format!("{SECRETS}/{secret}")
}

fn slack(webhook: &str, channel: &str) -> Slack {
    Slack {
        api_url_file: file(webhook),
        channel: template_text(channel),
        send_resolved: true,
        title: TITLE,
        text: TEXT,
    }
}

fn pagerduty(key: &str) -> PagerDuty {
    PagerDuty {
        routing_key_file: file(key),
        send_resolved: true,
        severity: "{{ .CommonLabels.severity }}",
        description: TITLE,
    }
}

fn email(to: &[String], from: &str, server: &MailServer) -> Email {
    Email {
        to: template_text(&to.join(", ")),
        from: template_text(from),
        smarthost: server.address.clone(),
        require_tls: server.tls,
        send_resolved: true,
        headers: Headers { subject: TITLE },
        text: TEXT,
        html: "",
    }
}

fn sns(topic: &str, region: &str) -> Sns {
    Sns {
        topic_arn: template_text(topic),
        sigv4: Sigv4 { region: region.to_owned() },
        send_resolved: true,
        subject: TITLE,
        message: TEXT,
    }
}

fn webhook(url: &str, secret: Option<&str>) -> Webhook {
    let authorization = |it| Http { authorization: Authorization { credentials_file: file(it) } };
    Webhook { url: url.to_owned(), send_resolved: true, http_config: secret.map(authorization) }
}

/// `arn:aws:sns:REGION:...`
fn region(topic: &str) -> Option<String> {
    let mut parts = topic.strip_prefix("arn:")?.split(':').skip(2);
    parts.next().filter(|it| !it.is_empty()).map(str::to_owned)
}

fn sender(environment: &Environment<'_>) -> String {
    let host = environment.system.policy.host.as_deref().unwrap_or("localhost");
    format!("alertmanager@{host}")
}

struct MailServer {
    address: String,
    tls: bool,
}

/// That of the system, where it has one.
fn mail_server(environment: &Environment<'_>, output: &mut Output<'_>) -> MailServer {
    let servers = environment.system.dependencies.iter().filter(|it| it.1.kind == "smtp");
    for (name, dependency) in servers {
        if let Some(bundled) = environment.bundled.get(name) {
            return MailServer { address: format!("{name}:{}", bundled.port), tls: false };
        }
        if let Some(External::Url(url)) = &dependency.external
            && let Some(address) = address(url)
        {
            return MailServer { address, tls: true };
        }
    }
    output.note(format!(
        "the spec names no mail server for `{}`, so Alertmanager sends mails to `localhost:25`; a dependency of type `smtp` says where it is",
        environment.name()
    ));
    MailServer { address: "localhost:25".to_owned(), tls: false }
}

/// Host and port of `smtp://user@host:587`.
fn address(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?']).next()?;
    let host = host.rsplit('@').next()?;
    let usual = if scheme == "smtps" { 465 } else { 587 };
    Some(if host.contains(':') { host.to_owned() } else { format!("{host}:{usual}") })
}
