//! What the builder is not sent: what is made anew, what is nobody's business, and what would change the image
//! without changing what it does.

use lockgate_model::Preset;

use super::recipe::Recipe;

const ALWAYS: &[&str] = &[
    "**/.git",
    "**/.DS_Store",
    "**/.env",
    "**/.env.*",
    ".github",
    ".lockgate",
    "**/Dockerfile",
    "**/Dockerfile.*",
    "**/*.Dockerfile",
    "**/.dockerignore",
];

/// Beside the spec: it changes for many reasons, and none of them is in the image.
const BESIDE_THE_SPEC: &[&str] = &["deploy", "lockgate.yaml", "lockgate.lock"];

pub(super) fn text(recipe: &Recipe<'_>) -> String {
    let made: &[&str] = match recipe.preset {
        Preset::Rust => &["**/target"],
        Preset::Node => &["**/node_modules", "**/coverage"],
        Preset::Nestjs => &["**/node_modules", "**/coverage", "**/dist"],
        Preset::Nextjs => &["**/node_modules", "**/coverage", "**/.next"],
        Preset::Python => &["**/__pycache__", "**/*.pyc", "**/.venv", "**/venv", "**/.pytest_cache"],
    };
    let beside = if matches!(recipe.context, "." | "./") { BESIDE_THE_SPEC } else { &[] };
    let lines = ALWAYS.iter().chain(beside).chain(made);
    let lines: Vec<&str> = lines.copied().collect();
    lines.join("\n") + "\n"
}
