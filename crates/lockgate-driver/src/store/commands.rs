//! What operators ask of a release that runs. The driver reads it here, so an order outlives the one who gave it.

use lockgate_model::{ReleaseId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use super::{Store, StoreError, from_json, to_i64, to_json};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Abort {
        reason: String,
    },
    Pause,
    Resume,
    Promote,
    /// An operator says how an attempt ended that nobody saw.
    Resolve {
        key: String,
        succeeded: bool,
    },
}

#[derive(Clone, Debug)]
pub struct PendingCommand {
    pub id: i64,
    pub command: Command,
    pub by: String,
}

impl Store {
    /// Leaves an order for the driver; returns its number, to ask for the answer with.
    pub async fn command(
        &self,
        release: ReleaseId,
        command: &Command,
        by: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let done = sqlx::query("INSERT INTO commands (release, command, by, at) VALUES (?, ?, ?, ?)")
            .bind(to_i64(release.0))
            .bind(to_json(command))
            .bind(by)
            .bind(to_i64(now.0))
            .execute(&self.pool)
            .await?;
        Ok(done.last_insert_rowid())
    }

    /// Orders that the driver has not answered, oldest first.
    pub async fn pending_commands(&self, release: ReleaseId) -> Result<Vec<PendingCommand>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, command, by FROM commands WHERE release = ? AND answer IS NULL ORDER BY id",
        )
        .bind(to_i64(release.0))
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok(PendingCommand {
                id: row.try_get("id")?,
                command: from_json("a command", &row.try_get::<String, _>("command")?)?,
                by: row.try_get("by")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// `Ok` when it was carried out, `Err` with the reason when it was refused.
    pub async fn answer(&self, id: i64, answer: &Result<(), String>) -> Result<(), StoreError> {
        sqlx::query("UPDATE commands SET answer = ? WHERE id = ?")
            .bind(to_json(answer))
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What became of an order; `None` while the driver has not come to it.
    pub async fn answer_of(&self, id: i64) -> Result<Option<Result<(), String>>, StoreError> {
        let answer: Option<String> = sqlx::query_scalar("SELECT answer FROM commands WHERE id = ?")
            .bind(id)
            .fetch_one(&self.pool)
            .await?;
        answer.map(|it| from_json("an answer", &it)).transpose()
    }
}
