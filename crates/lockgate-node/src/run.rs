//! The life of a node process.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockgate_docker::Keyring;
use lockgate_model::Timestamp;
use lockgate_proxy::ProxyConfig;
use tokio::signal::unix::{SignalKind, signal};

use crate::disk::Disk;
use crate::docker::Engines;
use crate::jobs::Jobs;
use crate::keeper::Keeper;
use crate::node::Node;
use crate::protocol::KeepInstances;
use crate::slot::Base;
use crate::{FileStore, NodeError, Place, Vault, adopt, logs, metrics, private_file, server};

/// A chatty instance writes a few megabytes in this time.
const ROTATE_EVERY: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct NodeConfig {
    pub state_dir: PathBuf,
    /// The lockgate binary: it runs jobs, and its folder ends the search path of instances.
    pub program: PathBuf,
    /// Where to serve `GET /metrics`, if anywhere.
    pub metrics_addr: Option<SocketAddr>,
    /// Where the Docker engine is, as in `DOCKER_HOST`, of environments that name none. It need not be there unless
    /// something is run by it.
    pub docker: String,
    /// Finds the credentials of the registries that the engine pulls from.
    pub keyring: Keyring,
}

/// Serves until a client stops the node or a signal ends it. A signal leaves the instances running.
pub async fn run(config: NodeConfig) -> Result<(), NodeError> {
    let place = Place::of(&config.state_dir)?;
    let lock = take_lock(&place)?;
    let listener = match config.metrics_addr {
        Some(address) => Some(metrics::listen(address).await?),
        None => None,
    };
    let node = Arc::new(open(&place, &config)?);
    adopt::take_up(&node).await;
    let socket = place.socket()?;
    let serving = server::listen(&socket)?;
    if let Some(listener) = listener {
        tokio::spawn(metrics::serve(Arc::clone(&node), listener));
    }
    tokio::spawn(rotate_logs(Arc::clone(&node)));
    tracing::info!(state = %place.state_dir().display(), socket = %socket.display(), "the node is up");
    tokio::select! {
        () = server::serve(Arc::clone(&node), serving) => (),
        () = ended_by_signal() => node.shut_down(KeepInstances::Yes).await,
    }
    if let Err(error) = fs::remove_file(&socket) {
        tracing::warn!(%error, "the socket stays");
    }
    tracing::info!("the node ends");
    drop(lock);
    Ok(())
}

fn open(place: &Place, config: &NodeConfig) -> Result<Node, NodeError> {
    let (keeper, note) = Keeper::open(Disk::at(place))?;
    let notes: Vec<String> = note.into_iter().collect();
    for note in &notes {
        tracing::warn!("{note}");
    }
    let store = FileStore::open(&place.files())?;
    let program = config.program.canonicalize().map_err(NodeError::file("find", &config.program))?;
    let vault = Vault::open(place)?;
    let engines = Arc::new(Engines::new(config.docker.clone(), config.keyring.clone(), place, &vault));
    let jobs = Jobs::new(place.clone(), program.clone(), store.clone(), vault.clone(), Arc::clone(&engines));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let started_at = Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let base = Base { place: place.clone(), node_id: place.node_id(), program, keeper, vault, engines };
    // A new one each time, for the counters begin at zero.
    let counter_epoch = format!("{}-{}", started_at.0, std::process::id());
    // Cookies of sticky sessions outlive the node.
    let cookie_key = private_file::key(&place.cookie_key())?;
    let proxy = ProxyConfig::new(counter_epoch, cookie_key);
    Ok(Node::new(Arc::new(base), proxy, store, jobs, started_at, notes))
}

/// Held for as long as the file is open, and let go by the kernel however the process ends.
fn take_lock(place: &Place) -> Result<File, NodeError> {
    let path = place.lock();
    let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = open.map_err(NodeError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => (),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(NodeError::file("read", &path))?;
            let holder = holder.trim().to_owned();
            return Err(NodeError::Taken { state_dir: place.state_dir().to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(NodeError::File { action: "lock", path, source }),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(NodeError::file("write", &path))?;
    Ok(file)
}

async fn ended_by_signal() {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt()];
    let [Ok(mut term), Ok(mut int)] = kinds.map(signal) else { return std::future::pending().await };
    // A terminal that closes is no reason to end.
    let hangup = signal(SignalKind::hangup());
    if let Err(error) = &hangup {
        tracing::warn!(%error, "the node ends when its terminal closes");
    }
    tokio::select! {
        _ = term.recv() => (),
        _ = int.recv() => (),
    }
}

async fn rotate_logs(node: Arc<Node>) {
    loop {
        tokio::time::sleep(ROTATE_EVERY).await;
        let table = node.base.keeper.now();
        for (_, _, row) in table.slots() {
            for path in logs::of_slot(&node.base.place, &row.spec.slot).values() {
                logs::rotate(path);
            }
        }
    }
}
