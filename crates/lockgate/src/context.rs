//! What every command starts from: where the spec is, and what it says.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lockgate_diagnostics::render::{self, Source};
use lockgate_model::{Diagnostic, EnvironmentName, Severity, System};
use lockgate_spec::{Beside, Facts, Spec};

use crate::args::{Format, Global};
use crate::findings;
use crate::out::Out;

/// What a spec is called when no other name is given.
const SPEC_NAME: &str = "lockgate.yaml";
/// A system has a file for each service at most, and fewer services than this.
const INCLUDES_MAX: usize = 300;

/// The spec as it stands on disk, with what is wrong with it.
pub struct Context {
    pub out: Out,
    pub spec_path: PathBuf,
    pub spec: Spec,
    pub diagnostics: Vec<Diagnostic>,
}

/// The spec has errors; they were shown.
#[derive(Debug, thiserror::Error)]
#[error("{0} cannot be used as it is")]
pub struct SpecHasErrors(String);

impl Context {
    pub fn load(global: &Global, out: Out) -> anyhow::Result<Context> {
        let spec_path = find_spec(global.file.as_deref())?;
        let mut sources = vec![read(&spec_path)?];
        sources.extend(included(&spec_path, &sources[0].text)?);
        Ok(Context::of(spec_path, sources, out))
    }

    /// The spec with the texts given, whatever is on disk.
    pub fn of(spec_path: PathBuf, sources: Vec<Source>, out: Out) -> Context {
        let folder = spec_path.parent().unwrap_or(Path::new("."));
        let (spec, diagnostics) = Spec::load(sources);
        let missing = spec.paths().into_iter().filter(|it| !folder.join(it).exists()).collect();
        Context { out, spec: spec.beside(Beside { missing }), spec_path, diagnostics }
    }

    /// The folder that paths of the spec are relative to.
    pub fn folder(&self) -> &Path {
        self.spec_path.parent().unwrap_or(Path::new("."))
    }

    /// The spec and the files that it includes.
    pub fn sources(&self) -> &[Source] {
        self.spec.sources()
    }

    /// The environment that was named, or the only one there is.
    pub fn environment(&self, named: Option<&EnvironmentName>) -> anyhow::Result<EnvironmentName> {
        self.refuse_errors(&self.diagnostics)?;
        let all = self.spec.environments();
        if let Some(named) = named {
            if all.contains(named) {
                return Ok(named.clone());
            }
            bail!(
                "there is no environment `{named}` in {}; it has {}",
                self.spec_path.display(),
                listed(&all)
            );
        }
        match all.as_slice() {
            [only] => Ok(only.clone()),
            [] => bail!(
                "{} has no environments; add `environments: {{local: {{target: local}}}}`",
                self.spec_path.display()
            ),
            _ => bail!("say which environment: {}", listed(&all)),
        }
    }

    /// The system as the environment sees it. Errors of the spec are shown and end the command.
    pub fn system(&self, environment: &EnvironmentName, facts: &Facts) -> anyhow::Result<System> {
        let (system, diagnostics) = self.spec.resolve(environment, facts);
        self.refuse_errors(&diagnostics)?;
        let warnings: Vec<Diagnostic> =
            diagnostics.into_iter().filter(|it| it.severity == Severity::Warning).collect();
        self.show(&warnings);
        self.some(system, environment)
    }

    /// For commands that look at many environments, whose warnings `check` shows.
    pub fn system_without_warnings(
        &self,
        environment: &EnvironmentName,
        facts: &Facts,
    ) -> anyhow::Result<System> {
        let (system, diagnostics) = self.spec.resolve(environment, facts);
        self.refuse_errors(&diagnostics)?;
        self.some(system, environment)
    }

    fn some(&self, system: Option<System>, environment: &EnvironmentName) -> anyhow::Result<System> {
        system.with_context(|| format!("{} has no system for `{environment}`", self.spec_path.display()))
    }

    fn refuse_errors(&self, diagnostics: &[Diagnostic]) -> anyhow::Result<()> {
        if diagnostics.iter().all(|it| it.severity != Severity::Error) {
            return Ok(());
        }
        self.show(diagnostics);
        Err(SpecHasErrors(display_path(&self.spec_path)).into())
    }

    /// Shows diagnostics on standard error.
    pub fn show(&self, diagnostics: &[Diagnostic]) {
        match self.out.format {
            Format::Human => findings::show(self.out, self.sources(), diagnostics),
            Format::Json if diagnostics.is_empty() => (),
            Format::Json => self.out.warn(&render::json(self.sources(), diagnostics)),
        }
    }
}

/// The files that a spec includes, in the order of its patterns and then of their names; each once, and not itself.
fn included(spec_path: &Path, text: &str) -> anyhow::Result<Vec<Source>> {
    let folder = spec_path.parent().unwrap_or(Path::new("."));
    let mut seen = BTreeSet::from([spec_path.to_owned()]);
    let mut paths: Vec<PathBuf> = vec![];
    for pattern in lockgate_spec::includes(text) {
        let parent = Path::new(&pattern).parent().unwrap_or(Path::new(""));
        // A folder that is not there is reported with the place of its pattern, like one without such files.
        let Ok(entries) = std::fs::read_dir(folder.join(parent)) else { continue };
        let mut found: Vec<PathBuf> = entries
            .filter_map(|it| Some(parent.join(it.ok()?.file_name())))
            .filter(|it| it.to_str().is_some_and(|it| lockgate_spec::fits(&pattern, it)))
            .collect();
        found.sort();
        paths.extend(found.into_iter().map(|it| folder.join(it)).filter(|it| seen.insert(it.clone())));
    }
    if INCLUDES_MAX < paths.len() {
        bail!("the spec includes {} files; at most {INCLUDES_MAX} are allowed", paths.len());
    }
    paths.iter().map(|it| read(it)).collect()
}

/// No spec is nearly as long; a device goes on for ever.
const BYTES_MAX: u64 = 64 << 20;

pub fn read(path: &Path) -> anyhow::Result<Source> {
    let mut bytes = vec![];
    File::open(path)
        .and_then(|it| it.take(BYTES_MAX).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        bail!("{}: this is UTF-16 text; save it as UTF-8", path.display());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|it| *it == b'\n').count();
        anyhow::anyhow!("line {line} of {} is not UTF-8 text; save the file as UTF-8", path.display())
    })?;
    Ok(Source { name: display_path(path), text })
}

pub fn find_spec(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        return std::path::absolute(named).with_context(|| format!("cannot resolve {}", named.display()));
    }
    let here = std::env::current_dir().context("cannot find the current folder")?;
    let found = here.ancestors().map(|it| it.join(SPEC_NAME)).find(|it| it.is_file());
    found.with_context(|| {
        format!(
            "there is no {SPEC_NAME} in {} or above it; write one (docs/guide/first-release.md), or name one with --file",
            here.display()
        )
    })
}

/// As short as the user would write it.
fn display_path(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

fn listed(names: &[EnvironmentName]) -> String {
    let names: Vec<String> = names.iter().map(|it| format!("`{it}`")).collect();
    names.join(", ")
}
