//! Writes the table so that a crash at any instant leaves a whole one, and reads the newest whole one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lockgate_model::Digest;

use crate::table::Table;
use crate::{NodeError, Place, private_file};

/// First word of the file. A node that finds another refuses the file rather than guess.
const MAGIC: &str = "lockgate-node-table-1";

pub(crate) struct Disk {
    table: PathBuf,
    previous: PathBuf,
}

/// A table as it was found, and what people should know about how.
pub(crate) struct Loaded {
    pub(crate) table: Table,
    pub(crate) note: Option<String>,
}

impl Disk {
    pub(crate) fn at(place: &Place) -> Disk {
        let table = place.table();
        Disk { previous: table.with_extension("previous.json"), table }
    }

    pub(crate) fn load(&self) -> Result<Loaded, NodeError> {
        let newest = read(&self.table);
        let reason = match newest {
            Ok(Some(table)) => return Ok(Loaded { table, note: None }),
            Ok(None) => "it is missing".to_owned(),
            Err(reason) => reason,
        };
        match read(&self.previous) {
            Ok(Some(table)) => {
                self.set_aside()?;
                let note = format!(
                    "the table {} could not be used ({reason}); the one before it is in force",
                    self.table.display()
                );
                Ok(Loaded { table, note: Some(note) })
            }
            Ok(None) if !self.table.exists() => Ok(Loaded { table: Table::default(), note: None }),
            Ok(None) | Err(_) => Err(NodeError::Damaged { path: self.table.clone(), reason }),
        }
    }

    /// Keeps the damaged file for whoever wants to know, out of the way of the next write.
    fn set_aside(&self) -> Result<(), NodeError> {
        match fs::rename(&self.table, self.table.with_extension("damaged.json")) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(NodeError::File { action: "set aside", path: self.table.clone(), source })
            }
            _ => Ok(()),
        }
    }

    /// Returns when the table is on disk. The table before it is kept as the fallback.
    pub(crate) fn write(&self, table: &Table) -> io::Result<()> {
        let body = serde_json::to_vec(table).expect("the table is plain data with text keys");
        let mut bytes = format!("{MAGIC} {}\n", Digest::of(&body)).into_bytes();
        bytes.extend(body);
        let fresh = private_file::written_beside(&self.table, &bytes)?;
        self.keep_previous()?;
        fs::rename(&fresh, &self.table)?;
        private_file::sync_folder(&self.table)
    }

    /// By a second name for the same file, so that the table's own name is never missing.
    fn keep_previous(&self) -> io::Result<()> {
        let second = self.table.with_extension("link.json");
        remove_if_there(&second)?;
        match fs::hard_link(&self.table, &second) {
            Ok(()) => fs::rename(&second, &self.previous),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// `Ok(None)` when there is no such file; an error says what is wrong with it.
fn read(path: &Path) -> Result<Option<Table>, String> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let end = bytes.iter().position(|&it| it == b'\n').ok_or("its first line is cut short")?;
    let (head, body) = (&bytes[..end], &bytes[end + 1..]);
    let expected = format!("{MAGIC} {}", Digest::of(body));
    if head != expected.as_bytes() {
        return Err("its checksum does not match".to_owned());
    }
    serde_json::from_slice(body).map(Some).map_err(|it| it.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        _dir: tempfile::TempDir,
        disk: Disk,
    }

    fn world() -> World {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(dir.path()).unwrap();
        World { disk: Disk::at(&place), _dir: dir }
    }

    fn table(epoch: u64) -> Table {
        let text = format!(
            r#"{{"scopes":[{{"scope":{{"system":"s","environment":"e"}},"epoch":{epoch},"seqs":{{}},"services":{{}}}}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn nothing_on_disk_is_an_empty_table() {
        assert_eq!(world().disk.load().unwrap().table, Table::default());
    }

    #[test]
    fn every_cut_of_the_newest_table_falls_back_to_the_one_before() {
        let world = world();
        world.disk.write(&table(1)).unwrap();
        world.disk.write(&table(2)).unwrap();
        let whole = fs::read(&world.disk.table).unwrap();
        for length in 0..whole.len() {
            fs::write(&world.disk.table, &whole[..length]).unwrap();
            let loaded = world.disk.load().unwrap();
            assert_eq!(loaded.table, table(1), "cut at {length}");
            assert!(loaded.note.is_some());
        }
        fs::write(&world.disk.table, &whole).unwrap();
        assert_eq!(world.disk.load().unwrap().table, table(2));
    }

    #[test]
    fn a_flipped_bit_is_found() {
        let world = world();
        world.disk.write(&table(1)).unwrap();
        world.disk.write(&table(2)).unwrap();
        let mut bytes = fs::read(&world.disk.table).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&world.disk.table, &bytes).unwrap();
        assert_eq!(world.disk.load().unwrap().table, table(1));
    }

    #[test]
    fn with_both_damaged_the_node_does_not_guess() {
        let world = world();
        world.disk.write(&table(1)).unwrap();
        world.disk.write(&table(2)).unwrap();
        fs::write(&world.disk.table, "x").unwrap();
        fs::write(&world.disk.previous, "y").unwrap();
        assert!(matches!(world.disk.load(), Err(NodeError::Damaged { .. })));
    }

    #[test]
    fn a_first_write_that_never_finished_is_an_empty_table() {
        let world = world();
        fs::write(world.disk.table.with_extension("new.json"), "torn").unwrap();
        assert_eq!(world.disk.load().unwrap().table, Table::default());
    }
}
