//! What the last stage of every preset has in common: packages, user, tools, labels, check and command.

use super::base::Family;
use super::instruction::{Command, Copy, Instruction, Stage, Value};
use super::recipe::Recipe;
use crate::facts::build;

/// Same line as the `sqlx` that Lockgate itself migrates with; it needs Rust 1.94.
const SQLX: &str = "0.9.0";
const UNKNOWN: &str = "unknown";

/// Begins the last stage: what changes rarely.
pub(super) fn begin(recipe: &Recipe<'_>, packages: &[&str]) -> Vec<Instruction> {
    let mut instructions = install(recipe.bases.family, packages);
    instructions.push(Instruction::Run(user(recipe)));
    instructions.push(Instruction::Workdir("/app".to_owned()));
    instructions
}

/// Ends it: what changes with each release.
pub(super) fn end(recipe: &Recipe<'_>, command: Vec<String>) -> Vec<Instruction> {
    let mut instructions = migrations(recipe);
    if let Some(port) = recipe.port {
        instructions.push(Instruction::Env(vec![("PORT", Value::text(port.to_string()))]));
        instructions.push(Instruction::Expose(recipe.ports.clone()));
    }
    instructions.extend(labels(recipe));
    instructions.push(Instruction::User(recipe.user));
    instructions.push(Instruction::StopSignal(recipe.stop));
    instructions.push(Instruction::Healthcheck(recipe.check.clone()));
    instructions.push(Instruction::Cmd(recipe.command.clone().unwrap_or(command)));
    instructions
}

pub(super) fn install(family: Family, packages: &[&str]) -> Vec<Instruction> {
    if packages.is_empty() {
        return vec![];
    }
    let argv =
        |words: &[&str]| Command::Argv(words.iter().chain(packages).map(|it| (*it).to_owned()).collect());
    match family {
        Family::Debian => vec![
            Instruction::Remark(
                "Mirrors keep one version of a package: naming it would break the build with the next.",
            ),
            Instruction::Remark("hadolint ignore=DL3008"),
            Instruction::Run(vec![
                Command::argv(["apt-get", "update"]),
                argv(&["apt-get", "install", "-y", "--no-install-recommends"]),
                Command::Script("rm -rf /var/lib/apt/lists/*"),
            ]),
        ],
        Family::Alpine => vec![
            Instruction::Remark(
                "Mirrors keep one version of a package: naming it would break the build with the next.",
            ),
            Instruction::Remark("hadolint ignore=DL3018"),
            Instruction::Run(vec![argv(&["apk", "add", "--no-cache"])]),
        ],
    }
}

/// A name for the number, for programs that ask who they are; and the folders that it may write to.
fn user(recipe: &Recipe<'_>) -> Vec<Command> {
    let number = recipe.user.to_string();
    let known = Command::Quiet(["getent", "passwd", &number].map(str::to_owned).to_vec());
    let add: Vec<&str> = match recipe.bases.family {
        Family::Debian => vec![
            "useradd",
            "--uid",
            &number,
            "--user-group",
            "--no-log-init",
            "--no-create-home",
            "--home-dir",
            "/app",
            "--shell",
            "/usr/sbin/nologin",
            "app",
        ],
        Family::Alpine => {
            vec!["adduser", "-D", "-H", "-u", &number, "-h", "/app", "-s", "/sbin/nologin", "app"]
        }
    };
    let add = Command::Argv(add.into_iter().map(str::to_owned).collect());
    let mut commands = vec![Command::Either(Box::new(known), Box::new(add))];
    if !recipe.volumes.is_empty() {
        let mut argv: Vec<String> =
            ["install", "-d", "-o", &number, "-g", &number].map(str::to_owned).to_vec();
        argv.extend(recipe.volumes.iter().map(|it| (*it).to_owned()));
        commands.push(Command::Argv(argv));
    }
    commands
}

/// The program of the migrations is built apart, so that the application's changes do not build it again.
pub(super) fn sqlx_stage(recipe: &Recipe<'_>, image: String) -> Option<Stage> {
    recipe.sqlx.as_ref()?;
    let mut install =
        ["cargo", "install", "sqlx-cli", "--version", SQLX, "--locked"].map(str::to_owned).to_vec();
    let options = ["--no-default-features", "--features", "rustls,postgres", "--root", "/usr/local"];
    install.extend(options.map(str::to_owned));
    Some(Stage {
        about: "The program that migrates the database.",
        from: image,
        name: "sqlx",
        instructions: vec![Instruction::Run(vec![Command::Argv(install)])],
    })
}

fn migrations(recipe: &Recipe<'_>) -> Vec<Instruction> {
    let Some(folder) = &recipe.sqlx else { return vec![] };
    vec![
        Copy::stage("sqlx", "/usr/local/bin/sqlx", "/usr/local/bin/sqlx"),
        Copy::context(&[folder], &format!("./{folder}")),
    ]
}

fn labels(recipe: &Recipe<'_>) -> Vec<Instruction> {
    let arg = |name: &str| {
        let default = recipe.args.get(name).copied().flatten().unwrap_or(UNKNOWN);
        Instruction::Arg { name: name.to_owned(), default: Some(default.to_owned()) }
    };
    let title = format!("{}/{}", recipe.system, recipe.owner);
    vec![
        arg(build::VERSION),
        arg(build::REVISION),
        arg(build::SOURCE),
        Instruction::Env(vec![(build::VERSION, Value::Of(build::VERSION))]),
        Instruction::Label(vec![
            ("org.opencontainers.image.title", Value::text(title)),
            ("org.opencontainers.image.version", Value::Of(build::VERSION)),
            ("org.opencontainers.image.revision", Value::Of(build::REVISION)),
            ("org.opencontainers.image.source", Value::Of(build::SOURCE)),
        ]),
    ]
}

/// The spec's build arguments; each `RUN` after them sees them.
pub(super) fn args(recipe: &Recipe<'_>) -> impl Iterator<Item = Instruction> {
    recipe.args.iter().map(|(name, default)| Instruction::Arg {
        name: (*name).to_owned(),
        default: default.map(str::to_owned),
    })
}
