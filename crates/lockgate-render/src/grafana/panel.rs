//! Panels: what is asked, in which unit it is shown, and from where on it is bad.

use lockgate_model::{Amount, Comparison, Percent, Period, SloSeverity, Threshold, Unit};
use serde::Serialize;

use crate::facts::{Environment, Measured};

/// Columns of a dashboard, and the size of a panel.
const COLUMNS: u32 = 24;
const WIDTH: u32 = 12;
const HEIGHT: u32 = 8;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Panel {
    id: u32,
    title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(rename = "type")]
    kind: Kind,
    datasource: Source,
    grid_pos: Place,
    targets: Vec<Target>,
    field_config: FieldConfig,
    options: Options,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Stat,
    Timeseries,
}

#[derive(Serialize)]
pub(super) struct Source {
    #[serde(rename = "type")]
    kind: &'static str,
    uid: &'static str,
}

impl Source {
    pub(super) const VARIABLE: Source = Source { kind: "prometheus", uid: "${datasource}" };
}

#[derive(Serialize)]
struct Place {
    h: u32,
    w: u32,
    x: u32,
    y: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    ref_id: &'static str,
    datasource: Source,
    expr: String,
    legend_format: String,
    editor_mode: &'static str,
    range: bool,
    instant: bool,
}

#[derive(Serialize)]
struct FieldConfig {
    defaults: Defaults,
    overrides: [(); 0],
}

#[derive(Serialize)]
struct Defaults {
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    color: Color,
    thresholds: Steps,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<Custom>,
}

#[derive(Serialize)]
struct Color {
    mode: &'static str,
}

#[derive(Serialize)]
struct Steps {
    mode: &'static str,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Step {
    color: &'static str,
    /// `None` is from below everything on.
    value: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Custom {
    fill_opacity: u32,
    line_width: u32,
    show_points: &'static str,
    thresholds_style: Style,
}

#[derive(Serialize)]
struct Style {
    mode: &'static str,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Options {
    Stat {
        reduce_options: Reduce,
        color_mode: &'static str,
        graph_mode: &'static str,
        text_mode: &'static str,
    },
    Timeseries {
        legend: Legend,
        tooltip: Tooltip,
    },
}

#[derive(Serialize)]
struct Reduce {
    calcs: [&'static str; 1],
    fields: &'static str,
    values: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Legend {
    calcs: [&'static str; 2],
    display_mode: &'static str,
    placement: &'static str,
    #[serde(rename = "showLegend")]
    is_shown: bool,
}

#[derive(Serialize)]
struct Tooltip {
    mode: &'static str,
    sort: &'static str,
}

/// What a panel shows.
pub(super) struct Shown {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) kind: Kind,
    pub(super) unit: &'static str,
    pub(super) steps: Vec<Step>,
    pub(super) expr: String,
    pub(super) legend: String,
}

/// Panels in two columns, from left to right; a number stays with its place.
pub(super) fn laid_out(shown: Vec<Shown>) -> Vec<Panel> {
    (0_u32..).zip(shown).map(|(idx, it)| panel(idx, it)).collect()
}

fn panel(idx: u32, shown: Shown) -> Panel {
    let is_graph = shown.kind == Kind::Timeseries;
    let has_limits = shown.steps.len() > 1;
    let style = if has_limits { "line" } else { "off" };
    Panel {
        id: idx + 1,
        title: shown.title,
        description: shown.description,
        kind: shown.kind,
        datasource: Source::VARIABLE,
        grid_pos: Place { h: HEIGHT, w: WIDTH, x: idx * WIDTH % COLUMNS, y: idx * WIDTH / COLUMNS * HEIGHT },
        targets: vec![Target {
            ref_id: "A",
            datasource: Source::VARIABLE,
            expr: shown.expr,
            legend_format: shown.legend,
            editor_mode: "code",
            range: is_graph,
            instant: !is_graph,
        }],
        field_config: FieldConfig {
            defaults: Defaults {
                unit: shown.unit,
                min: is_graph.then_some(0.0),
                color: Color { mode: if is_graph { "palette-classic" } else { "thresholds" } },
                thresholds: Steps { mode: "absolute", steps: shown.steps },
                custom: is_graph.then_some(Custom {
                    fill_opacity: 10,
                    line_width: 1,
                    show_points: "never",
                    thresholds_style: Style { mode: style },
                }),
            },
            overrides: [],
        },
        options: match shown.kind {
            Kind::Stat => Options::Stat {
                reduce_options: Reduce { calcs: ["lastNotNull"], fields: "", values: false },
                color_mode: "background",
                graph_mode: "none",
                text_mode: "value_and_name",
            },
            Kind::Timeseries => Options::Timeseries {
                legend: Legend {
                    calcs: ["lastNotNull", "max"],
                    display_mode: "table",
                    placement: "bottom",
                    is_shown: true,
                },
                tooltip: Tooltip { mode: "multi", sort: "desc" },
            },
        },
    }
}

pub(super) fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => "percentunit",
        Unit::Duration => "s",
        Unit::Count => "short",
    }
}

/// What the spec demands of a metric.
pub(super) struct Demands {
    pub(super) objective: Option<Threshold>,
    pub(super) alerts: Vec<(Threshold, SloSeverity)>,
}

impl Demands {
    pub(super) fn of(environment: &Environment<'_>, measured: Measured<'_>) -> Demands {
        let objective = environment.objectives.iter().find(|it| it.measured == measured);
        let alerts = environment.alerts.iter().filter(|it| it.measured == measured);
        Demands {
            objective: objective.map(|it| it.threshold),
            alerts: alerts.map(|it| (it.threshold, it.severity)).collect(),
        }
    }

    /// What is demanded of the rest of a share.
    pub(super) fn rest(self) -> Demands {
        let turned = |it: Threshold| match it.amount {
            Amount::Share(share) => {
                Threshold { amount: Amount::Share(Percent(100_000 - share.0)), ..missed(it) }
            }
            Amount::Duration(_) | Amount::Count(_) => it,
        };
        Demands {
            objective: self.objective.map(turned),
            alerts: self.alerts.into_iter().map(|it| (turned(it.0), it.1)).collect(),
        }
    }

    /// The time that is counted in, or averaged over.
    pub(super) fn period(&self) -> Option<Period> {
        let mut periods = self.alerts.iter().filter_map(|it| it.0.period);
        periods.find(|it| !matches!(it, Period::For(_)))
    }

    pub(super) fn text(&self) -> String {
        let objective = self.objective.map(|it| format!("objective: {it}"));
        let alerts = self.alerts.iter().map(|it| format!("alert: {}", it.0));
        objective.into_iter().chain(alerts).collect::<Vec<_>>().join(", ")
    }

    /// Colours from below everything on, with growing limits.
    pub(super) fn steps(&self) -> Vec<Step> {
        let color = |severity| match severity {
            SloSeverity::Warning => "orange",
            SloSeverity::Critical => "red",
        };
        let alerts = self.alerts.iter().map(|it| (it.0, color(it.1)));
        let all = alerts.chain(self.objective.map(|it| (missed(it), "yellow")));
        let (mut above, mut below) = (vec![], vec![]);
        for (threshold, color) in all {
            let value = threshold.amount.value();
            // A step begins with its number: what is above nothing at all begins a little later.
            let value = if value == 0.0 && threshold.comparison == Comparison::More { 0.001 } else { value };
            match threshold.comparison {
                Comparison::More | Comparison::AtLeast => above.push((value, color)),
                Comparison::Less | Comparison::AtMost => below.push((value, color)),
                Comparison::Equal => {}
            }
        }
        above.sort_by(|a, b| a.0.total_cmp(&b.0));
        below.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Below the lowest limit is the worst; each limit begins what is less bad.
        let mut steps = vec![];
        let mut from = None;
        for (value, color) in below {
            steps.push(Step { color, value: from });
            from = Some(value);
        }
        steps.push(Step { color: "green", value: from });
        steps.extend(above.into_iter().map(|(value, color)| Step { color, value: Some(value) }));
        steps
    }
}

/// Where an objective is missed is the other side of it.
fn missed(objective: Threshold) -> Threshold {
    let comparison = match objective.comparison {
        Comparison::Less | Comparison::AtMost => Comparison::More,
        Comparison::AtLeast | Comparison::More => Comparison::Less,
        Comparison::Equal => Comparison::Equal,
    };
    Threshold { comparison, ..objective }
}
