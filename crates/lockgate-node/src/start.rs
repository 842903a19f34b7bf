//! Brings up the node of a state folder, for clients that find none.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;

use crate::place::private_dir;
use crate::{NodeClient, NodeError, Place, logs};

/// A node that adopts hundreds of instances answers in well under a second; a loaded machine gets ten.
const UP_WITHIN: Duration = Duration::from_secs(10);
/// Between looks at the socket.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A node that lost the race to one that was dying is started again; one that cannot start is not tried for ever.
const STARTS_MAX: u32 = 3;
/// Lines of the node's log that an error shows.
const TAIL_LINES: usize = 10;

/// Connects to the node of `state_dir`; starts `<program> node run --state DIR` in the background if there is
/// none. Two callers at once are safe: the second node finds the lock taken, and both callers reach the first.
pub async fn start_node(state_dir: &Path, program: &Path) -> Result<NodeClient, NodeError> {
    let place = Place::of(state_dir)?;
    match NodeClient::connect(state_dir).await {
        Err(NodeError::NotRunning { .. }) => (),
        other => return other,
    }
    let mut child = spawn(&place, program)?;
    let deadline = Instant::now() + UP_WITHIN;
    let mut starts = 1;
    let mut ended = false;
    loop {
        match NodeClient::connect(state_dir).await {
            Ok(client) => {
                reap(child);
                return Ok(client);
            }
            Err(NodeError::NotRunning { .. }) => (),
            Err(other) => return Err(other),
        }
        // A child that ended lost the race for the lock (then the winner answers soon) or could not start.
        let lost_race = ended && holder_lives(&place);
        let over = ended && !lost_race;
        if over && starts < STARTS_MAX {
            child = spawn(&place, program)?;
            starts += 1;
            ended = false;
        } else if over || deadline <= Instant::now() {
            let log = place.log();
            let tail = logs::tail(&log, TAIL_LINES).join("\n");
            let waited_s = UP_WITHIN.as_secs();
            return Err(NodeError::NotUp { state_dir: place.state_dir().to_owned(), waited_s, log, tail });
        }
        ended = ended || !matches!(child.try_wait(), Ok(None));
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn spawn(place: &Place, program: &Path) -> Result<tokio::process::Child, NodeError> {
    let log = place.log();
    private_dir(log.parent().unwrap_or(place.state_dir()))?;
    let open = std::fs::OpenOptions::new().create(true).append(true).open(&log);
    let out = open.map_err(NodeError::file("open the node's log", &log))?;
    let err = out.try_clone().map_err(NodeError::file("open the node's log", &log))?;
    Command::new(program)
        .args(["node", "run", "--state"])
        .arg(place.state_dir())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        // Ctrl-C at the terminal is for the command, not for the node.
        .process_group(0)
        .spawn()
        .map_err(|source| NodeError::Spawn { program: program.to_owned(), source })
}

/// The node outlives its starter; while the starter lives, it collects the node's exit so that no zombie stays.
fn reap(mut child: tokio::process::Child) {
    tokio::spawn(async move {
        if let Err(error) = child.wait().await {
            tracing::debug!(%error, "the node's exit was not seen");
        }
    });
}

fn holder_lives(place: &Place) -> bool {
    std::fs::File::open(place.lock()).is_ok_and(|it| it.try_lock_shared().is_err())
}
