//! Migrations: who runs them, and how long they may take.

use lockgate_diagnostics::codes;
use lockgate_model::{Amount, Comparison, Diagnostic};

use super::retry;
use crate::language;
use crate::layers::Value;
use crate::leaf::measure;
use crate::lints::commands::{program, programs};
use crate::lints::replicas;
use crate::lints::shared::label;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for (name, service) in seen.tree.get("services").into_iter().flat_map(Value::entries) {
        let Some(command) = service.get("command") else { continue };
        if let Some(tool) = programs(command).iter().find_map(|it| migrates(it)) {
            report.extend(at_start(seen, name, command, tool));
        }
    }
    duration(seen, report);
}

/// Programs that change a database, with the words that tell them to. The words may have others between them.
const MIGRATE: &[(&str, &[&str])] = &[
    ("alembic", &["upgrade"]),
    ("artisan", &["migrate"]),
    ("atlas", &["migrate", "apply"]),
    ("dbmate", &["up"]),
    ("diesel", &["migration", "run"]),
    ("flask", &["db", "upgrade"]),
    ("flyway", &["migrate"]),
    ("goose", &["up"]),
    ("knex", &["migrate:latest"]),
    ("liquibase", &["update"]),
    ("manage.py", &["migrate"]),
    ("prisma", &["migrate", "deploy"]),
    ("rails", &["db:migrate"]),
    ("rake", &["db:migrate"]),
    ("sequelize", &["db:migrate"]),
    ("sequelize-cli", &["db:migrate"]),
    ("sqlx", &["migrate", "run"]),
    ("typeorm", &["migration:run"]),
];

/// Words that may stand before the program that does the work.
const WRAPPERS: &[&str] = &[
    "--", "-m", "-y", "bundle", "dlx", "exec", "npm", "npx", "php", "pipenv", "pnpm", "poetry", "python",
    "python3", "run", "uv", "yarn",
];

/// The tool, if this program migrates.
fn migrates(words: &[&str]) -> Option<&'static str> {
    let wraps = |it: &str| WRAPPERS.contains(&program(it)) || it.contains('=');
    let at = words.iter().position(|it| !wraps(it))?;
    let (tool, wanted) = MIGRATE.iter().find(|it| it.0 == program(words[at]))?;
    let mut rest = words[at + 1..].iter();
    wanted.iter().all(|wanted| rest.any(|it| it == wanted)).then_some(tool)
}

/// Each instance migrates when it starts, beside the others or beside the release.
fn at_start(seen: &Seen<'_>, name: &str, command: &Value, tool: &str) -> Option<Diagnostic> {
    let most = replicas::most(seen, name)?;
    let migrations = seen.tree.get("migrations");
    if most.number == 1 && migrations.is_none() {
        return None;
    }
    let message = match most.number {
        1 => format!("`{name}` migrates the database whenever it starts, and the release does so as well"),
        number => format!("each of {number} instances of `{name}` migrates the database when it starts"),
    };
    let mut diagnostic = Diagnostic::warning(codes::MIGRATES_AT_START, message)
        .label(command.place(), format!("{tool} is started here"));
    diagnostic = label(diagnostic, most.written.filter(|_| most.number != 1), "so many at once");
    if let Some(migrations) = migrations {
        diagnostic = diagnostic.label(migrations.key_span, "the release migrates here");
    }
    let known = language::TOOLS.iter().map(|it| it.0).find(|it| *it == named(tool));
    Some(match (migrations, known) {
        (Some(_), _) => diagnostic,
        (None, Some(known)) => diagnostic.help(format!(
            "let the release migrate, once and before anything new starts: `migrations: {{tool: {known}, in: {name}}}`"
        )),
        (None, None) => diagnostic
            .help("let the release migrate, once and before anything new starts: `migrations: {command: [...]}`"),
    }
    .help(format!("start `{name}` without it")))
}

/// What the language calls a tool.
fn named(tool: &str) -> &str {
    if tool == "manage.py" { "django" } else { tool }
}

/// Objectives and alerts that no migration can miss, because it is ended before.
fn duration(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let Some(migrations) = &seen.system.migrations else { return };
    let Some(slo) = seen.tree.at(&["slo", "migration_duration"]) else { return };
    let worst = retry::worst(&migrations.retry, migrations.timeout);
    for key in ["objective", "alert"] {
        let Some(written) = slo.get(key) else { continue };
        let Some(threshold) = written.read(measure::threshold) else { continue };
        let Amount::Duration(limit) = threshold.amount else { continue };
        let never = match threshold.comparison {
            Comparison::Less | Comparison::AtLeast => worst < limit,
            Comparison::AtMost | Comparison::More => worst <= limit,
            Comparison::Equal => false,
        };
        if !never {
            continue;
        }
        let says = if key == "alert" { "can never fire" } else { "can never be missed" };
        let message =
            format!("the {key} of `migration_duration` {says}: a migration has ended after {worst}");
        let mut diagnostic =
            Diagnostic::warning(codes::MIGRATION_TIME, message).label(written.place(), "beyond all attempts");
        let parts = [&["migrations", "timeout"][..], &["migrations", "retry"]];
        for (part, text) in parts.iter().zip(["time of an attempt", "attempts, and the waits between them"]) {
            diagnostic = label(diagnostic, seen.tree.at(part), text);
        }
        report.push(diagnostic.help(format!("name a time below {worst}, or let an attempt take longer")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_migrate_are_known_by_their_words() {
        let of = |text: &str| migrates(&text.split(' ').collect::<Vec<_>>());
        for (text, tool) in [
            ("npx prisma migrate deploy", Some("prisma")),
            ("./node_modules/.bin/prisma migrate deploy --schema a", Some("prisma")),
            ("python manage.py migrate --noinput", Some("manage.py")),
            ("DEBUG=1 alembic -c x.ini upgrade head", Some("alembic")),
            ("goose -dir db postgres up", Some("goose")),
            ("bundle exec rails db:migrate", Some("rails")),
            ("python manage.py runserver", None),
            ("node migrate.js deploy", None),
            ("npx prisma migrate status", None),
            ("echo alembic upgrade head", None),
            ("alembic", None),
            ("", None),
        ] {
            assert_eq!(of(text), tool, "{text}");
        }
    }
}
