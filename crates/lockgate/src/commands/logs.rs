//! `logs`: what the instances of a service print.

use crate::args::{Format, Global, LogsArgs};
use crate::exit::Exit;
use crate::out::Out;
use crate::running::Running;
use crate::state::State;

pub async fn logs(global: &Global, args: &LogsArgs, out: Out) -> anyhow::Result<Exit> {
    let state = State::open(global, out).await?;
    let scope = state.scope(args.env.as_ref()).await?;
    let running = Running::of(&state, &scope).await?;
    let slots = running.slots().await?;
    let mut shown = 0;
    for line in slots.iter().filter(|it| it.slot.service == args.service) {
        shown += 1;
        for line in running.logs(&line.slot, u16::try_from(args.lines).unwrap_or(u16::MAX)).await? {
            match out.format {
                Format::Human => out.data(&format!("{}  {}", line.source, line.text)),
                Format::Json => out.json_line(&line),
            }
        }
    }
    if shown == 0 {
        anyhow::bail!(
            "no instance of `{}` runs in {scope}; `lockgate status {}` shows what does",
            args.service,
            scope.environment
        );
    }
    Ok(Exit::Done)
}
