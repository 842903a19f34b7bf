//! `show`: the system as an environment sees it, and where each value came from.

use crate::args::{Format, Global, ShowArgs};
use crate::context::Context;
use crate::exit::Exit;
use crate::out::Out;

pub fn show(global: &Global, args: &ShowArgs, out: Out) -> anyhow::Result<Exit> {
    let context = Context::load(global, out)?;
    let environment = context.environment(args.env.as_ref())?;
    let system = context.system(&environment, &lockgate_spec::Facts::default())?;
    let Some(path) = &args.explain else {
        match out.format {
            Format::Human => out.data(&lockgate_spec::to_yaml(&system)),
            Format::Json => out.json(&system),
        }
        return Ok(Exit::Done);
    };
    let explanation = context.spec.explain(&environment, path)?;
    match out.format {
        Format::Human => out.data(&explanation.to_string()),
        Format::Json => out.json(&explanation),
    }
    Ok(Exit::Done)
}
