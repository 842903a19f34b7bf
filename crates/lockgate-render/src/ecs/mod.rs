//! Not written yet.

use crate::facts::Facts;
use crate::output::Output;

pub(crate) fn render(_facts: &Facts<'_>, _output: &mut Output<'_>) {}
