//! The language: every key that a spec may hold, what it holds, its default, and what it means. The walk over
//! the file, the shorthands, the lowering, the JSON Schema and the reference page all read these tables.

mod delivery;
mod dependency;
mod environment;
mod operations;
mod release;
mod rollout;
mod service;

use lockgate_model::Millis;

use crate::schema::{Field, Keys, Leaf, NameRule, Named, Shape, Short};

pub(crate) use environment::ENVIRONMENT;
pub(crate) use release::TOOLS;

const fn key(key: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { key, shape, default: "", about, required: false }
}

/// A key that must be there.
const fn must(key: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { key, shape, default: "", about, required: true }
}

const fn with(key: &'static str, shape: Shape, default: &'static str, about: &'static str) -> Field {
    Field { key, shape, default, about, required: false }
}

const fn named(name: NameRule, value: Shape) -> Named {
    Named { name, value, short: Short::None }
}

const fn number(min: u64, max: u64) -> Shape {
    Shape::Scalar(Leaf::Integer { min, max })
}

const fn decimal(min: f64, max: f64) -> Shape {
    Shape::Scalar(Leaf::Decimal { min, max })
}

const fn one_of(words: &'static [&'static str]) -> Shape {
    Shape::Scalar(Leaf::OneOf(words))
}

const TEXT: Shape = Shape::Scalar(Leaf::Text);
const TEMPLATE: Shape = Shape::Scalar(Leaf::Template);
const TEXTS: Shape = Shape::Many(&TEXT);
const TEMPLATES: Shape = Shape::Many(&TEMPLATE);
const BOOL: Shape = Shape::Scalar(Leaf::Bool);
const SECRET: Shape = Shape::Scalar(Leaf::VariableName);
const SPAN: Shape = Shape::Scalar(Leaf::Duration { min: Millis::ZERO });
/// Looking more often than this costs more than it shows.
const POSITIVE_SPAN: Shape = Shape::Scalar(Leaf::Duration { min: Millis(100) });

const SERVICES: Shape = Shape::Named(&named(NameRule::Service, service::SERVICE));

pub(crate) const SECRET_WHAT: &str = "a secret";
const ROOT_WHAT: &str = "a spec";

/// Everything, in the order in which `lockgate fmt` writes it.
pub(crate) static ROOT: Shape = Shape::Keys(&Keys::new(
    ROOT_WHAT,
    &[
        must("lockgate", Shape::Scalar(Leaf::Version), "Version of the language."),
        must("system", Shape::Scalar(Leaf::SystemName), "Name of the system."),
        key("owner", TEXT, "Who answers for it."),
        key(
            "include",
            Shape::Many(&Shape::Scalar(Leaf::IncludePath)),
            "Further files, such as `services/*.yaml`, whose keys are joined with these.",
        ),
        key("conventions", service::CONVENTIONS, "What holds for every service."),
        key("build", delivery::BUILD, "How images are built, unless a service says otherwise."),
        key(
            "defaults",
            service::SERVICE,
            "Keys of a service that every service has unless it says otherwise.",
        ),
        key("dependencies", dependency::DEPENDENCIES, "What the system needs and does not release."),
        must("services", SERVICES, "What is released."),
        key("cron", release::CRON, "Commands that run by the clock."),
        key("migrations", release::MIGRATIONS, "What changes the database."),
        key("seeds", release::SEEDS, "What fills the database for the first time."),
        key("smoke", release::SMOKE, "What is asked of a new version before and after it gets traffic."),
        key(
            "slo",
            operations::SLO,
            "What must hold and what must not be seen; the one place of each threshold.",
        ),
        key("alerts", operations::ALERTS, "Alerts that follow from no objective."),
        key("monitoring", operations::MONITORING, "How often metrics are read, and what is shown and kept."),
        key("rollout", rollout::ROLLOUT, "How a new version takes over."),
        key("notifications", operations::NOTIFICATIONS, "Who is told, about what."),
        key("secrets", service::SECRETS, "Secrets of the release itself, such as the address of a webhook."),
        key("stores", environment::STORES, "Where secrets and configuration live."),
        key("ci", delivery::CI, "What is checked before a release."),
        key("release", delivery::RELEASE, "What is put on the page of a release."),
        key("checks", operations::CHECKS, "Diagnostics that this system has a reason to see otherwise."),
        key("patches", operations::PATCHES, "Changes of what is rendered, addressed by kind and name."),
        must("environments", environment::ENVIRONMENTS, "Where it runs, and what is different there."),
    ],
));

/// What stands in an environment appears at the root of the resolved tree.
pub(crate) fn of_an_environment(shape: &Shape, key: &str) -> Option<&'static Field> {
    match shape {
        Shape::Keys(keys) if keys.what == ROOT_WHAT => ENVIRONMENT.field(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
