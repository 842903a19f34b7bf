//! The durable state of a state folder: releases, their journals, leases and operators' commands, in SQLite.
//!
//! Every write is one `BEGIN IMMEDIATE` transaction: a deferred one that upgrades fails at once with
//! `SQLITE_BUSY` whatever the busy timeout says.

mod commands;
mod journal;
mod lease;
mod releases;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Executor as _, Sqlite, Transaction};

pub use commands::{Command, PendingCommand};
pub use journal::{ChainBroken, JournalRow};
pub use lease::{GivenBack, Holder, Lease, LeaseError};
pub use releases::{NewRelease, ReleaseKind, ReleaseRow, ReleaseState};

/// Writers in other processes hold the lock for one transaction; this is far longer than any.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The form of the tables that this version reads and writes.
const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE releases (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    system       TEXT NOT NULL,
    environment  TEXT NOT NULL,
    kind         TEXT NOT NULL,
    version      TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    requested_by TEXT NOT NULL,
    state        TEXT NOT NULL,
    snapshot     TEXT NOT NULL,
    plan         TEXT,
    outcome      TEXT,
    ended_at     INTEGER
) STRICT;
CREATE INDEX releases_by_scope ON releases (system, environment, id);
CREATE TABLE journal (
    release INTEGER NOT NULL REFERENCES releases (id),
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    event   TEXT NOT NULL,
    prev    TEXT NOT NULL,
    hash    TEXT NOT NULL,
    PRIMARY KEY (release, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE leases (
    system       TEXT NOT NULL,
    environment  TEXT NOT NULL,
    epoch        INTEGER NOT NULL,
    holder       TEXT,
    heartbeat_at INTEGER NOT NULL,
    PRIMARY KEY (system, environment)
) STRICT;
CREATE TABLE commands (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    release  INTEGER NOT NULL REFERENCES releases (id),
    command  TEXT NOT NULL,
    by       TEXT NOT NULL,
    at       INTEGER NOT NULL,
    answer   TEXT
) STRICT;
PRAGMA user_version = 1;
";

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the state in {} cannot be opened", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: sqlx::Error,
    },
    #[error("the state in {} has format {found}, and this version of lockgate knows up to {SCHEMA_VERSION}; use a newer lockgate", path.display())]
    TooNew { path: PathBuf, found: i64 },
    #[error("the state cannot be read or written")]
    Database(#[from] sqlx::Error),
    #[error("{what} in the state does not read")]
    Malformed {
        what: String,
        #[source]
        source: serde_json::Error,
    },
    #[error(transparent)]
    Chain(#[from] ChainBroken),
    #[error("the lease of {scope} was taken over by another driver")]
    LeaseLost { scope: String },
    #[error("there is no release {0} in this state folder")]
    NoRelease(lockgate_model::ReleaseId),
}

#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the state, and makes it when it is not there.
    pub async fn open(path: &Path) -> Result<Store, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let failed = |source| StoreError::Open { path: path.to_owned(), source };
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.map_err(failed)?;
        let store = Store { pool };
        store.prepare(path).await?;
        Ok(store)
    }

    /// Makes the tables of a new state. One that is there is only read: looking at a release takes no lock.
    async fn prepare(&self, path: &Path) -> Result<(), StoreError> {
        let version = "PRAGMA user_version";
        let found: i64 = sqlx::query_scalar(version).fetch_one(&self.pool).await?;
        match found {
            SCHEMA_VERSION => return Ok(()),
            0 => (),
            found => return Err(StoreError::TooNew { path: path.to_owned(), found }),
        }
        let mut tx = self.write().await?;
        let found: i64 = sqlx::query_scalar(version).fetch_one(&mut *tx).await?;
        // Another process may have come first.
        if found == 0 {
            tx.execute(sqlx::raw_sql(SCHEMA)).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

fn from_json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Malformed { what: what.to_owned(), source })
}

fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("stored types serialise")
}

/// SQLite's integers are signed; times, ids and counts stay far below the limit.
fn to_i64(number: u64) -> i64 {
    i64::try_from(number).expect("times, ids and counts fit in 63 bits")
}

fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests;
