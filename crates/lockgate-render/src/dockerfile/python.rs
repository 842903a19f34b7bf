//! Python: dependencies are installed into an environment of their own, which moves into the image as a whole.

use super::instruction::{Command, Copy, Instruction, Stage, Value};
use super::recipe::Recipe;
use super::{From, tail};

/// What gunicorn serves where the service has no command: Flask's own convention, `app` in `app.py`.
pub(super) const APPLICATION: &str = "app:app";
/// gunicorn's own, where the service has no port.
const PORT: u16 = 8000;

pub(super) fn stages(recipe: &Recipe<'_>, from: &From) -> Vec<Stage> {
    let mut stages = vec![dependencies(recipe, from)];
    stages.extend(tail::sqlx_stage(recipe, from.tools.clone()));
    stages.push(runtime(recipe, from));
    stages
}

fn dependencies(recipe: &Recipe<'_>, from: &From) -> Stage {
    let requirements = match recipe.package {
        Some(package) => format!("{package}/requirements.txt"),
        None => "requirements.txt".to_owned(),
    };
    let mut instructions = vec![Instruction::Workdir("/app".to_owned())];
    instructions.push(Instruction::Run(vec![Command::argv(["python", "-m", "venv", "/opt/venv"])]));
    instructions.push(Copy::context(&[&requirements], "./requirements.txt"));
    instructions.extend(tail::args(recipe));
    let pip = ["/opt/venv/bin/pip", "install", "--no-cache-dir", "--disable-pip-version-check"];
    let install = pip.iter().chain(&["--requirement", "requirements.txt"]).map(|it| (*it).to_owned());
    instructions.push(Instruction::Run(vec![Command::Argv(install.collect())]));
    Stage {
        about: "Dependencies, from the list that pins them.",
        from: from.build.clone(),
        name: "dependencies",
        instructions,
    }
}

fn runtime(recipe: &Recipe<'_>, from: &From) -> Stage {
    let mut instructions = tail::begin(recipe, &[]);
    let mut env = vec![
        ("PATH", Value::InFrontOf("/opt/venv/bin:", "PATH")),
        ("PYTHONUNBUFFERED", Value::text("1")),
        ("PYTHONDONTWRITEBYTECODE", Value::text("1")),
    ];
    if let Some(package) = recipe.package {
        env.push(("PYTHONPATH", Value::text(format!("/app/{package}"))));
    }
    instructions.push(Instruction::Env(env));
    instructions.push(Copy::stage("dependencies", "/opt/venv", "/opt/venv"));
    instructions.push(Copy::context(&["."], "./"));
    let bind = format!("0.0.0.0:{}", recipe.port.unwrap_or(PORT));
    let serve =
        ["gunicorn", "--bind", &bind, "--access-logfile", "-", APPLICATION].map(str::to_owned).to_vec();
    instructions.extend(tail::end(recipe, serve));
    Stage { about: "What runs.", from: from.runtime.clone(), name: "runtime", instructions }
}
