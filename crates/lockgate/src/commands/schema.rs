//! `schema`: the language of the spec, for editors.

use crate::exit::Exit;
use crate::out::Out;

/// A schema is JSON whatever the format of other results.
pub fn schema(out: Out) -> Exit {
    out.json(&lockgate_spec::json_schema());
    Exit::Done
}
