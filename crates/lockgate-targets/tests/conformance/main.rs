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

mod docker;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod local;
mod programs;
mod sim;
mod ssh;
mod suite;
mod world;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["node", "run", "--state", dir] => run_node(Path::new(dir)),
        ["node", "up", "--state", dir] => node_up(Path::new(dir)),
        ["node", "job", "--dir", dir] => lockgate_node::job_main(Path::new(dir)),
        ["as-service", ..] => programs::service(),
        ["as-child", ..] => programs::child(),
        ["as-job", rest @ ..] => programs::job(rest),
        ["as-marks"] => programs::marks(),
        _ => {
            let arguments = Arguments::from_args();
            // Ends with this thread, after all tests.
            let engine = docker::engine(&arguments);
            let trials = suite::trials().into_iter().chain(local::trials()).chain(sim::trials());
            let trials =
                trials.chain(docker::trials().into_iter().filter(|_| arguments.list || engine.is_some()));
            let server = engine.as_ref().and_then(|_| ssh::server(&arguments));
            let trials =
                trials.chain(ssh::trials().into_iter().filter(|_| arguments.list || server.is_some()));
            #[cfg(feature = "kubernetes")]
            let trials = trials.chain(kubernetes::trials());
            let done = libtest_mimic::run(&arguments, trials.collect());
            drop(server);
            drop(engine);
            done.exit_code()
        }
    }
}

fn run_node(state_dir: &Path) -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    // Tests that have an engine of their own say here where it is.
    let told = std::fs::read_to_string(state_dir.with_file_name("docker-host"));
    let config = NodeConfig {
        state_dir: state_dir.to_owned(),
        program: this_program(),
        metrics_addr: None,
        docker: told.unwrap_or_else(|_| lockgate_node::usual_docker()),
        keyring: lockgate_node::Keyring::default(),
    };
    match runtime().block_on(lockgate_node::run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// As `lockgate node up`, which is run by ssh.
fn node_up(state_dir: &Path) -> ExitCode {
    match runtime().block_on(lockgate_node::start_node(state_dir, &this_program())) {
        Ok(_) => {
            let place = lockgate_node::Place::of(state_dir).unwrap();
            println!("{}", place.socket().unwrap().display());
            ExitCode::SUCCESS
        }
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
