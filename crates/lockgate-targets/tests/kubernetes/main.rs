//! The `kubernetes` target against a real cluster; `scripts/cluster/README.md` says which.
//!
//! The program is its own service: it goes into an image, and runs in the pods with another argument.

#![expect(
    clippy::unwrap_used,
    reason = "a test with a harness of its own, which clippy does not know for one"
)]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use lockgate_sample::SampleConfig;

mod client;
mod place;
mod samples;
mod sources;
mod traffic;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|it| it == "as-sample") {
        let config = SampleConfig::from_env(|key| std::env::var(key).ok()).unwrap();
        runtime().block_on(lockgate_sample::run(config)).unwrap();
        return ExitCode::SUCCESS;
    }
    let trials = [traffic::trials(), samples::trials(), sources::trials()].into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime starts")
}

/// A test that has a namespace of the cluster to itself. Where there is no cluster, it says so.
fn trial<F>(name: &'static str, run: fn(place::Place) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let Some(cluster) = lockgate_testbed::Cluster::given(name) else { return Ok::<(), Failed>(()) };
        runtime().block_on(async {
            let place = place::Place::new(&cluster, name);
            run(place).await;
        });
        Ok(())
    })
}
