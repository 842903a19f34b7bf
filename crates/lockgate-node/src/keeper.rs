//! Holds the table: readers see the newest one that is on disk, writers change it one after the other.

use std::sync::{Arc, PoisonError, RwLock};

use crate::NodeError;
use crate::disk::Disk;
use crate::protocol::Failure;
use crate::table::Table;

pub(crate) struct Keeper {
    disk: Arc<Disk>,
    writer: tokio::sync::Mutex<()>,
    table: RwLock<Arc<Table>>,
}

impl Keeper {
    /// Also says what people should know about how the table was found.
    pub(crate) fn open(disk: Disk) -> Result<(Keeper, Option<String>), NodeError> {
        let loaded = disk.load()?;
        let table = RwLock::new(Arc::new(loaded.table));
        Ok((Keeper { disk: Arc::new(disk), writer: tokio::sync::Mutex::new(()), table }, loaded.note))
    }

    pub(crate) fn now(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the table, and returns when the change is on disk. A refused change changes nothing.
    pub(crate) async fn commit<T>(
        &self,
        change: impl FnOnce(&mut Table) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let _writer = self.writer.lock().await;
        let before = self.now();
        let mut after = Table::clone(&before);
        let answer = change(&mut after)?;
        if after == *before {
            return Ok(answer);
        }
        let (disk, after) = (Arc::clone(&self.disk), Arc::new(after));
        let written = Arc::clone(&after);
        let result = tokio::task::spawn_blocking(move || disk.write(&written)).await;
        match result {
            Ok(Ok(())) => (),
            Ok(Err(error)) => {
                return Err(Failure::transient(format!("the node's table cannot be written: {error}")));
            }
            Err(error) => {
                return Err(Failure::transient(format!("the node's table was not written: {error}")));
            }
        }
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = after;
        Ok(answer)
    }
}
