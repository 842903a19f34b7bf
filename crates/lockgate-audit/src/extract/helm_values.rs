//! Values of Helm charts: images as `repository` and `tag`, and replica counts.

use crate::fact::Fact;
use crate::place::Word;
use crate::tree::Tree;

/// Looks into every map: charts nest their values as they like.
pub(crate) fn facts(tree: Tree<'_>) -> Vec<Fact> {
    let mut found = vec![];
    search("", tree, &mut found);
    found
}

fn search(name: &str, tree: Tree<'_>, found: &mut Vec<Fact>) {
    if let (Some(repository), Some(tag)) = (tree.str("repository"), tree.get("tag").and_then(Tree::word)) {
        let image = Word::new(format!("{repository}:{}", tag.text), tag.span);
        found.extend(Fact::image(&image));
    }
    if let Some(count) = tree.get("replicaCount")
        && let Some(number) = count.text().and_then(|it| it.parse().ok())
    {
        found.push(Fact::replicas(name, number, count.span()));
    }
    tree.entries().for_each(|(key, it)| search(&key.text, it, found));
}
