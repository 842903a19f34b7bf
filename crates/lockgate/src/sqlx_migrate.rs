//! Runs PostgreSQL migrations in sqlx's format through sqlx's own migrator, so its ledger stays the one ledger.

use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr as _;
use std::time::Duration;

use lockgate_driver::JOB_FAILED_FOR_GOOD;
use sqlx::migrate::{Migrate as _, MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::out::Out;

/// A migration that waits for a lock makes everybody behind it wait too; it gives up and is tried again.
const LOCK_TIMEOUT: &str = "5s";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Ends with 0 when the schema is up to date, with [`JOB_FAILED_FOR_GOOD`] when another attempt would fail too,
/// and with 1 otherwise.
pub async fn run(source: &Path, database_url: Option<String>, out: Out) -> ExitCode {
    let Some(database_url) = database_url else {
        out.warn("DATABASE_URL is not set: let the migrations depend on a `postgres` dependency with a url");
        return ExitCode::from(JOB_FAILED_FOR_GOOD);
    };
    match migrate(source, &database_url, out).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out.warn(&describe(&error));
            ExitCode::from(if is_transient(&error) { 1 } else { JOB_FAILED_FOR_GOOD })
        }
    }
}

async fn migrate(source: &Path, database_url: &str, out: Out) -> Result<(), MigrateError> {
    let mut migrator = Migrator::new(source).await?;
    // After a rollback the database is ahead of the files; migrations that both versions work with allow that.
    migrator.set_ignore_missing(true);
    let options = PgConnectOptions::from_str(database_url)?
        .application_name("lockgate migrate")
        .options([("lock_timeout", LOCK_TIMEOUT)]);
    let connect = tokio::time::timeout(CONNECT_TIMEOUT, options.connect());
    let timed_out = |_| sqlx::Error::Io(std::io::Error::other("the database did not answer within 10 s"));
    let mut connection = connect.await.map_err(timed_out)??;
    end_with_this_process(&mut connection).await;

    let before = applied(&migrator, &mut connection).await?;
    migrator.run(&mut connection).await?;
    let after = applied(&migrator, &mut connection).await?;
    for migration in migrator.iter().filter(|it| after.contains(&it.version) && !before.contains(&it.version))
    {
        out.data(&format!("applied {} {}", migration.version, migration.description));
    }
    if after.len() == before.len() {
        out.data(&format!("nothing to apply: all {} migrations are applied", before.len()));
    }
    connection.close().await?;
    Ok(())
}

async fn applied(migrator: &Migrator, connection: &mut PgConnection) -> Result<Vec<i64>, MigrateError> {
    connection.ensure_migrations_table(&migrator.table_name).await?;
    let applied = connection.list_applied_migrations(&migrator.table_name).await?;
    Ok(applied.into_iter().map(|it| it.version).collect())
}

/// Without this, the server goes on with a statement whose client was killed, and commits it.
/// PostgreSQL knows the setting from version 14 on; an older one does without.
async fn end_with_this_process(connection: &mut PgConnection) {
    let set = sqlx::query("SET client_connection_check_interval = '500ms'").execute(connection).await;
    if let Err(error) = set {
        tracing::debug!(%error, "the server cannot notice that this process has died");
    }
}

/// SQLSTATE classes that pass by themselves: connection, resources, shutdown; locks, deadlocks, serialisation.
fn is_transient(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            ["08", "53", "57P"].iter().any(|it| code.starts_with(it))
                || ["40001", "40P01", "55P03"].contains(&code.as_ref())
        }
        _ => false,
    }
}

fn describe(error: &MigrateError) -> String {
    match error {
        MigrateError::ExecuteMigration(sqlx::Error::Database(database), version) => {
            let code = database.code().unwrap_or_default();
            format!("migration {version} failed: {} (SQLSTATE {code})", database.message())
        }
        MigrateError::VersionMismatch(version) => format!(
            "migration {version} was changed after it had been applied: restore the file and put the change into a new migration"
        ),
        other => other.to_string(),
    }
}
