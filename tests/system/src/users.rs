// SPDX-License-Identifier: GPL-2.0-only
//! What one user may have (parameters kbus_max_user_*): when there is no more
//! of it, that user hears it, the log says it once, and nobody else notices.

use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use crate::behaviours::open_soon;
use crate::harness::{
    as_user, bounded, fork, insmod, keep_capabilities, module_loaded, shared, Child, Gate, ALICE,
    BOB, USUAL,
};
use crate::raw::*;
use crate::{eq, tests};

tests![
    users_parameters.unloaded(),
    users_ksocks.load("kbus_num_devices=3 kbus_mode=0666 kbus_max_user_ksocks=20"),
    users_ksocks_of_who_was_killed.load("kbus_mode=0666 kbus_max_user_ksocks=20"),
    users_limits_of_accounts_opened_anew
        .load("kbus_mode=0666 kbus_max_user_ksocks=20 kbus_max_user_bindings=20"),
    users_bindings.load("kbus_num_devices=3 kbus_mode=0666 kbus_max_user_bindings=20"),
    users_bytes.load("kbus_num_devices=3 kbus_mode=0666 kbus_max_user_bytes=100000"),
    users_bytes_of_answers.load("kbus_mode=0666 kbus_max_user_bytes=100000"),
    users_copies.load("kbus_mode=0666 kbus_max_user_copies=20"),
    users_buses.load("kbus_mode=0666 kbus_max_user_buses=2"),
    users_without_any_buses.load("kbus_mode=0666 kbus_max_user_buses=0"),
    users_root_may_have_more.load(
        "kbus_mode=0666 kbus_max_user_ksocks=3 kbus_max_user_bindings=3 kbus_max_user_bytes=1 \
         kbus_max_user_buses=0"
    ),
    users_may_have_what_they_always_had.load(USUAL).limit(120),
    users_may_have_256_buses.load("kbus_mode=0666").limit(90),
    users_flood_and_others_go_on
        .load("kbus_mode=0666 kbus_max_user_bytes=4000000")
        .limit(120),
];

/// What the kernel logs from now on.
pub struct Log(std::fs::File);

impl Log {
    pub fn from_here() -> Log {
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).custom_flags(libc::O_NONBLOCK);
        let mut file = file.open("/dev/kmsg").unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        Log(file)
    }

    /// Our lines so far, since last asked.
    pub fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut record = [0; 8192];
        loop {
            match self.0.read(&mut record) {
                Ok(len) => {
                    let text = String::from_utf8_lossy(&record[..len]);
                    let (_, text) = text.split_once(';').unwrap_or_default();
                    if text.contains("kbus") {
                        lines.push(text.lines().next().unwrap_or_default().to_string());
                    }
                }
                // Some were overwritten before we read them.
                Err(e) if e.raw_os_error() == Some(libc::EPIPE) => {}
                Err(e) => {
                    eq!(e.raw_os_error(), Some(libc::EAGAIN));
                    return lines;
                }
            }
        }
    }

    /// There is one line, and it names this user and this parameter.
    #[track_caller]
    fn tells_once(&mut self, uid: u32, parameter: &str) {
        let lines = self.lines();
        eq!(lines.len(), 1, "{lines:?}");
        for word in [format!("user {uid} "), format!("({parameter})")] {
            assert!(lines[0].contains(&word), "no {word:?} in {:?}", lines[0]);
        }
    }
}

pub fn open(device: u32) -> Result<Ksock> {
    Ksock::open(device, libc::O_RDWR)
}

fn users_parameters() {
    let names = ["ksocks", "bindings", "bytes", "copies", "buses"];
    let names = names.map(|n| format!("kbus_max_user_{n}"));
    for (name, least) in names.iter().zip([1, 1, 1, 1, 0]) {
        for bad in [least - 1, 1_i64 << 32] {
            eq!(
                insmod(&format!("{name}={bad}")),
                Err(EINVAL),
                "{name}={bad}"
            );
            assert!(!module_loaded());
        }
    }
    eq!(insmod("kbus_max_user_buses=257"), Err(EINVAL));
    let shown = || {
        names.clone().map(|name| {
            let text = std::fs::read_to_string(format!("/sys/module/kbus/parameters/{name}"));
            text.unwrap().trim().parse::<u32>().unwrap()
        })
    };
    eq!(insmod(""), Ok(()));
    eq!(shown(), [4096, 16_384, 256 << 20, 1024, 256]);
    eq!(crate::harness::rmmod(), Ok(()));
    let set: Vec<String> = names.iter().map(|name| format!("{name}=77")).collect();
    eq!(insmod(&set.join(" ")), Ok(()));
    eq!(shown(), [77; 5]);
    eq!(crate::harness::rmmod(), Ok(()));
}

fn users_ksocks() {
    let mut log = Log::from_here();
    let (full, go) = (Gate::new(), Gate::new());
    let alice = as_user(ALICE, || {
        let mut all: Vec<Ksock> = (0..20).map(|n| open(n % 3).unwrap()).collect();
        for n in 0..1000 {
            eq!(open(n % 3).err(), Some(EDQUOT), "try {n}");
        }
        full.open();
        go.pass();
        all.pop();
        all.push(open(0).unwrap());
        eq!(open(0).err(), Some(EDQUOT));
        // A copy is no other Ksock.
        std::mem::forget(crate::descriptors::dup(all[0].fd));
    });
    full.pass();
    log.tells_once(ALICE, "kbus_max_user_ksocks");
    let _ours: Vec<Ksock> = (0..50).map(|n| open(n % 3).unwrap()).collect();
    as_user(BOB, || {
        let _his: Vec<Ksock> = (0..20).map(|n| open(n % 3).unwrap()).collect();
        eq!(open(0).err(), Some(EDQUOT));
    })
    .join();
    log.tells_once(BOB, "kbus_max_user_ksocks");
    go.open();
    alice.join();
    eq!(log.lines(), Vec::<String>::new());
}

/// An account goes with its last Ksock. What was said of it is not said again of the next.
fn users_limits_of_accounts_opened_anew() {
    let mut log = Log::from_here();
    for _ in 0..50 {
        as_user(ALICE, || {
            let k = open(0).unwrap();
            for n in 0..20 {
                k.listen(&format!("$.L{n}"));
            }
            eq!(k.bind("$.A", LISTENER), Err(EDQUOT));
        })
        .join();
    }
    log.tells_once(ALICE, "kbus_max_user_bindings");
    // Another limit is said, and of another user.
    as_user(ALICE, || {
        let _hers: Vec<Ksock> = (0..20).map(|_| open(0).unwrap()).collect();
        eq!(open(0).err(), Some(EDQUOT));
    })
    .join();
    log.tells_once(ALICE, "kbus_max_user_ksocks");
    as_user(BOB, || {
        let _his: Vec<Ksock> = (0..20).map(|_| open(0).unwrap()).collect();
        eq!(open(0).err(), Some(EDQUOT));
    })
    .join();
    log.tells_once(BOB, "kbus_max_user_ksocks");
}

fn users_ksocks_of_who_was_killed() {
    for _ in 0..5 {
        let full = Gate::new();
        let alice = as_user(ALICE, || {
            let _hers: Vec<Ksock> = (0..20).map(|_| open(0).unwrap()).collect();
            full.open();
            loop {
                nix::unistd::pause();
            }
        });
        full.pass();
        alice.kill();
    }
}

fn users_bindings() {
    let mut log = Log::from_here();
    let root = Ksock::new();
    root.serve("$.Taken").listen(BIND_EVENT);
    root.report(1).unwrap();
    root.drain();
    as_user(ALICE, || {
        let all: Vec<Ksock> = (0..3).map(|n| open(n).unwrap()).collect();
        for n in 0..20 {
            all[n % 3].listen(&format!("$.L{n}"));
        }
        for _ in 0..1000 {
            eq!(all[0].bind("$.A", LISTENER), Err(EDQUOT));
            eq!(all[1].bind("$.A", REPLIER), Err(EDQUOT));
        }
        eq!(all[0].bind("$.B", REPLIER), Err(EDQUOT));
        eq!(all[0].bind("$.Taken", REPLIER), Err(EADDRINUSE));
        eq!(all[0].bind("$.a*", REPLIER), Err(EBADMSG));
        eq!(all[2].unbind("$.L2", LISTENER), Ok(()));
        all[0].serve("$.C");
        eq!(all[0].bind("$.B", LISTENER), Err(EDQUOT));
    })
    .join();
    // Of her repliers there was one, which came and went, and no other was announced.
    let events: Vec<_> = root.drain().iter().map(|m| m.event().unwrap()).collect();
    let events: Vec<_> = events.iter().map(|e| (e.0, e.2.as_str())).collect();
    eq!(events, [(1, "$.C"), (0, "$.C")]);
    log.tells_once(ALICE, "kbus_max_user_bindings");
    as_user(ALICE, || {
        let k = open(0).unwrap();
        for n in 0..20 {
            k.listen(&format!("$.L{n}"));
        }
        eq!(k.bind("$.A", LISTENER), Err(EDQUOT));
    })
    .join();
    let k = Ksock::new();
    for n in 0..50 {
        k.listen(&format!("$.L{n}"));
    }
}

fn users_bytes() {
    let mut log = Log::from_here();
    let (full, go) = (Gate::new(), Gate::new());
    let alice = as_user(ALICE, || {
        let (k, elsewhere) = (open(0).unwrap(), open(1).unwrap());
        k.listen("$.A").limit(10_000).serve("$.R");
        elsewhere.listen("$.A").limit(10_000);
        full.open();
        go.pass();
        // 64 KiB and half of 100,000 at 1,520 bytes each, and one.
        let count = k.count();
        assert!((73..80).contains(&count), "{count} messages");
        // The other half: less fits into the next queue, on whichever bus, but its own 64 KiB.
        let more = elsewhere.count();
        assert!(more < count && more > 53, "{more} messages");
        full.open();
        go.pass();
        // And the one that has waited.
        eq!(k.drain().len() as u32, count + 1);
        eq!(elsewhere.drain().len() as u32, more);
        full.open();
        go.pass();
        assert!(k.count() >= count);
    });
    full.pass();
    let msg = Msg::new("$.A").data([7; 1000]);
    let (here, there) = (open(0).unwrap(), open(1).unwrap());
    let others = open(0).unwrap();
    others.listen("$.A").limit(10_000);
    for k in [&here, &there] {
        for _ in 0..1000 {
            k.post(&msg).unwrap();
        }
    }
    eq!(here.post(&msg.clone().flags(ALL_OR_FAIL)), Err(EBUSY));
    eq!(here.post(&Msg::ask("$.R")), Err(EBUSY));
    eq!(here.post(&msg.clone().flags(ALL_OR_WAIT)), Err(EAGAIN));
    eq!(here.ready(libc::POLLOUT), 0);
    log.tells_once(ALICE, "kbus_max_user_bytes");
    // Root's listener heard it all.
    eq!(others.count(), 1000);
    go.open();
    full.pass();
    go.open();
    full.pass();
    eq!(here.wait(libc::POLLOUT), libc::POLLOUT);
    for _ in 0..1000 {
        here.post(&msg).unwrap();
    }
    go.open();
    alice.join();
    eq!(log.lines(), Vec::<String>::new());
}

fn users_bytes_of_answers() {
    let mut log = Log::from_here();
    let root = Ksock::new();
    root.serve("$.R").limit(10_000);
    let (ready, go) = (Gate::new(), Gate::new());
    let alice = as_user(ALICE, || {
        let k = open(0).unwrap();
        k.limit(10_000);
        let mut asked = 0;
        let refused = loop {
            match k.post(&Msg::ask("$.R")) {
                Ok(_) => asked += 1,
                Err(refused) => break refused,
            }
        };
        eq!(refused, ENOLCK);
        // 64 KiB and half of 100,000 at 4,608 bytes each, and one.
        eq!(asked, 26);
        ready.put(asked);
        go.pass();
        eq!(k.drain().len() as u32, asked);
        k.ask("$.R");
    });
    let asked = ready.get();
    log.tells_once(ALICE, "kbus_max_user_bytes");
    // All that she was promised fits; what is longer fits while the queue is short.
    let long = vec![1; 60_000];
    for n in 0..asked {
        let request = root.take();
        let answer = Msg::reply_to(&request);
        let longer = root.post(&answer.clone().data(&long));
        eq!(longer.is_ok(), n < 2, "long answer {n}: {longer:?}");
        if n >= 2 {
            root.post(&answer.data([1; 4000])).unwrap();
        }
    }
    go.open();
    alice.join();
    eq!(root.take().name, b"$.R");
}

fn users_copies() {
    let mut log = Log::from_here();
    let (bound, sent) = (Gate::new(), Gate::new());
    let alice = as_user(ALICE, || {
        let all: Vec<Ksock> = (0..3).map(|_| open(0).unwrap()).collect();
        for _ in 0..10 {
            all[0].listen("$.A");
            all[1].listen("$.*");
            all[2].listen("$.%");
        }
        bound.open();
        sent.pass();
        eq!(all.iter().map(|k| k.count()).sum::<u32>(), 2 * 20);
        eq!(all[1].count(), 2 * 10);
        for _ in 0..10 {
            all[0].unbind("$.A", LISTENER).unwrap();
        }
        bound.open();
        sent.pass();
        eq!(all[1].count() + all[2].count(), 2 * 20 + 20);
    });
    bound.pass();
    let root = Ksock::new();
    for _ in 0..30 {
        root.listen("$.A");
    }
    root.say("$.A");
    root.say("$.A");
    eq!(root.count(), 60);
    let msg = Msg::new("$.A");
    eq!(root.post(&msg.clone().flags(ALL_OR_FAIL)), Err(EBUSY));
    log.tells_once(ALICE, "kbus_max_user_copies");
    sent.open();
    bound.pass();
    root.post(&msg.flags(ALL_OR_FAIL)).unwrap();
    sent.open();
    alice.join();
    eq!(log.lines(), Vec::<String>::new());
}

fn users_buses() {
    let mut log = Log::from_here();
    as_user(ALICE, || {
        let k = open(0).unwrap();
        eq!((k.new_device(), k.new_device()), (Ok(1), Ok(2)));
        for _ in 0..100 {
            eq!(k.new_device(), Err(EDQUOT));
        }
    })
    .join();
    log.tells_once(ALICE, "kbus_max_user_buses");
    // Buses stay, and so does it that she made them.
    as_user(ALICE, || eq!(open(0).unwrap().new_device(), Err(EDQUOT))).join();
    // It was said of the account that she had before.
    eq!(log.lines(), Vec::<String>::new());
    as_user(BOB, || eq!(open(0).unwrap().new_device(), Ok(3))).join();
    for n in 4..256 {
        eq!(Ksock::new().new_device(), Ok(n));
    }
    as_user(BOB, || eq!(open(0).unwrap().new_device(), Err(EINVAL))).join();
}

fn users_without_any_buses() {
    as_user(ALICE, || eq!(open(0).unwrap().new_device(), Err(EDQUOT))).join();
    eq!(Ksock::new().new_device(), Ok(1));
}

fn users_root_may_have_more() {
    let rich = || {
        let all: Vec<Ksock> = (0..10).map(|_| Ksock::new()).collect();
        for k in &all {
            k.listen("$.A");
        }
        for _ in 0..100 {
            all[0].say("$.A");
        }
        eq!(all[9].count(), 100);
        all[0].new_device().unwrap();
    };
    rich();
    // It is the capability that counts, not the number.
    let poor = fork(|| {
        keep_capabilities(&[]);
        let k = open(0).unwrap();
        let _more = (open(0).unwrap(), open(0).unwrap());
        eq!(open(0).err(), Some(EDQUOT));
        // Names that the others do not say.
        k.listen("$.B").listen("$.C").listen("$.D");
        eq!(k.bind("$.E", LISTENER), Err(EDQUOT));
        let msg = Msg::new("$.B").data([7; 1000]);
        for _ in 0..100 {
            k.post(&msg).unwrap();
        }
        // 64 KiB at 1,520 bytes each, and one.
        eq!(k.count(), 44);
        eq!(k.new_device(), Err(EDQUOT));
    });
    rich();
    poor.join();
}

/// The limits that the original's users relied on (limits.rs) are far below
/// what a user may have at first.
fn users_may_have_what_they_always_had() {
    let mut log = Log::from_here();
    as_user(ALICE, || {
        let l = open(0).unwrap();
        l.listen("$.A").limit(1050);
        let k = open(0).unwrap();
        let pointy = Msg::new("$.A").data(vec![0x77; 65_536]);
        let pointy = pointy.pointy();
        for _ in 0..1050 {
            k.put_pointy(&pointy).unwrap();
            k.send().unwrap();
        }
        eq!(l.count(), 1050);
        drop(l);
        let largest = vec![1; ABS_MAX_SIZE as usize - entire_len(3, 0)];
        k.listen("$.A");
        for _ in 0..100 {
            k.post(&Msg::new("$.A").data(&largest)).unwrap();
        }
        eq!(k.count(), 100);
        drop(k);
        let all: Vec<Ksock> = (0..1000).map(|_| open(0).unwrap()).collect();
        all[0].limit(2000);
        for n in 0..2000 {
            all[0].serve(&format!("$.R.n{n}"));
        }
        for k in &all {
            k.listen("$.A").ask("$.R.n7");
        }
        all[0].post(&Msg::new("$.A").data([1; 4099])).unwrap();
        for k in &all[1..] {
            eq!(k.count(), 1);
        }
    })
    .join();
    eq!(log.lines(), Vec::<String>::new());
}

fn users_may_have_256_buses() {
    as_user(ALICE, || {
        let k = open(0).unwrap();
        for n in 1..256 {
            eq!(k.new_device(), Ok(n));
        }
        eq!(k.new_device(), Err(EINVAL));
    })
    .join();
    open_soon(255);
}

/// Four processes of one user pour out announcements, for a queue of hers
/// that takes any number and for one of his with the usual limit; nobody
/// reads them. His requests are answered all the same.
fn users_flood_and_others_go_on() {
    let mut log = Log::from_here();
    let sent: &'static [AtomicU32] = shared(4);
    let (ready, go) = (Gate::new(), Gate::new());
    let hoard = as_user(ALICE, || {
        let l = open(0).unwrap();
        l.listen("$.Flood").limit(u32::MAX);
        ready.open();
        go.pass();
        ready.put(l.count());
        eq!(l.post(&Msg::new("$.Flood").flags(ALL_OR_FAIL)), Err(EBUSY));
    });
    ready.pass();
    let flood: Vec<Child> = (0..4)
        .map(|n| {
            as_user(ALICE, move || {
                let k = open(0).unwrap();
                let msg = Msg::new("$.Flood").data([7; 500]);
                loop {
                    k.post(&msg).unwrap();
                    sent[n].fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    let sent = || sent.iter().map(|count| count.load(SeqCst));
    // Until her account is full, and all four are at it.
    assert!(bounded(
        || sent().all(|n| n > 0) && sent().sum::<u32>() > 4000
    ));
    let before: Vec<u32> = sent().collect();
    as_user(BOB, || {
        let (asker, answerer, slow) = (open(0).unwrap(), open(0).unwrap(), open(0).unwrap());
        slow.listen("$.Flood");
        answerer.serve("$.Ping");
        let pong = fork(|| {
            for _ in 0..1000 {
                let request = answerer.await_msg();
                answerer.answer(&request);
            }
        });
        for _ in 0..1000 {
            let asked = asker.ask("$.Ping");
            eq!(asker.await_msg().in_reply_to, asked);
        }
        pong.join();
        eq!(slow.count(), 100);
    })
    .join();
    for (after, before) in sent().zip(before) {
        assert!(after > before, "the flood dried up");
    }
    for child in flood {
        child.kill();
    }
    go.open();
    // 64 KiB and half of 4,000,000 at 1,024 bytes each, and one.
    let count = ready.get();
    assert!((2000..2100).contains(&count), "{count} messages");
    hoard.join();
    log.tells_once(ALICE, "kbus_max_user_bytes");
}
