//! A namespace for one test.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::{Cluster, program};

/// It goes with the value, and all that is in it.
#[derive(Debug)]
pub struct Namespace {
    pub cluster: Cluster,
    pub name: String,
}

impl Namespace {
    pub fn new(cluster: &Cluster, prefix: &str) -> Namespace {
        let cluster = cluster.clone();
        let namespace = Namespace { cluster, name: format!("{prefix}-{}", std::process::id()) };
        namespace.kubectl(&["create", "namespace", &namespace.name]);
        namespace
    }

    /// What `kubectl` printed, in this namespace, for one who may do everything.
    #[track_caller]
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.kubectl_with(args, "")
    }

    /// Creates or changes objects, written as YAML.
    #[track_caller]
    pub fn apply(&self, objects: &str) {
        self.kubectl_with(&["apply", "--filename", "-"], objects);
    }

    #[track_caller]
    fn kubectl_with(&self, args: &[&str], input: &str) -> String {
        let output = self.run(args, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn run(&self, args: &[&str], input: &str) -> Output {
        let program = program("kubectl").expect("kubectl is on the path beside the cluster");
        let mut command = Command::new(program);
        command.arg("--kubeconfig").arg(&self.cluster.kubeconfig).args(["--namespace", &self.name]);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().expect("it is piped").write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.run(&["delete", "namespace", "--wait=false", "--ignore-not-found", &self.name], ""));
    }
}
