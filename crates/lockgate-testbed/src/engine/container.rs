//! A container of the test's own engine.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use super::Engine;

const HEALTHY_WITHIN: Duration = Duration::from_secs(90);

/// A container that runs; removed when it is dropped.
pub struct Container<'e> {
    pub(super) engine: &'e Engine,
    pub id: String,
}

impl Container<'_> {
    pub fn inspect(&self, template: &str) -> String {
        self.engine.run(["inspect", "--format", template, &self.id])
    }

    pub fn exec(&self, argv: &[&str]) -> String {
        self.engine.run(["exec", &self.id].iter().chain(argv))
    }

    /// Waits until the health check of its image says so.
    pub fn becomes_healthy(&self) {
        let mut events = self.engine.client();
        events.args(["events", "--format", "{{.Status}}", "--since", "0"]);
        events.args(["--filter", &format!("container={}", self.id), "--filter", "event=health_status"]);
        let mut events = events.args(["--filter", "event=die"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(events.stdout.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let first = receiver.recv_timeout(HEALTHY_WITHIN);
        events.kill().unwrap();
        events.wait().unwrap();
        drop(receiver);
        reader.join().unwrap();
        let said = || self.inspect("{{json .State}}") + &self.logs();
        assert_eq!(first.as_deref(), Ok("health_status: healthy"), "{}", said());
    }

    pub fn logs(&self) -> String {
        self.engine.logs(&self.id)
    }

    /// Asks it to stop, with the signal of its image; killing it is a failure.
    pub fn stops(&self) {
        self.engine.run(["stop", "--time", "20", &self.id]);
        assert_ne!(self.inspect("{{.State.ExitCode}}"), "137", "it had to be killed: {}", self.logs());
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.engine.run(["rm", "--force", &self.id]);
    }
}
