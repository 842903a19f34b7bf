//! A release as the store has it: its plan, its journal, and the state that follows from them.

use lockgate_engine::{Entry, IllegalTransition, Plan, Release};
use lockgate_model::ReleaseId;

use crate::store::{JournalRow, Store, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("entry {seq} of the journal of {release} does not read; a newer lockgate may have written it")]
    Entry {
        release: ReleaseId,
        seq: u64,
        #[source]
        source: serde_json::Error,
    },
    #[error("the journal of {release} does not replay")]
    Replay {
        release: ReleaseId,
        #[source]
        source: IllegalTransition,
    },
}

/// Rebuilds a release from the store; `None` while it is not planned yet.
pub async fn load(store: &Store, id: ReleaseId) -> Result<Option<Release>, RecordError> {
    let Some(plan) = store.plan::<Plan>(id).await? else { return Ok(None) };
    let rows = store.journal(id).await?;
    let entries = rows.iter().map(|it| entry(id, it)).collect::<Result<Vec<_>, _>>()?;
    let release =
        Release::replay(plan, &entries).map_err(|source| RecordError::Replay { release: id, source })?;
    Ok(Some(release))
}

/// Takes the entries that were written since; returns them.
pub async fn follow(store: &Store, id: ReleaseId, release: &mut Release) -> Result<Vec<Entry>, RecordError> {
    let rows = store.journal_since(id, release.next_seq().checked_sub(1)).await?;
    let mut entries = vec![];
    for row in &rows {
        let entry = entry(id, row)?;
        release.apply(&entry).map_err(|source| RecordError::Replay { release: id, source })?;
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(release: ReleaseId, row: &JournalRow) -> Result<Entry, RecordError> {
    let event = serde_json::from_str(&row.event);
    let event = event.map_err(|source| RecordError::Entry { release, seq: row.seq, source })?;
    Ok(Entry { seq: row.seq, at: row.at, event })
}

pub(crate) fn row(entry: &Entry) -> JournalRow {
    let event = serde_json::to_string(&entry.event).expect("events serialise");
    JournalRow { seq: entry.seq, at: entry.at, event }
}
