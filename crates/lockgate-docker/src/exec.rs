//! Commands that are run inside a running container.

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures_util::StreamExt as _;

use crate::{Engine, EngineError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecAnswer {
    pub exit_code: i64,
    /// Both of its outputs, as far as they are kept.
    pub output: String,
}

/// The end of an output is told in errors; a command that prints for ever is still cut here.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

impl Engine {
    /// Runs a command to its end.
    pub async fn exec(&self, id: &str, command: &[String]) -> Result<ExecAnswer, EngineError> {
        let thing = format!("`{}` in container {id}", command.join(" "));
        let asked = self.asked("run", &thing);
        let client = self.client().await?;
        let options = CreateExecOptions {
            cmd: Some(command.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let made = client.create_exec(id, options).await.map_err(|it| asked.failed(it))?;
        let started = client.start_exec(&made.id, None::<StartExecOptions>).await;
        let mut bytes = vec![];
        if let StartExecResults::Attached { mut output, .. } = started.map_err(|it| asked.failed(it))? {
            while let Some(part) = output.next().await {
                match part.map_err(|it| asked.failed(it))? {
                    LogOutput::StdErr { message }
                    | LogOutput::StdOut { message }
                    | LogOutput::StdIn { message }
                    | LogOutput::Console { message } => bytes.extend_from_slice(&message),
                }
                bytes.truncate(OUTPUT_BYTES_MAX);
            }
        }
        let looked = client.inspect_exec(&made.id).await.map_err(|it| asked.failed(it))?;
        let output = String::from_utf8_lossy(&bytes).trim().to_owned();
        Ok(ExecAnswer { exit_code: looked.exit_code.unwrap_or(-1), output })
    }
}
