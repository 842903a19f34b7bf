//! Journals as they were written once replay for ever, and end the same.
//!
//! The first line of a file is the plan, the last one the end; all between are entries.

use lockgate_engine::{End, Entry, Plan, Release};

const JOURNALS: [(&str, &str); 6] = [
    ("done-with-leftovers", include_str!("../journals/done-with-leftovers.jsonl")),
    ("held-promoted-and-aborted", include_str!("../journals/held-promoted-and-aborted.jsonl")),
    ("judged-and-rolled-back", include_str!("../journals/judged-and-rolled-back.jsonl")),
    ("rollback-done", include_str!("../journals/rollback-done.jsonl")),
    ("rolling-done", include_str!("../journals/rolling-done.jsonl")),
    ("stuck", include_str!("../journals/stuck.jsonl")),
];

#[test]
fn journals_that_were_written_once_replay_and_end_the_same() {
    for (name, text) in JOURNALS {
        let lines: Vec<&str> = text.lines().collect();
        let [plan, entries @ .., end] = &lines[..] else { panic!("{name}: it has a plan and an end") };
        let plan: Plan = serde_json::from_str(plan).unwrap_or_else(|it| panic!("{name}: {it}"));
        let entries: Vec<Entry> = entries.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
        let end: End = serde_json::from_str(end).unwrap();
        let release = Release::replay(plan, &entries).unwrap_or_else(|it| panic!("{name}: {it}"));
        // What an end says of a task may be put in other words later.
        let kind = release.ended().map(std::mem::discriminant);
        assert_eq!(kind, Some(std::mem::discriminant(&end)), "{name}");
        for (entry, line) in entries.iter().zip(&lines[1..]) {
            assert_eq!(serde_json::to_string(entry).unwrap(), *line, "{name}: it is written the same");
        }
    }
}
