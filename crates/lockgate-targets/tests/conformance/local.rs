//! What holds of the `local` target beyond the contract: nodes that die, instances that misbehave.

use std::time::{Duration, Instant};

use crate::suite::Platform as _;
use libtest_mimic::Trial;
use lockgate_model::{Health, Millis, ReleaseId, SmokeVia, Weights};
use lockgate_node::{FileStore, KeepInstances, NodeClient, NodeError, Place, start_node};
use lockgate_targets::{Class, Sighting, Target};
use rustix::process::Signal;

use crate::trial;
use crate::world::{World, eventually, fence, free_port, get, job, key, kill, lives, service, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "local: instances outlive a killed node, and the next one serves with the same processes",
            adopts,
        ),
        trial(
            "local: a node killed while it starts instances starts none twice and forgets none",
            killed_in_start,
        ),
        trial("local: an instance that ended while no node ran is started again", restarts_what_died),
        trial("local: a torn table falls back to the last good one", torn_table),
        trial("local: a client starts the node again in the middle of a request", node_dies_in_request),
        trial("local: a smoke check is not failed by the death of the node", node_dies_before_smoke),
        trial("local: a signal ends the node and leaves its instances", signal_keeps_instances),
        trial("local: the metrics page has the counts of instances and requests", metrics_page),
        trial("local: a stopped node leaves no process behind", no_orphans),
        trial("local: a node that was stopped brings back what is wanted", comes_back),
        trial("local: a second node of the same state folder is refused and names the first", one_node),
        trial("local: two starters at once reach one node", two_starters),
        trial("local: a version that is never ready fails with the probe's last answer", never_ready),
        trial("local: a version that crashes at start fails fast with its last lines", crash_loop),
        trial("local: a missing program is named at once", missing_program),
        trial("local: a crashed instance is started again and counted", restarts_crashed),
        trial("local: a port that is taken is named", port_taken),
        trial("local: an instance that ignores SIGTERM is killed with its children", ignores_sigterm),
        trial("local: children of an instance end with it", children_end),
        trial("local: a job's result survives the node", job_survives_node),
        trial("local: a job whose shim was killed is unknown, and is not run again", job_vanishes),
        trial("local: instances get their own environment and nothing of the node's", environment),
        trial("local: instances run from the files of their release", files),
        trial("local: a worker without ports is ready when it stays up", worker),
        trial("local: a path that is too long for a socket works all the same", long_path),
    ]
}

/// One slot with all the traffic.
async fn serving(world: &World, instances: u16) -> Vec<u32> {
    let target = world.client();
    target.ensure_slot(&fence(1), &key(1), &world.slot(1), instances).await.unwrap();
    target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    assert_eq!(world.get("/").await, Some((200, "r1".to_owned())));
    world.pids(1).await
}

async fn restart(world: &World) {
    start_node(&world.state(), &crate::this_program()).await.unwrap();
}

async fn adopts() {
    let world = World::new();
    let pids = serving(&world, 2).await;
    world.kill_node().await;
    assert!(pids.iter().all(|it| lives(*it)));
    restart(&world).await;
    assert_eq!(world.get("/").await, Some((200, "r1".to_owned())), "served from the first moment");
    assert_eq!(world.pids(1).await, pids);
    world.client().ensure_slot(&fence(3), &key(1), &world.slot(1), 2).await.unwrap();
    assert_eq!(world.pids(1).await, pids, "nothing was started twice");
    kill(pids[0], Signal::KILL);
    eventually("an adopted instance that ends is replaced", async || {
        let now = world.pids(1).await;
        now.len() == 2 && now[0] != pids[0]
    })
    .await;
}

/// Between intent, process and record there are moments of every kind; a spread of delays meets them.
async fn killed_in_start() {
    let world = World::new();
    restart(&world).await;
    for round in 0..10 {
        let node = world.status().await.pid;
        let (up, key_1) = (fence(2 * round + 1), key(1));
        let (target, slot) = (world.client(), world.slot(1));
        let killing = async {
            // Slow on purpose: the delay is the input of this test.
            tokio::time::sleep(Duration::from_millis(round * 3)).await;
            kill(node, Signal::KILL);
        };
        let (ready, ()) = tokio::join!(target.ensure_slot(&up, &key_1, &slot, 3), killing);
        ready.unwrap();
        // The kill may have come after the answer.
        restart(&world).await;
        assert_eq!((world.marked(), world.pids(1).await.len()), (3, 3), "round {round}");
        target.ensure_slot(&fence(2 * round + 2), &key(2), &slot, 0).await.unwrap();
        assert_eq!(world.marked(), 0, "round {round}");
    }
}

async fn restarts_what_died() {
    let world = World::new();
    let pids = serving(&world, 2).await;
    world.kill_node().await;
    kill(pids[1], Signal::KILL);
    restart(&world).await;
    world.client().ensure_slot(&fence(3), &key(1), &world.slot(1), 2).await.unwrap();
    let now = world.pids(1).await;
    assert_eq!((now.len(), now[0]), (2, pids[0]));
    assert!(lives(now[1]) && now[1] != pids[1]);
}

async fn torn_table() {
    let world = World::new();
    let pids = serving(&world, 1).await;
    world.kill_node().await;
    let table = Place::of(&world.state()).unwrap().table();
    let bytes = std::fs::read(&table).unwrap();
    std::fs::write(&table, &bytes[..bytes.len() / 2]).unwrap();
    restart(&world).await;
    let status = world.status().await;
    assert!(status.notes[0].contains("the one before it is in force"), "{:?}", status.notes);
    assert_eq!(world.pids(1).await, pids);
    world.client().set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    assert_eq!(world.get("/").await, Some((200, "r1".to_owned())));
}

async fn node_dies_in_request() {
    let world = World::new();
    let (go, marks) = (world.path("go"), world.path("marks"));
    let target = world.client();
    let job = job(&["wait-for", &go, &marks]);
    let (first, key_1) = (fence(1), key(1));
    let (report, ()) = tokio::join!(target.run_job(&first, &key_1, &job), async {
        eventually("the job runs", async || std::path::Path::new(&marks).exists()).await;
        world.kill_node().await;
        std::fs::write(&go, "").unwrap();
    });
    assert_eq!(report.unwrap().exit_code, Some(0));
    assert_eq!(std::fs::read_to_string(&marks).unwrap(), "ran\n");
}

async fn signal_keeps_instances() {
    let world = World::new();
    let pids = serving(&world, 2).await;
    let node = world.status().await.pid;
    kill(node, Signal::TERM);
    eventually("the node is gone", async || !lives(node)).await;
    assert!(pids.iter().all(|it| lives(*it)));
    restart(&world).await;
    assert_eq!(world.pids(1).await, pids);
}

async fn metrics_page() {
    let world = World::new();
    let port = free_port();
    let config = lockgate_node::NodeConfig {
        state_dir: world.state(),
        program: crate::this_program(),
        metrics_addr: Some(([127, 0, 0, 1], port).into()),
        docker: lockgate_node::usual_docker(),
        keyring: lockgate_node::Keyring::default(),
    };
    let node = tokio::spawn(lockgate_node::run(config));
    eventually("the node is up", async || NodeClient::connect(&world.state()).await.is_ok()).await;
    serving(&world, 1).await;
    let (status, page) = get(port, "/metrics").await.unwrap();
    assert_eq!(status, 200);
    let labels = "{system=\"shop\",environment=\"production\",service=\"web\",release=\"r1\"";
    for name in ["lockgate_node_instances_ready", "lockgate_node_crashes_total"] {
        assert!(page.contains(&format!("{name}{labels}")), "no {name} in:\n{page}");
    }
    assert!(page.contains(&format!("lockgate_weight{labels}")), "{page}");
    assert_eq!(get(port, "/healthz").await.unwrap().0, 200);
    world.node().await.stop(KeepInstances::No).await.unwrap();
    node.await.unwrap().unwrap();
    assert_eq!(world.marked(), 0);
}

async fn no_orphans() {
    let world = World::new();
    let target = world.client();
    target.ensure_slot(&fence(1), &key(1), &world.slot_in_mode(1, "with-child"), 2).await.unwrap();
    assert_eq!(world.marked(), 4);
    let node = world.status().await.pid;
    world.node().await.stop(KeepInstances::No).await.unwrap();
    eventually("all processes are gone", async || world.marked() == 0 && !lives(node)).await;
}

async fn comes_back() {
    let world = World::new();
    let before = serving(&world, 1).await;
    world.node().await.stop(KeepInstances::No).await.unwrap();
    restart(&world).await;
    world.client().ensure_slot(&fence(3), &key(1), &world.slot(1), 1).await.unwrap();
    assert_eq!(world.get("/").await, Some((200, "r1".to_owned())));
    assert_ne!(world.pids(1).await, before);
}

async fn one_node() {
    let world = World::new();
    restart(&world).await;
    let config = lockgate_node::NodeConfig {
        state_dir: world.state(),
        program: crate::this_program(),
        metrics_addr: None,
        docker: lockgate_node::usual_docker(),
        keyring: lockgate_node::Keyring::default(),
    };
    let refused = lockgate_node::run(config).await.unwrap_err();
    let pid = world.status().await.pid.to_string();
    assert!(matches!(&refused, NodeError::Taken { holder, .. } if *holder == pid), "{refused}");
}

async fn two_starters() {
    let world = World::new();
    let program = crate::this_program();
    let state = world.state();
    let (one, two) = tokio::join!(start_node(&state, &program), start_node(&state, &program));
    let (one, two) = (one.unwrap().status().await.unwrap(), two.unwrap().status().await.unwrap());
    assert_eq!(one.pid, two.pid);
}

async fn never_ready() {
    let world = World::new();
    let mut slot = world.slot_in_mode(1, "never-ready");
    let Health::Http { ready_within, .. } = &mut slot.health else { unreachable!() };
    *ready_within = Millis(700);
    let failed = world.client().ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap_err();
    assert_eq!(failed.class, Class::Fatal);
    for part in ["web@r1: 0 of 1 instances are ready after 700ms", "503", "service begins"] {
        assert!(failed.message.contains(part), "no `{part}` in: {failed}");
    }
}

async fn crash_loop() {
    let world = World::new();
    restart(&world).await;
    let begun = Instant::now();
    let slot = world.slot_in_mode(1, "crash-at-start");
    let failed = world.client().ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10), "long before the time to become ready is over");
    assert_eq!(failed.class, Class::Fatal);
    for part in ["3 times", "exited with status 7", "cannot connect to the database"] {
        assert!(failed.message.contains(part), "no `{part}` in: {failed}");
    }
    let samples = world.client().samples(&[service()]).await.unwrap();
    let counts = &samples.slots[&web(1)];
    assert!(3 <= counts.crashes && counts.last_crash.as_ref().unwrap().contains("status 7"));
    world.client().remove_slot(&fence(2), &key(2), &web(1)).await.unwrap();
}

async fn missing_program() {
    let world = World::new();
    for (command, part) in [("no-such-program", "no program `no-such-program`"), ("./nothing", "there is no")]
    {
        let mut slot = world.slot(1);
        slot.command = vec![command.to_owned()];
        let failed = world.client().ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap_err();
        assert_eq!(failed.class, Class::Fatal);
        assert!(failed.message.contains(part), "{failed}");
    }
    let file = world.path("plain.txt");
    std::fs::write(&file, "x").unwrap();
    let mut slot = world.slot(1);
    slot.command = vec![file];
    let failed = world.client().ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap_err();
    assert!(failed.message.contains("plain.txt is not executable"), "{failed}");
    assert!(world.client().observe().await.unwrap().services.is_empty(), "nothing is left of it");
}

async fn restarts_crashed() {
    let world = World::new();
    let before = serving(&world, 1).await;
    drop(world.get("/crash").await);
    eventually("another process serves", async || {
        world.pids(1).await != before && world.get("/").await.is_some_and(|it| it.0 == 200)
    })
    .await;
    let samples = world.client().samples(&[service()]).await.unwrap();
    let counts = &samples.slots[&web(1)];
    assert_eq!((counts.crashes, counts.ready, counts.wanted), (1, 1, 1));
    let said = counts.last_crash.as_ref().unwrap();
    assert!(said.contains("exited with status 3") && said.contains("told to crash"), "{said}");
}

async fn port_taken() {
    let world = World::new();
    let _holder = std::net::TcpListener::bind(("127.0.0.1", world.port)).unwrap();
    let failed = world.client().ensure_slot(&fence(1), &key(1), &world.slot(1), 1).await.unwrap_err();
    assert_eq!(failed.class, Class::Fatal);
    for part in [world.port.to_string().as_str(), "web", "http"] {
        assert!(failed.message.contains(part), "no `{part}` in: {failed}");
    }
    assert!(failed.hint.unwrap().contains("ss -ltnp"));
}

async fn ignores_sigterm() {
    let world = World::new();
    let mut slot = world.slot_in_mode(1, "ignores-sigterm");
    slot.stop.grace = Millis(300);
    let target = world.client();
    target.ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap();
    let pids = world.pids(1).await;
    target.remove_slot(&fence(2), &key(2), &web(1)).await.unwrap();
    assert!(!lives(pids[0]));
    let logs = target.logs(&web(1), 10).await.unwrap();
    assert!(logs.iter().any(|it| it.text == "told to stop"), "it was asked first: {logs:?}");
}

async fn children_end() {
    let world = World::new();
    let target = world.client();
    target.ensure_slot(&fence(1), &key(1), &world.slot_in_mode(1, "with-child"), 1).await.unwrap();
    assert_eq!(world.marked(), 2);
    target.ensure_slot(&fence(2), &key(2), &world.slot_in_mode(1, "with-child"), 0).await.unwrap();
    eventually("the child is gone", async || world.marked() == 0).await;
}

async fn job_survives_node() {
    let world = World::new();
    let (go, marks) = (world.path("go"), world.path("marks"));
    let job = job(&["wait-for", &go, &marks]);
    let target = world.client();
    let (first, key_1) = (fence(1), key(1));
    tokio::select! {
        report = target.run_job(&first, &key_1, &job) => panic!("{report:?}"),
        () = eventually("the job runs", async || std::path::Path::new(&marks).exists()) => (),
    }
    world.kill_node().await;
    std::fs::write(&go, "").unwrap();
    let report = world.client().run_job(&fence(1), &key(1), &job).await.unwrap();
    assert_eq!(report.exit_code, Some(0));
    world.kill_node().await;
    assert_eq!(world.client().look(&fence(1), &key(1)).await.unwrap(), Sighting::Done(report));
    assert_eq!(std::fs::read_to_string(&marks).unwrap(), "ran\n");
}

async fn job_vanishes() {
    let world = World::new();
    let (go, marks) = (world.path("go"), world.path("marks"));
    let target = world.client();
    let job = job(&["wait-for", &go, &marks]);
    let (first, key_1) = (fence(1), key(1));
    let (report, ()) = tokio::join!(target.run_job(&first, &key_1, &job), async {
        eventually("the job runs", async || std::path::Path::new(&marks).exists()).await;
        let dir = Place::of(&world.state()).unwrap().job(&key(1));
        kill(process_with(dir.to_str().unwrap()), Signal::KILL);
    });
    let vanished = report.unwrap_err();
    assert_eq!(vanished.class, Class::Ambiguous);
    let command = process_with(&marks);
    assert!(vanished.message.contains(&format!("runs still: process {command}")), "{vanished}");
    assert_eq!(target.look(&fence(1), &key(1)).await.unwrap(), Sighting::Unknown);
    let again = target.run_job(&fence(2), &key(1), &job).await.unwrap_err();
    assert_eq!(again.class, Class::Ambiguous);
    assert_eq!(std::fs::read_to_string(&marks).unwrap(), "ran\n");
    // The command itself goes on without its shim.
    kill(command, Signal::KILL);
}

/// The process that has this word in its command line.
fn process_with(word: &str) -> u32 {
    let pids =
        std::fs::read_dir("/proc").unwrap().filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok());
    let found = pids.into_iter().find(|pid: &u32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split(|&it| it == 0).any(|it| it == word.as_bytes())
    });
    found.unwrap()
}

async fn environment() {
    let world = World::new();
    let mut slot = world.slot(1);
    slot.env.insert("DATABASE_URL".to_owned(), "postgres://db".to_owned());
    let target = world.client();
    target.ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap();
    target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    let (_, text) = world.get("/env").await.unwrap();
    let env: std::collections::BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
    let expected = [
        ("DATABASE_URL", "postgres://db"),
        ("LOCKGATE_INSTANCE", "1"),
        ("LOCKGATE_RELEASE", "r1"),
        ("LOCKGATE_SERVICE", "web"),
        ("LOCKGATE_VERSION", "v1"),
    ];
    for (name, value) in expected {
        assert_eq!(env[name], value, "{name}");
    }
    assert_eq!(env["PORT"], env["HTTP_PORT"]);
    let port: u16 = env["PORT"].parse().unwrap();
    assert!((20_000..30_000).contains(&port));
    assert_eq!(get(port, "/").await.unwrap().1, "r1", "the instance itself listens there");
    let program = crate::this_program();
    assert!(env["PATH"].ends_with(program.parent().unwrap().to_str().unwrap()));
    let known = ["PATH", "HOME", "LANG", "TZ", "USER", "PORT", "HTTP_PORT", "DATABASE_URL"];
    let foreign: Vec<&String> =
        env.keys().filter(|it| !known.contains(&it.as_str()) && !it.starts_with("LOCKGATE_")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

async fn files() {
    let world = World::new();
    let app = world.path("app");
    std::fs::create_dir(&app).unwrap();
    std::fs::copy(crate::this_program(), format!("{app}/server")).unwrap();
    let store = FileStore::open(&Place::of(&world.state()).unwrap().files()).unwrap();
    let mut slot = world.slot(1);
    slot.files = Some(store.import(app.as_ref()).unwrap());
    slot.command = vec!["./server".to_owned(), "as-service".to_owned()];
    std::fs::remove_dir_all(&app).unwrap();
    let target = world.client();
    target.ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap();
    let pid = world.pids(1).await[0];
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    assert_eq!(cwd, Place::of(&world.state()).unwrap().checkout(&web(1)));
    target.remove_slot(&fence(2), &key(2), &web(1)).await.unwrap();
    assert!(!cwd.exists());
}

async fn worker() {
    let world = World::new();
    let mut slot = world.slot(1);
    slot.ports.clear();
    slot.health = Health::Uptime { ready_after: Millis(200) };
    let target = world.client();
    target.ensure_slot(&fence(1), &key(1), &slot, 1).await.unwrap();
    let observed = target.observe().await.unwrap();
    assert_eq!(observed.services[&service()].slots[&ReleaseId(1)].ready, 1);
    target.remove_slot(&fence(2), &key(2), &web(1)).await.unwrap();
    assert!(target.observe().await.unwrap().services.is_empty());
}

async fn long_path() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("a".repeat(60)).join("b".repeat(60));
    let node = start_node(&state, &crate::this_program()).await.unwrap();
    assert!(node.status().await.unwrap().slots.is_empty());
    assert!(std::fs::read_dir(state.join("node")).unwrap().all(|it| it.unwrap().file_name() != "node.sock"));
    node.stop(KeepInstances::No).await.unwrap();
}

async fn node_dies_before_smoke() {
    let world = World::new();
    let target = world.client();
    target.ensure_slot(&fence(1), &key(1), &world.slot(1), 1).await.unwrap();
    target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    world.kill_node().await;
    target.smoke(&world.smoke(SmokeVia::Route, "/of/r1")).await.unwrap();
}
