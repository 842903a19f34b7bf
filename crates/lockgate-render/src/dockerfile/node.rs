//! Node, Next.js, and Nest with Prisma: installed by npm from the lock file, built, and left without what only the
//! build needs.

use lockgate_model::Preset;

use super::instruction::{Command, Copy, Instruction, Stage, Value};
use super::recipe::Recipe;
use super::{From, tail};

pub(super) fn stages(recipe: &Recipe<'_>, from: &From) -> Vec<Stage> {
    let mut stages = vec![];
    if has_manifests_apart(recipe) {
        stages.push(manifests(from));
    }
    stages.push(dependencies(recipe, from));
    stages.push(build(recipe));
    stages.extend(tail::sqlx_stage(recipe, from.tools.clone()));
    stages.push(runtime(recipe, from));
    stages
}

/// Is the standalone output of Next.js all that the image needs? A job needs what the job runs as well.
pub(super) fn is_standalone(recipe: &Recipe<'_>) -> bool {
    recipe.preset == Preset::Nextjs && !recipe.has_jobs
}

/// Which members a workspace has, and where a schema is, only the files tell.
fn has_manifests_apart(recipe: &Recipe<'_>) -> bool {
    recipe.package.is_some() || uses_prisma(recipe)
}

fn uses_prisma(recipe: &Recipe<'_>) -> bool {
    recipe.prisma || recipe.preset == Preset::Nestjs
}

fn manifests(from: &From) -> Stage {
    Stage {
        about: "What decides over dependencies: manifests, the lock file and schemas. All code is left out.",
        from: from.build.clone(),
        name: "manifests",
        instructions: vec![
            Instruction::Workdir("/app".to_owned()),
            Copy::context(&["."], "./"),
            Instruction::Run(vec![
                Command::Script(
                    "find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc ! -name '*.prisma' -delete",
                ),
                Command::Script("find . -type d -empty -delete"),
            ]),
        ],
    }
}

fn dependencies(recipe: &Recipe<'_>, from: &From) -> Stage {
    let mut instructions = tail::install(recipe.bases.family, packages(recipe));
    instructions.push(Instruction::Workdir("/app".to_owned()));
    instructions.push(if has_manifests_apart(recipe) {
        Copy::stage("manifests", "/app", "./")
    } else {
        // The last is a pattern, as not everybody has one.
        Copy::context(&["package.json", "package-lock.json", ".npmrc*"], "./")
    });
    instructions.push(Instruction::Run(vec![Command::argv(["npm", "ci", "--no-audit", "--no-fund"])]));
    Stage {
        about: "All dependencies: the build needs those of development as well.",
        from: from.build.clone(),
        name: "dependencies",
        instructions,
    }
}

/// Prisma finds its engine by the OpenSSL that is there.
fn packages(recipe: &Recipe<'_>) -> &'static [&'static str] {
    if uses_prisma(recipe) { &["ca-certificates", "openssl"] } else { &[] }
}

fn build(recipe: &Recipe<'_>) -> Stage {
    let mut instructions = vec![Copy::context(&["."], "./")];
    if recipe.preset == Preset::Nextjs {
        instructions.push(Instruction::Env(vec![("NEXT_TELEMETRY_DISABLED", Value::text("1"))]));
    }
    instructions.extend(tail::args(recipe));
    let mut commands = vec![];
    if uses_prisma(recipe) {
        commands.push(generate(recipe));
    }
    commands.extend(compile(recipe));
    if recipe.preset == Preset::Nextjs {
        // Not everybody has one, and what is not there cannot be copied.
        commands.push(Command::Argv(vec!["mkdir".to_owned(), "-p".to_owned(), within(recipe, "public")]));
    }
    if !is_standalone(recipe) {
        commands.extend(prune(recipe));
    }
    instructions.push(Instruction::Run(commands));
    Stage {
        about: "The code, and what is made of it.",
        from: "dependencies".to_owned(),
        name: "build",
        instructions,
    }
}

/// A service of Nest may do without Prisma; one that migrates with it may not.
fn generate(recipe: &Recipe<'_>) -> Command {
    let mut argv = ["npx", "--no"].map(str::to_owned).to_vec();
    if let Some(package) = recipe.package {
        argv.extend(["--workspace".to_owned(), package.to_owned()]);
    }
    argv.extend(["--", "prisma", "generate"].map(str::to_owned));
    let generate = Command::Argv(argv);
    if recipe.prisma {
        return generate;
    }
    let absent = Command::argv(["test", "!", "-e", "node_modules/.bin/prisma"]);
    Command::Either(Box::new(absent), Box::new(generate))
}

fn compile(recipe: &Recipe<'_>) -> Vec<Command> {
    if let Some(commands) = recipe.builds_by {
        return commands.iter().cloned().map(Command::Argv).collect();
    }
    let mut argv = ["npm", "run", "build", "--if-present"].map(str::to_owned).to_vec();
    if let Some(package) = recipe.package {
        argv.extend(["--workspace".to_owned(), package.to_owned()]);
    }
    vec![Command::Argv(argv)]
}

/// Settings of npm may hold a token, which no image needs. The program of Prisma stays where it migrates, though it is
/// often a dependency of development.
fn prune(recipe: &Recipe<'_>) -> Vec<Command> {
    let prune = Command::argv(["npm", "prune", "--omit=dev", "--no-audit", "--no-fund"]);
    let drop_settings = Command::argv(["rm", "-f", ".npmrc"]);
    if !recipe.prisma {
        return vec![prune, drop_settings];
    }
    let mut commands = vec![
        Command::Script("version=\"$(node -p 'require(\"prisma/package.json\").version')\""),
        prune,
        Command::Script("npm install --no-save --omit=dev --no-audit --no-fund \"prisma@${version}\""),
        drop_settings,
    ];
    if let Some(package) = recipe.package {
        commands.push(Command::Argv(["sh", "-c", LINK, "sh", package].map(str::to_owned).to_vec()));
    }
    commands
}

/// Commands run in the folder of the workspace, and Prisma looks for its schema there.
const LINK: &str = "for it in prisma prisma.config.ts; do if test -e \"$1/$it\" && ! test -e \"$it\"; then ln -s \"$1/$it\" \"$it\"; fi; done";

fn runtime(recipe: &Recipe<'_>, from: &From) -> Stage {
    let mut instructions = tail::begin(recipe, packages(recipe));
    instructions.push(Instruction::Env(env(recipe)));
    if is_standalone(recipe) {
        instructions.push(owned(recipe, ".next/standalone", "./".to_owned()));
    } else {
        instructions.push(Copy::stage("build", "/app", "./"));
    }
    if recipe.preset == Preset::Nextjs {
        // The server serves what is beside it, and leaves it to others to put it there.
        for folder in [".next/static", "public"] {
            instructions.push(owned(recipe, folder, format!("./{}", beside_server(recipe, folder))));
        }
    }
    instructions.extend(tail::end(recipe, command(recipe)));
    Stage { about: "What runs.", from: from.runtime.clone(), name: "runtime", instructions }
}

fn env(recipe: &Recipe<'_>) -> Vec<(&'static str, Value)> {
    let mut env = vec![("NODE_ENV", Value::text("production"))];
    if recipe.preset == Preset::Nextjs {
        // Its server would listen on the address that the container's name has.
        env.push(("HOSTNAME", Value::text("0.0.0.0")));
        env.push(("NEXT_TELEMETRY_DISABLED", Value::text("1")));
    }
    // Only `/tmp` is there to be written to when a job calls npm.
    env.push(("NPM_CONFIG_CACHE", Value::text("/tmp/npm")));
    env.push(("NPM_CONFIG_UPDATE_NOTIFIER", Value::text("false")));
    env
}

fn command(recipe: &Recipe<'_>) -> Vec<String> {
    let file = match recipe.preset {
        Preset::Nestjs => within(recipe, "dist/main.js"),
        Preset::Nextjs => beside_server(recipe, "server.js"),
        // What `main` names in its manifest.
        Preset::Node | Preset::Rust | Preset::Python => recipe.package.unwrap_or(".").to_owned(),
    };
    vec!["node".to_owned(), file]
}

/// The server's own cache is there too, so it is the user's.
fn owned(recipe: &Recipe<'_>, folder: &str, target: String) -> Instruction {
    Copy::owned("build", format!("/app/{}", within(recipe, folder)), target, recipe.user)
}

fn within(recipe: &Recipe<'_>, file: &str) -> String {
    recipe.package.map_or_else(|| file.to_owned(), |it| format!("{it}/{file}"))
}

/// The standalone output repeats the folders of the workspace.
fn beside_server(recipe: &Recipe<'_>, file: &str) -> String {
    let file = within(recipe, file);
    if is_standalone(recipe) { file } else { format!("{}/{file}", within(recipe, ".next/standalone")) }
}
