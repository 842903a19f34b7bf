//! The `local` target: processes of this machine, run by the node of a state folder.

/// A client of the node that serves one state folder.
pub struct Local;
