//! `CloudWatch`: where logs go, which alarms there are, who hears them, and what one sees at a glance.

mod alarm;
mod dashboard;
mod logs;
mod series;
mod topic;

use lockgate_model::RollbackTrigger;
use serde_json::json;

use crate::artifact::Kind;
use crate::aws::{Call, Cloud, Document, tags};
use crate::facts::{Facts, ServiceFact};
use crate::header::Comment;
use crate::output::{File, Output};
use alarm::Alarm;

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<_> = facts.wanting(Kind::CloudWatch).collect();
    for environment in environments {
        let Some(cloud) = Cloud::of(environment) else { continue };
        for mut document in documents(&cloud, output) {
            output.patch(environment, document.call.kind(), &document.name, &mut document.body);
            output.file(File {
                kind: Kind::CloudWatch,
                path: document.path.clone(),
                environment: Some(&environment.system.environment),
                comment: Comment::None,
                text: document.text(),
                origin: document.origin,
            });
        }
    }
}

/// Also part of the template that the environment's services are in.
pub(crate) fn documents(cloud: &Cloud<'_>, output: &mut Output<'_>) -> Vec<Document> {
    let alarms = alarm::alarms(cloud, output);
    let topics = topic::topics(cloud, &alarms, output);
    let mut documents = logs::documents(cloud, output);
    documents.extend(topics.iter().flat_map(|it| it.documents(cloud)));
    documents.extend(alarms.iter().map(|it| it.document(cloud, &topics)));
    documents.push(Document {
        path: format!("{}/dashboard.json", folder(cloud)),
        call: Call::Dashboard,
        name: dashboard::name(cloud),
        body: dashboard::body(cloud, &alarms),
        origin: vec!["services".to_owned(), "slo".to_owned()],
    });
    documents
}

/// Names of the alarms that take a release of this service back.
pub(crate) fn rollback_alarms(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Vec<String> {
    let triggers = &cloud.environment.system.rollout.rollback_on;
    let wanted = |it: &&Alarm<'_>| {
        it.service == Some(fact.name)
            && triggers.iter().any(|trigger| match trigger {
                RollbackTrigger::Slo(metric) => it.origin == format!("slo.{metric}"),
                RollbackTrigger::CrashLoop => false,
            })
    };
    let (alarms, _) = alarm::of_spec(cloud);
    alarms.iter().filter(wanted).map(|it| it.full_name(cloud)).collect()
}

fn folder(cloud: &Cloud<'_>) -> String {
    format!("deploy/cloudwatch/{}", cloud.environment.name())
}

fn dimensions(pairs: &[(&'static str, String)]) -> serde_json::Value {
    pairs.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect()
}
