//! `demo`: see `crate::demo`.

use crate::args::DemoArgs;
use crate::exit::Exit;
use crate::out::Out;

pub async fn demo(args: &DemoArgs, out: Out) -> anyhow::Result<Exit> {
    crate::demo::run(args, out).await
}
