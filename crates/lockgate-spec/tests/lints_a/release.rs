//! Migrations, retries, and jobs.

use super::{LOCAL, NONE, WEB, lines};

#[test]
fn replicas_do_not_migrate() {
    let of = |keys: &str, command: &str, replicas: u16| {
        let web = format!("web: {{port: 8080, replicas: {replicas}, command: {command}}}");
        lines(keys, &web, LOCAL)
    };
    let migrate = "[sh, -ec, \"npx prisma migrate deploy && node main.js\"]";
    let three = "LG311 each of 3 instances of `web` migrates the database when it starts";
    assert_eq!(of("", migrate, 3), [three]);
    assert_eq!(of("", "[python, manage.py, migrate]", 3), [three]);
    assert_eq!(of("", migrate, 1), NONE);
    let beside = of("migrations: {command: [./migrate], in: web}", migrate, 1);
    assert_eq!(
        beside,
        ["LG311 `web` migrates the database whenever it starts, and the release does so as well"]
    );
    for command in [
        "[node, main.js, migrate, deploy]",
        "[sh, -c, \"echo prisma migrate deploy; node main.js\"]",
        "[python, manage.py, runserver]",
        "[./wait-for, alembic]",
    ] {
        assert_eq!(of("", command, 3), NONE, "{command}");
    }
    let scaled = "web: {port: 8080, autoscaling: {max: 4}, command: [alembic, upgrade, head]}";
    assert_eq!(
        lines("", scaled, LOCAL),
        ["LG311 each of 4 instances of `web` migrates the database when it starts"]
    );
}

#[test]
fn there_is_one_wait_fewer_than_attempts() {
    let of = |keys: &str| lines(keys, WEB, LOCAL);
    let retry = "retry: {attempts: 6, initial: 2s, max: 60s}";
    // 2 + 4 + 8 + 16 + 32 is 62 seconds; a sixth wait would make it 122.
    assert_eq!(of(&format!("migrations: {{command: [./m], timeout: 62s, {retry}}}")), NONE);
    let long = "6 attempts wait 1m2s in all, which is longer than the timeout of 1m1s";
    assert_eq!(
        of(&format!("migrations: {{command: [./m], timeout: 61s, {retry}}}")),
        [format!("LG303 {long}")]
    );
    assert_eq!(of(&format!("seeds: {{command: [./s], timeout: 61s, {retry}}}")), [format!("LG303 {long}")]);
}

#[test]
fn every_part_of_a_retry_has_an_effect() {
    let of = |retry: &str| lines(&format!("seeds: {{command: [./s], retry: {{{retry}}}}}"), WEB, LOCAL);
    for retry in
        ["attempts: 3", "attempts: 1", "attempts: 2, initial: 60s", "attempts: 5, initial: 5s, max: 5s"]
    {
        assert_eq!(of(retry), NONE, "{retry}");
    }
    let once = ["LG313 seeds are tried once, so there is nothing to wait for"];
    assert_eq!(of("initial: 5s"), once);
    assert_eq!(of("attempts: 1, max: 5s"), once);
    assert_eq!(of("attempts: 3, max: 1s"), ["LG313 no wait is longer than 1s, so none is 2s"]);
}

#[test]
fn what_is_watched_of_migrations_can_be_seen() {
    let of = |slo: &str| {
        let keys = format!(
            "migrations: {{command: [./m], timeout: 2m, retry: {{attempts: 2, initial: 10s}}}}\nslo: {{migration_duration: {{{slo}}}}}"
        );
        lines(&keys, WEB, LOCAL)
    };
    // Two attempts and one wait: 4 minutes and 10 seconds.
    assert_eq!(of("objective: \"< 60s\", alert: \"> 2m\""), NONE);
    assert_eq!(of("objective: \"< 4m10s\""), NONE);
    assert_eq!(of("alert: \"> 4m9s\""), NONE);
    let ended = "a migration has ended after 4m10s";
    assert_eq!(
        of("alert: \"> 4m10s\""),
        [format!("LG312 the alert of `migration_duration` can never fire: {ended}")]
    );
    assert_eq!(
        of("objective: \"< 5m\""),
        [format!("LG312 the objective of `migration_duration` can never be missed: {ended}")]
    );
    // Without migrations there is nothing to compare with.
    assert_eq!(lines("slo: {migration_duration: {alert: \"> 9h\"}}", WEB, LOCAL), NONE);
}
