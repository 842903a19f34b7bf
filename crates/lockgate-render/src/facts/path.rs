//! Paths from one place of the tree to another.

/// `deploy/docker/web/Dockerfile` seen from `deploy/compose/local`: `../../docker/web/Dockerfile`.
pub(crate) fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|it| !matches!(*it, "" | ".")).map(str::to_owned).collect()
    };
    let (from, to) = (parts(from), parts(to));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    let way: Vec<String> = up.chain(to[shared..].iter().cloned()).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_goes_up_and_down() {
        assert_eq!(relative("deploy/compose/local", "."), "../../..");
        assert_eq!(
            relative("apps/web", "deploy/docker/web/Dockerfile"),
            "../../deploy/docker/web/Dockerfile"
        );
        assert_eq!(relative(".", "a/b"), "a/b");
        assert_eq!(relative("a", "a"), ".");
    }
}
