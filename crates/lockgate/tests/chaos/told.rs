//! A command that follows a release, and what it tells as it happens.

use std::io::{BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

pub(crate) enum Heard {
    /// An entry of the journal with this number, other than samples.
    Fact(u64),
    Nothing,
    /// It has closed its output.
    End,
}

pub(crate) struct Told {
    child: Child,
    heard: Receiver<u64>,
    warnings: JoinHandle<String>,
}

pub(crate) struct Ended {
    /// `None` when it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) warnings: String,
}

impl Told {
    /// A command that is told to speak JSON.
    pub(crate) fn start(mut command: Command) -> Told {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (to, heard) = channel();
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        std::thread::spawn(move || listen(BufReader::new(stdout), &to));
        let warnings = std::thread::spawn(move || {
            let mut text = Vec::new();
            drop(stderr.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        Told { child, heard, warnings }
    }

    pub(crate) fn hear(&self, within: Duration) -> Heard {
        match self.heard.recv_timeout(within) {
            Ok(seq) => Heard::Fact(seq),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::End,
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub(crate) fn end(mut self) -> Ended {
        let code = self.child.wait().unwrap().code();
        Ended { code, warnings: self.warnings.join().unwrap() }
    }
}

fn listen(stdout: impl std::io::BufRead, to: &Sender<u64>) {
    for line in stdout.lines().map_while(Result::ok) {
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        let is_sample = line["event"].get("sampled").is_some();
        if let Some(seq) = line["seq"].as_u64().filter(|_| !is_sample)
            && to.send(seq).is_err()
        {
            return;
        }
    }
}
