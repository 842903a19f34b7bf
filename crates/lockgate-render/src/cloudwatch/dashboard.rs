//! One look at the environment: requests, errors, latencies, and what the tasks use.

use serde_json::{Map, Value, json};

use super::alarm::Alarm;
use super::series::{self, Query, id, traffic};
use crate::aws::Cloud;
use crate::facts::ServiceFact;

/// A dashboard is 24 columns wide.
const WIDTH: usize = 8;
const HEIGHT: usize = 6;
const ALARMS_HEIGHT: usize = 3;

pub(super) fn name(cloud: &Cloud<'_>) -> String {
    format!("{}-{}", cloud.environment.system.name, cloud.environment.name())
}

pub(super) fn body(cloud: &Cloud<'_>, alarms: &[Alarm<'_>]) -> Value {
    let mut widgets = vec![];
    let mut row = 0;
    if !alarms.is_empty() {
        let arns: Vec<String> = alarms
            .iter()
            .map(|it| cloud.arn("cloudwatch", &format!("alarm:{}", it.full_name(cloud))))
            .collect();
        widgets.push(json!({
            "type": "alarm", "x": 0, "y": 0, "width": 3 * WIDTH, "height": ALARMS_HEIGHT,
            "properties": {"title": "Alarms", "alarms": arns},
        }));
        row += ALARMS_HEIGHT;
    }
    for fact in cloud.environment.services.values() {
        for (column, (title, lines, limits)) in panels(cloud, fact, alarms).into_iter().enumerate() {
            let mut properties = json!({
                "title": format!("{}: {title}", fact.name),
                "region": cloud.region,
                "view": "timeSeries",
                "period": 60,
                "metrics": lines,
            });
            if !limits.is_empty() {
                properties["annotations"] = json!({"horizontal": limits});
            }
            let (x, y) = ((column % 3) * WIDTH, row + (column / 3) * HEIGHT);
            widgets.push(json!({
                "type": "metric", "x": x, "y": y, "width": WIDTH, "height": HEIGHT, "properties": properties,
            }));
        }
        row += 2 * HEIGHT;
    }
    json!({"start": "-PT3H", "widgets": widgets})
}

type Panel = (&'static str, Vec<Value>, Vec<Value>);

/// Title, lines and limits.
fn panels(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, alarms: &[Alarm<'_>]) -> Vec<Panel> {
    let limits = |wanted: &[&str]| -> Vec<Value> {
        let of_service = alarms.iter().filter(|it| it.service == Some(fact.name));
        let of_panel = of_service.filter(|it| wanted.iter().any(|name| it.origin == format!("slo.{name}")));
        of_panel.map(|it| json!({"label": it.name, "value": it.threshold})).collect()
    };
    let mut panels = vec![];
    if let Some(traffic) = traffic(cloud, fact) {
        let requests = lines(&series::count(&traffic, false), "requests", "r");
        panels.push(("requests", requests, vec![]));
        let errors = lines(&series::error_rate(&traffic), "errors, %", "e");
        panels.push(("errors", errors, limits(&["error_rate", "availability"])));
        let latencies = [("p50", "a"), ("p95", "b"), ("p99", "c")];
        let latencies = latencies
            .into_iter()
            .flat_map(|(stat, prefix)| lines(&series::latency(&traffic, stat), stat, prefix));
        panels.push(("latency", latencies.collect(), limits(&["latency_p50", "latency_p95", "latency_p99"])));
    }
    let cpu = lines(&series::usage(cloud, fact, "CPUUtilization"), "CPU, %", "p");
    let memory = lines(&series::usage(cloud, fact, "MemoryUtilization"), "memory, %", "q");
    panels.push(("CPU and memory", cpu.into_iter().chain(memory).collect(), limits(&["cpu", "memory"])));
    if let Some(running) = series::tasks(cloud, fact, "RunningTaskCount") {
        panels.push(("tasks", lines(&running, "running", "t"), vec![]));
    }
    panels
}

/// The series behind a query, hidden, and what is made of them.
fn lines(query: &Query, label: &str, prefix: &str) -> Vec<Value> {
    let visible = query.expression.is_none();
    let mut lines: Vec<Value> = query
        .series
        .iter()
        .enumerate()
        .map(|(idx, it)| {
            let mut line = vec![json!(it.namespace), json!(it.metric)];
            line.extend(it.dimensions.iter().flat_map(|(name, value)| [json!(name), json!(value)]));
            let mut options = Map::new();
            options.insert("id".to_owned(), json!(format!("{prefix}{}", id(idx))));
            options.insert("stat".to_owned(), json!(it.stat));
            if visible {
                options.insert("label".to_owned(), json!(label));
            } else {
                options.insert("visible".to_owned(), json!(false));
            }
            line.push(Value::Object(options));
            Value::Array(line)
        })
        .collect();
    if let Some(expression) = &query.expression {
        let mut own = expression.clone();
        // Ids are unique within a panel.
        for idx in (0..query.series.len()).rev() {
            own = own.replace(&id(idx), &format!("{prefix}{}", id(idx)));
        }
        lines.push(json!([{"expression": own, "label": label, "id": format!("{prefix}0")}]));
    }
    lines
}
