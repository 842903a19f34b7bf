//! From the text of `lockgate.yaml` to the system that an environment sees, with every mistake found on the way.
//!
//! ```text
//! text -> read -> validate -> normal -> overlay -> conventions -> lower -> checks -> System
//! ```
//!
//! **Invariant:** no I/O, no clock, no async; no input makes it panic; every span lies within the text.

mod broken;
mod checks;
mod conventions;
mod explain;
mod format;
mod include;
mod json_schema;
mod language;
mod layers;
mod leaf;
mod levels;
mod limits;
mod lints;
mod lower;
mod normal;
mod overlay;
mod platform;
mod port_rule;
mod reference;
mod reference_page;
mod scalar;
mod schema;
mod scope;
mod spec;
mod threshold;
mod validate;
mod yaml;

pub use explain::{ExplainedLayer, Explanation, NoExplanation};
pub use format::{Unformatted, format};
pub use include::{fits, includes};
pub use json_schema::json_schema;
pub use leaf::clock::{Moment, moment_of};
pub use lints::Beside;
pub use reference_page::keys_page;
pub use spec::{Facts, Spec};
pub use yaml::to_yaml;
