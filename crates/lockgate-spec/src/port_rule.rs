//! `http + 1000`: a port that every service has at a fixed distance from another.

use lockgate_model::PortName;

use crate::scalar::Problem;
use lockgate_diagnostics::codes;
use lockgate_diagnostics::shown;
use lockgate_yaml::Scalar;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortRule {
    pub(crate) base: PortName,
    pub(crate) offset: i32,
}

impl PortRule {
    pub(crate) fn apply(&self, number: u16) -> Option<u16> {
        let moved = i32::from(number) + self.offset;
        u16::try_from(moved).ok().filter(|it| *it != 0)
    }
}

pub(crate) fn parse(scalar: &Scalar) -> Result<PortRule, Problem> {
    let text = scalar.text.as_str();
    let invalid = || {
        let message = format!("`{}` is not a port rule", shown(text));
        let problem = Problem::new(codes::BAD_PORT_RULE, message, "a port's name, `+` or `-`, and a number");
        problem.help("as in `grpc: http + 1000`")
    };
    let at = text.rfind(['+', '-']).ok_or_else(invalid)?;
    let base = PortName::new(text[..at].trim()).map_err(|_| invalid())?;
    let distance: u16 = text[at + 1..].trim().parse().map_err(|_| invalid())?;
    if distance == 0 {
        return Err(invalid());
    }
    let offset = if text[at..].starts_with('-') { -i32::from(distance) } else { i32::from(distance) };
    Ok(PortRule { base, offset })
}
