//! `check --fix`: safe fixes are applied round after round, until none is left.

use lockgate_diagnostics::{Source, codes};
use lockgate_model::{Code, Diagnostic};

use crate::args::Format;
use crate::context::Context;
use crate::out::{Out, style};
use crate::rewrite::{Change, painted};

/// A fix may bring to light what another one mends; more rounds than this are a circle.
const ROUNDS_MAX: usize = 10;

/// What says that a file cannot be read as it was meant.
const UNREADABLE: [Code; 5] =
    [codes::BAD_YAML, codes::LIMIT, codes::DUPLICATE_KEY, codes::SEVERAL_DOCUMENTS, codes::NO_ALIASES];

/// The spec as its fixes would have it.
pub struct Mended {
    pub context: Context,
    pub changes: Vec<Change>,
    pub titles: Vec<String>,
}

/// Nothing is written yet.
pub fn mend(mut context: Context) -> Mended {
    let before = context.sources().to_vec();
    let mut titles = vec![];
    for _ in 0..ROUNDS_MAX {
        let diagnostics = context.spec.check();
        let fixed = lockgate_diagnostics::fixed(context.sources(), &diagnostics);
        let texts = context.sources().iter().zip(fixed.texts);
        let sources: Vec<Source> =
            texts.map(|(source, text)| Source { name: source.name.clone(), text }).collect();
        if fixed.titles.is_empty() {
            break;
        }
        let next = Context::of(context.spec_path.clone(), sources, context.out);
        if unreadable(&diagnostics) < unreadable(&next.spec.check()) {
            context.out.warn(&format!(
                "{} the fixes do not go together, and these are left out: {}",
                style::paint(style::WARN, "warning:"),
                fixed.titles.join("; ")
            ));
            break;
        }
        titles.extend(fixed.titles);
        context = next;
    }
    let changes =
        before.into_iter().zip(context.sources()).filter(|(before, after)| before.text != after.text);
    let changes = changes.map(|(before, after)| Change {
        name: before.name,
        before: before.text,
        after: after.text.clone(),
    });
    Mended { changes: changes.collect(), titles, context }
}

fn unreadable(diagnostics: &[Diagnostic]) -> usize {
    diagnostics.iter().filter(|it| UNREADABLE.contains(&it.code)).count()
}

/// Says what is changed, on standard error.
pub fn tell(mended: &Mended, out: Out) {
    let diff: String = mended.changes.iter().map(Change::diff).collect();
    match out.format {
        Format::Human if mended.changes.is_empty() => out.note("nothing to fix by itself"),
        Format::Human => {
            out.warn(&painted(&diff));
            for title in &mended.titles {
                out.warn(&format!("{} {title}", style::paint(style::GOOD, "fixed:")));
            }
        }
        Format::Json => {
            let fixed = serde_json::json!({"fixed": {"titles": mended.titles, "diff": diff}});
            out.warn(&fixed.to_string());
        }
    }
}
