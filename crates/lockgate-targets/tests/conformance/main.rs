//! The contract of targets, held against each of them, and what holds of the `local` target beyond it.
//!
//! The program is its own node, service and job: a real node process starts real instances, and both are this
//! executable with other arguments.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    reason = "a test with a harness of its own, which clippy does not know for one"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use lockgate_node::NodeConfig;

#[cfg(feature = "kubernetes")]
mod kubernetes;
mod local;
mod programs;
mod suite;
mod world;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["node", "run", "--state", dir] => run_node(Path::new(dir)),
        ["node", "job", "--dir", dir] => lockgate_node::job_main(Path::new(dir)),
        ["as-service", ..] => programs::service(),
        ["as-child", ..] => programs::child(),
        ["as-job", rest @ ..] => programs::job(rest),
        ["as-marks"] => programs::marks(),
        _ => {
            let trials = suite::trials().into_iter().chain(local::trials());
            #[cfg(feature = "kubernetes")]
            let trials = trials.chain(kubernetes::trials());
            libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
        }
    }
}

fn run_node(state_dir: &Path) -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let config = NodeConfig {
        state_dir: state_dir.to_owned(),
        program: this_program(),
        metrics_addr: None,
        docker: lockgate_node::usual_docker(),
    };
    match runtime().block_on(lockgate_node::run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("a running program has a file")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime starts")
}

/// A test whose name is a sentence of what holds.
fn trial<F>(name: &str, test: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        runtime().block_on(test());
        Ok::<(), Failed>(())
    })
}
