// SPDX-License-Identifier: GPL-2.0-only
//! What a user without any privilege can do to the others, with the limits that there are when
//! nobody says otherwise. Whatever it holds, waits for, does or leaves behind: another user gets
//! on and misses nothing, nobody is killed for want of memory, and the memory comes back.
//! What it costs the others is measured by the benchmark "hostile".

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use crate::descriptors::{pass, socketpair};
use crate::harness::{
    as_user, become_user, bounded, fork, keep_only, shared, Child, Gate, ALICE, BOB,
};
use crate::memory::{slab, used, Group};
use crate::raw::*;
use crate::rules::Epoll;
use crate::{eq, tests};

/// Limits as they are at first.
const DEFAULT: &str = "kbus_mode=0666";

tests![
    attackers_bind_a_thousand_times_and_sleep
        .load(DEFAULT)
        .limit(180),
    attackers_open_thousands_and_sleep.load(DEFAULT).limit(180),
    attackers_hear_each_message_once.load(DEFAULT).limit(180),
    attackers_let_thousands_of_sends_wait
        .load(DEFAULT)
        .limit(180),
    attackers_close_what_thousands_hear_of
        .load(DEFAULT)
        .limit(240),
    attackers_leave_events_to_garbage_collection
        .load(DEFAULT)
        .limit(180),
    attackers_leave_queues_to_garbage_collection
        .load(DEFAULT)
        .limit(180),
    attackers_unbind_what_others_wait_for
        .load(DEFAULT)
        .limit(180),
    attackers_unbind_behind_many_messages
        .load(DEFAULT)
        .limit(180),
    attackers_leave_debts.load(DEFAULT).limit(240),
    attackers_have_long_names.load(DEFAULT).limit(180),
    attackers_read_proc.load(DEFAULT).limit(180),
    attackers_read_proc_in_a_small_group
        .load(DEFAULT)
        .limit(180),
    attackers_fill_idle_queues.load(DEFAULT).limit(90),
    attackers_make_no_sender_pay.load(DEFAULT).limit(90),
    attackers_have_many_ids.load("kbus_mode=0666 kbus_max_user_ksocks=20"),
    attackers_never_rest.load(DEFAULT).limit(180),
];

// As many as a user may have, and a few less for what is needed besides.
const BINDINGS: usize = 16_384;
const KSOCKS: usize = 4000;
const ANYTHING: &str = "$.*";
const FULL: &str = "$.Attack.Full";

// ---- the victim, and the machine ------------------------------------------------

/// Another user on the same bus, who asks, answers and announces, and sees to it that each
/// message comes once and in order.
struct Victim {
    child: Child,
    rounds: &'static AtomicU32,
    over: &'static AtomicU32,
}

impl Victim {
    fn new() -> Victim {
        let words: &'static [AtomicU32] = shared(2);
        let (rounds, over) = (&words[0], &words[1]);
        let child = as_user(BOB, || {
            let (asker, answerer) = (Ksock::new(), Ksock::new());
            answerer.serve("$.Victim.Ask").listen("$.Victim.News");
            while over.load(SeqCst) == 0 {
                let asked = asker.ask("$.Victim.Ask");
                let said = asker.say("$.Victim.News");
                let request = answerer.await_msg();
                eq!(request.id, asked);
                eq!(answerer.await_msg().id, said);
                answerer.answer(&request);
                eq!(asker.await_msg().in_reply_to, asked);
                answerer.nothing();
                asker.nothing();
                rounds.fetch_add(1, SeqCst);
            }
        });
        Victim {
            child,
            rounds,
            over,
        }
    }

    /// Whether it gets on now.
    #[track_caller]
    fn gets_on(&self) {
        let before = self.rounds.load(SeqCst);
        let gets_on = bounded(|| self.rounds.load(SeqCst) >= before + 20);
        assert!(gets_on, "the victim's bus stands still");
    }

    #[track_caller]
    fn ends_well(self) {
        self.over.store(1, SeqCst);
        self.child.join();
    }
}

/// How many processes the machine has killed for want of memory.
fn oom_kills() -> u32 {
    let text = std::fs::read_to_string("/proc/vmstat").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    line.unwrap().parse().unwrap()
}

/// Memory in use, in KiB, when what can be given back just so has been.
fn in_use() -> i64 {
    slab();
    used()
}

/// Whether no file of any bus is open.
fn all_is_closed() -> bool {
    let count = std::fs::read_to_string("/sys/module/kbus/refcnt").unwrap();
    count.trim() == "0"
}

/// Does it as Alice beside a victim. When it has ended, so has what it did.
fn attack(act: impl Fn(&Victim)) {
    // What stays of some tens of thousands of objects, in slabs that others share.
    const TOLERANCE: i64 = 8 << 10;
    let mut seen = vec![in_use()];
    // Caches grow at first; what is lost is lost each time.
    for before in 0..4 {
        let victim = Victim::new();
        victim.gets_on();
        let killed = oom_kills();
        as_user(ALICE, || act(&victim)).join();
        victim.gets_on();
        victim.ends_well();
        eq!(oom_kills(), killed, "processes were killed");
        assert!(bounded(all_is_closed), "something is left open");
        seen.push(in_use());
        if seen[before + 1] <= seen[before] + TOLERANCE {
            return;
        }
    }
    panic!("expected memory to come back, got KiB in use: {seen:?}");
}

// ---- what sleeps ------------------------------------------------------------

/// One with such a limit, and these bindings.
fn listening(limit: u32, patterns: impl IntoIterator<Item = &'static str>) -> Ksock {
    let k = Ksock::new();
    k.limit(limit);
    for pattern in patterns {
        k.listen(pattern);
    }
    k
}

fn attackers_bind_a_thousand_times_and_sleep() {
    attack(|victim| {
        let k = listening(1, std::iter::repeat_n(ANYTHING, BINDINGS));
        eq!(k.bind(ANYTHING, LISTENER), Err(EDQUOT));
        victim.gets_on();
        // The first one found room, once for each binding that there was.
        let count = k.count();
        assert!((1..=1024).contains(&count), "{count} copies");
        victim.gets_on();
        eq!(k.count(), count);
    });
}

fn attackers_open_thousands_and_sleep() {
    attack(|victim| {
        let each = BINDINGS / KSOCKS;
        let patterns = || std::iter::repeat_n(ANYTHING, each);
        let all: Vec<Ksock> = (0..KSOCKS).map(|_| listening(1, patterns())).collect();
        // One message is copied only so many times.
        let full = || all.iter().all(|k| k.count() > 0);
        assert!(bounded(|| {
            victim.gets_on();
            full()
        }));
        victim.gets_on();
        assert!(full());
    });
}

/// Bound 16,384 times, but wanting each message once, a reader gets each once.
fn attackers_hear_each_message_once() {
    attack(|victim| {
        let k = listening(u32::MAX, std::iter::repeat_n(ANYTHING, BINDINGS));
        k.only_once(1).unwrap();
        k.drain();
        victim.gets_on();
        victim.gets_on();
        let serials: Vec<u32> = (0..k.count()).map(|_| k.take().id.serial).collect();
        assert!(serials.len() > 60, "{} messages", serials.len());
        for two in serials.windows(2) {
            eq!(two[1], two[0] + 1, "of all that was sent");
        }
    });
}

/// Sends that wait for a Ksock that is full, each in so many epolls.
fn attackers_let_thousands_of_sends_wait() {
    let waiting = |epolls: usize| {
        let k = listening(1, [FULL]);
        k.say(FULL);
        let epolls: Vec<Epoll> = (0..epolls).map(|_| Epoll::new()).collect();
        let senders: Vec<Ksock> = (0..KSOCKS)
            .map(|_| {
                let sender = Ksock::new();
                sender.put(&Msg::new(FULL).flags(ALL_OR_WAIT)).unwrap();
                sender.send_pending();
                for epoll in &epolls {
                    epoll.add(&sender, libc::EPOLLIN | libc::EPOLLOUT);
                }
                sender
            })
            .collect();
        (k, senders, epolls)
    };
    attack(|victim| {
        let (k, senders, epolls) = waiting(20);
        victim.gets_on();
        // Room for one: one of them is sent, and only one.
        k.take();
        let sent = |sender: &&Ksock| sender.ready(libc::POLLOUT) != 0;
        eq!(senders.iter().filter(sent).count(), 1);
        eq!(k.count(), 1);
        // Nobody listens any more: they have all been sent, to nobody.
        drop(k);
        victim.gets_on();
        for sender in &senders {
            eq!(sender.wait(libc::POLLOUT), libc::POLLOUT);
            sender.nothing();
        }
        drop((senders, epolls));
    });
    // All of them go at once, waiting as they are.
    attack(|victim| {
        let all = waiting(0);
        victim.gets_on();
        std::mem::forget(all);
    });
}

// ---- what is closed ---------------------------------------------------------

/// So many repliers, who hears of them so many times with room for all of it, and who makes it
/// heard.
fn heard_repliers(repliers: usize, times: usize) -> [Ksock; 3] {
    let count = repliers;
    let repliers = Ksock::new();
    for n in 0..count {
        repliers.serve(&format!("$.Attack.R{n}"));
    }
    let hears = listening(u32::MAX, std::iter::repeat_n(BIND_EVENT, times));
    // Bindings from here on would each be heard of thousands of times.
    let reporting = Ksock::new();
    reporting.limit(u32::MAX);
    reporting.report(1).unwrap();
    [repliers, hears, reporting]
}

fn attackers_close_what_thousands_hear_of() {
    // The repliers go first, and who hears of it lives.
    attack(|victim| {
        let [repliers, hears, reporting] = heard_repliers(4096, 1000);
        drop(repliers);
        victim.gets_on();
        // The newest is told first, each as many times as it is heard of.
        for n in 0..3000 {
            let (bind, _, name) = hears.take().event().unwrap();
            eq!((bind, name), (0, format!("$.Attack.R{}", 4095 - n / 1000)));
        }
        reporting.report(0).unwrap();
    });
    // Of one message nobody gets so many copies; and all goes at once.
    attack(|victim| {
        std::mem::forget(heard_repliers(BINDINGS / 2, BINDINGS / 2));
        victim.gets_on();
    });
    Ksock::new().report(0).unwrap();
}

/// Leaves these where only a message in a socket refers to them, which nobody can receive any
/// more.
fn leave(ksocks: &[Ksock]) {
    let [a, b] = socketpair();
    ksocks.iter().for_each(|k| pass(&a, k.fd));
    // Each end is in flight to the other.
    pass(&a, a.as_raw_fd());
    pass(&a, b.as_raw_fd());
    pass(&b, a.as_raw_fd());
    pass(&b, b.as_raw_fd());
}

/// Sees to it that what was left is collected, which the kernel does when a socket is closed.
fn collect() {
    let ksocks = || {
        let stats = std::fs::read_to_string("/proc/kbus/stats").unwrap();
        stats.matches("    ksock ").count()
    };
    // The victim has two.
    assert!(
        bounded(|| {
            leave(&[]);
            ksocks() <= 2
        }),
        "{} Ksocks are left",
        ksocks()
    );
}

fn attackers_leave_events_to_garbage_collection() {
    attack(|victim| {
        let all = heard_repliers(4096, 1000);
        leave(&all);
        drop(all);
        collect();
        victim.gets_on();
    });
    Ksock::new().report(0).unwrap();
}

fn attackers_leave_queues_to_garbage_collection() {
    attack(|victim| {
        for _ in 0..50 {
            let all: Vec<Ksock> = (0..20).map(|_| listening(100, [FULL])).collect();
            for _ in 0..10 {
                all[0].post(&Msg::new(FULL).data([7; 1000])).unwrap();
            }
            leave(&all);
        }
        victim.gets_on();
        collect();
    });
}

/// A replier unbinds from what 2,000 requests are queued for and 2,000 sends wait for.
fn attackers_unbind_what_others_wait_for() {
    attack(|victim| {
        let replier = Ksock::new();
        replier.serve(FULL).limit(2000);
        let askers: Vec<Ksock> = (0..20).map(|_| Ksock::new()).collect();
        let asked = askers
            .iter()
            .map(|asker| (0..100).map(|_| asker.ask(FULL)).collect());
        let asked: Vec<Vec<Id>> = asked.collect();
        let waiting = (0..2000).map(|_| {
            let asker = Ksock::new();
            asker.put(&Msg::ask(FULL).flags(ALL_OR_WAIT)).unwrap();
            let id = asker.send_pending();
            (asker, id)
        });
        let waiting: Vec<(Ksock, Id)> = waiting.collect();
        let epolls: Vec<Epoll> = (0..10).map(|_| Epoll::new()).collect();
        for epoll in &epolls {
            for (asker, _) in &waiting {
                epoll.add(asker, libc::EPOLLIN | libc::EPOLLOUT);
            }
        }
        replier.unbind(FULL, REPLIER).unwrap();
        victim.gets_on();
        replier.nothing();
        // Each has one answer.
        for (asker, asked) in askers.iter().zip(asked) {
            for id in asked {
                let got = asker.take();
                eq!((got.text().as_str(), got.in_reply_to), (UNBOUND, id));
            }
            asker.nothing();
        }
        for (asker, id) in waiting {
            asker.wait(libc::POLLIN);
            let got = asker.take();
            eq!((got.text().as_str(), got.in_reply_to), (DISAPPEARED, id));
            asker.nothing();
        }
    });
}

fn attackers_unbind_behind_many_messages() {
    attack(|victim| {
        let k = listening(u32::MAX, [FULL, "$.Attack.Last"]);
        for _ in 0..50_000 {
            k.say(FULL);
        }
        k.say("$.Attack.Last");
        let last = k.say(FULL);
        k.unbind("$.Attack.Last", LISTENER).unwrap();
        victim.gets_on();
        eq!(k.count(), 50_001);
        k.unbind(FULL, LISTENER).unwrap();
        victim.gets_on();
        k.nothing();
        eq!(k.last(), last);
    });
}

/// A replier closes that owes 10,000 answers, beside sends that wait for it.
fn attackers_leave_debts() {
    attack(|victim| {
        let replier = Ksock::new();
        replier.serve(FULL);
        let askers: Vec<Ksock> = (0..10).map(|_| Ksock::new()).collect();
        for asker in &askers {
            asker.limit(1000);
            for _ in 0..1000 {
                asker.ask(FULL);
                replier.take();
            }
        }
        let filler = Ksock::new();
        let unread: Vec<Id> = (0..100).map(|_| filler.ask(FULL)).collect();
        let waiting: Vec<Ksock> = (0..3900)
            .map(|_| {
                let asker = Ksock::new();
                asker.put(&Msg::ask(FULL).flags(ALL_OR_WAIT)).unwrap();
                asker.send_pending();
                asker
            })
            .collect();
        drop(replier);
        victim.gets_on();
        for asker in askers {
            let answers = asker.drain();
            eq!(answers.len(), 1000);
            assert!(answers.iter().all(|answer| answer.text() == IGNORED));
        }
        for id in unread {
            let got = filler.take();
            eq!((got.text().as_str(), got.in_reply_to), (GONE_AWAY, id));
        }
        for asker in waiting {
            asker.wait(libc::POLLIN);
            eq!(asker.take().text(), DISAPPEARED);
        }
    });
}

fn attackers_have_long_names() {
    attack(|victim| {
        let k = Ksock::new();
        for n in 0..BINDINGS {
            k.serve(&format!("$.{n:0>990}"));
        }
        victim.gets_on();
        let hears = Ksock::new();
        hears.limit(u32::MAX);
        // Who switches it on hears of those that there are, in any number.
        hears.report(1).unwrap();
        victim.gets_on();
        let heard = hears.drain();
        let mut names = heard.iter().map(|msg| msg.event().unwrap().2);
        let hers = names.by_ref().filter(|name| name.len() == 992);
        eq!(hers.count(), BINDINGS);
        hears.report(0).unwrap();
        drop(k);
        victim.gets_on();
    });
}

// ---- /proc --------------------------------------------------------------------

/// As many Ksocks and bindings as there may be, the names as long as they may be.
fn crowd() -> Vec<Ksock> {
    let each = BINDINGS / KSOCKS;
    let open = |n| {
        let k = Ksock::new();
        for m in 0..each {
            k.listen(&format!("$.{:0>990}", n * each + m));
        }
        k
    };
    (0..KSOCKS).map(open).collect()
}

/// Such a crowd of Alice's, until it ends.
struct Crowd(Child, Gate);

impl Crowd {
    fn new() -> Crowd {
        let (ready, go) = (Gate::new(), Gate::new());
        let child = as_user(ALICE, || {
            let _crowd = crowd();
            ready.open();
            go.pass();
        });
        ready.pass();
        Crowd(child, go)
    }

    fn ends(self) {
        self.1.open();
        self.0.join();
    }
}

/// So many readers of a file of /proc/kbus, each in the middle of it.
fn readers(name: &str, count: usize) -> Vec<File> {
    let open = |_| {
        let mut file = File::open(format!("/proc/kbus/{name}")).unwrap();
        file.read_exact(&mut [0; 100]).unwrap();
        file
    };
    (0..count).map(open).collect()
}

/// Runs `act` as Alice in a memory group of its own.
fn in_group(group: &Group, uid: u32, act: impl FnOnce()) -> Child {
    fork(|| {
        group.take_in(std::process::id());
        become_user(uid);
        act();
    })
}

/// What is read from /proc is the reader's memory, and little of it.
fn attackers_read_proc() {
    attack(|victim| {
        let _crowd = crowd();
        let mut text = String::new();
        let mut file = &readers("bindings", 1)[0];
        file.read_to_string(&mut text).unwrap();
        assert!(text.len() > BINDINGS * 990);
        victim.gets_on();
    });
    let (ready, go) = (Gate::new(), Gate::new());
    let group = Group::new("kbus-readers");
    let crowd = Crowd::new();
    let reading = in_group(&group, ALICE, || {
        ready.open();
        go.pass();
        let _files = [readers("bindings", 40), readers("stats", 1960)];
        ready.open();
        go.pass();
    });
    ready.pass();
    let before = (in_use(), group.total());
    go.open();
    ready.pass();
    let after = (in_use(), group.total());
    let (shrunk, charged) = (after.0 - before.0, (after.1 - before.1) / 1024);
    // A page each, and the files.
    assert!(
        (8000..24_000).contains(&charged),
        "{charged} KiB are charged for 2,000 readers"
    );
    assert!(
        shrunk < charged + charged / 4 + 4000,
        "{shrunk} KiB are gone, and {charged} charged"
    );
    go.open();
    reading.join();
    group.returns();
    crowd.ends();
}

/// Who reads more than its group may have is stopped, and nobody else.
fn attackers_read_proc_in_a_small_group() {
    let group = Group::new("kbus-few-readers");
    let (ready, go) = (Gate::new(), Gate::new());
    let victim = Victim::new();
    let crowd = Crowd::new();
    let reading = in_group(&group, ALICE, || {
        ready.open();
        go.pass();
        let files = readers("stats", 7000);
        panic!("{} readers had room", files.len());
    });
    ready.pass();
    const MORE: i64 = 8 << 20;
    group.limit((group.total() + MORE) as u64);
    let (killed, pid) = (oom_kills(), reading.pid);
    go.open();
    // Killed, or told that there is no memory.
    assert!(!crate::harness::well(reading.wait()), "process {pid}");
    victim.gets_on();
    eq!(oom_kills() - killed, group.oom_kills());
    crowd.ends();
    victim.ends_well();
}

// ---- what others have ---------------------------------------------------------

/// Queues that their reader leaves alone, and a stranger fills; one that is read has its share.
fn attackers_fill_idle_queues() {
    let (ready, go) = (Gate::new(), Gate::new());
    let bob = as_user(BOB, || {
        let idle: Vec<Ksock> = (0..16).map(|_| listening(u32::MAX, ["$.Idle"])).collect();
        ready.open();
        go.pass();
        let fresh = listening(100, ["$.Fresh"]);
        let msg = Msg::new("$.Idle").flags(ALL_OR_FAIL);
        eq!(fresh.post(&msg), Err(EBUSY), "they are not full");
        for _ in 0..100 {
            fresh.say("$.Fresh");
        }
        eq!(fresh.count(), 100);
        assert!(idle.iter().all(|k| k.count() > 10));
    });
    ready.pass();
    as_user(ALICE, || {
        let k = Ksock::new();
        let large = vec![7; ABS_MAX_SIZE as usize - entire_len(6, 0)];
        let msg = Msg::new("$.Idle").data(large);
        while k.post(&msg.clone().flags(ALL_OR_FAIL)).is_ok() {}
        // One of them is full; so that all are:
        for _ in 0..100 {
            k.post(&msg).unwrap();
        }
    })
    .join();
    go.open();
    bob.join();
}

/// What waits for a reader is the reader's memory: who sends does not know how many there are.
fn attackers_make_no_sender_pay() {
    let [theirs, senders] = ["kbus-listeners", "kbus-senders"].map(Group::new);
    let (ready, go, done) = (Gate::new(), Gate::new(), Gate::new());
    let stranger = in_group(&theirs, ALICE, || {
        let k = listening(u32::MAX, std::iter::repeat_n(ANYTHING, BINDINGS));
        ready.open();
        done.pass();
        eq!(k.count(), 100 * 1024);
    });
    ready.pass();
    let sender = in_group(&senders, BOB, || {
        let k = Ksock::new();
        let msg = Msg::new("$.A").data([7; 64]);
        ready.open();
        go.pass();
        for _ in 0..100 {
            k.post(&msg).unwrap();
        }
        ready.open();
        go.pass();
    });
    ready.pass();
    let before = senders.total();
    // Much less than all copies take.
    senders.limit((before + (4 << 20)) as u64);
    go.open();
    let sent = ready.opens();
    eq!(senders.oom_kills(), 0, "the sender is killed");
    assert!(sent, "the sender is not done");
    // The limit says it: the copies are twice as much. What the readers' group says of itself may
    // be some seconds old.
    let more = senders.total() - before;
    assert!(more < 500_000, "the sender pays {more} bytes");
    ready.pass();
    go.open();
    sender.join();
    done.open();
    stranger.join();
}

/// A user's subordinate ids, in a namespace of its own, are no further users.
fn attackers_have_many_ids() {
    let (apart, mapped) = (Gate::new(), Gate::new());
    let alice = as_user(ALICE, || {
        // SAFETY: a number only, and there is one thread.
        check(unsafe { libc::unshare(libc::CLONE_NEWUSER) } as i64).unwrap();
        apart.open();
        mapped.pass();
        let mut all = Vec::new();
        for id in 1..4 {
            nix::unistd::setresuid(id.into(), id.into(), 0.into()).unwrap();
            while let Ok(k) = Ksock::open(0, libc::O_RDWR) {
                all.push(k);
                assert!(all.len() <= 20, "{} Ksocks by id {id}", all.len());
            }
            eq!(Ksock::open(0, libc::O_RDWR).err(), Some(EDQUOT));
            nix::unistd::setresuid(0.into(), 0.into(), 0.into()).unwrap();
        }
        eq!(all.len(), 20);
    });
    apart.pass();
    for map in ["uid_map", "gid_map"] {
        let map = format!("/proc/{}/{map}", alice.pid);
        std::fs::write(&map, format!("0 {ALICE} 1\n1 100000 65536\n")).unwrap();
    }
    mapped.open();
    alice.join();
}

/// Several who bind, open, switch, pour out and read without end.
fn attackers_never_rest() {
    type Unrest = fn();
    let bind: Unrest = || {
        let k = listening(3, std::iter::repeat_n(ANYTHING, 1000));
        for n in 0.. {
            k.serve("$.Attack.R");
            k.report(n % 2).unwrap();
            k.unbind("$.Attack.R", REPLIER).unwrap();
            for _ in 0..100 {
                k.unbind(ANYTHING, LISTENER).unwrap();
            }
            for _ in 0..100 {
                k.listen(ANYTHING);
            }
        }
    };
    let open: Unrest = || loop {
        let k = listening(u32::MAX, std::iter::repeat_n(ANYTHING, 100));
        for n in 0..100 {
            k.serve(&format!("$.Attack.Open{n}"));
            k.ask(&format!("$.Attack.Open{n}"));
        }
    };
    let pour: Unrest = || {
        let (k, hoard) = (Ksock::new(), listening(u32::MAX, [FULL]));
        let msg = Msg::new(FULL).data([7; 500]);
        loop {
            k.post(&msg).unwrap();
            if hoard.count() > 10_000 {
                hoard.unbind(FULL, LISTENER).unwrap();
                hoard.listen(FULL);
            }
        }
    };
    let read: Unrest = || loop {
        for name in ["bindings", "stats"] {
            std::fs::read(format!("/proc/kbus/{name}")).unwrap();
        }
    };
    let victim = Victim::new();
    let killed = oom_kills();
    let unrest: Vec<Child> = [bind, open, pour, read]
        .into_iter()
        .map(|act| {
            as_user(ALICE, || {
                keep_only(&[]);
                act();
            })
        })
        .collect();
    for _ in 0..10 {
        victim.gets_on();
    }
    for child in unrest {
        child.kill();
    }
    victim.gets_on();
    eq!(oom_kills(), killed);
    Ksock::new().report(0).unwrap();
    victim.ends_well();
}
