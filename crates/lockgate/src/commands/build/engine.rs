//! Docker's command line: which builder it has, what it is given, and what it says when it fails.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, PipeWriter};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context as _;
use lockgate_render::ImageBuild;

use super::context::BuildContext;

/// What people want to see of a build that failed.
const LINES_SHOWN: usize = 20;
/// A line of a build is cut here; some print a file of theirs in one.
const LINE_MAX: usize = 400;
/// Of the Dockerfile in an archive.
const NAME_IN_ARCHIVE: &str = ".dockerfile.lockgate";

/// `BuildKit` where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builder {
    Buildx,
    /// Of command lines from 18.09 to 22.
    Embedded,
    Classic,
}

/// One image to be made.
pub struct Task<'a> {
    pub build: &'a ImageBuild,
    /// `repository:version`.
    pub image: &'a str,
    pub dockerfile: &'a Path,
    pub context_folder: &'a Path,
    pub context: &'a BuildContext,
    pub labels: &'a [(&'static str, String)],
    /// An earlier image that layers are taken from.
    pub cache: Option<&'a str>,
    pub push: bool,
    pub no_cache: bool,
}

/// A program of Docker's failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct DockerFailed {
    pub message: String,
    pub hint: Option<String>,
    pub is_unreachable: bool,
    /// The last that it said.
    pub output: Vec<String>,
}

impl Builder {
    /// `DOCKER_BUILDKIT=0` in the environment asks for the classic one, as everywhere with Docker.
    pub fn find() -> Result<Builder, DockerFailed> {
        if std::env::var_os("DOCKER_BUILDKIT").is_some_and(|it| it == "0") {
            return Ok(Builder::Classic);
        }
        if said(&["buildx", "version"]).is_some() {
            return Ok(Builder::Buildx);
        }
        let Some(version) = said(&["--version"]) else {
            return Err(DockerFailed {
                message: "`docker` is not installed, and it builds images".to_owned(),
                hint: Some("install Docker (on Debian: `apt install docker.io docker-buildx`)".to_owned()),
                is_unreachable: true,
                output: vec![],
            });
        };
        let digits = version.trim_start_matches(|it: char| !it.is_ascii_digit());
        let major = digits.split('.').next().and_then(|it| it.parse::<u32>().ok());
        Ok(if major.is_some_and(|it| (18..23).contains(&it)) { Builder::Embedded } else { Builder::Classic })
    }

    /// Makes the image, and gives what the engine calls it.
    pub fn make(self, task: &Task<'_>) -> anyhow::Result<String> {
        let several = 1 < task.build.platforms.len();
        if several && self != Builder::Buildx {
            return Err(DockerFailed {
                message: format!(
                    "this Docker builds for one platform, and {} are wanted",
                    task.build.platforms.join(", ")
                ),
                hint: Some("install its plugin Buildx (on Debian: `apt install docker-buildx`)".to_owned()),
                is_unreachable: false,
                output: vec![],
            }
            .into());
        }
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let id_file = folder.path().join("id");
        let mut command = self.command(task, &id_file);
        let ended = match self {
            Builder::Buildx | Builder::Embedded => run(command.arg(task.context_folder), |_| Ok(())),
            Builder::Classic => {
                let text = std::fs::read(task.dockerfile)?;
                run(command.arg("-"), |stdin| task.context.archive(&text, NAME_IN_ARCHIVE, stdin))
            }
        };
        let (status, output) = ended.context("`docker` does not start")?;
        if !status.success() {
            return Err(failed(&format!("the build ended with {}", code(status)), output).into());
        }
        let id = std::fs::read_to_string(&id_file).context("Docker does not say what it built")?;
        Ok(id.trim().to_owned())
    }

    fn command(self, task: &Task<'_>, id_file: &Path) -> Command {
        let ImageBuild { args, stage, platforms, .. } = task.build;
        let mut command = Command::new("docker");
        match self {
            Builder::Buildx => command.args(["buildx", "build", "--progress", "plain"]),
            Builder::Embedded => command.args(["build", "--progress", "plain"]).env("DOCKER_BUILDKIT", "1"),
            Builder::Classic => command.arg("build").env("DOCKER_BUILDKIT", "0"),
        };
        match self {
            Builder::Buildx | Builder::Embedded => command.arg("--file").arg(task.dockerfile),
            Builder::Classic => command.args(["--file", NAME_IN_ARCHIVE]),
        };
        command.args(["--tag", task.image]).arg("--iidfile").arg(id_file);
        for (name, value) in task.labels {
            command.arg("--label").arg(format!("{name}={value}"));
        }
        for (name, value) in args {
            command.arg("--build-arg").arg(format!("{name}={value}"));
        }
        if let Some(stage) = stage {
            command.args(["--target", stage]);
        }
        if !platforms.is_empty() {
            command.args(["--platform", &platforms.join(",")]);
        }
        if task.no_cache {
            command.arg("--no-cache");
        }
        match (self, task.push) {
            (Builder::Buildx, true) => command.args(["--push", "--cache-to", "type=inline"]),
            (Builder::Buildx, false) => command.arg("--load"),
            (Builder::Embedded, true) => command.args(["--build-arg", "BUILDKIT_INLINE_CACHE=1"]),
            (Builder::Embedded, false) | (Builder::Classic, _) => &mut command,
        };
        match (self, task.cache.filter(|_| !task.no_cache)) {
            (Builder::Buildx, Some(cache)) => {
                command.arg("--cache-from").arg(format!("type=registry,ref={cache}"))
            }
            (Builder::Embedded, Some(cache)) => command.args(["--cache-from", cache]),
            // It takes layers from images of its own engine only, and does so by itself.
            (Builder::Classic, Some(_)) | (_, None) => &mut command,
        };
        command
    }

    /// Sends an image that was made to its registry, if the build has not done it.
    pub fn push(self, image: &str) -> anyhow::Result<()> {
        if self == Builder::Buildx {
            return Ok(());
        }
        let ended = run(Command::new("docker").args(["push", image]), |_| Ok(()));
        let (status, output) = ended.context("`docker` does not start")?;
        if status.success() {
            return Ok(());
        }
        Err(failed(&format!("pushing {image} ended with {}", code(status)), output).into())
    }
}

/// Gives an image of the engine another name.
pub fn tag(id: &str, image: &str) -> anyhow::Result<()> {
    let (status, output) = run(Command::new("docker").args(["tag", id, image]), |_| Ok(()))
        .context("`docker` does not start")?;
    if status.success() {
        return Ok(());
    }
    Err(failed(&format!("{id} cannot be called {image}"), output).into())
}

/// Whether the engine has an image.
pub fn has(id: &str) -> bool {
    said(&["image", "inspect", "--format", "{{.Id}}", id]).is_some()
}

fn said(args: &[&str]) -> Option<String> {
    let done = Command::new("docker").args(args).stdin(Stdio::null()).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Runs a program, feeds it, and keeps the last that it says on both streams.
fn run(
    command: &mut Command,
    feed: impl FnOnce(std::process::ChildStdin) -> std::io::Result<()> + Send,
) -> std::io::Result<(ExitStatus, Vec<String>)> {
    let (reader, writer) = std::io::pipe()?;
    let mut child = start(command, writer)?;
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        // One that ends early says why by itself.
        let feeding = scope.spawn(|| stdin.map(feed));
        let mut last = VecDeque::new();
        for line in BufReader::new(reader).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).trim_end().to_owned();
            tracing::info!(target: "docker", "{line}");
            if !line.is_empty() {
                last.push_back(line.chars().take(LINE_MAX).collect());
            }
            if LINES_SHOWN < last.len() {
                last.pop_front();
            }
        }
        let status = child.wait()?;
        if let Ok(Some(Err(error))) = feeding.join() {
            tracing::debug!(%error, "the build did not read its context to the end");
        }
        Ok((status, last.into()))
    })
}

/// The command lets go of its ends of the pipe, so that reading ends with the program.
fn start(command: &mut Command, writer: PipeWriter) -> std::io::Result<std::process::Child> {
    let both = writer.try_clone()?;
    let child = command.stdin(Stdio::piped()).stdout(writer).stderr(both).spawn();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    child
}

fn code(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |it| format!("exit code {it}"))
}

/// Names the reason where it is one of those that are not the Dockerfile's.
fn failed(what: &str, output: Vec<String>) -> DockerFailed {
    let text = output.join("\n").to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|it| text.contains(it));
    let (reason, hint, is_unreachable) = if says(&["no space left on device"]) {
        let hint = "`docker system df` shows what takes the room, `docker builder prune` makes some";
        ("no space is left", Some(hint), false)
    } else if says(&["cannot connect to the docker daemon", "error during connect"]) {
        ("the Docker engine is not reached", Some("`docker version` shows whether it runs"), true)
    } else if says(&[
        "no basic auth",
        "unauthorized",
        "denied",
        "authentication required",
        "insufficient_scope",
    ]) {
        ("the registry does not allow it", Some("`docker login` with a user who may, and again"), false)
    } else if says(&["http 405", "method not allowed", "unsupported: the operation", "read-only"]) {
        ("the registry takes no images", None, false)
    } else if says(&["insufficient storage", "quota", "507 "]) {
        ("the registry has no room", Some("remove versions there that nobody runs"), false)
    } else if says(&["connection refused", "no such host", "i/o timeout", "tls handshake"]) {
        ("something is not reached", None, true)
    } else {
        ("", None, false)
    };
    let message = if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") };
    DockerFailed { message, hint: hint.map(str::to_owned), is_unreachable, output }
}
