//! The `lockgate` program: reads the command line, hands over, and turns the end into an exit code.

#![expect(unreachable_pub, reason = "a binary has no outside; `pub` says what a module offers to the others")]

mod args;
mod commands;
mod context;
mod demo;
mod exit;
mod failure;
mod findings;
mod freeze;
mod git;
mod hosts;
mod images;
mod naming;
mod out;
mod prepare;
mod rewrite;
mod running;
mod secrets;
mod sqlx_migrate;
mod state;
mod support;
mod ui;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use args::{Cli, Command};
use out::Out;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => return failure::tell_usage(&error, Cli::wants_json()).into(),
    };
    let out = Out::new(&cli.global);
    log_to_stderr(cli.global.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return failure::tell(&anyhow::Error::new(error).context("cannot start the runtime"), out).into();
        }
    };
    let ended = runtime.block_on(run(cli, out));
    // Reads of standard input may hang for ever; nobody waits for them.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(error) => failure::tell(&error, out).into(),
    }
}

async fn run(cli: Cli, out: Out) -> anyhow::Result<ExitCode> {
    let global = &cli.global;
    let exit = match &cli.command {
        Command::Demo(args) => commands::demo::demo(args, out).await?,
        Command::Fmt(args) => commands::fmt::fmt(global, args, out)?,
        Command::Check(args) => commands::check::check(global, args, out)?,
        Command::Import(command) => commands::import::import(command, out)?,
        Command::Audit(args) => commands::audit::audit(global, args, out)?,
        Command::Explain { code } => commands::check::explain(code, out)?,
        Command::Show(args) => commands::show::show(global, args, out)?,
        Command::Schema => commands::schema::schema(out),
        Command::Render(args) => commands::render::render(global, args, out)?,
        Command::Lock(args) => commands::lock::lock(global, args, out)?,
        Command::Build(args) => commands::build::build(global, args, out).await?,
        Command::Plan(args) => Box::pin(commands::plan::plan(global, args, out)).await?,
        Command::Diff { environment } => {
            Box::pin(commands::diff::diff(global, environment.as_ref(), out)).await?
        }
        Command::Doctor { environment } => {
            commands::doctor::doctor(global, environment.as_ref(), out).await?
        }
        Command::Adopt(args) => Box::pin(commands::adopt::adopt(global, args, out)).await?,
        Command::Deploy(args) => Box::pin(commands::deploy::deploy(global, args, out)).await?,
        Command::Watch { environment } => commands::deploy::watch(global, environment.as_ref(), out).await?,
        Command::Status { environment } => {
            commands::status::status(global, environment.as_ref(), out).await?
        }
        Command::History(args) => commands::history::history(global, args, out).await?,
        Command::Logs(args) => commands::logs::logs(global, args, out).await?,
        Command::Abort(args) => commands::steer::abort(global, args, out).await?,
        Command::Pause { environment } => commands::steer::pause(global, environment.as_ref(), out).await?,
        Command::Resume { environment } => commands::steer::resume(global, environment.as_ref(), out).await?,
        Command::Promote { environment } => {
            commands::steer::promote(global, environment.as_ref(), out).await?
        }
        Command::Rollback(args) => commands::rollback::rollback(global, args, out).await?,
        Command::Resolve(args) => commands::steer::resolve(global, args, out).await?,
        Command::Node(command) => return commands::node::node(global, command, out).await,
        Command::Drive { system, environment } => {
            commands::drive::drive(global, system, environment, out).await?
        }
        Command::Sample { role } => commands::sample::sample(role.as_ref(), out).await?,
    };
    Ok(exit.into())
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("LOCKGATE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(std::io::stderr).init();
}
