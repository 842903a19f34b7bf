//! `sample`: the small service of the demo, the examples and the tests, its worker and its tasks.

use lockgate_sample::{SampleConfig, Worker};

use crate::args::SampleRole;
use crate::exit::Exit;
use crate::out::Out;

pub async fn sample(role: Option<&SampleRole>, out: Out) -> anyhow::Result<Exit> {
    let env = |name: &str| std::env::var(name).ok();
    match role {
        None => lockgate_sample::run(SampleConfig::from_env(env)?).await?,
        Some(SampleRole::Worker) => Worker::from_env(env)?.run().await?,
        Some(SampleRole::Task { name, fail_first }) => {
            let said = Worker::from_env(env)?.task(name, *fail_first).await?;
            out.data(&said);
        }
    }
    Ok(Exit::Done)
}
