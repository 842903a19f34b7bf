//! The store against a real SQLite file.

use lockgate_model::{LocalTarget, ReleaseId, Scope, Snapshot, System, TargetKind, Timestamp};

use super::*;

struct Fixture {
    _dir: tempfile::TempDir,
    path: PathBuf,
    store: Store,
}

async fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let store = Store::open(&path).await.unwrap();
    Fixture { _dir: dir, path, store }
}

fn scope() -> Scope {
    Scope { system: "shop".parse().unwrap(), environment: "local".parse().unwrap() }
}

fn request(version: &str) -> NewRelease {
    let target = TargetKind::Local(LocalTarget { bind: [127, 0, 0, 1].into() });
    let system = System::new("shop".parse().unwrap(), "local".parse().unwrap(), target);
    let version = version.parse().unwrap();
    let snapshot = Snapshot::new(version, system);
    NewRelease { scope: scope(), kind: ReleaseKind::Deploy, snapshot, by: "ada".to_owned() }
}

fn row(seq: u64, event: &str) -> JournalRow {
    JournalRow { seq, at: Timestamp(1_000 + seq), event: event.to_owned() }
}

fn me() -> Holder {
    Holder::this_process().unwrap()
}

fn dead() -> Holder {
    Holder { started: 1, ..me() }
}

#[tokio::test]
async fn the_newest_waiting_request_supersedes_older_ones() {
    let Fixture { store, .. } = &fixture().await;
    let first = store.request(&request("v1"), Timestamp(1)).await.unwrap();
    store.begin(first, &"plan").await.unwrap();
    let second = store.request(&request("v2"), Timestamp(2)).await.unwrap();
    let third = store.request(&request("v3"), Timestamp(3)).await.unwrap();

    let states = [first, second, third].map(|id| async move { store.release(id).await.unwrap().state });
    let [first_state, second_state, third_state] = states;
    assert_eq!(first_state.await, ReleaseState::Running);
    assert_eq!(second_state.await, ReleaseState::Superseded);
    assert_eq!(third_state.await, ReleaseState::Queued);
    assert_eq!(store.next(&scope()).await.unwrap().unwrap().id, first);
    store.end(first, &"done", Timestamp(4)).await.unwrap();
    assert_eq!(store.next(&scope()).await.unwrap().unwrap().id, third);
}

#[tokio::test]
async fn a_dead_holder_does_not_block_and_a_living_one_does() {
    let Fixture { store, .. } = &fixture().await;
    let old = store.acquire(&scope(), &dead(), Timestamp(1)).await.unwrap();
    let new = store.acquire(&scope(), &me(), Timestamp(2)).await.unwrap();
    assert!(old.epoch < new.epoch);

    let parent = Holder { pid: 1, started: start_of(1), ..me() };
    assert!(matches!(store.acquire(&scope(), &parent, Timestamp(3)).await, Err(LeaseError::Held { .. })));
    let late = Timestamp(2 + 15_001);
    assert!(store.acquire(&scope(), &parent, late).await.is_ok(), "a silent holder is replaced");
}

#[tokio::test]
async fn an_attempt_to_take_over_is_repeated_under_its_number_and_is_in_place_once_done() {
    let Fixture { store, .. } = &fixture().await;
    let adopt = |version| NewRelease { kind: ReleaseKind::Adopt, ..request(version) };
    let lease = store.acquire(&scope(), &dead(), Timestamp(1)).await.unwrap();
    let first = store.take_over(&lease, &adopt("v1"), Timestamp(1)).await.unwrap();
    let lease = store.acquire(&scope(), &me(), Timestamp(2)).await.unwrap();
    let again = store.take_over(&lease, &adopt("v2"), Timestamp(2)).await.unwrap();
    assert_eq!(first, again);
    let next = store.next(&scope()).await.unwrap().unwrap();
    assert_eq!((next.id, next.kind, next.version.as_str()), (first, ReleaseKind::Adopt, "v2"));
    store.end(first, &"done", Timestamp(3)).await.unwrap();
    assert!(store.next(&scope()).await.unwrap().is_none());
    assert!(store.take_over(&lease, &adopt("v3"), Timestamp(4)).await.unwrap() > first);
    store.let_go(&lease).await.unwrap();
    assert!(matches!(
        store.take_over(&lease, &adopt("v4"), Timestamp(5)).await,
        Err(StoreError::LeaseLost { .. })
    ));
}

fn start_of(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_driver_that_lost_its_lease_cannot_append() {
    let Fixture { store, .. } = &fixture().await;
    let release = store.request(&request("v1"), Timestamp(1)).await.unwrap();
    let old = store.acquire(&scope(), &dead(), Timestamp(1)).await.unwrap();
    store.append(&old, release, &[row(0, "\"started\"")]).await.unwrap();
    let new = store.acquire(&scope(), &me(), Timestamp(2)).await.unwrap();

    let refused = store.append(&old, release, &[row(1, "\"late\"")]).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost { .. })));
    store.append(&new, release, &[row(1, "\"next\"")]).await.unwrap();
    let events: Vec<String> = store.journal(release).await.unwrap().into_iter().map(|it| it.event).collect();
    assert_eq!(events, ["\"started\"", "\"next\""]);
    assert_eq!(store.journal_since(release, Some(0)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_lease_is_not_given_back_while_a_release_waits() {
    let Fixture { store, .. } = &fixture().await;
    let lease = store.acquire(&scope(), &me(), Timestamp(1)).await.unwrap();
    let release = store.request(&request("v1"), Timestamp(1)).await.unwrap();
    assert_eq!(store.give_back(&lease).await.unwrap(), GivenBack::MoreToDo);
    store.end(release, &"done", Timestamp(2)).await.unwrap();
    assert_eq!(store.give_back(&lease).await.unwrap(), GivenBack::Free);
    assert_eq!(store.holder(&scope()).await.unwrap(), None);
}

#[tokio::test]
async fn a_changed_journal_is_found_out() {
    let Fixture { store, .. } = &fixture().await;
    let release = store.request(&request("v1"), Timestamp(1)).await.unwrap();
    let lease = store.acquire(&scope(), &me(), Timestamp(1)).await.unwrap();
    store.append(&lease, release, &[row(0, "\"a\""), row(1, "\"b\""), row(2, "\"c\"")]).await.unwrap();
    sqlx::query("UPDATE journal SET event = '\"x\"' WHERE seq = 1").execute(&store.pool).await.unwrap();

    let broken = store.journal(release).await.unwrap_err();
    assert!(matches!(broken, StoreError::Chain(ChainBroken { seq: 1, release: ReleaseId(1) })), "{broken}");
}

#[tokio::test]
async fn commands_are_answered_once() {
    let Fixture { store, .. } = &fixture().await;
    let release = store.request(&request("v1"), Timestamp(1)).await.unwrap();
    let id = store.command(release, &Command::Pause, "ada", Timestamp(2)).await.unwrap();
    assert_eq!(store.answer_of(id).await.unwrap(), None);
    let pending = store.pending_commands(release).await.unwrap();
    assert_eq!((pending[0].id, &pending[0].command, pending[0].by.as_str()), (id, &Command::Pause, "ada"));

    let refused = Err("nothing to pause".to_owned());
    store.answer(id, &refused).await.unwrap();
    assert_eq!(store.answer_of(id).await.unwrap(), Some(refused));
    assert!(store.pending_commands(release).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_state_of_a_newer_format_is_refused() {
    let Fixture { store, path, .. } = &fixture().await;
    sqlx::raw_sql("PRAGMA user_version = 99").execute(&store.pool).await.unwrap();
    let refused = Store::open(path).await.unwrap_err().to_string();
    assert!(refused.contains("format 99") && refused.contains("use a newer lockgate"), "{refused}");
}
