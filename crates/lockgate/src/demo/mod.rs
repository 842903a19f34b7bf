//! Stand-in.
pub async fn run(_: &crate::args::DemoArgs, _: crate::out::Out) -> anyhow::Result<crate::exit::Exit> {
    Ok(crate::exit::Exit::Done)
}
