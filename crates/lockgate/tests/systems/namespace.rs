//! A namespace of the test's own, in the cluster that all share.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use lockgate_testbed::Cluster;

/// Gone with the test, and all that is in it.
pub(crate) struct Namespace<'c> {
    cluster: &'c Cluster,
    pub(crate) name: String,
}

impl Namespace<'_> {
    pub(crate) fn new<'c>(cluster: &'c Cluster, prefix: &str) -> Namespace<'c> {
        let namespace = Namespace { cluster, name: format!("{prefix}-{}", std::process::id()) };
        namespace.ask(&["create", "namespace", &namespace.name], "");
        namespace
    }

    pub(crate) fn apply(&self, objects: &str) {
        self.ask(&["--namespace", &self.name, "apply", "--filename", "-"], objects);
    }

    /// What kubectl answers within the namespace.
    #[track_caller]
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        self.ask(&[&["--namespace", &self.name], args].concat(), "")
    }

    #[track_caller]
    fn ask(&self, args: &[&str], input: &str) -> String {
        let Output { status, stdout, stderr } = self.output(args, input);
        assert!(status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    fn output(&self, args: &[&str], input: &str) -> Output {
        let program =
            lockgate_testbed::program("kubectl").expect("kubectl is on the path beside the cluster");
        let mut command = Command::new(program);
        command.arg("--kubeconfig").arg(&self.cluster.kubeconfig).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        drop(self.output(&["delete", "namespace", &self.name, "--wait=false"], ""));
    }
}
