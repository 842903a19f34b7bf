//! Migrations: who runs them, and what they do.

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use super::Context;

/// A start command that migrates first, for something that runs in several instances.
pub(crate) fn by_all(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    const MIGRATES: [&str; 5] =
        ["migrate deploy", "sqlx migrate run", "alembic upgrade", "manage.py migrate", "db:migrate"];
    for document in &context.facts.documents {
        let entry = document.prose.iter().find_map(|it| {
            let is_start = it.text().to_lowercase().starts_with("entrypoint");
            let code = it
                .codes
                .iter()
                .find(|it| MIGRATES.iter().any(|mark| it.text.contains(mark)) && it.text.contains("&&"));
            code.filter(|_| is_start)
        });
        let several = document.prose.iter().find(|it| {
            let text = it.text().to_lowercase();
            text.contains("replica count") || text.contains("replicas:")
        });
        let (Some(entry), Some(several)) = (entry, several) else { continue };
        report.push(
            Diagnostic::warning(
                codes::MIGRATED_BY_ALL,
                "every instance migrates the database when it starts",
            )
            .label(entry.span, "migrates, then serves")
            .label(several.span(), "more than one instance can be asked for")
            .help("run the migration once, as a job of its own before the rollout"),
        );
    }
}

/// `prisma migrate deploy` and a text that says it seeds.
pub(crate) fn seeds_nothing(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        for prose in &document.prose {
            let command = prose.codes.iter().find(|it| it.text.contains("prisma migrate deploy"));
            let text = prose.text();
            let seeds = ["is seeded", "are seeded", "seeds the"]
                .iter()
                .find_map(|it| text.find(it).map(|at| (at, it)));
            let (Some(command), Some((at, word))) = (command, seeds) else { continue };
            let has_seed = context.facts.commands_in(document.source).any(|it| it.line().contains("seed"));
            if has_seed {
                continue;
            }
            report.push(
                Diagnostic::warning(
                    codes::SEEDS_NOTHING,
                    "`prisma migrate deploy` applies migrations and seeds nothing",
                )
                .label(command.span, "no data comes from it")
                .label(prose.excerpt.span(at..at + word.len()), "data is expected")
                .help("run `prisma db seed` as well, where data is wanted"),
            );
        }
    }
}
