//! GitHub workflows: triggers, jobs and steps.

use lockgate_model::Span;

use crate::fact::Origin;
use crate::place::{Excerpt, Word};
use crate::tree::Tree;

#[derive(Clone, Debug)]
pub(crate) struct Workflow {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) jobs: Vec<Job>,
    /// Only steps are shown: what is not here is elsewhere.
    pub(crate) is_part: bool,
    /// All that was written, for expressions anywhere in it.
    pub(crate) expressions: Vec<Word>,
}

#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    pub(crate) event: Word,
    pub(crate) branches: Vec<String>,
    pub(crate) paths: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: Word,
    pub(crate) runs_on: String,
    pub(crate) services: Vec<Word>,
    pub(crate) has_container: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) id: Option<Word>,
    pub(crate) name: Option<Word>,
    pub(crate) uses: Option<Word>,
    pub(crate) with: Vec<(Word, Option<Word>)>,
    pub(crate) run: Option<Excerpt>,
    pub(crate) span: Span,
}

impl Workflow {
    pub(crate) fn read(name: &str, origin: Origin, tree: Tree<'_>) -> Workflow {
        let jobs = tree.get("jobs").into_iter().flat_map(Tree::entries);
        let mut expressions = vec![];
        collect(tree, &mut expressions);
        Workflow {
            name: name.to_owned(),
            origin,
            triggers: tree.get("on").map_or(vec![], triggers),
            jobs: jobs.map(|(id, it)| job(id, it)).collect(),
            is_part: false,
            expressions,
        }
    }

    /// A list of steps without a workflow around it.
    pub(crate) fn of_steps(name: &str, origin: Origin, tree: Tree<'_>) -> Workflow {
        let id = Word::new("", tree.span());
        let job = Job {
            id,
            runs_on: String::new(),
            services: vec![],
            has_container: false,
            steps: tree.items().map(step).collect(),
        };
        let mut expressions = vec![];
        collect(tree, &mut expressions);
        Workflow {
            name: name.to_owned(),
            origin,
            triggers: vec![],
            jobs: vec![job],
            is_part: true,
            expressions,
        }
    }

    /// Whether both are workflows of one repository, as far as one can see.
    pub(crate) fn belongs_with(&self, other: &Workflow) -> bool {
        let root = |it: &Workflow| it.name.split(".github/").next().map(str::to_owned);
        self.origin == other.origin && root(self) == root(other)
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = (&Job, &Step)> {
        self.jobs.iter().flat_map(|job| job.steps.iter().map(move |step| (job, step)))
    }
}

impl Job {
    pub(crate) fn uses(&self, action: &str) -> bool {
        self.steps.iter().any(|it| it.action() == Some(action))
    }
}

impl Step {
    /// The action without its version.
    pub(crate) fn action(&self) -> Option<&str> {
        self.uses.as_ref().map(|it| it.text.split('@').next().unwrap_or(""))
    }

    pub(crate) fn input(&self, name: &str) -> Option<&Word> {
        self.with.iter().find(|it| it.0.text == name).and_then(|it| it.1.as_ref())
    }

    pub(crate) fn title(&self) -> &str {
        self.name.as_ref().map_or("", |it| it.text.as_str())
    }

    /// Where to point at the step as a whole.
    pub(crate) fn place(&self) -> Span {
        self.name.as_ref().or(self.uses.as_ref()).map_or(self.span, |it| it.span)
    }
}

fn triggers(tree: Tree<'_>) -> Vec<Trigger> {
    let list = |tree: Tree<'_>, key: &str| {
        tree.get(key).map_or(vec![], Tree::words).into_iter().map(|it| it.text).collect()
    };
    let mut found: Vec<Trigger> =
        tree.words().into_iter().map(|event| Trigger { event, branches: vec![], paths: false }).collect();
    found.extend(tree.entries().map(|(event, it)| Trigger {
        event,
        branches: list(it, "branches"),
        paths: it.has("paths") || it.has("paths-ignore") || it.has("branches-ignore"),
    }));
    found
}

fn job(id: Word, tree: Tree<'_>) -> Job {
    let runs_on = tree.get("runs-on").map_or(vec![], Tree::words);
    Job {
        id,
        runs_on: runs_on.into_iter().map(|it| it.text).collect::<Vec<_>>().join(" "),
        services: tree.get("services").into_iter().flat_map(Tree::entries).map(|it| it.0).collect(),
        has_container: tree.has("container"),
        steps: tree.get("steps").into_iter().flat_map(Tree::items).map(step).collect(),
    }
}

fn step(tree: Tree<'_>) -> Step {
    let word = |key| tree.get(key).and_then(Tree::word);
    let pairs = |key: &str| {
        let entries = tree.get(key).into_iter().flat_map(Tree::entries);
        entries.map(|(name, it)| (name, it.word())).collect()
    };
    Step {
        id: word("id"),
        name: word("name"),
        uses: word("uses"),
        with: pairs("with"),
        run: tree.get("run").filter(|it| it.text().is_some()).map(Tree::script),
        span: tree.span(),
    }
}

/// Every single value that holds an expression.
fn collect(tree: Tree<'_>, found: &mut Vec<Word>) {
    if let Some(word) = tree.word()
        && word.text.contains("${{")
    {
        found.push(word);
    }
    tree.entries().for_each(|it| collect(it.1, found));
    tree.items().for_each(|it| collect(it, found));
}
