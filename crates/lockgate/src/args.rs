//! The command line: what can be typed, and nothing about what it does.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use lockgate_images::Reference;
use lockgate_model::{Digest, EnvironmentName, ReleaseId, ServiceName, SystemName, Version};
use lockgate_render::Kind;

/// Carry out releases that can be trusted at 3 a.m.: migrations, canaries, rollback.
#[derive(Debug, Parser)]
#[command(
    name = "lockgate",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The command line, or why it makes no sense.
    pub fn read() -> Result<Cli, clap::Error> {
        let cli = Cli::try_parse()?;
        match (cli.global.format, &cli.command) {
            (FormatName::Human | FormatName::Json, _)
            | (FormatName::Sarif | FormatName::Github, Command::Check(_) | Command::Audit(_)) => Ok(cli),
            (FormatName::Sarif | FormatName::Github, _) => {
                let message = "this command is written as `human` or `json`; \
                               `sarif` and `github` are for `check` and `audit`";
                Err(Cli::command().error(ErrorKind::InvalidValue, message))
            }
        }
    }

    /// Whether JSON was asked for in arguments that make no sense as a whole.
    pub fn wants_json() -> bool {
        let args: Vec<_> = std::env::args_os().collect();
        args.iter().any(|it| it == "--format=json")
            || args.windows(2).any(|it| it[0] == "--format" && it[1] == "json")
    }
}

#[derive(Debug, Args)]
pub struct Global {
    /// The spec; without it, `lockgate.yaml` in this folder or the nearest one above
    #[arg(short, long, global = true, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Folder of the durable state; without it, `.lockgate` beside the spec
    #[arg(long, global = true, value_name = "DIR", env = "LOCKGATE_STATE")]
    pub state: Option<PathBuf>,
    /// How results are written; `sarif` and `github` are for what `check` and `audit` find
    #[arg(long, global = true, value_enum, default_value_t = FormatName::Human)]
    pub format: FormatName,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Say only what was asked for and what went wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log more to standard error (can be repeated)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What can be asked for. Diagnostics have more forms than other results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    Human,
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// How everything but diagnostics is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch two canary releases of a small system on this machine, a good one and a bad one
    Demo(DemoArgs),
    /// Find what is wrong with the spec
    Check(CheckArgs),
    /// Put the spec in order: indentation, blanks, quotes, the order of keys
    Fmt(FmtArgs),
    /// Find what contradicts itself in files that Lockgate did not write
    Audit(AuditArgs),
    /// Write a spec that says what files of other tools say, and tell what became of each of their fields
    #[command(subcommand)]
    Import(ImportCommand),
    /// Say what a diagnostic means
    Explain { code: String },
    /// Show the system as an environment sees it
    Show(ShowArgs),
    /// Write the language of the spec as a JSON Schema, for editors
    Schema,
    /// Write every artifact that the spec stands for: Dockerfiles, manifests, workflows, alerts, ...
    Render(RenderArgs),
    /// Pin the images and actions that artifacts name by a tag, in `lockgate.lock`
    Lock(LockArgs),
    /// Make the images of the services, and push them
    Build(BuildArgs),
    /// Show what a release would do
    Plan(PlanArgs),
    /// Show where the cluster is not as the spec says, and who changed it
    Diff { environment: Option<EnvironmentName> },
    /// Check that an environment's platform has what a release needs
    Doctor { environment: Option<EnvironmentName> },
    /// Take over what Helm or kubectl installed from the rendered files, without starting any pod again
    Adopt(AdoptArgs),
    /// Carry out a release
    Deploy(DeployArgs),
    /// Follow the release that runs, and see to it that it goes on
    Watch { environment: Option<EnvironmentName> },
    /// Show what is true now, and what is being waited for
    Status { environment: Option<EnvironmentName> },
    /// List past releases
    History(HistoryArgs),
    /// Show what instances print
    Logs(LogsArgs),
    /// Take the release that runs back, now
    Abort(AbortArgs),
    /// Hold the release at the next stage
    Pause { environment: Option<EnvironmentName> },
    /// Let a held release go on
    Resume { environment: Option<EnvironmentName> },
    /// Pass the gate that the release is at
    Promote { environment: Option<EnvironmentName> },
    /// Put the previous release back: command, environment and files
    Rollback(RollbackArgs),
    /// Say how an attempt ended that nobody saw
    Resolve(ResolveArgs),
    /// The supervisor of this machine's instances
    #[command(subcommand)]
    Node(NodeCommand),
    /// Carry out the queued releases of an environment (started by `deploy`)
    #[command(hide = true)]
    Drive { system: SystemName, environment: EnvironmentName },
    /// The small service of the demo and the examples
    #[command(hide = true)]
    Sample {
        #[command(subcommand)]
        role: Option<SampleRole>,
    },
}

#[derive(Debug, Subcommand)]
pub enum SampleRole {
    /// Do the jobs that the service leaves in Redis
    Worker,
    /// Run once, and end
    Task {
        name: String,
        /// How many runs fail, over all releases
        #[arg(long, default_value_t = 0)]
        fail_first: u64,
    },
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep the demo's folder, with its journal and logs
    #[arg(long)]
    pub keep: bool,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Check one environment only
    #[arg(long, value_name = "NAME")]
    pub env: Option<EnvironmentName>,
    /// Apply the fixes that are safe
    #[arg(long)]
    pub fix: bool,
    /// Show what `--fix` would change, as a diff, and change nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct FmtArgs {
    /// The file, or `-` for standard input; without it, the spec and the files that it includes
    pub file: Option<PathBuf>,
    /// Show what would change, as a diff, and change nothing
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    /// A file, or a folder with all that is in it
    pub path: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// From a Compose file, with the values of `.env` beside it
    Compose(ImportArgs),
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file to read, such as `compose.yaml`
    #[arg(value_name = "COMPOSE_FILE")]
    pub path: PathBuf,
    /// Succeed although some fields are dropped
    #[arg(long)]
    pub lossy: bool,
    /// Write the spec to this file; without it, to standard output
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace the file of `--out` if it is there
    #[arg(long, requires = "out")]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The environment; needed when there is more than one
    #[arg(long, value_name = "NAME")]
    pub env: Option<EnvironmentName>,
    /// Say where one value came from, as in `services.web.replicas`
    #[arg(long, value_name = "PATH")]
    pub explain: Option<String>,
}

#[derive(Debug, Args)]
pub struct RenderArgs {
    /// Environment to render for, with what all share; without it, all (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub env: Vec<EnvironmentName>,
    /// Kind of artifact to render, also where another is usual; without it, what each environment uses (can be repeated)
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub only: Vec<Kind>,
    /// Folder of the tree; without it, the spec's own
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write nothing; fail with a diff when a file is changed, missing, new or orphaned
    #[arg(long)]
    pub check: bool,
    /// Write nothing; name the keys that were there at a revision of git and are gone
    #[arg(long, value_name = "REV", conflicts_with = "check")]
    pub against: Option<String>,
    /// Overwrite files that were edited, or that somebody else wrote
    #[arg(long, conflicts_with_all = ["check", "against"])]
    pub force: bool,
    /// What `${release.version}` is
    #[arg(long)]
    pub version: Option<Version>,
    /// JSON file with the digest of each service's image, as in `{"web": "sha256:..."}`
    #[arg(long, value_name = "FILE")]
    pub images: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct LockArgs {
    /// Ask the registries and GitHub what each tag means today
    #[arg(long)]
    pub update: bool,
    /// Write nothing; fail if something that is needed has no pin
    #[arg(long, conflicts_with = "update")]
    pub check: bool,
}

fn kind(text: &str) -> Result<Kind, String> {
    text.parse().map_err(|error| {
        let known: Vec<&str> = Kind::ALL.iter().map(|it| it.as_str()).collect();
        format!("{error}; these are: {}", known.join(", "))
    })
}

#[derive(Debug, Args)]
pub struct BuildArgs {
    pub environment: Option<EnvironmentName>,
    /// Service whose image is made; without it, all (can be repeated)
    #[arg(long = "service", value_name = "NAME")]
    pub services: Vec<ServiceName>,
    /// What to call the version; without it, the time
    #[arg(long)]
    pub version: Option<Version>,
    /// Send the images to their registries
    #[arg(long)]
    pub push: bool,
    /// Build anew what is there already, and take nothing from earlier builds
    #[arg(long)]
    pub no_cache: bool,
    /// Platform to build for, such as `linux/arm64`; without it, what the spec says (can be repeated)
    #[arg(long = "platform", value_name = "PLATFORM")]
    pub platforms: Vec<String>,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    pub environment: Option<EnvironmentName>,
    /// What to call the version; without it, the time
    #[arg(long)]
    pub version: Option<Version>,
    /// Image that a service is released with, whatever else is said of it (can be repeated)
    #[arg(long = "image", value_name = "SERVICE=IMAGE")]
    pub images: Vec<ImageArg>,
}

#[derive(Debug, Args)]
pub struct AdoptArgs {
    pub environment: Option<EnvironmentName>,
    /// What to call the version that runs; without it, what its pods or the tag of its image say
    #[arg(long)]
    pub version: Option<Version>,
    /// Take it over; without it, only show what would be taken over
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct DeployArgs {
    pub environment: Option<EnvironmentName>,
    /// What to call the version; without it, the time
    #[arg(long)]
    pub version: Option<Version>,
    /// Image that a service is released with, whatever else is said of it (can be repeated)
    #[arg(long = "image", value_name = "SERVICE=IMAGE")]
    pub images: Vec<ImageArg>,
    /// Release although the environment is frozen; the reason stays with the release
    #[arg(long, value_name = "REASON")]
    pub despite_freeze: Option<String>,
    /// Return when the release is queued
    #[arg(long)]
    pub detach: bool,
}

/// `web=registry.example.org/shop/web:1.2`.
#[derive(Clone, Debug)]
pub struct ImageArg {
    pub service: ServiceName,
    pub image: NamedImage,
}

#[derive(Clone, Debug)]
pub enum NamedImage {
    Reference(Reference),
    /// `sha256:...`, of an image that one engine has and no registry.
    Id(Digest),
}

impl std::str::FromStr for ImageArg {
    type Err = String;

    fn from_str(text: &str) -> Result<ImageArg, String> {
        let (service, reference) = text.split_once('=').ok_or("write it as `web=repository:tag`")?;
        let service = service.parse().map_err(|it: lockgate_model::InvalidName| it.to_string())?;
        let image = reference.parse().map_err(|it: lockgate_images::BadReference| it.to_string())?;
        Ok(ImageArg { service, image })
    }
}

impl std::str::FromStr for NamedImage {
    type Err = lockgate_images::BadReference;

    fn from_str(text: &str) -> Result<NamedImage, lockgate_images::BadReference> {
        match Digest::try_from(text.to_owned()) {
            Ok(id) => Ok(NamedImage::Id(id)),
            Err(_) => text.parse().map(NamedImage::Reference),
        }
    }
}

#[derive(Debug, Args)]
pub struct HistoryArgs {
    pub environment: Option<EnvironmentName>,
    /// How many releases to list
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
    /// Show the journal of one release
    #[arg(long, value_name = "RELEASE")]
    pub release: Option<ReleaseId>,
}

#[derive(Debug, Args)]
pub struct LogsArgs {
    pub service: ServiceName,
    #[arg(long, value_name = "NAME")]
    pub env: Option<EnvironmentName>,
    /// How many lines of each instance
    #[arg(short = 'n', long, default_value_t = 50)]
    pub lines: u32,
}

#[derive(Debug, Args)]
pub struct AbortArgs {
    pub environment: Option<EnvironmentName>,
    /// Why, for the record
    #[arg(long, default_value = "asked by an operator")]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    pub environment: Option<EnvironmentName>,
    /// The version or release to go back to; without it, the one before
    #[arg(long, value_name = "VERSION|RELEASE")]
    pub to: Option<String>,
    /// Return when the rollback is queued
    #[arg(long)]
    pub detach: bool,
}

#[derive(Debug, Args)]
pub struct ResolveArgs {
    pub environment: EnvironmentName,
    /// The attempt, as `status` names it
    pub key: String,
    #[arg(value_enum)]
    pub outcome: Resolution,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Resolution {
    Succeeded,
    Failed,
}

#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Run the node of a state folder in the foreground
    Run {
        /// Serve Prometheus metrics here, as in `127.0.0.1:9464`
        #[arg(long, value_name = "ADDRESS")]
        metrics: Option<std::net::SocketAddr>,
    },
    /// Show the node, its instances and its routes
    Status,
    /// Stop the node and its instances
    Stop {
        /// Leave the instances running; the next node adopts them
        #[arg(long)]
        keep_instances: bool,
        /// Stop a release that is under way where it stands
        #[arg(long)]
        force: bool,
    },
    /// Start the node in the background if none runs, and print its socket (by ssh, for a remote host)
    #[command(hide = true)]
    Up,
    /// Run one recorded job (started by the node)
    #[command(hide = true)]
    Job {
        #[arg(long)]
        dir: PathBuf,
    },
    /// Run PostgreSQL migrations in sqlx's format (started by the node)
    #[command(hide = true)]
    SqlxMigrate {
        #[arg(long)]
        source: PathBuf,
    },
}
