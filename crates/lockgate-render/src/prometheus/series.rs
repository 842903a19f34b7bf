//! What stands behind a number: the expression that reads it, and what has to be fed to make it come out as a value.

use std::collections::BTreeMap;
use std::fmt;

use lockgate_model::Millis;

/// A number that Prometheus can be asked for.
pub(crate) struct Series {
    pub(crate) expr: String,
    /// Labels that a result carries, with the values that the feed gives them.
    pub(crate) labels: Labels,
    pub(crate) feed: Feed,
}

pub(crate) type Labels = BTreeMap<&'static str, String>;

/// What exporters have to show for the expression to have a value.
#[derive(Clone, Debug)]
pub(crate) enum Feed {
    /// The value itself.
    Gauge(Metric),
    /// One gauge divided by another.
    Ratio {
        part: Metric,
        whole: Metric,
    },
    /// A gauge divided by a number that the spec knows.
    Fixed {
        part: Metric,
        whole: f64,
    },
    /// A counter's growth in a second.
    Rate(Metric),
    /// A counter's growth in a second, divided by a number that the spec knows.
    RateFixed {
        part: Metric,
        whole: f64,
    },
    /// The growth of one counter divided by another's.
    Growth {
        part: Metric,
        whole: Metric,
    },
    /// The share of one counter in both.
    Share {
        part: Metric,
        rest: Metric,
    },
    /// The share of one gauge in both.
    GaugeShare {
        part: Metric,
        rest: Metric,
    },
    Quantile {
        quantile: f64,
        bucket: Metric,
    },
    /// How often a gauge changes.
    Changes(Metric),
    /// How many of a kind take longer than a second on average.
    Slow {
        seconds: Metric,
        calls: Metric,
        each: &'static str,
    },
    /// What is left of one.
    Rest(Box<Feed>),
    /// Beside the value, what must be there for it.
    With(Box<Feed>, Metric, f64),
}

/// A metric with its labels: `pg_up{dependency="postgres"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) labels: Vec<(&'static str, String)>,
}

/// Series as `promtool test rules` reads them: a name, and values at regular times.
pub(crate) struct Input {
    pub(crate) series: String,
    pub(crate) values: String,
}

/// Time between two fed values.
pub(crate) const STEP: Millis = Millis::secs(15);
/// Time between two evaluations of rules in a test.
pub(crate) const EVERY: Millis = Millis::mins(1);
/// Requests in a step where only their shares matter.
const MANY: f64 = 3_000.0;
/// Beyond this, a test would be larger than what it proves.
const MAX_SLOW: f64 = 200.0;

impl Metric {
    pub(crate) fn new(name: &'static str, labels: &[(&'static str, &str)]) -> Metric {
        Metric { name, labels: labels.iter().map(|(key, value)| (*key, (*value).to_owned())).collect() }
    }

    #[must_use]
    pub(crate) fn with(&self, label: &'static str, value: &str) -> Metric {
        let mut metric = self.clone();
        metric.labels.push((label, value.to_owned()));
        metric
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> =
            self.labels.iter().map(|it| format!("{}={}", it.0, quoted(&it.1))).collect();
        write!(f, "{}{{{}}}", self.name, labels.join(", "))
    }
}

/// A text in `PromQL`.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string serialises")
}

impl Feed {
    /// Can a value be met exactly, or only nearly?
    pub(crate) fn is_exact(&self) -> bool {
        match self {
            Feed::Gauge(_) | Feed::Changes(_) | Feed::Slow { .. } => true,
            Feed::With(inner, ..) => inner.is_exact(),
            Feed::Ratio { .. }
            | Feed::Fixed { .. }
            | Feed::Rate(_)
            | Feed::RateFixed { .. }
            | Feed::Growth { .. }
            | Feed::Share { .. }
            | Feed::GaugeShare { .. }
            | Feed::Quantile { .. }
            | Feed::Rest(_) => false,
        }
    }

    /// Is it counted in whole numbers only?
    pub(crate) fn can_be(&self, value: f64) -> bool {
        match self {
            Feed::Slow { .. } | Feed::Changes(_) => value.fract() == 0.0 && (0.0..=MAX_SLOW).contains(&value),
            Feed::With(inner, ..) => inner.can_be(value),
            _ => value.is_finite() && value >= 0.0,
        }
    }

    /// The first evaluation at which the value is reached, from below, in a window that begins with what is fed.
    pub(crate) fn reaches(&self, value: f64, window: Millis) -> Millis {
        match self {
            Feed::Gauge(_) | Feed::Ratio { .. } | Feed::Fixed { .. } | Feed::GaugeShare { .. } => {
                Millis::ZERO
            }
            // Two readings have a rate, and the share of two rates is right from then on.
            Feed::Growth { .. } | Feed::Share { .. } | Feed::Quantile { .. } | Feed::Slow { .. } => EVERY,
            Feed::Rate(_) | Feed::RateFixed { .. } => evaluated(window),
            Feed::Changes(_) => evaluated(Millis(u64::from(whole(value)) * STEP.0)),
            Feed::Rest(inner) | Feed::With(inner, ..) => inner.reaches(value, window),
        }
    }

    /// What is fed for the value from the beginning on, for so many steps.
    pub(crate) fn inputs(&self, value: f64, steps: u64) -> Vec<Input> {
        let seconds = STEP.as_secs_f64();
        let constant = |metric: &Metric, value: f64| Input {
            series: metric.to_string(),
            values: format!("{value}x{steps}"),
        };
        let growing = |metric: &Metric, each_step: f64| Input {
            series: metric.to_string(),
            values: format!("0+{each_step}x{steps}"),
        };
        match self {
            Feed::Gauge(metric) => vec![constant(metric, value)],
            Feed::Ratio { part, whole } => vec![constant(part, value * MANY), constant(whole, MANY)],
            Feed::Fixed { part, whole } => vec![constant(part, value * whole)],
            Feed::Rate(metric) => vec![growing(metric, value * seconds)],
            Feed::RateFixed { part, whole } => vec![growing(part, value * whole * seconds)],
            Feed::Growth { part, whole } => vec![growing(part, value * MANY), growing(whole, MANY)],
            Feed::Share { part, rest } => {
                vec![growing(part, value * MANY), growing(rest, (1.0 - value) * MANY)]
            }
            Feed::GaugeShare { part, rest } => {
                vec![constant(part, value * MANY), constant(rest, (1.0 - value) * MANY)]
            }
            // All of them lie in one bucket from zero on, in which the quantile is found by its share.
            Feed::Quantile { quantile, bucket } => {
                let bound = format!("{}", value / quantile);
                vec![growing(&bucket.with("le", &bound), MANY), growing(&bucket.with("le", "+Inf"), MANY)]
            }
            Feed::Changes(metric) => {
                let series = metric.to_string();
                vec![Input { series, values: format!("0+1x{value} {value}+0x{steps}") }]
            }
            Feed::Slow { seconds, calls, each } => (0..whole(value))
                .flat_map(|idx| {
                    let id = idx.to_string();
                    [growing(&seconds.with(each, &id), 30.0), growing(&calls.with(each, &id), 15.0)]
                })
                .collect(),
            Feed::Rest(inner) => inner.inputs(1.0 - value, steps),
            Feed::With(inner, metric, fixed) => {
                let mut inputs = inner.inputs(value, steps);
                inputs.push(constant(metric, *fixed));
                inputs
            }
        }
    }
}

/// Of a number that is counted; [`Feed::can_be`] has seen that it is one.
fn whole(value: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and MAX_SLOW"
    )]
    let whole = value.clamp(0.0, MAX_SLOW) as u32;
    whole
}

/// The first evaluation that is not before.
pub(crate) fn evaluated(at: Millis) -> Millis {
    Millis(at.0.next_multiple_of(EVERY.0))
}
