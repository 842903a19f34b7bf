//! What the commands of `ci` need on the machine before they run.

use lockgate_model::{Ci, CiStep};

use super::workflow::{Job, Step, minutes};
use super::{action, text};

/// Subcommands of cargo that no toolchain brings along, and the packages that do.
const CARGO_TOOLS: [(&str, &str); 8] = [
    ("audit", "cargo-audit"),
    ("deny", "cargo-deny"),
    ("hack", "cargo-hack"),
    ("llvm-cov", "cargo-llvm-cov"),
    ("machete", "cargo-machete"),
    ("nextest", "cargo-nextest"),
    ("sqlx", "sqlx-cli"),
    ("tarpaulin", "cargo-tarpaulin"),
];

/// The step and what it needs, as a job.
pub(super) fn job(name: &str, ci: &Ci, step: &CiStep) -> Job {
    let mut job = Job::new(name, minutes(step.timeout)).allowed([("contents", "read")]);
    job.steps = prepared(ci, &step.run);
    job
}

/// From an empty machine to one where `commands` can run.
pub(super) fn prepared(ci: &Ci, commands: &[Vec<String>]) -> Vec<Step> {
    let mut steps = vec![action::checkout()];
    steps.extend(ci.tools.iter().filter_map(|(tool, version)| setup(tool, version)));
    steps.extend(CARGO_TOOLS.iter().filter(|it| uses(commands, it.0)).map(|(_, package)| {
        Step::run(&format!("Install {package}"), format!("cargo install --locked {package}"))
    }));
    if let Some(install) = &ci.install {
        steps.push(run("Install dependencies", install));
    }
    steps
}

pub(super) fn run(name: &str, step: &CiStep) -> Step {
    let mut it = Step::run(name, text::script(&step.run));
    it.env = step.env.iter().map(|(name, value)| (name.clone(), text::literal(value))).collect();
    it
}

fn uses(commands: &[Vec<String>], subcommand: &str) -> bool {
    commands
        .iter()
        .any(|it| it.first().is_some_and(|it| it == "cargo") && it.get(1).is_some_and(|it| it == subcommand))
}

/// Tools that GitHub's machines do not have in every version; `None` for one that nothing here sets up.
fn setup(tool: &str, version: &str) -> Option<Step> {
    let step = match tool {
        "node" => action::SETUP_NODE
            .step("Set up Node.js")
            .with("node-version", text::literal(version))
            // A cache that pull requests can fill has no place where releases are made.
            .with("package-manager-cache", false),
        "python" => action::SETUP_PYTHON.step("Set up Python").with("python-version", text::literal(version)),
        "rust" => Step::run(
            "Set up Rust",
            "rustup toolchain install \"$VERSION\" --profile minimal --component clippy,rustfmt\nrustup default \"$VERSION\"\n",
        )
        .env("VERSION", text::literal(version)),
        _ => return None,
    };
    Some(step)
}

/// Tools of the spec that have to be on the machine already.
pub(super) fn unknown(ci: &Ci) -> impl Iterator<Item = &str> {
    ci.tools.iter().filter(|(tool, version)| setup(tool, version).is_none()).map(|it| it.0.as_str())
}
