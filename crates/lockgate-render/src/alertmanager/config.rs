//! The parts of Alertmanager's configuration that are used.

use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
pub(super) struct Config {
    pub(super) templates: [&'static str; 1],
    pub(super) route: Route,
    pub(super) inhibit_rules: [Inhibit; 2],
    pub(super) receivers: Vec<Value>,
}

#[derive(Default, Serialize)]
pub(super) struct Route {
    pub(super) receiver: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) matchers: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) group_by: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group_wait: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group_interval: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repeat_interval: Option<&'static str>,
    #[serde(rename = "continue", skip_serializing_if = "std::ops::Not::not")]
    pub(super) carry_on: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) routes: Vec<Route>,
}

#[derive(Serialize)]
pub(super) struct Inhibit {
    pub(super) source_matchers: Vec<String>,
    pub(super) target_matchers: [&'static str; 1],
    pub(super) equal: [&'static str; 1],
}

#[derive(Serialize)]
pub(super) struct Receiver {
    pub(super) name: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) slack_configs: Vec<Slack>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) pagerduty_configs: Vec<PagerDuty>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) email_configs: Vec<Email>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) sns_configs: Vec<Sns>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) webhook_configs: Vec<Webhook>,
}

impl Receiver {
    pub(super) fn new(name: &'static str) -> Receiver {
        Receiver {
            name,
            slack_configs: vec![],
            pagerduty_configs: vec![],
            email_configs: vec![],
            sns_configs: vec![],
            webhook_configs: vec![],
        }
    }
}

#[derive(Serialize)]
pub(super) struct Slack {
    pub(super) api_url_file: String,
    pub(super) channel: String,
    pub(super) send_resolved: bool,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

#[derive(Serialize)]
pub(super) struct PagerDuty {
    pub(super) routing_key_file: String,
    pub(super) send_resolved: bool,
    pub(super) severity: &'static str,
    pub(super) description: &'static str,
}

#[derive(Serialize)]
pub(super) struct Email {
    pub(super) to: String,
    pub(super) from: String,
    pub(super) smarthost: String,
    pub(super) require_tls: bool,
    pub(super) send_resolved: bool,
    pub(super) headers: Headers,
    pub(super) text: &'static str,
    /// Empty, so that the text is the mail.
    pub(super) html: &'static str,
}

#[derive(Serialize)]
pub(super) struct Headers {
    #[serde(rename = "Subject")]
    pub(super) subject: &'static str,
}

#[derive(Serialize)]
pub(super) struct Sns {
    pub(super) topic_arn: String,
    pub(super) sigv4: Sigv4,
    pub(super) send_resolved: bool,
    pub(super) subject: &'static str,
    pub(super) message: &'static str,
}

#[derive(Serialize)]
pub(super) struct Sigv4 {
    pub(super) region: String,
}

#[derive(Serialize)]
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) send_resolved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http_config: Option<Http>,
}

#[derive(Serialize)]
pub(super) struct Http {
    pub(super) authorization: Authorization,
}

#[derive(Serialize)]
pub(super) struct Authorization {
    pub(super) credentials_file: String,
}
