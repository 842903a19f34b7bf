//! What holds for every tree, whatever is in it.

mod common;

use common::{EXAMPLES, example, example_request};
use lockgate_render::render;

#[test]
fn the_same_input_gives_the_same_bytes_in_the_same_order() {
    for name in EXAMPLES {
        let mut request = example_request(name);
        let once = render(&request).unwrap();
        request.systems.reverse();
        assert_eq!(render(&request).unwrap(), once, "{name}");
    }
}

#[test]
fn every_file_is_text_that_ends_and_says_where_it_came_from() {
    for name in EXAMPLES {
        for artifact in example(name).artifacts {
            let (path, text) = (&artifact.path, &artifact.text);
            assert!(
                text.ends_with('\n') && !text.ends_with("\n\n"),
                "{name}: {path} ends with one line feed"
            );
            assert!(!text.contains('\r'), "{name}: {path} has carriage returns");
            assert!(!artifact.origin.is_empty(), "{name}: {path} came from nowhere");
            assert!(!path.starts_with('/') && !path.contains(".."), "{name}: {path}");
        }
    }
}
