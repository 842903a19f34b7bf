//! Task definitions of ECS: containers with their images and variables.

use crate::fact::Fact;
use crate::place::Word;
use crate::tree::Tree;

pub(crate) fn containers(tree: Tree<'_>) -> impl Iterator<Item = Tree<'_>> {
    tree.get("containerDefinitions").into_iter().flat_map(Tree::items)
}

/// Names of the variables under a key: `environment` or `secrets`.
pub(crate) fn names(container: Tree<'_>, key: &str) -> Vec<Word> {
    let items = container.get(key).into_iter().flat_map(Tree::items);
    items.filter_map(|it| it.get("name").and_then(Tree::word)).collect()
}

pub(crate) fn facts(tree: Tree<'_>) -> Vec<Fact> {
    let images = containers(tree).filter_map(|it| it.get("image").and_then(Tree::word));
    images.filter_map(|it| Fact::image(&it)).collect()
}
