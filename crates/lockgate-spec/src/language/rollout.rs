//! How a new version takes over, and how it is judged.

use super::{BOOL, POSITIVE_SPAN, SPAN, TEXT, decimal, key, must, named, number, one_of, with};
use crate::schema::{Keys, Leaf, NameRule, Shape};

const COUNT_OR_SHARE: Shape = Shape::Scalar(Leaf::CountOrShare);

pub(super) const ROLLOUT: Shape = Shape::Keys(&Keys::new(
    "rollout",
    &[
        with(
            "strategy",
            one_of(&["rolling", "canary", "blue-green", "recreate"]),
            "rolling",
            "How the new version takes over.",
        ),
        with(
            "steps",
            Shape::List(&STEP),
            "10% for 5m, 50% for 5m, 100%",
            "Steps of a canary, with growing weights, the last 100%.",
        ),
        key(
            "rollback_on",
            Shape::List(&ROLLBACK_ON),
            "What takes the release back; the error rate and every SLO unless said.",
        ),
        key("gates", GATES, "What is judged beside the SLOs."),
        with(
            "bake",
            SPAN,
            "0s",
            "Time at 100% during which the old version is kept and the new one is still judged.",
        ),
        key("max_surge", COUNT_OR_SHARE, "Instances beyond the wanted number in a rolling release."),
        key("max_unavailable", COUNT_OR_SHARE, "Instances that may be missing in a rolling release."),
        key("freeze", Shape::List(&FREEZE), "Times at which nothing is released."),
        key("analysis", ANALYSIS, "How a canary is judged."),
    ],
));

const STEP: Shape = Shape::Keys(&Keys::new(
    "a canary step",
    &[
        must("weight", Shape::Scalar(Leaf::Weight), "Share of the traffic."),
        with("pause", SPAN, "0s", "Time at this weight; less when the evidence is enough earlier."),
        with(
            "gate",
            one_of(&["metrics", "approval"]),
            "metrics",
            "What ends the step: the evidence, or a person.",
        ),
    ],
));

const ROLLBACK_ON: Shape = one_of(&[
    "availability",
    "error_rate",
    "latency_p50",
    "latency_p95",
    "latency_p99",
    "restarts",
    "crash_loop",
]);

const GATES: Shape = Shape::Named(&named(
    NameRule::Job,
    Shape::Keys(&Keys::new(
        "a gate",
        &[
            must("query", TEXT, "What is measured, in PromQL."),
            must("objective", Shape::Scalar(Leaf::Threshold), "What must hold."),
        ],
    )),
));

const FREEZE: Shape = Shape::Keys(&Keys::new(
    "a freeze",
    &[
        must(
            "from",
            Shape::Scalar(Leaf::Moment),
            "Beginning: `fri 16:00`, `2026-12-20` or `2026-12-20 18:00`.",
        ),
        must("to", Shape::Scalar(Leaf::Moment), "End, written as the beginning is."),
        with("timezone", Shape::Scalar(Leaf::Timezone), "UTC", "Time zone of both."),
        key("reason", TEXT, "Why."),
    ],
));

const ANALYSIS: Shape = Shape::Keys(&Keys::new(
    "analysis",
    &[
        with(
            "tick",
            Shape::Scalar(Leaf::Duration { min: lockgate_model::Millis(100) }),
            "10s",
            "Time between two looks.",
        ),
        with(
            "alpha",
            decimal(0.000_001, 0.5),
            "0.01",
            "Probability at most that a version no worse than the old one is aborted.",
        ),
        with(
            "beta",
            decimal(0.000_001, 0.5),
            "0.05",
            "Probability at most that a version worse than the margin is promoted early.",
        ),
        with(
            "tolerance",
            decimal(1.0, 10.0),
            "1.1",
            "Ratio of error rates up to which a canary counts as no worse.",
        ),
        key(
            "margin",
            MARGIN,
            "A canary is promoted early when its error rate is surely below `ratio` times the old one plus `abs`.",
        ),
        with("warmup", SPAN, "60s", "Time in which new instances are not compared."),
        with("min_time", SPAN, "2m", "No early promotion before this time in the step."),
        with(
            "min_requests",
            number(1, 1_000_000_000),
            "500",
            "No promotion before this many requests to the canary.",
        ),
        with("max_time", POSITIVE_SPAN, "1h", "Time after which `on_undecided` decides."),
        with("promote_early", BOOL, "true", "A step may end before its pause when the evidence is enough."),
        with(
            "on_undecided",
            one_of(&["hold", "promote", "rollback"]),
            "hold",
            "What happens when the evidence is never enough.",
        ),
    ],
));

const MARGIN: Shape = Shape::Keys(&Keys::new(
    "margin",
    &[
        with("ratio", decimal(1.0, 10.0), "1.25", "Times the error rate of the old version."),
        with("abs", Shape::Scalar(Leaf::Share), "0.25%", "Added to it."),
    ],
));
