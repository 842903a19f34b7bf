//! A PostgreSQL server of a test's own, from the programs that the system has.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::world::{free_port, until};

pub struct Postgres {
    data: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    /// A database that is not up yet, on a port that is known already.
    pub fn prepare() -> Postgres {
        let data = tempfile::tempdir().unwrap();
        if let Some((uid, gid)) = other_user() {
            std::os::unix::fs::chown(data.path(), Some(uid), Some(gid)).unwrap();
        }
        let output = program("initdb")
            .args(["-U", "shop", "-A", "trust", "-E", "UTF8", "--locale", "C", "--no-sync", "-D"])
            .arg(data.path())
            .current_dir("/")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        Postgres { data, port: free_port(), server: None }
    }

    pub fn up(&mut self) {
        let options = ["fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories="];
        let mut command = program("postgres");
        command.arg("-D").arg(self.data.path()).args(["-p", &self.port.to_string()]);
        command.args(options.iter().flat_map(|it| ["-c", it]));
        let quiet = command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(quiet.spawn().unwrap());
        until("PostgreSQL to answer", || self.try_query("SELECT 1"));
    }

    pub fn url(&self) -> String {
        format!("postgres://shop@127.0.0.1:{}/postgres", self.port)
    }

    /// The answer of one statement: lines of columns apart by `|`.
    #[track_caller]
    pub fn query(&self, sql: &str) -> String {
        self.try_query(sql).unwrap_or_else(|| panic!("`{sql}` failed"))
    }

    fn try_query(&self, sql: &str) -> Option<String> {
        let output = Command::new(path_of("psql")).args(["-d", &self.url(), "-qtAc", sql]).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }
}

/// The server ends its own processes when it is told to be fast.
impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(kill_process(Pid::from_child(&server), Signal::INT).map_err(std::io::Error::from));
            drop(server.wait());
        }
    }
}

/// PostgreSQL refuses to run as root, so root runs it as somebody who may do nothing else.
fn program(name: &str) -> Command {
    let Some((uid, gid)) = other_user() else { return Command::new(path_of(name)) };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &uid.to_string(), "--regid", &gid.to_string(), "--clear-groups", "--"]);
    command.arg(path_of(name));
    command
}

fn other_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let account = |name: &str| {
        let line = accounts.lines().find(|it| it.starts_with(&format!("{name}:")))?;
        let fields: Vec<&str> = line.split(':').collect();
        Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
    };
    Some(account("postgres").or_else(|| account("nobody")).expect("every Unix has `nobody`"))
}

/// Debian keeps the programs in a folder for each version; the newest is taken.
fn path_of(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|it| it.path().join("bin").join(name)).filter(|it| it.is_file()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}
