//! From the text of `lockgate.yaml` to the system that an environment sees, with every mistake found on the way.
//!
//! ```text
//! text -> read -> validate -> normal -> overlay -> conventions -> lower -> checks -> System
//! ```
//!
//! **Invariant:** no I/O, no clock, no async; no input makes it panic; every span lies within the text.

mod checks;
mod codes;
mod conventions;
mod explain;
mod fix;
mod language;
mod layers;
mod lower;
mod node;
mod normal;
mod overlay;
mod port_rule;
mod read;
mod reference;
pub mod render;
mod scalar;
mod schema;
mod scope;
mod spec;
mod suggest;
mod threshold;
mod validate;
mod yaml;

pub use codes::{codes, explain_code};
pub use explain::{ExplainedLayer, Explanation, NoExplanation};
pub use fix::apply_fixes;
pub use render::Source;
pub use spec::{Facts, Spec};
pub use yaml::to_yaml;
