//! Releases: requested, queued, running, ended.

use lockgate_model::{EnvironmentName, ReleaseId, Scope, Snapshot, SystemName, Timestamp, Version};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::{Lease, Store, StoreError, from_json, to_i64, to_json, to_u64};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseKind {
    Deploy,
    Rollback,
    /// What others installed, taken over as it is. It has no plan and no journal, and no driver carries it out.
    Adopt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseState {
    /// Waits for the release that runs in its scope.
    Queued,
    Running,
    Ended,
    /// A newer request took its place in the queue.
    Superseded,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct NewRelease {
    pub scope: Scope,
    pub kind: ReleaseKind,
    pub snapshot: Snapshot,
    pub by: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct ReleaseRow {
    pub id: ReleaseId,
    pub scope: Scope,
    pub kind: ReleaseKind,
    pub version: Version,
    pub requested_at: Timestamp,
    pub requested_by: String,
    pub state: ReleaseState,
    /// How it ended, in the engine's words.
    pub outcome: Option<serde_json::Value>,
    pub ended_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, system, environment, kind, version, requested_at, requested_by, state, outcome, ended_at";

impl Store {
    /// Queues a release. Requests of its scope that still wait are superseded: only the newest matters.
    pub async fn request(&self, new: &NewRelease, now: Timestamp) -> Result<ReleaseId, StoreError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "UPDATE releases SET state = '\"superseded\"', ended_at = ?3
             WHERE system = ?1 AND environment = ?2 AND state = '\"queued\"'",
        )
        .bind(new.scope.system.as_str())
        .bind(new.scope.environment.as_str())
        .bind(to_i64(now.0))
        .execute(&mut *tx)
        .await?;
        let id = insert(&mut tx, new, ReleaseState::Queued, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Records that what is in place is being taken over, if the lease still holds: as a new release, or again as that
    /// of an attempt that was cut off.
    pub async fn take_over(
        &self,
        lease: &Lease,
        new: &NewRelease,
        now: Timestamp,
    ) -> Result<ReleaseId, StoreError> {
        let mut tx = self.write().await?;
        lease.check(&mut tx).await?;
        let begun: Option<i64> = sqlx::query_scalar(
            "UPDATE releases SET version = ?3, snapshot = ?4
             WHERE system = ?1 AND environment = ?2 AND kind = '\"adopt\"' AND state = '\"running\"' RETURNING id",
        )
        .bind(new.scope.system.as_str())
        .bind(new.scope.environment.as_str())
        .bind(new.snapshot.version.as_str())
        .bind(to_json(&new.snapshot))
        .fetch_optional(&mut *tx)
        .await?;
        let id = match begun {
            Some(id) => ReleaseId(to_u64(id)),
            None => insert(&mut tx, new, ReleaseState::Running, now).await?,
        };
        tx.commit().await?;
        Ok(id)
    }

    pub async fn release(&self, id: ReleaseId) -> Result<ReleaseRow, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM releases WHERE id = ?"));
        let row = sqlx::query(sql).bind(to_i64(id.0)).fetch_optional(&self.pool).await?;
        read(&row.ok_or(StoreError::NoRelease(id))?)
    }

    /// The releases of a scope, newest first, `limit` at most.
    pub async fn releases(&self, scope: &Scope, limit: u32) -> Result<Vec<ReleaseRow>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM releases WHERE system = ? AND environment = ? ORDER BY id DESC LIMIT ?"
        ));
        let rows = sqlx::query(sql)
            .bind(scope.system.as_str())
            .bind(scope.environment.as_str())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(read).collect()
    }

    /// The release that is under way in a scope, or else the one that is next.
    pub async fn next(&self, scope: &Scope) -> Result<Option<ReleaseRow>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM releases
             WHERE system = ? AND environment = ? AND state IN ('\"running\"', '\"queued\"')
             ORDER BY state = '\"running\"' DESC, id LIMIT 1"
        ));
        let row = sqlx::query(sql)
            .bind(scope.system.as_str())
            .bind(scope.environment.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Every system and environment that a release was ever requested for.
    pub async fn scopes(&self) -> Result<Vec<Scope>, StoreError> {
        let rows = sqlx::query(
            "SELECT system, environment, max(id) AS id FROM releases GROUP BY 1, 2 ORDER BY 1, 2",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_scope).collect()
    }

    pub async fn snapshot(&self, id: ReleaseId) -> Result<Snapshot, StoreError> {
        let text: Option<String> = sqlx::query_scalar("SELECT snapshot FROM releases WHERE id = ?")
            .bind(to_i64(id.0))
            .fetch_optional(&self.pool)
            .await?;
        from_json(&format!("the snapshot of {id}"), &text.ok_or(StoreError::NoRelease(id))?)
    }

    /// The plan as it was frozen when the release began.
    pub async fn plan<P: serde::de::DeserializeOwned>(&self, id: ReleaseId) -> Result<Option<P>, StoreError> {
        let text: Option<Option<String>> = sqlx::query_scalar("SELECT plan FROM releases WHERE id = ?")
            .bind(to_i64(id.0))
            .fetch_optional(&self.pool)
            .await?;
        let text = text.ok_or(StoreError::NoRelease(id))?;
        text.map(|it| from_json(&format!("the plan of {id}"), &it)).transpose()
    }

    /// Freezes the plan; from here on the release runs.
    pub async fn begin<P: Serialize>(&self, id: ReleaseId, plan: &P) -> Result<(), StoreError> {
        sqlx::query("UPDATE releases SET plan = ?, state = ? WHERE id = ? AND plan IS NULL")
            .bind(to_json(plan))
            .bind(to_json(&ReleaseState::Running))
            .bind(to_i64(id.0))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn end<O: Serialize>(
        &self,
        id: ReleaseId,
        outcome: &O,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE releases SET outcome = ?, state = ?, ended_at = ? WHERE id = ?")
            .bind(to_json(outcome))
            .bind(to_json(&ReleaseState::Ended))
            .bind(to_i64(now.0))
            .bind(to_i64(id.0))
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

async fn insert(
    tx: &mut Transaction<'static, Sqlite>,
    new: &NewRelease,
    state: ReleaseState,
    now: Timestamp,
) -> Result<ReleaseId, StoreError> {
    let id = sqlx::query(
        "INSERT INTO releases (system, environment, kind, version, requested_at, requested_by, state, snapshot)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(new.scope.system.as_str())
    .bind(new.scope.environment.as_str())
    .bind(to_json(&new.kind))
    .bind(new.snapshot.version.as_str())
    .bind(to_i64(now.0))
    .bind(&new.by)
    .bind(to_json(&state))
    .bind(to_json(&new.snapshot))
    .execute(&mut **tx)
    .await?
    .last_insert_rowid();
    Ok(ReleaseId(to_u64(id)))
}

fn read(row: &SqliteRow) -> Result<ReleaseRow, StoreError> {
    let id = ReleaseId(to_u64(row.try_get("id")?));
    let text = |column: &str| row.try_get::<String, _>(column);
    let scope = read_scope(row)?;
    let outcome: Option<String> = row.try_get("outcome")?;
    let ended_at: Option<i64> = row.try_get("ended_at")?;
    Ok(ReleaseRow {
        id,
        scope,
        kind: from_json("a release's kind", &text("kind")?)?,
        version: parse::<Version>(id, &text("version")?)?,
        requested_at: Timestamp(to_u64(row.try_get("requested_at")?)),
        requested_by: text("requested_by")?,
        state: from_json("a release's state", &text("state")?)?,
        outcome: outcome.map(|it| from_json("a release's outcome", &it)).transpose()?,
        ended_at: ended_at.map(|it| Timestamp(to_u64(it))),
    })
}

fn read_scope(row: &SqliteRow) -> Result<Scope, StoreError> {
    let id = ReleaseId(to_u64(row.try_get("id")?));
    Ok(Scope {
        system: parse::<SystemName>(id, &row.try_get::<String, _>("system")?)?,
        environment: parse::<EnvironmentName>(id, &row.try_get::<String, _>("environment")?)?,
    })
}

/// Names were valid when they were written; one that is not any more makes the row malformed.
fn parse<T: serde::de::DeserializeOwned>(id: ReleaseId, text: &str) -> Result<T, StoreError> {
    from_json(&format!("a name in {id}"), &to_json(&text))
}
