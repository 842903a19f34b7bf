//! What a program said and how it ended, for tests that ask for both.

use std::process::{Command, Output};

#[derive(Debug)]
pub struct Said {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

#[expect(clippy::return_self_not_must_use, reason = "an expectation that holds says no more")]
impl Said {
    pub fn by(command: &mut Command) -> Said {
        Said::of(&command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    pub fn of(output: &Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    #[track_caller]
    pub fn ended(self, code: i32) -> Said {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Everything it said, on both streams.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Said {
        assert!(self.all().contains(text), "it does not say `{text}`:\n{}", self.all());
        self
    }

    /// What it said on standard output, which must be one JSON value.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|it| panic!("no JSON ({it}): {self:?}"))
    }
}
