//! The parts of Grafana's dashboards that are used.

use lockgate_model::Millis;
use serde::Serialize;

use super::panel::{Panel, Source};
use super::uid;
use crate::facts::Environment;

/// That of Grafana 12; older ones migrate it as they read it.
const SCHEMA: u32 = 41;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dashboard {
    uid: String,
    title: String,
    tags: Vec<String>,
    editable: bool,
    /// One line through all panels at the same time.
    graph_tooltip: u32,
    refresh: String,
    schema_version: u32,
    time: Range,
    timezone: &'static str,
    templating: List<Variable>,
    annotations: List<Annotation>,
    pub(super) panels: Vec<Panel>,
}

#[derive(Serialize)]
struct Range {
    from: String,
    to: &'static str,
}

#[derive(Serialize)]
struct List<T> {
    list: Vec<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variable {
    name: &'static str,
    label: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    query: Query,
    #[serde(skip_serializing_if = "Option::is_none")]
    datasource: Option<Source>,
    include_all: bool,
    multi: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_value: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Current>,
    /// 2 is whenever the time that is shown changes, 1 when it is loaded.
    refresh: u32,
    /// By name.
    sort: u32,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Query {
    Kind(&'static str),
    Labels {
        query: String,
        #[serde(rename = "refId")]
        id: &'static str,
    },
}

#[derive(Serialize)]
struct Current {
    text: &'static str,
    value: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Annotation {
    name: &'static str,
    datasource: Source,
    enable: bool,
    icon_color: &'static str,
    expr: &'static str,
    title_format: &'static str,
    step: &'static str,
}

impl Variable {
    pub(super) fn datasource() -> Variable {
        Variable {
            name: "datasource",
            label: "Data source",
            kind: "datasource",
            query: Query::Kind("prometheus"),
            datasource: None,
            include_all: false,
            multi: false,
            all_value: None,
            current: None,
            refresh: 1,
            sort: 0,
        }
    }

    /// The values of a label.
    pub(super) fn label(name: &'static str, label: &'static str, of: &str) -> Variable {
        Variable {
            name,
            label,
            kind: "query",
            query: Query::Labels { query: format!("label_values({of}, {name})"), id: "values" },
            datasource: Some(Source::VARIABLE),
            include_all: true,
            multi: true,
            all_value: Some(".+"),
            current: Some(Current { text: "All", value: "$__all" }),
            refresh: 2,
            sort: 1,
        }
    }
}

pub(super) fn dashboard(
    environment: &Environment<'_>,
    name: &str,
    variables: Vec<Variable>,
    panels: Vec<Panel>,
) -> Dashboard {
    let system = environment.system;
    let shown = system.monitoring.dashboard.as_ref();
    let refresh = shown.map_or(Millis::secs(30), |it| it.refresh);
    let range = shown.map_or(Millis::mins(60), |it| it.range);
    Dashboard {
        uid: uid(environment, name),
        title: format!("{} {}: {name}", system.name, environment.name()),
        tags: vec!["lockgate".to_owned(), system.name.to_string(), environment.name().to_owned()],
        editable: false,
        graph_tooltip: 1,
        refresh: seconds(refresh),
        schema_version: SCHEMA,
        time: Range { from: format!("now-{}", seconds(range)), to: "now" },
        timezone: "browser",
        templating: List { list: variables },
        annotations: List {
            list: vec![Annotation {
                name: "Alerts",
                datasource: Source::VARIABLE,
                enable: true,
                icon_color: "red",
                expr: r#"ALERTS{alertstate="firing", alertname!="Watchdog"}"#,
                title_format: "{{alertname}} {{service}}{{dependency}}",
                step: "1m",
            }],
        },
        panels,
    }
}

/// Grafana knows times of one unit only.
fn seconds(span: Millis) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let whole = UNITS.into_iter().find(|it| 0 < span.0 && span.0.is_multiple_of(it.0));
    match whole {
        Some((size, unit)) => format!("{}{unit}", span.0 / size),
        None => format!("{}s", span.0.div_ceil(1_000).max(1)),
    }
}
