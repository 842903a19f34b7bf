//! Schedules, time zones, freezes and migrations.

use super::{accepted, check, root, silent, tells};

fn cron(keys: &str) -> String {
    root(&format!("cron: {{job: {{command: [x], in: web, {keys}}}}}"))
}

fn schedule(written: &str) -> String {
    cron(&format!("schedule: \"{written}\""))
}

#[test]
fn schedules_have_five_fields() {
    for good in [
        "0 7 * * 1",
        "*/15 8-18 1,15 jan-jun mon-fri",
        "0 0 29 2 *",
        "0 0 31 1,4 *",
        "0  7\t* * 1",
        "0 0 1-31/10 * *",
    ] {
        accepted(&schedule(good));
    }
    for (written, words) in [
        ("", "has 0 fields"),
        ("@reboot", "nothing boots here"),
        ("@daily", "has 1 field"),
        ("* * * *", "has 4 fields"),
        ("0 0 * * * *", "has 6 fields"),
        ("60 * * * *", "`60` is no minute of a schedule"),
        ("0 24 * * *", "`24` is no hour of a schedule"),
        ("0 0 0 * *", "`0` is no day of the month"),
        ("0 0 32 * *", "`32` is no day of the month"),
        ("0 0 * 13 *", "`13` is no month"),
        ("0 0 * * 8", "`8` is no day of the week"),
        ("*/0 * * * *", "`*/0` is no minute"),
        ("5-1 * * * *", "`5-1` is no minute"),
        ("-1 * * * *", "`-1` is no minute"),
        ("1,,2 * * * *", "`1,,2` is no minute"),
        ("0 0 L * *", "`L` is no day of the month"),
        ("0 0 * * mon#1", "is no day of the week"),
        ("? * * * *", "`?` is no minute"),
        ("٣ * * * *", "is no minute"),
        ("99999999999 * * * *", "is no minute"),
    ] {
        tells(&schedule(written), "LG013", words);
    }
    tells(&cron("timezone: UTC"), "LG014", "`schedule` is missing");
}

#[test]
fn words_for_schedules_are_written_out() {
    let text = schedule("@weekly");
    let all = check(&text);
    assert_eq!(all[0].fix.as_ref().unwrap().edits[0].text, "\"0 0 * * 0\"");
    accepted(&lockgate_diagnostics::apply_fixes(&text, &all));
}

#[test]
fn schedules_name_days_that_come() {
    for never in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30,31 feb *", "0 0 31 4-6/2 *", "0 0 31 4 */2"] {
        tells(&schedule(never), "LG036", "the job would never run");
    }
    // Either of two days counts, so with a day of the week there is one each week.
    for some in ["0 0 30 2 1", "0 0 29 2 *", "0 0 31 */2 *", "0 0 31 * *"] {
        accepted(&schedule(some));
    }
}

#[test]
fn time_zones_are_those_of_places() {
    let of = |zone: &str| cron(&format!("schedule: \"0 1 * * *\", timezone: {zone}"));
    for zone in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1"] {
        silent(&of(zone), "LG039");
    }
    for zone in ["CET", "europe/berlin", "+02:00", "GMT+1", "\"\"", "\"Europe/\"", "Berlin", "Europe Berlin"]
    {
        tells(&of(zone), "LG013", "is no time zone");
    }
    tells(&of("Europe/Berln"), "LG039", "did you mean `Europe/Berlin`?");
    tells(&of("Mars/Olympus"), "LG039", "not in the time zone database");
    let freeze = root("rollout: {freeze: [{from: fri 16:00, to: mon 08:00, timezone: Asia/Tokio}]}");
    tells(&freeze, "LG039", "did you mean `Asia/Tokyo`?");
}

#[test]
fn freezes_begin_before_they_end() {
    let of = |from: &str, to: &str| root(&format!("rollout: {{freeze: [{{from: {from}, to: {to}}}]}}"));
    accepted(&of("fri 16:00", "mon 08:00"));
    accepted(&of("2026-12-20", "2027-01-02 08:00"));
    for from in ["fri", "friday 16:00", "fri 24:00", "2026-02-30", "26-01-01", "yesterday", "\"\"", "16:00"] {
        tells(&of(from, "mon 08:00"), "LG013", "is no moment");
    }
    tells(&of("mon 08:00", "mon 08:00"), "LG419", "a freeze ends when it begins");
    tells(&of("2026-12-20", "2026-12-01"), "LG419", "a freeze ends before it begins");
    tells(&of("fri 16:00", "2026-12-01"), "LG419", "begins every week and ends once");
}

#[test]
fn jobs_run_in_a_service_and_end() {
    tells(&cron("schedule: \"0 1 * * *\"").replace("in: web", "in: wbe"), "LG104", "did you mean `web`?");
    tells(&cron("schedule: \"0 1 * * *\", timeout: 0s"), "LG013", "at least `100ms` is wanted");
    tells(
        &cron("schedule: \"0 1 * * *\", concurrency: never"),
        "LG017",
        "use `allow`, `forbid` or `replace`",
    );
}

#[test]
fn migrations_say_what_and_where() {
    let of = |keys: &str| root(&format!("migrations: {{{keys}}}"));
    tells(&of("tool: sqlx"), "LG014", "`migrations` has no `source`");
    tells(&of("tool: sqlx, source: ../m"), "LG206", "`..` leads out of it");
    tells(&of("tool: sqlx, source: m"), "LG205", "no dependency is a database");
    tells(&of("tool: rails"), "LG017", "is not one of the allowed values");
    tells(&of("command: [x], in: web, tool: sqlx"), "LG302", "both `tool` and `command`");
    tells(&of("command: [x], in: web, timeout: 0s"), "LG013", "at least `100ms` is wanted");
    for attempts in ["0", "33", "-1", "1.5"] {
        tells(&of(&format!("command: [x], in: web, retry: {{attempts: {attempts}}}")), "LG013", "");
    }
    let missing = lockgate_spec::Spec::parse("lockgate.yaml", &of("tool: sqlx, source: m"));
    assert!(missing.0.paths().contains("m"), "whoever looks at the disk is told of the folder");
}
