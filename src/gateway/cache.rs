// SPDX-License-Identifier: MIT
//! Answers of servers that still hold: a table with bounds, in which the oldest gives way.
//!
//! ```text
//! put ──> for everybody, or for one principal ──> get, until its time is over
//!                      │
//!                      └── a notification, the end of its backend: gone
//! ```
//!
//! It does not know who waits for what; requests under way are `flight`'s.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::snapshot::ServerId;
use crate::base::Message;
use crate::mcp::freshness::{Freshness, Kind, Question, Scope};
use crate::policy::auth::Principal;

/// What an entry takes beside its texts, roughly.
const ENTRY_BYTES: usize = 256;

/// The answers that are kept.
#[derive(Debug, Default)]
pub struct Cache {
    entries: BTreeMap<Place, Entry>,
    /// From the oldest entry to the youngest.
    ages: BTreeMap<u64, Place>,
    bytes: usize,
    n_made: u64,
}

/// Where an answer is kept: what was asked whom, and for whom; `None`: for everybody.
type Place = (ServerId, Question, Option<Principal>);

#[derive(Debug)]
struct Entry {
    result: Message,
    until: Instant,
    age: u64,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Answers; zero keeps nothing.
    pub entries: usize,
    /// Bytes of answers and questions, and what each takes beside them.
    pub bytes: usize,
}

impl Cache {
    /// The result that still holds for `who`, and for how long.
    #[must_use]
    pub fn get(
        &self,
        server: ServerId,
        question: &Question,
        who: Principal,
        now: Instant,
    ) -> Option<(&Message, Duration)> {
        let of = |holder: Option<Principal>| {
            let entry = self.entries.get(&(server, question.clone(), holder))?;
            let left = entry.until.checked_duration_since(now)?;
            // Less than what can be said is nothing.
            (left >= Duration::from_millis(1)).then_some((&entry.result, left))
        };
        of(Some(who)).or_else(|| of(None))
    }

    /// Keeps a complete result that was made for `who`; `true`: it is there. It is copied, since a
    /// slice would keep all of the message that it came in.
    pub fn put(
        &mut self,
        (server, question, who): (ServerId, Question, Principal),
        (result, freshness): (&[u8], Freshness),
        now: Instant,
        room: Room,
    ) -> bool {
        // The newest answer says what holds, also if it is for others than the last one.
        self.remove(&(server, question.clone(), None));
        self.remove(&(server, question.clone(), Some(who)));
        let bytes = size(&question, result);
        if freshness.ttl.is_zero() || bytes > room.bytes || room.entries == 0 {
            return false;
        }
        self.expire(now);
        while self.entries.len() >= room.entries || self.bytes + bytes > room.bytes {
            let Some((_, oldest)) = self.ages.pop_first() else { break };
            self.remove(&oldest);
        }
        let holder = (freshness.scope == Scope::Private).then_some(who);
        let place = (server, question, holder);
        let age = self.n_made;
        self.n_made += 1;
        self.bytes += bytes;
        self.ages.insert(age, place.clone());
        let entry = Entry { result: Message::copy_of(result), until: now + freshness.ttl, age };
        self.entries.insert(place, entry);
        true
    }

    /// Forgets what of `server` is `stale`, by its question.
    pub fn invalidate(&mut self, server: ServerId, mut stale: impl FnMut(&Question) -> bool) {
        let is_gone = |(of, question, _): &&Place| *of == server && stale(question);
        let gone: Vec<_> = self.entries.keys().filter(is_gone).cloned().collect();
        for place in gone {
            self.remove(&place);
        }
    }

    /// Forgets what does not hold any more.
    fn expire(&mut self, now: Instant) {
        let is_over = |(_, entry): &(&Place, &Entry)| entry.until <= now;
        let over: Vec<_> =
            self.entries.iter().filter(is_over).map(|(place, _)| place.clone()).collect();
        for place in over {
            self.remove(&place);
        }
    }

    fn remove(&mut self, place: &Place) {
        let Some(entry) = self.entries.remove(place) else { return };
        self.ages.remove(&entry.age);
        self.bytes -= size(&place.1, &entry.result);
    }

    /// How many answers are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is kept, in bytes as [`Room::bytes`] counts them.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

fn size(question: &Question, result: &[u8]) -> usize {
    ENTRY_BYTES + question.len() + result.len()
}

/// Whether an answer to `question` is another one after the notification `method` about `uri`.
#[must_use]
pub fn is_stale(question: &Question, method: &str, uri: Option<&str>) -> bool {
    let kind: Kind = question.kind;
    kind.is_changed_by(method, uri, question.subject.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVER: ServerId = ServerId(0);
    const ROOM: Room = Room { entries: 8, bytes: 8 * 1024 };

    fn ask(kind: Kind, subject: &str) -> Question {
        let subject = (!subject.is_empty()).then(|| subject.into());
        Question { kind, subject, capabilities: Box::default() }
    }

    fn fresh(ms: u64, scope: Scope) -> Freshness {
        Freshness { ttl: Duration::from_millis(ms), scope }
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    // Checklist 86.
    #[test]
    fn private_answers_are_for_one_principal_and_public_ones_for_all() {
        let (now, mut cache) = (Instant::now(), Cache::default());
        let (one, other) = (Principal(1), Principal(2));
        let tools = || ask(Kind::Tools, "");
        cache.put((SERVER, tools(), one), (b"mine", fresh(9, Scope::Private)), now, ROOM);
        assert_eq!(cache.get(SERVER, &tools(), one, now).unwrap().0.as_bytes(), b"mine");
        assert!(cache.get(SERVER, &tools(), other, now).is_none());
        assert!(cache.get(ServerId(1), &tools(), one, now).is_none());
        cache.put((SERVER, tools(), other), (b"all's", fresh(9, Scope::Public)), now, ROOM);
        assert_eq!(cache.get(SERVER, &tools(), other, now).unwrap().0.as_bytes(), b"all's");
        assert_eq!(cache.get(SERVER, &tools(), one, now).unwrap().0.as_bytes(), b"mine");
        // What was for all is for one again.
        cache.put((SERVER, tools(), other), (b"his", fresh(9, Scope::Private)), now, ROOM);
        assert!(cache.get(SERVER, &tools(), Principal(3), now).is_none());
    }

    #[test]
    fn an_answer_holds_for_its_time_and_says_how_much_is_left() {
        let (now, mut cache) = (Instant::now(), Cache::default());
        let one = Principal(1);
        let tools = || ask(Kind::Tools, "");
        cache.put((SERVER, tools(), one), (b"r", fresh(50, Scope::Public)), now, ROOM);
        let left = |at| cache.get(SERVER, &tools(), one, now + ms(at)).map(|(_, left)| left);
        assert_eq!((left(0), left(20), left(50)), (Some(ms(50)), Some(ms(30)), None));
        let micro = cache.get(SERVER, &tools(), one, now + Duration::from_micros(49_500));
        assert!(micro.is_none(), "half a millisecond cannot be said");
        assert!(!cache.put((SERVER, tools(), one), (b"r", fresh(0, Scope::Public)), now, ROOM));
        assert!(cache.is_empty(), "a stale answer takes the place of one that held");
    }

    #[test]
    fn the_oldest_gives_way_to_numbers_and_to_bytes() {
        let (now, mut cache) = (Instant::now(), Cache::default());
        let put = |cache: &mut Cache, uri: &str, bytes: usize, room| {
            let place = (SERVER, ask(Kind::Read, uri), Principal(1));
            cache.put(place, (&vec![b'x'; bytes], fresh(99, Scope::Public)), now, room)
        };
        let has = |cache: &Cache, uri: &str| {
            cache.get(SERVER, &ask(Kind::Read, uri), Principal(1), now).is_some()
        };
        let room = Room { entries: 2, bytes: 4096 };
        assert!(["a", "b", "c"].iter().all(|uri| put(&mut cache, uri, 10, room)));
        assert!(!has(&cache, "a") && has(&cache, "b") && has(&cache, "c"));
        assert!(put(&mut cache, "d", 3800, room));
        assert!(!has(&cache, "b") && !has(&cache, "c") && has(&cache, "d"));
        assert!(!put(&mut cache, "e", 5000, room), "more than there is room for");
        assert!(has(&cache, "d"));
        assert!(!put(&mut cache, "f", 1, Room { entries: 0, bytes: 4096 }));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Put { server: u16, subject: u8, who: u16, ttl: u64, public: bool, bytes: usize },
        Pass(u64),
        Changed(u16, u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let put = (0..2_u16, 0..3_u8, 0..3_u16, 0..40_u64, any::<bool>(), 0..600_usize).prop_map(
            |(server, subject, who, ttl, public, bytes)| Step::Put {
                server,
                subject,
                who,
                ttl,
                public,
                bytes,
            },
        );
        let pass = (0..15_u64).prop_map(Step::Pass);
        let changed = (0..2_u16, 0..3_u8).prop_map(|(server, s)| Step::Changed(server, s));
        proptest::collection::vec(prop_oneof![4 => put, 2 => pass, 1 => changed], 0..60)
    }

    /// One row of a cache that is a list, without room that ends.
    struct Row {
        server: ServerId,
        subject: u8,
        holder: Option<Principal>,
        until: Instant,
        result: Vec<u8>,
    }

    proptest! {
        /// With room without end it is a list that is searched; with little, it holds less of it,
        /// never something else, and never more than there is room for.
        #[test]
        fn it_answers_as_a_list_would(steps in steps(), entries in 1_usize..6) {
            let (mut wide, mut narrow) = (Cache::default(), Cache::default());
            let mut rows: Vec<Row> = Vec::new();
            let mut now = Instant::now();
            let big = Room { entries: 1000, bytes: 1 << 20 };
            let small = Room { entries, bytes: 1500 };
            let question = |subject: u8| ask(Kind::Read, &format!("r{subject}"));
            for (n, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Put { server, subject, who, ttl, public, bytes } => {
                        let (server, who) = (ServerId(server), Principal(who));
                        let result = vec![u8::try_from(n).unwrap(); bytes];
                        let fresh =
                            fresh(ttl, if public { Scope::Public } else { Scope::Private });
                        for (cache, room) in [(&mut wide, big), (&mut narrow, small)] {
                            let place = (server, question(subject), who);
                            cache.put(place, (&result, fresh), now, room);
                        }
                        rows.retain(|row| {
                            let same = row.server == server && row.subject == subject;
                            !(same && row.holder.is_none_or(|holder| holder == who))
                        });
                        let holder = (!public).then_some(who);
                        let until = now + ms(ttl);
                        rows.push(Row { server, subject, holder, until, result });
                    }
                    Step::Pass(n) => now += ms(n),
                    Step::Changed(server, subject) => {
                        let server = ServerId(server);
                        let uri = format!("r{subject}");
                        for cache in [&mut wide, &mut narrow] {
                            cache.invalidate(server, |question| {
                                is_stale(question, "notifications/resources/updated", Some(&uri))
                            });
                        }
                        rows.retain(|row| row.server != server || row.subject != subject);
                    }
                }
                prop_assert!(narrow.len() <= small.entries && narrow.bytes() <= small.bytes);
                for (server, subject, who) in
                    (0..2).flat_map(|a| (0..3).flat_map(move |b| (0..3).map(move |c| (a, b, c))))
                {
                    let (server, who) = (ServerId(server), Principal(who));
                    let holds = |holder| {
                        let fits = |row: &&Row| {
                            (row.server, row.subject, row.holder) == (server, subject, holder)
                                && row.until > now
                        };
                        rows.iter().find(fits).map(|row| (&row.result[..], row.until - now))
                    };
                    let want = holds(Some(who)).or_else(|| holds(None));
                    let question = question(subject);
                    let got = wide.get(server, &question, who, now).map(|(r, l)| (r.as_bytes(), l));
                    prop_assert_eq!(got, want);
                    if let Some((result, left)) = narrow.get(server, &question, who, now) {
                        let known = [holds(Some(who)), holds(None)];
                        prop_assert!(known.contains(&Some((result.as_bytes(), left))));
                    }
                }
            }
        }
    }
}
