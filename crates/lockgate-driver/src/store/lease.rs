//! Leases: at most one driver changes a scope at a time, and a dead one never blocks.

use lockgate_model::{Millis, Scope, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, Sqlite, Transaction};

use super::{Store, StoreError, from_json, to_i64, to_json, to_u64};

/// A holder that has not been heard of for this long may be replaced, alive or not; the epoch fences it off.
const LEASE_TTL: Millis = Millis::secs(15);

/// Which process holds a lease. A process id alone may be somebody else's by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    /// Start time of the process in clock ticks since boot.
    pub started: u64,
    pub boot_id: String,
}

impl Holder {
    pub fn this_process() -> std::io::Result<Holder> {
        let pid = std::process::id();
        let started =
            start_time(pid).ok_or_else(|| std::io::Error::other("/proc/self/stat does not read"))?;
        Ok(Holder { pid, started, boot_id: boot_id()? })
    }

    /// Whether that very process runs.
    pub fn is_alive(&self) -> bool {
        boot_id().is_ok_and(|it| it == self.boot_id) && start_time(self.pid) == Some(self.started)
    }
}

fn boot_id() -> std::io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// Field 22 of `/proc/<pid>/stat`, counted after the command name, which may hold spaces and brackets.
/// A zombie has no start time here: it will never act again.
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    #[error("process {} carries out a release of {scope}", holder.pid)]
    Held { scope: Scope, holder: Holder },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The right to change a scope, as long as nobody took a newer one.
#[derive(Clone, Debug)]
pub struct Lease {
    pub scope: Scope,
    pub epoch: u64,
}

impl Lease {
    pub(super) async fn check(&self, tx: &mut Transaction<'static, Sqlite>) -> Result<(), StoreError> {
        let epoch: Option<i64> = sqlx::query_scalar(
            "SELECT epoch FROM leases WHERE system = ? AND environment = ? AND holder IS NOT NULL",
        )
        .bind(self.scope.system.as_str())
        .bind(self.scope.environment.as_str())
        .fetch_optional(&mut **tx)
        .await?;
        match epoch {
            Some(epoch) if to_u64(epoch) == self.epoch => Ok(()),
            _ => Err(StoreError::LeaseLost { scope: self.scope.to_string() }),
        }
    }
}

impl Store {
    /// Takes the lease when it is free, when its holder is dead, or when its holder has gone silent.
    pub async fn acquire(&self, scope: &Scope, holder: &Holder, now: Timestamp) -> Result<Lease, LeaseError> {
        let mut tx = self.write().await?;
        let row = sqlx::query(
            "SELECT epoch, holder, heartbeat_at FROM leases WHERE system = ? AND environment = ?",
        )
        .bind(scope.system.as_str())
        .bind(scope.environment.as_str())
        .fetch_optional(&mut *tx)
        .await
        .map_err(StoreError::from)?;
        let mut epoch = 0;
        if let Some(row) = row {
            epoch = to_u64(row.try_get("epoch").map_err(StoreError::from)?);
            let other: Option<String> = row.try_get("holder").map_err(StoreError::from)?;
            let heard = Timestamp(to_u64(row.try_get("heartbeat_at").map_err(StoreError::from)?));
            if let Some(other) = other {
                let other: Holder = from_json("the holder of a lease", &other)?;
                let silent = LEASE_TTL < now.since(heard);
                if other != *holder && other.is_alive() && !silent {
                    return Err(LeaseError::Held { scope: scope.clone(), holder: other });
                }
            }
        }
        epoch += 1;
        sqlx::query(
            "INSERT INTO leases (system, environment, epoch, holder, heartbeat_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET epoch = ?3, holder = ?4, heartbeat_at = ?5",
        )
        .bind(scope.system.as_str())
        .bind(scope.environment.as_str())
        .bind(to_i64(epoch))
        .bind(to_json(holder))
        .bind(to_i64(now.0))
        .execute(&mut *tx)
        .await
        .map_err(StoreError::from)?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Lease { scope: scope.clone(), epoch })
    }

    /// Says that the holder is still there.
    pub async fn heartbeat(&self, lease: &Lease, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        lease.check(&mut tx).await?;
        sqlx::query("UPDATE leases SET heartbeat_at = ? WHERE system = ? AND environment = ?")
            .bind(to_i64(now.0))
            .bind(lease.scope.system.as_str())
            .bind(lease.scope.environment.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives the lease back, unless a release of the scope waits that this driver has not seen.
    /// Whoever asks for a release and then finds the lease held can rely on its holder to carry it out.
    pub async fn give_back(&self, lease: &Lease) -> Result<GivenBack, StoreError> {
        let mut tx = self.write().await?;
        lease.check(&mut tx).await?;
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM releases
             WHERE system = ? AND environment = ? AND state IN ('\"running\"', '\"queued\"')",
        )
        .bind(lease.scope.system.as_str())
        .bind(lease.scope.environment.as_str())
        .fetch_one(&mut *tx)
        .await?;
        if 0 < waiting {
            return Ok(GivenBack::MoreToDo);
        }
        free(&mut tx, &lease.scope).await?;
        tx.commit().await?;
        Ok(GivenBack::Free)
    }

    /// Gives the lease back, whatever waits.
    pub async fn let_go(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        lease.check(&mut tx).await?;
        free(&mut tx, &lease.scope).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The process that carries out releases of a scope now.
    pub async fn holder(&self, scope: &Scope) -> Result<Option<Holder>, StoreError> {
        let holder: Option<Option<String>> =
            sqlx::query_scalar("SELECT holder FROM leases WHERE system = ? AND environment = ?")
                .bind(scope.system.as_str())
                .bind(scope.environment.as_str())
                .fetch_optional(&self.pool)
                .await?;
        let holder =
            holder.flatten().map(|it| from_json::<Holder>("the holder of a lease", &it)).transpose()?;
        Ok(holder.filter(Holder::is_alive))
    }
}

async fn free(tx: &mut Transaction<'static, Sqlite>, scope: &Scope) -> Result<(), StoreError> {
    sqlx::query("UPDATE leases SET holder = NULL WHERE system = ? AND environment = ?")
        .bind(scope.system.as_str())
        .bind(scope.environment.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenBack {
    Free,
    MoreToDo,
}
