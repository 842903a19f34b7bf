//! Tables for people: no borders, aligned columns.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

pub fn new<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.map(str::to_uppercase));
    table
}
