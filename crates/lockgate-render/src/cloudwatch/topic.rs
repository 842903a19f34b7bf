//! Who hears the alarms: topics, each with somebody who listens.

use lockgate_model::{EnvironmentName, Event, SloSeverity};
use serde_json::json;

use super::alarm::Alarm;
use super::{folder, tags};
use crate::aws::{Call, Cloud, Document};
use crate::output::Output;

pub(super) struct Topic {
    name: String,
    listeners: Vec<String>,
    least: Option<SloSeverity>,
    origin: &'static str,
}

pub(super) fn topics(cloud: &Cloud<'_>, alarms: &[Alarm<'_>], output: &mut Output<'_>) -> Vec<Topic> {
    let notifications = &cloud.environment.system.notifications;
    let environment = &cloud.environment.system.environment;
    let hears = |events: &[Event], environments: &[EnvironmentName]| {
        (events.is_empty() || events.contains(&Event::Alert))
            && (environments.is_empty() || environments.contains(environment))
    };
    let mut topics = vec![];
    if let Some(sns) = notifications.sns.as_ref().filter(|it| hears(&it.events, &it.environments)) {
        if sns.to.is_empty() {
            output.problem(
                format!("the topic `{}` has no subscriber, so it tells nobody", sns.topic),
                "say who listens, as in `notifications: {sns: {topic: alerts, to: ops@example.org}}`"
                    .to_owned(),
            );
        }
        topics.push(Topic {
            name: sns.topic.clone(),
            listeners: sns.to.clone(),
            least: sns.severity,
            origin: "notifications.sns",
        });
    }
    if let Some(email) = notifications.email.as_ref().filter(|it| hears(&it.events, &it.environments)) {
        topics.push(Topic {
            name: cloud.in_environment("alarms"),
            listeners: email.to.clone(),
            least: email.severity,
            origin: "notifications.email",
        });
    }
    if topics.is_empty() && !alarms.is_empty() {
        output.note(format!(
            "environment `{environment}`: nobody hears the alarms of CloudWatch; say `notifications: {{email: ..}}` \
             or `{{sns: ..}}`"
        ));
    }
    topics
}

impl Topic {
    pub(super) fn hears(&self, severity: SloSeverity) -> bool {
        self.least != Some(SloSeverity::Critical) || severity == SloSeverity::Critical
    }

    pub(super) fn arn(&self, cloud: &Cloud<'_>) -> String {
        if self.name.starts_with("arn:") { self.name.clone() } else { cloud.arn("sns", &self.name) }
    }

    pub(super) fn documents(&self, cloud: &Cloud<'_>) -> Vec<Document> {
        let document = |file: String, call, name: String, body| Document {
            path: format!("{}/topics/{file}.json", folder(cloud)),
            call,
            name,
            body,
            origin: vec![self.origin.to_owned()],
        };
        let own_name = self.name.rsplit(':').next().unwrap_or(&self.name);
        let topic = json!({"Name": own_name, "Tags": tags(cloud.environment.system, "Key", "Value")});
        let mut documents = vec![document(own_name.to_owned(), Call::Topic, own_name.to_owned(), topic)];
        for (idx, listener) in self.listeners.iter().enumerate() {
            let name = format!("{own_name}-{}", idx + 1);
            let body = json!({
                "TopicArn": self.arn(cloud),
                "Protocol": protocol(listener),
                "Endpoint": listener,
            });
            documents.push(document(name.clone(), Call::Subscription, name, body));
        }
        documents
    }
}

fn protocol(listener: &str) -> &'static str {
    match listener {
        _ if listener.starts_with("https://") => "https",
        _ if listener.starts_with("http://") => "http",
        _ if listener.starts_with('+') => "sms",
        _ if listener.contains(":sqs:") => "sqs",
        _ if listener.contains(":lambda:") => "lambda",
        _ => "email",
    }
}
