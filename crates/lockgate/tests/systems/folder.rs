//! A copy of an example with one more environment, and the real `lockgate` program in it.

use std::path::Path;
use std::process::{Command, Stdio};

use lockgate_testbed::Said;

pub(crate) struct Folder {
    dir: tempfile::TempDir,
    variables: Vec<(String, String)>,
    /// What every deploy says beside its version.
    images: Vec<String>,
}

impl Folder {
    /// The spec of the example with `environment`, the text of one more, at its end.
    pub(crate) fn of_example(name: &str, environment: &str) -> Folder {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let spec = std::fs::read_to_string(examples.join(name).join("lockgate.yaml")).unwrap();
        Folder::of_spec(&format!("{spec}{environment}"))
    }

    pub(crate) fn of_spec(text: &str) -> Folder {
        let dir = tempfile::Builder::new().prefix("system-").tempdir().unwrap();
        std::fs::write(dir.path().join("lockgate.yaml"), text).unwrap();
        let variables = vec![("USER".to_owned(), "tester".to_owned()), ("TZ".to_owned(), "UTC".to_owned())];
        Folder { dir, variables, images: vec![] }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, spec: &str) {
        std::fs::write(self.path().join("lockgate.yaml"), spec).unwrap();
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    /// These services run this image, whatever the spec builds.
    pub(crate) fn run_image<'a>(&mut self, services: impl IntoIterator<Item = &'a str>, image: &str) {
        self.images = services.into_iter().map(|it| format!("--image={it}={image}")).collect();
    }

    /// Changes the spec, which has to hold `part`.
    #[track_caller]
    pub(crate) fn edit(&self, part: &str, by: &str) {
        let text = std::fs::read_to_string(self.path().join("lockgate.yaml")).unwrap();
        assert!(text.contains(part), "the spec no longer has `{part}`");
        self.write(&text.replace(part, by));
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env_remove("LOCKGATE_STATE");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).output().unwrap())
    }

    #[track_caller]
    pub(crate) fn deploy(&self, environment: &str, version: &str) -> Said {
        let mut command = self.command(&["deploy", environment, "--version", version]);
        Said::of(&command.args(&self.images).output().unwrap())
    }
}

/// A node that was started ends with the test, and what it runs with it.
impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.command(&["node", "stop", "--force"]).output());
    }
}
