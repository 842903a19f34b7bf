//! Cron jobs, as `EventBridge` Scheduler starts them.

use lockgate_model::{Concurrency, CronJob, JobName};
use serde_json::{Value, json};

use super::{execution_role_name, service, task, task_role_name};
use crate::aws::{self, Call, Cloud, Document};
use crate::output::Output;

/// A run that could not be started is forgotten after this time; the next one comes anyway.
const LATE_MAX_SECS: u32 = 3_600;

pub(super) fn documents(cloud: &Cloud<'_>, output: &mut Output<'_>) -> Vec<Document> {
    let system = cloud.environment.system;
    let mut documents = vec![];
    let mut families = vec![];
    let role = cloud.in_environment("schedules");
    for (name, job) in &system.cron {
        let Some(fact) = cloud.environment.services.get(&job.service) else { continue };
        let family = cloud.name_of(name.as_str());
        let path = task::path(&format!("cron/{name}"));
        let wanted = task::Wanted { family: &family, name: name.as_str(), path, command: Some(&job.command) };
        let Some(mut definition) = task::definition(cloud, fact, &wanted, output) else { continue };
        definition.origin.push(format!("cron.{name}"));
        documents.push(definition);
        let Some(expression) = expression(&job.schedule) else {
            output.problem(
                format!("the schedule of `{name}` names days of the month and of the week"),
                "on AWS a schedule has one or the other: make two jobs".to_owned(),
            );
            continue;
        };
        if job.concurrency != Concurrency::Allow {
            output.note(format!(
                "environment `{}`: on AWS a run of `{name}` starts even if the last one has not ended",
                system.environment
            ));
        }
        documents.push(schedule(cloud, name, job, &family, &expression, &role));
        families.push((family, cloud.name_of(job.service.as_str())));
    }
    if !families.is_empty() {
        let statements = may_start(cloud, &families);
        let origin = ["cron".to_owned()];
        documents.extend(aws::role(cloud, &role, "scheduler.amazonaws.com", &statements, &origin));
    }
    documents
}

fn schedule(
    cloud: &Cloud<'_>,
    name: &JobName,
    job: &CronJob,
    family: &str,
    expression: &str,
    role: &str,
) -> Document {
    let network = service::network(cloud);
    let network = &network["awsvpcConfiguration"];
    let mut there = json!({"Subnets": network["subnets"], "AssignPublicIp": network["assignPublicIp"]});
    if let Some(groups) = network.get("securityGroups") {
        there["SecurityGroups"] = groups.clone();
    }
    let body = json!({
        "Name": family,
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": job.timezone,
        "State": "ENABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": cloud.arn("ecs", &format!("cluster/{}", cloud.cluster.unwrap_or("default"))),
            "RoleArn": cloud.role_arn(role),
            "RetryPolicy": {"MaximumEventAgeInSeconds": LATE_MAX_SECS, "MaximumRetryAttempts": 3},
            "EcsParameters": {
                "TaskDefinitionArn": cloud.arn("ecs", &format!("task-definition/{family}")),
                "TaskCount": 1,
                "LaunchType": "FARGATE",
                "PlatformVersion": service::PLATFORM,
                "EnableECSManagedTags": true,
                "PropagateTags": "TASK_DEFINITION",
                "NetworkConfiguration": {"awsvpcConfiguration": there},
            },
        },
    });
    Document {
        path: format!("{}/cron/{name}/schedule.json", cloud.folder()),
        call: Call::Schedule,
        name: name.to_string(),
        body,
        origin: vec![format!("cron.{name}"), "target".to_owned()],
    }
}

/// These jobs, with the roles of the services that they belong to.
fn may_start(cloud: &Cloud<'_>, families: &[(String, String)]) -> Vec<Value> {
    let jobs: Vec<String> =
        families.iter().map(|it| cloud.arn("ecs", &format!("task-definition/{}:*", it.0))).collect();
    let names = families.iter().flat_map(|it| [execution_role_name(&it.1), task_role_name(&it.1)]);
    let mut roles: Vec<String> = names.map(|it| cloud.role_arn(&it)).collect();
    roles.sort();
    roles.dedup();
    let tasks = cloud.arn("ecs", &format!("task/{}/*", cloud.cluster.unwrap_or("default")));
    vec![
        aws::allow("StartJobs", &["ecs:RunTask"], &jobs),
        aws::allow("TagJobs", &["ecs:TagResource"], &[tasks]),
        aws::allow("GiveRoles", &["iam:PassRole"], &roles),
    ]
}

/// `30 2 * * 1-5` as `cron(30 2 ? * 2-6 *)`; `None` where both kinds of day are named, of which cron takes either.
fn expression(schedule: &str) -> Option<String> {
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let &[minute, hour, day, month, weekday] = fields.as_slice() else { return None };
    let (day, weekday) = match (day, weekday) {
        (_, "*") => (day.to_owned(), "?".to_owned()),
        ("*", _) => ("?".to_owned(), weekdays(weekday)?),
        _ => return None,
    };
    let month = month.to_ascii_uppercase();
    let (minute, hour, day) = (field(minute, 0), field(hour, 0), field(&day, 1));
    Some(format!("cron({minute} {hour} {day} {month} {weekday} *)"))
}

/// `*/5` as AWS wants it, from a first number on; `10-30/10` as the numbers that it means.
fn field(text: &str, first: u8) -> String {
    let item = |it: &str| -> String {
        let Some((range, step)) = it.split_once('/') else { return it.to_owned() };
        let Some((from, to)) = range.split_once('-') else { return it.replace('*', &first.to_string()) };
        let numbers = (from.parse::<u8>(), to.parse::<u8>(), step.parse::<usize>());
        let (Ok(from), Ok(to), Ok(step @ 1..)) = numbers else { return it.to_owned() };
        (from..=to).step_by(step).map(|it| it.to_string()).collect::<Vec<_>>().join(",")
    };
    text.split(',').map(item).collect::<Vec<_>>().join(",")
}

/// Sunday is 0 and 7 here, and 1 there; names are the same.
fn weekdays(field: &str) -> Option<String> {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let position = |it: &str| -> Option<usize> {
        it.parse().ok().or_else(|| NAMES.iter().position(|name| name.eq_ignore_ascii_case(it)))
    };
    let mut days: Vec<usize> = vec![];
    for item in field.split(',') {
        let (range, step) = item.split_once('/').map_or((item, "1"), |it| it);
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((first, last)) => (position(first)?, position(last)?),
            None if item.contains('/') => (position(range)?, 6),
            None => (position(range)?, position(range)?),
        };
        let step: usize = step.parse().ok().filter(|it| *it != 0)?;
        days.extend((first..=last).step_by(step).map(|it| it % 7));
    }
    days.sort_unstable();
    days.dedup();
    let names: Vec<&str> = days.into_iter().filter_map(|it| NAMES.get(it).copied()).collect();
    Some(names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_written_as_aws_reads_them() {
        let of = |it| expression(it).unwrap();
        assert_eq!(of("30 2 * * *"), "cron(30 2 * * ? *)");
        assert_eq!(of("*/5 * * * *"), "cron(0/5 * * * ? *)");
        assert_eq!(of("0 7 * * 1"), "cron(0 7 ? * MON *)");
        assert_eq!(of("0 7 * * 5-7"), "cron(0 7 ? * SUN,FRI,SAT *)");
        assert_eq!(of("0 7 * jan mon-fri"), "cron(0 7 ? JAN MON,TUE,WED,THU,FRI *)");
        assert_eq!(of("0 3 */2 * *"), "cron(0 3 1/2 * ? *)");
        assert_eq!(of("10-30/10,45 3 * * *"), "cron(10,20,30,45 3 * * ? *)");
        assert_eq!(expression("0 3 1 * 1"), None);
    }
}
