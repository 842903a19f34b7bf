//! The real PostgreSQL and Redis behind the service: are they there, and how many hits have they seen.

use std::io;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::config::SampleConfig;
use crate::redis::Redis;
use crate::worker::{JOBS, done_by};

/// A dependency that takes longer is as good as gone for a readiness check.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Eleven services with two slots of a few instances each stay below PostgreSQL's usual 100 connections.
const CONNECTIONS_MAX: u32 = 2;

pub(crate) struct Dependencies {
    postgres: Option<PgPool>,
    needs_migration: Option<i64>,
    redis: Option<Redis>,
}

impl Dependencies {
    pub(crate) fn new(config: &SampleConfig) -> io::Result<Dependencies> {
        let pool = |url: &String| {
            PgPoolOptions::new()
                .max_connections(CONNECTIONS_MAX)
                .acquire_timeout(ANSWER_WITHIN)
                .connect_lazy(url)
        };
        let postgres = config.database_url.as_ref().map(pool).transpose().map_err(io::Error::other)?;
        let redis = config.redis_url.as_deref().map(Redis::new).transpose()?;
        Ok(Dependencies { postgres, needs_migration: config.needs_migration, redis })
    }

    /// What does not answer, each with why.
    pub(crate) async fn failing(&self) -> Vec<(&'static str, String)> {
        let mut failing = Vec::new();
        if let Some(pool) = &self.postgres
            && let Err(error) = within(sqlx::query("SELECT 1").execute(pool)).await
        {
            failing.push(("postgres", error));
        }
        if let (Some(pool), Some(number)) = (&self.postgres, self.needs_migration)
            && let Err(error) = migrated(pool, number).await
        {
            failing.push(("migrations", error));
        }
        if let Some(redis) = &self.redis
            && let Err(error) = within(redis.ping()).await
        {
            failing.push(("redis", error));
        }
        failing
    }

    /// Leaves work for whoever takes it.
    pub(crate) async fn enqueue(&self) -> Result<(), String> {
        within(self.queue()?.push(JOBS, "job")).await
    }

    /// How many jobs the workers of a version have done.
    pub(crate) async fn done_by(&self, version: &str) -> Result<String, String> {
        within(self.queue()?.get(&done_by(version))).await
    }

    fn queue(&self) -> Result<&Redis, String> {
        self.redis.as_ref().ok_or_else(|| "REDIS_URL is not set".to_owned())
    }

    /// Counts one hit of a service; `None` when there is nothing to count in.
    pub(crate) async fn hit(&self, service: &str) -> Result<Option<u64>, String> {
        if let Some(redis) = &self.redis {
            within(redis.incr(&format!("hits:{service}"))).await?;
        }
        let Some(pool) = &self.postgres else { return Ok(None) };
        let upsert = "INSERT INTO hits (service, n) VALUES ($1, 1) \
                      ON CONFLICT (service) DO UPDATE SET n = hits.n + 1 RETURNING n";
        let hits: i64 = within(sqlx::query_scalar(upsert).bind(service).fetch_one(pool)).await?;
        Ok(u64::try_from(hits).ok())
    }

    pub(crate) async fn close(&self) {
        if let Some(pool) = &self.postgres {
            pool.close().await;
        }
    }
}

/// Of sqlx's own ledger.
async fn migrated(pool: &PgPool, number: i64) -> Result<(), String> {
    let look = "SELECT EXISTS (SELECT FROM _sqlx_migrations WHERE version = $1 AND success)";
    match within(sqlx::query_scalar::<_, bool>(look).bind(number).fetch_one(pool)).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("migration {number} is not applied")),
        Err(error) => Err(error),
    }
}

async fn within<T, E: std::fmt::Display>(work: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match tokio::time::timeout(ANSWER_WITHIN, work).await {
        Ok(done) => done.map_err(|it| it.to_string()),
        Err(_) => Err("did not answer within 1 s".to_owned()),
    }
}
