// SPDX-License-Identifier: GPL-2.0-only
//! By how much the machine's free memory shrinks beside what a user's account says that it has
//! (kbus(4), LIMITS), and beside what its memory cgroup is charged for.

use std::any::Any;
use std::fs::{self, File};
use std::io::Read;

use crate::hostile::{self, as_attacker, full, BINDINGS, FULL, KSOCKS};
use crate::ksock::{Ksock, Message, Role};
use crate::sys;
use crate::table::thousands;

/// No more is gone than this times what either of them says.
const TARGET: f64 = 1.25;
/// So much comes and goes whatever is done, in KiB.
const LITTLE: f64 = 2000.0;
/// What counts for a message beside its name and its data.
const SLOT: usize = 512;
/// What counts for an answer that is awaited.
const ANSWER: usize = 4608;
/// The longest data that any message may have, nearly.
const LARGE: usize = 409_000;
/// What one more than fits into a power of two.
const ODD: usize = 32_768;

/// What an attacker has then, how many pieces it is, and for how many bytes its account says
/// that is.
struct Load(Box<dyn Any>, usize, Account);

/// What the account says.
enum Account {
    Bytes(usize),
    /// It counts the pieces, of which there may be so many.
    Pieces(usize),
}

use Account::{Bytes, Pieces};

pub fn run() {
    println!("\nMemory that is gone beside what the attacker's account says, and its cgroup is");
    println!("  charged for: KiB, and how many times that; <= {TARGET}");
    // What a processor keeps for itself of pages that were freed does not count as free.
    let _ = fs::write("/proc/sys/vm/percpu_pagelist_high_fraction", "100000");
    Group::enter();
    weigh("small messages in a queue", queue, |k| {
        Load(none(), send(100_000, 4), counted(k, 4))
    });
    weigh("one in each queue", many_names, |all| {
        all.iter().for_each(|k| announce(&name_of(k), 4));
        Load(
            none(),
            all.len(),
            Bytes(all.len() * (SLOT + 4 + name_of(&all[0]).len())),
        )
    });
    weigh("the same messages in all queues", many_queues, |all| {
        while all.iter().any(|k| k.count() < 10) {
            send(1, 4);
        }
        let copies = all.iter().map(|k| k.count() as usize).sum();
        Load(none(), copies, Bytes(copies * (SLOT + FULL.len() + 4)))
    });
    weigh("messages of 4 KiB and some", queue, |k| {
        Load(
            none(),
            send(5000, 4200),
            Bytes(k.count() as usize * (SLOT + 8192)),
        )
    });
    weigh("messages of 32 KiB and some", queue, |k| {
        Load(none(), send(1000, ODD), counted(k, ODD))
    });
    weigh("messages of 400 KiB", queue, |k| {
        Load(none(), send(100, LARGE), counted(k, LARGE))
    });
    weigh("answers that are awaited", nothing, |()| {
        Load(Box::new(hostile::debts()), 28_000, Bytes(28_000 * ANSWER))
    });
    weigh("a queue filled and read", queue, |k| {
        let count = send(100_000, 4);
        let mut buffer = vec![0; Message::announcement(FULL, 4).bytes().len()];
        (0..count).for_each(|_| k.take(&mut buffer));
        Load(none(), count, Pieces(count))
    });
    weigh("bindings to long names", Ksock::open, |k| {
        for n in 0..BINDINGS {
            k.bind(Role::Listener, &format!("$.{n:0>990}"));
        }
        Load(none(), BINDINGS, Pieces(BINDINGS))
    });
    weigh("Ksocks", nothing, |()| {
        let all: Vec<Ksock> = (0..KSOCKS).map(|_| Ksock::open()).collect();
        Load(Box::new(all), KSOCKS, Pieces(KSOCKS))
    });
    weigh("sends that wait", nothing, |()| {
        Load(Box::new(hostile::senders()), KSOCKS, Pieces(KSOCKS))
    });
    weigh("400 KiB being written", some_ksocks, |all| {
        let message = Message::announcement(FULL, LARGE);
        all.iter().for_each(|k| k.write_but_the_end(&message));
        Load(none(), all.len(), Pieces(KSOCKS))
    });
    weigh("400 KiB being read", some_ksocks, |all| {
        for k in all.iter() {
            let name = name_of(k);
            k.bind(Role::Listener, &name);
            announce(&name, LARGE);
            k.next();
        }
        Load(none(), all.len(), Pieces(KSOCKS))
    });
    weigh("readers of /proc/kbus/bindings", hostile::ksocks, |_| {
        let open = |_| {
            let mut file = File::open("/proc/kbus/bindings").expect("/proc/kbus");
            file.read_exact(&mut [0; 10]).expect("a heading");
            file
        };
        let files: Vec<File> = (0..1000).map(open).collect();
        Load(Box::new(files), 1000, Pieces(1000))
    });
    // The last, for it is collected whenever the kernel thinks so.
    weigh("messages in garbage", nothing, |()| {
        let k = queue();
        send(100, LARGE);
        let account = counted(&k, LARGE);
        sys::leave(k.fd());
        Load(none(), 100, account)
    });
    Group::leave();
}

fn none() -> Box<dyn Any> {
    Box::new(())
}

fn nothing() {}

/// One that takes any number.
fn queue() -> Ksock {
    let k = full([FULL]);
    k.set_limit(u32::MAX);
    k
}

fn some_ksocks() -> Vec<Ksock> {
    (0..500).map(|_| Ksock::open()).collect()
}

fn many_queues() -> Vec<Ksock> {
    let all: Vec<Ksock> = (0..KSOCKS).map(|_| full([FULL])).collect();
    all.iter().for_each(|k| k.set_limit(10));
    all
}

fn many_names() -> Vec<Ksock> {
    let all: Vec<Ksock> = (0..KSOCKS).map(|_| Ksock::open()).collect();
    all.iter().for_each(|k| k.bind(Role::Listener, &name_of(k)));
    all
}

fn name_of(k: &Ksock) -> String {
    format!("$.Hostile.N{:05}", k.id())
}

fn announce(name: &str, len: usize) {
    let sender = Ksock::open();
    sender.write(&Message::announcement(name, len));
    sender.send();
}

/// Sends so many with data of this length.
fn send(count: usize, len: usize) -> usize {
    let (sender, message) = (Ksock::open(), Message::announcement(FULL, len));
    for _ in 0..count {
        sender.write(&message);
        sender.send();
    }
    count
}

/// What the account says of the messages in a queue.
fn counted(k: &Ksock, len: usize) -> Account {
    Bytes(k.count() as usize * (SLOT + FULL.len() + len))
}

/// Prints what `act` takes on top of what is there before.
fn weigh<P>(what: &str, prepare: impl FnOnce() -> P, act: impl FnOnce(&mut P) -> Load) {
    let mut there = as_attacker(prepare);
    let before = (free(), Group::charged());
    let Load(held, pieces, account) = as_attacker(|| act(&mut there));
    let gone = (before.0 - free()).max(0) as f64;
    let charged = (Group::charged() - before.1).max(0) as f64 / 1024.0;
    drop((held, there));
    let beside = |kib: f64| match gone / kib {
        // Of so little most is what others do.
        _ if gone < LITTLE => thousands(kib),
        times if times <= TARGET => format!("{} ({times:.2}x met)", thousands(kib)),
        times => format!("{} ({times:.2}x MISSED)", thousands(kib)),
    };
    let says = match account {
        Bytes(bytes) => beside(bytes as f64 / 1024.0),
        Pieces(most) => {
            let all = thousands(gone / pieces as f64 * most as f64 / 1024.0);
            format!("says nothing, {all} MiB for {}", thousands(most as f64))
        }
    };
    println!(
        "  {what}, {}: {}; account {says}; cgroup {}",
        thousands(pieces as f64),
        thousands(gone),
        beside(charged)
    );
}

/// Free memory, in KiB, when what can be given back just so has been.
fn free() -> i64 {
    // Slabs that are empty, or would be.
    for cache in fs::read_dir("/sys/kernel/slab").expect("slabs").flatten() {
        let _ = fs::write(cache.path().join("shrink"), "1");
    }
    let _ = fs::write("/proc/sys/vm/drop_caches", "3");
    let _ = fs::write("/proc/sys/vm/compact_memory", "1");
    let text = fs::read_to_string("/proc/meminfo").expect("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix("MemFree:"));
    let free = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    free.expect("MemFree")
}

/// The memory cgroup that this process is in meanwhile.
struct Group;

const GROUPS: &str = "/sys/fs/cgroup";
const GROUP: &str = "/sys/fs/cgroup/attacker";

impl Group {
    fn enter() {
        fs::write(format!("{GROUPS}/cgroup.subtree_control"), "+memory").expect("memory cgroups");
        fs::create_dir_all(GROUP).expect("a group");
        Group::go_to(GROUP);
    }

    fn leave() {
        Group::go_to(GROUPS);
    }

    fn go_to(group: &str) {
        let pid = std::process::id().to_string();
        fs::write(format!("{group}/cgroup.procs"), pid).expect("to be taken in");
    }

    /// Bytes.
    fn charged() -> i64 {
        let text = fs::read_to_string(format!("{GROUP}/memory.current")).expect("memory.current");
        text.trim().parse().expect("bytes")
    }
}
