//! Rust: dependencies are compiled before the code is there, and only the program reaches the image.

use super::instruction::{Command, Copy, Instruction, Stage, Value};
use super::recipe::Recipe;
use super::site::Tool;
use super::{From, base::Family, tail};

pub(super) fn stages(recipe: &Recipe<'_>, from: &From) -> Vec<Stage> {
    let mut stages = vec![manifests(from), build(recipe, from)];
    stages.extend(tail::sqlx_stage(recipe, from.tools.clone()));
    stages.push(runtime(recipe, from));
    stages
}

/// The folder of the package, or the service, is named as its program.
fn program<'a>(recipe: &Recipe<'a>) -> &'a str {
    let package = recipe.package.and_then(|it| it.rsplit('/').next());
    package.unwrap_or(recipe.owner.as_str())
}

/// Which members a workspace has is in its files, so they are found where the files are.
fn manifests(from: &From) -> Stage {
    Stage {
        about: "What decides over dependencies: manifests, the lock file, and where code is. All code is left out.",
        from: from.build.clone(),
        name: "manifests",
        instructions: vec![
            Instruction::Workdir("/src".to_owned()),
            Copy::context(&["."], "./"),
            Instruction::Run(vec![
                Command::Script(MANIFESTS_ONLY),
                Command::Script(EMPTY),
                Command::Script(
                    "find . -type f -name '*.rs' ! -path './vendor/*' -exec cp /tmp/empty.rs '{}' ';'",
                ),
                Command::Script("find . -type d -empty -delete"),
            ]),
        ],
    }
}

const MANIFESTS_ONLY: &str = "find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -name '*.rs' ! -name 'rust-toolchain*' ! -path './.cargo/*' ! -path './vendor/*' -delete";

/// A program, a library and a build script in one, which no lint can refuse.
const EMPTY: &str = r"printf '//! Empty.\n#![allow(warnings)]\nfn main() {}\n' >/tmp/empty.rs";

fn build(recipe: &Recipe<'_>, from: &From) -> Stage {
    let mut env = vec![("CARGO_INCREMENTAL", Value::text("0")), ("CARGO_TARGET_DIR", Value::text("/target"))];
    if recipe.sqlx.is_some() {
        // No database is there while it is built: queries are checked against what was prepared.
        env.push(("SQLX_OFFLINE", Value::text("true")));
    }
    let built = format!("/target/release/{}", program(recipe));
    let mut instructions = tail::install(recipe.bases.family, &needed(recipe));
    instructions.extend([
        Instruction::Workdir("/src".to_owned()),
        Instruction::Env(env),
        Copy::stage("manifests", "/src", "./"),
        Instruction::Run(vec![Command::Argv(cargo(recipe))]),
        Copy::context(&["."], "./"),
    ]);
    instructions.extend(tail::args(recipe));
    instructions
        .push(Instruction::Remark("Cargo goes by times, and files keep theirs when they are copied."));
    instructions.push(Instruction::Run(vec![
        Command::Script("find . -type f -name '*.rs' -exec touch {} +"),
        Command::Argv(cargo(recipe)),
        Command::Argv(["install", "-D", &built, "/out/program"].map(str::to_owned).to_vec()),
    ]));
    Stage {
        about: "Dependencies first, then the program.",
        from: from.build.clone(),
        name: "build",
        instructions,
    }
}

fn cargo(recipe: &Recipe<'_>) -> Vec<String> {
    let mut argv = ["cargo", "build", "--release", "--locked"].map(str::to_owned).to_vec();
    if let Some(package) = recipe.package {
        argv.extend(["--manifest-path".to_owned(), format!("{package}/Cargo.toml")]);
    }
    argv.extend(["--bin".to_owned(), program(recipe).to_owned()]);
    argv
}

fn needed(recipe: &Recipe<'_>) -> Vec<&'static str> {
    let packages = |tool: &Tool| -> &'static [&'static str] {
        match (tool, recipe.bases.family) {
            (Tool::Protobuf, Family::Debian) => &["protobuf-compiler", "libprotobuf-dev"],
            (Tool::Protobuf, Family::Alpine) => &["protoc", "protobuf-dev"],
            (Tool::Cmake, Family::Debian) => &["cmake"],
            (Tool::Cmake, Family::Alpine) => &["cmake", "g++", "make", "perl"],
        }
    };
    recipe.tools.iter().flat_map(packages).copied().collect()
}

fn runtime(recipe: &Recipe<'_>, from: &From) -> Stage {
    let mut instructions = tail::begin(recipe, &["ca-certificates", "curl"]);
    let place = format!("/usr/local/bin/{}", program(recipe));
    instructions.push(Copy::stage("build", "/out/program", &place));
    instructions.extend(tail::end(recipe, vec![program(recipe).to_owned()]));
    Stage {
        about: "What runs. Certificates are for calls, curl is for the health check.",
        from: from.runtime.clone(),
        name: "runtime",
        instructions,
    }
}
