//! The system that is released: two services, a migration, a canary with gates, in good versions and in bad ones.

use std::net::SocketAddr;
use std::path::Path;

use lockgate_testbed::{Image, program};

use crate::dice::Dice;
use crate::faults::pick;

pub(crate) const SERVICES: [&str; 2] = ["web", "api"];
pub(crate) const ENVIRONMENT: &str = "drill";

/// The port that a service listens on.
pub(crate) fn port(service: &str) -> u16 {
    8080 + u16::try_from(place(service)).expect("there are two")
}

pub(crate) fn place(service: &str) -> usize {
    SERVICES.iter().position(|it| *it == service).expect("it is one of the two")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    Good,
    /// Its image is in no registry.
    NoImage,
    CrashLoop,
    Errors,
    BadMigration,
}

impl Make {
    pub(crate) fn bad(dice: &mut Dice) -> Make {
        pick(dice, &[Make::NoImage, Make::CrashLoop, Make::Errors, Make::BadMigration])
    }

    /// Words of which a release of it has to say one when it is taken back.
    pub(crate) fn words(self) -> &'static [&'static str] {
        match self {
            Make::Good => &[],
            Make::NoImage => &["image", "manifest", "cannot pull"],
            Make::CrashLoop => &["crash", "exit code", "ended"],
            Make::Errors => &["error"],
            Make::BadMigration => &["the schema is locked"],
        }
    }

    /// Facts that the journal has of its release, where one of a good version has so many.
    pub(crate) fn facts(self, good: usize) -> usize {
        match self {
            Make::Good => good,
            Make::Errors => good / 2,
            Make::CrashLoop | Make::BadMigration => good / 4,
            // It ends with the first thing that is to run.
            Make::NoImage => good / 12,
        }
    }

    fn knob(self) -> &'static str {
        match self {
            Make::Good | Make::NoImage => "",
            Make::CrashLoop => ", SAMPLE_CRASH: at-start",
            Make::Errors => ", SAMPLE_ERROR_RATE: \"0.4\"",
            Make::BadMigration => ", MIGRATION: fails",
        }
    }
}

/// The sample service, and a shell for the migration.
pub(crate) fn image() -> Image {
    let mut image = Image::of_program(Path::new(env!("CARGO_BIN_EXE_lockgate")));
    image.add_program(&program("bash").expect("a machine that builds Lockgate has bash"));
    image.config.entrypoint = vec![];
    image
}

/// `target` is that of the environment; `reached` are the keys by which users reach a service.
pub(crate) fn spec(make: Make, ledger: SocketAddr, target: &str, reached: impl Fn(&str) -> String) -> String {
    let (bash, knob) = (program("bash").expect("it is in the image").display().to_string(), make.knob());
    let (host, port) = (ledger.ip(), ledger.port());
    let (web, api) = (reached("web"), reached("api"));
    format!(
        "lockgate: v1
system: shop
defaults:
  command: [/lockgate, sample]
  replicas: 2
  metrics: /metrics
  env: {{SAMPLE_VERSION: \"${{release.version}}\", LEDGER: /dev/tcp/{host}/{port}{knob}}}
  health: {{path: /health, interval: 1s, timeout: 2s, ready_within: 30s}}
  stop: {{drain: 3s, grace: 5s}}
  resources: {{requests: {{cpu: 5m, memory: 16Mi}}}}
services:
  web: {{image: \"shop/web:1\", {web}}}
  api: {{image: \"shop/web:1\", {api}}}
migrations:
  in: web
  timeout: 20s
  retry: {{attempts: 5, initial: 1s, max: 5s, factor: 2}}
  command:
    - {bash}
    - -c
    - |
      key=$LOCKGATE_EFFECT
      [ -n \"$key\" ] || key=$HOSTNAME
      say() {{ printf '%s\\n' \"$1 $SAMPLE_VERSION $key\" >&3 && read -rt 5 answer <&3; }}
      exec 3<>$LEDGER && say begin || {{ echo 'the database does not answer'; exit 1; }}
      read -rt 1 nothing <&3
      [ \"$MIGRATION\" != fails ] || {{ echo 'the schema is locked'; exit 1; }}
      say end
smoke: [{{get: /health, service: web}}]
slo:
  error_rate: {{objective: \"< 1%\", alert: \"> 3% for 30s\"}}
rollout:
  strategy: canary
  steps: [{{weight: 25%, pause: 2s}}, {{weight: 50%, pause: 2s}}, {{weight: 100%}}]
  bake: 1s
  analysis: {{tick: 500ms, warmup: 500ms, min_time: 1s, min_requests: 30, max_time: 3m, margin: {{ratio: 1.25, abs: 2%}}}}
environments:
  {ENVIRONMENT}: {{target: {target}}}
"
    )
}

/// An image that is in no registry stands for the one that was made.
pub(crate) fn missing_if(make: Make, image: String) -> String {
    if make != Make::NoImage {
        return image;
    }
    let (repository, _) = image.split_once("@sha256:").expect("it is named by its digest");
    format!("{repository}@sha256:{}", "0123456789abcdef".repeat(4))
}
