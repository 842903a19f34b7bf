//! Why a node does not run or cannot be reached.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("{action} {}", path.display())]
    File {
        /// What was tried: `write`, `create folder`.
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another node (process {holder}) serves {}", state_dir.display())]
    Taken { state_dir: PathBuf, holder: String },
    #[error("listen on {address} for metrics")]
    Metrics {
        address: std::net::SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("the node's table {} and its predecessor are both damaged ({reason}); the node does not guess what should run", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("no node serves {}", state_dir.display())]
    NotRunning { state_dir: PathBuf },
    #[error("start {}", program.display())]
    Spawn {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the node of {} did not come up within {waited_s} s; its log {} ends with:\n{tail}", state_dir.display(), log.display())]
    NotUp { state_dir: PathBuf, waited_s: u64, log: PathBuf, tail: String },
    #[error("the socket folder {} belongs to somebody else or is open to others", path.display())]
    UnsafeSocketFolder { path: PathBuf },
    #[error(
        "the node speaks protocol {theirs}, this program {ours}; run `lockgate node stop --keep-instances` with the older program and try again"
    )]
    Protocol { ours: u32, theirs: u32 },
    #[error(transparent)]
    Files(#[from] crate::FilesError),
}

impl NodeError {
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> NodeError {
        let path = path.into();
        move |source| NodeError::File { action, path, source }
    }
}
