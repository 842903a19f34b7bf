//! The journal: append-only, hash-chained per release.

use lockgate_model::{Digest, ReleaseId, Timestamp};
use sqlx::Row as _;

use super::{Lease, Store, StoreError, to_i64, to_u64};

/// One journal entry as it is stored: `event` is the engine's, in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    pub seq: u64,
    pub at: Timestamp,
    pub event: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the journal of {release} was changed after it was written: entry {seq} does not follow from the one before"
)]
pub struct ChainBroken {
    pub release: ReleaseId,
    pub seq: u64,
}

/// What stands in `prev` of the first entry.
const CHAIN_START: &str = "";

/// Each entry's hash covers its content and the hash before it.
fn link(release: ReleaseId, row: &JournalRow, prev: &str) -> String {
    Digest::of_value(&(release, row.seq, row.at, &row.event, prev)).to_string()
}

impl Store {
    /// Appends entries in one transaction, if the lease still holds. Durable when it returns.
    pub async fn append(
        &self,
        lease: &Lease,
        release: ReleaseId,
        rows: &[JournalRow],
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        lease.check(&mut tx).await?;
        let last: Option<String> =
            sqlx::query_scalar("SELECT hash FROM journal WHERE release = ? ORDER BY seq DESC LIMIT 1")
                .bind(to_i64(release.0))
                .fetch_optional(&mut *tx)
                .await?;
        let mut prev = last.unwrap_or_else(|| CHAIN_START.to_owned());
        for row in rows {
            let hash = link(release, row, &prev);
            sqlx::query(
                "INSERT INTO journal (release, seq, at, event, prev, hash) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(to_i64(release.0))
            .bind(to_i64(row.seq))
            .bind(to_i64(row.at.0))
            .bind(&row.event)
            .bind(&prev)
            .bind(&hash)
            .execute(&mut *tx)
            .await?;
            prev = hash;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The whole journal of a release, its chain checked.
    pub async fn journal(&self, release: ReleaseId) -> Result<Vec<JournalRow>, StoreError> {
        let rows =
            sqlx::query("SELECT seq, at, event, prev, hash FROM journal WHERE release = ? ORDER BY seq")
                .bind(to_i64(release.0))
                .fetch_all(&self.pool)
                .await?;
        let mut prev = CHAIN_START.to_owned();
        let mut journal = Vec::with_capacity(rows.len());
        for row in rows {
            let entry = JournalRow {
                seq: to_u64(row.try_get("seq")?),
                at: Timestamp(to_u64(row.try_get("at")?)),
                event: row.try_get("event")?,
            };
            let hash: String = row.try_get("hash")?;
            if row.try_get::<String, _>("prev")? != prev || hash != link(release, &entry, &prev) {
                return Err(ChainBroken { release, seq: entry.seq }.into());
            }
            prev = hash;
            journal.push(entry);
        }
        Ok(journal)
    }

    /// Entries after `seq`, for a watcher that has seen the rest. The chain is not checked here.
    pub async fn journal_since(
        &self,
        release: ReleaseId,
        seq: Option<u64>,
    ) -> Result<Vec<JournalRow>, StoreError> {
        let rows =
            sqlx::query("SELECT seq, at, event FROM journal WHERE release = ? AND seq > ? ORDER BY seq")
                .bind(to_i64(release.0))
                .bind(seq.map_or(-1, to_i64))
                .fetch_all(&self.pool)
                .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok(JournalRow {
                seq: to_u64(row.try_get("seq")?),
                at: Timestamp(to_u64(row.try_get("at")?)),
                event: row.try_get("event")?,
            })
        };
        rows.iter().map(read).collect()
    }
}
