//! The log group, and how long it keeps what is written.

use lockgate_model::{Millis, TargetKind};
use serde_json::json;

use super::folder;
use crate::aws::{Call, Cloud, Document};
use crate::output::Output;

/// Where the spec says nothing.
const RETENTION: Millis = Millis::mins(30 * DAY_MINUTES);
const DAY_MINUTES: u64 = 24 * 60;

/// Numbers of days that can be had.
const DAYS: [u64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288,
    3_653,
];

pub(super) fn documents(cloud: &Cloud<'_>, output: &mut Output<'_>) -> Vec<Document> {
    let system = cloud.environment.system;
    if matches!(system.target, TargetKind::AppRunner(_)) {
        if system.monitoring.logs.is_some() {
            output.note(format!(
                "environment `{}`: App Runner writes to log groups of its own, below `/aws/apprunner/`",
                system.environment
            ));
        }
        return vec![];
    }
    let group = cloud.environment.log_group();
    let wanted = system.monitoring.logs.as_ref().map_or(RETENTION, |it| it.retention);
    let asked = wanted.0.div_ceil(DAY_MINUTES * 60_000);
    let days = DAYS.into_iter().find(|it| asked <= *it).unwrap_or(DAYS[DAYS.len() - 1]);
    if days != asked {
        output.note(format!(
            "environment `{}`: logs are kept for {days} days, as CloudWatch has no {asked}",
            system.environment
        ));
    }
    let document = |file: &str, call, body| Document {
        path: format!("{}/{file}.json", folder(cloud)),
        call,
        name: group.clone(),
        body,
        origin: vec!["monitoring.logs".to_owned()],
    };
    let tags = json!({
        "environment": system.environment,
        "managed-by": "lockgate",
        "system": system.name,
    });
    vec![
        document("log-group", Call::LogGroup, json!({"logGroupName": group, "tags": tags})),
        document("retention", Call::Retention, json!({"logGroupName": group, "retentionInDays": days})),
    ]
}
