//! One look at one service: what each of its pods and gateways has counted, and what could not be read.

use std::collections::BTreeMap;

use kube::ResourceExt as _;
use lockgate_model::SlotRef;
use lockgate_model::metrics::{CALLS, REQUESTS};

use super::collected::Collected;
use super::families::Reading;
use super::ledger::{Look, PodLook, Teller};
use super::pods;
use super::preset::Preset;
use super::scrape::Page;
use super::seen::Seen;
use super::source::Source;
use super::whose::Whose;
use super::{Unread, is_ready};

pub(super) struct Looks<'a> {
    pub(super) seen: Seen<'a>,
    pub(super) of_slots: BTreeMap<SlotRef, Look>,
    pub(super) unread: Unread,
    /// When each counter was read, where that was before the look.
    pub(super) read_at: BTreeMap<String, f64>,
    pub(super) notes: Vec<String>,
    pub(super) source: Option<Source>,
}

impl<'a> Looks<'a> {
    /// The pods' condition, and no requests.
    fn of_condition(seen: Seen<'a>) -> Looks<'a> {
        let of_slots = seen.slots.iter().map(|slot| {
            let pods = slot.pods.iter().map(|pod| PodLook {
                name: Some(pod.name_any()),
                uid: pod.uid().unwrap_or_default(),
                crashes: pods::crashes(pod),
                ..PodLook::default()
            });
            (slot.slot.clone(), Look { pods: pods.collect() })
        });
        Looks {
            of_slots: of_slots.collect(),
            unread: Unread::new(),
            read_at: BTreeMap::new(),
            notes: Vec::new(),
            source: None,
            seen,
        }
    }

    /// Nobody counts the requests, if there are any.
    pub(super) fn uncounted(seen: Seen<'a>) -> Looks<'a> {
        let mut looks = Looks::of_condition(seen);
        if looks.seen.takes_requests() && !looks.seen.has_no_pods() {
            looks.notes.push(format!(
                "the requests of {} are not counted: `metrics` does not say where it shows them, and no gateway that is \
                 known has counted any; only readiness and crashes are judged",
                looks.seen.service
            ));
        }
        looks
    }

    /// Whoever counts does not say.
    pub(super) fn dark(seen: Seen<'a>, why: &str) -> Looks<'a> {
        let mut looks = Looks::of_condition(seen);
        looks.unread = looks.seen.slots.iter().map(|it| it.slot.clone()).collect();
        looks.notes.push(format!("{} is not counted: {why}", looks.seen.service));
        looks
    }

    pub(super) fn of_pages(seen: Seen<'a>, mut pages: BTreeMap<String, Page>) -> Looks<'a> {
        let mut looks = Looks::of_condition(seen);
        looks.note_without_requests(&pages);
        looks.take(Teller::Pod, |_, uid| match pages.remove(uid)? {
            Page::Read(reading) => Some(Ok(reading)),
            Page::WithoutRequests => Some(Ok(Reading::default())),
            Page::Failed(why) => Some(Err(why)),
        });
        looks
    }

    pub(super) fn of_collected(preset: &Preset, seen: Seen<'a>, collected: Vec<Collected>) -> Looks<'a> {
        let mut looks = Looks::of_condition(seen);
        if preset.whose == Whose::Pod {
            let mut by_pod: BTreeMap<String, Collected> =
                collected.into_iter().map(|it| (it.counter.name.clone(), it)).collect();
            let mut read_at = BTreeMap::new();
            looks.take(Teller::PodEarlier, |name, uid| {
                let Some(found) = by_pod.remove(name) else {
                    return Some(Err("Prometheus has not read it yet".to_owned()));
                };
                if found.reading.is_ok() {
                    read_at.extend(found.read_at.map(|at| (uid.to_owned(), at)));
                }
                Some(found.reading)
            });
            looks.read_at = read_at;
        } else {
            for found in collected {
                looks.take_gateway(preset, found);
            }
        }
        looks
    }

    /// A slot with ready pods of which none can be read has no counts.
    fn take(&mut self, teller: Teller, mut read: impl FnMut(&str, &str) -> Option<Result<Reading, String>>) {
        for slot in &self.seen.slots {
            let look = self.of_slots.entry(slot.slot.clone()).or_default();
            let (mut failed, mut ready_read) = (Vec::new(), 0);
            for (pod, look) in slot.pods.iter().zip(&mut look.pods) {
                look.teller = teller;
                match read(&pod.name_any(), &look.uid) {
                    Some(Ok(reading)) => {
                        look.reading = Some(reading);
                        ready_read += usize::from(is_ready(pod));
                    }
                    Some(Err(why)) if is_ready(pod) => failed.push(format!("pod {}: {why}", pod.name_any())),
                    Some(Err(_)) | None => {}
                }
            }
            if !failed.is_empty() && ready_read == 0 {
                self.unread.insert(slot.slot.clone());
                let text = format!("the metrics of {} cannot be read: {}", slot.slot, failed.join("; "));
                self.notes.push(text);
            } else {
                self.notes.extend(failed.into_iter().map(|it| format!("{} is not counted: {it}", slot.slot)));
            }
        }
    }

    fn take_gateway(&mut self, preset: &Preset, found: Collected) {
        let Collected { counter, who, read_at, reading } = found;
        let Some(slot) = self.seen.slots.get(counter.slot) else { return };
        let reading = match reading {
            Ok(reading) => reading,
            Err(why) => {
                // A part of a gateway's counts is not all of them.
                self.unread.insert(slot.slot.clone());
                self.notes.push(format!("{} is not counted by {}: {why}", slot.slot, preset.name));
                return;
            }
        };
        let uid = format!("{who} {} {}", counter.name, slot.slot);
        self.read_at.extend(read_at.map(|at| (uid.clone(), at)));
        let name = preset.whose.knows_pods().then_some(counter.name);
        let pod = PodLook { name, uid, teller: Teller::Gateway, crashes: 0, reading: Some(reading) };
        self.of_slots.entry(slot.slot.clone()).or_default().pods.push(pod);
    }

    /// Only the condition of the pods is news.
    pub(super) fn forget_readings(&mut self) {
        let pods = self.of_slots.values_mut().flat_map(|it| &mut it.pods);
        pods.for_each(|it| it.reading = None);
    }

    fn note_without_requests(&mut self, pages: &BTreeMap<String, Page>) {
        let is_any_read = pages.values().any(|it| matches!(it, Page::Read(_)));
        let without = self.seen.slots.iter().flat_map(|it| &it.pods).find(|pod| {
            let page = pod.uid().and_then(|it| pages.get(&it));
            matches!(page, Some(Page::WithoutRequests))
        });
        if let (false, Some(pod)) = (is_any_read, without) {
            self.notes.push(format!(
                "no request of {} is counted: the metrics of pod {} have neither {REQUESTS} nor {CALLS}",
                self.seen.service,
                pod.name_any()
            ));
        }
    }
}
