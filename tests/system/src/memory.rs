// SPDX-License-Identifier: GPL-2.0-only
//! Memory returns to where it was, the module unloaded: in total, in the
//! memory cgroup of whoever used it, and object by object.

use std::fs;
use std::path::Path;

use crate::behaviours::open_soon;
use crate::harness::{bounded, fork, Gate, USUAL};
use crate::module::{exercise, load, unload};
use crate::raw::*;
use crate::tests;

tests![
    module_memory_returns.unloaded().limit(240),
    module_memory_cgroup_returns.unloaded().limit(120),
    module_memory_of_places_is_their_readers
        .unloaded()
        .limit(120),
    // The last of all tests: it looks at what all the others have left.
    module_memory_of_the_whole_suite.unloaded().limit(120),
];

/// Unreclaimable slab, in KiB, when everything that waits has been freed.
pub fn slab() -> i64 {
    // Freed memory hangs about: RCU callbacks, caches of the CPUs.
    let _ = fs::write("/proc/sys/vm/drop_caches", "3");
    let _ = fs::write("/proc/sys/vm/compact_memory", "1");
    let text = fs::read_to_string("/proc/meminfo").unwrap();
    text.lines()
        .find_map(|l| l.strip_prefix("SUnreclaim:"))
        .and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap()
}

/// Memory in use by anybody, in KiB, apart from caches.
pub fn used() -> i64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap();
    let field = |name: &str| -> i64 {
        text.lines()
            .find_map(|l| l.strip_prefix(name))
            .and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok())
            .unwrap_or(0)
    };
    field("MemTotal:") - field("MemFree:") - field("Cached:") - field("Buffers:")
}

/// About 6,000 messages, 4,500 ksocks, 4,500 bindings in each round: a leak
/// of one small object in each loop shows as more than the tolerance, after
/// a first round that fills the caches.
fn module_memory_returns() {
    const LOOPS: u32 = 1500;
    /// Slabs are whole pages, and other parts of the kernel live in them too.
    const TOLERANCE: i64 = 384;
    let round = || {
        load(USUAL);
        open_soon(0);
        exercise(LOOPS);
        unload();
        (slab(), used())
    };
    round();
    let mut smallest = i64::MAX;
    let mut smallest_used = i64::MAX;
    let (before, mut used_before) = round();
    // Noise goes up and down; a leak only up. Of all used memory a step was seen that stayed, of
    // 4 MiB and not ours by the slabs: so there, a leak is what each round adds.
    for _ in 0..3 {
        let (after, used_after) = round();
        smallest = smallest.min(after - before);
        smallest_used = smallest_used.min(used_after - used_before);
        used_before = used_after;
        if smallest <= TOLERANCE && smallest_used <= 8 * TOLERANCE {
            return;
        }
    }
    panic!(
        "expected at most {TOLERANCE} KiB more unreclaimable slab after {LOOPS} loops, got {smallest}; \
         used memory {smallest_used} KiB more in each round"
    );
}

// ---- groups --------------------------------------------------------------

const GROUPS: &str = "/sys/fs/cgroup";

/// A memory cgroup (version 2).
pub struct Group(String);

/// What the whole suite runs in.
const SUITE: &str = "kbus-suite";

impl Group {
    /// Where there is one already, that one.
    pub fn new(name: &str) -> Group {
        let control = format!("{GROUPS}/cgroup.subtree_control");
        if !Path::new(&control).exists() {
            let none = None::<&str>;
            let flags = nix::mount::MsFlags::empty();
            let mounted = nix::mount::mount(Some("cgroup2"), GROUPS, Some("cgroup2"), flags, none);
            mounted.unwrap_or_else(|e| panic!("mount cgroup2: {e}"));
        }
        fs::write(control, "+memory").unwrap_or_else(|e| panic!("memory controller: {e}"));
        let group = Group(format!("{GROUPS}/{name}"));
        fs::create_dir_all(&group.0).unwrap_or_else(|e| panic!("{}: {e}", group.0));
        group
    }

    pub fn take_in(&self, pid: u32) {
        fs::write(format!("{}/cgroup.procs", self.0), pid.to_string())
            .unwrap_or_else(|e| panic!("{}: {e}", self.0));
    }

    /// What all in it may have together.
    pub fn limit(&self, bytes: u64) {
        fs::write(format!("{}/memory.max", self.0), bytes.to_string())
            .unwrap_or_else(|e| panic!("{}: {e}", self.0));
    }

    /// How many of it the OOM killer has killed.
    pub fn oom_kills(&self) -> u32 {
        let text = fs::read_to_string(format!("{}/memory.events", self.0)).unwrap();
        text.lines()
            .find_map(|l| l.strip_prefix("oom_kill ")?.parse().ok())
            .unwrap()
    }

    /// Bytes of objects that cannot be given back just so.
    fn slab(&self) -> u64 {
        let text = fs::read_to_string(format!("{}/memory.stat", self.0)).unwrap();
        text.lines()
            .find_map(|l| l.strip_prefix("slab_unreclaimable ")?.parse().ok())
            .unwrap()
    }

    /// Bytes of everything.
    pub fn total(&self) -> i64 {
        let text = fs::read_to_string(format!("{}/memory.current", self.0)).unwrap();
        text.trim().parse().unwrap()
    }

    /// What it still holds when nobody is in it any more is what somebody
    /// forgot. Freeing may be a moment behind.
    pub fn returns(&self) {
        const TOLERANCE: u64 = 64 * 1024;
        let back = bounded(|| {
            let _ = fs::write("/proc/sys/vm/drop_caches", "3");
            self.slab() < TOLERANCE
        });
        let left = self.slab();
        assert!(
            back,
            "{left} bytes of slab are left in a group without processes"
        );
    }
}

/// Else what a group is made of counts as memory that its maker forgot.
impl Drop for Group {
    fn drop(&mut self) {
        // One with processes stays.
        let _ = fs::remove_dir(&self.0);
    }
}

/// From here on, all that this process and its children allocate is counted
/// in the suite's group.
pub fn enter() {
    Group::new(SUITE).take_in(std::process::id());
}

/// What a process makes the bus keep is its own group's memory (defect 43),
/// and goes when it goes.
fn module_memory_cgroup_returns() {
    let group = Group::new("kbus-test");
    load(USUAL);
    open_soon(0);
    let (ready, go) = (Gate::new(), Gate::new());
    let child = fork(|| {
        group.take_in(std::process::id());
        ready.open();
        go.pass();
        let k = Ksock::new();
        k.listen("$.A").limit(5000);
        for _ in 0..4000 {
            k.post(&Msg::new("$.A").data([7; 1000])).unwrap();
        }
        ready.open();
        go.pass();
        drop(k);
        exercise(200);
        ready.open();
        go.pass();
    });
    ready.pass();
    let before = group.total();
    go.open();
    ready.pass();
    let full = group.total();
    go.open();
    ready.pass();
    go.open();
    child.join();
    unload();
    group.returns();
    assert!(
        full - before > 3_500_000,
        "4,000 queued messages of 1,000 bytes are not accounted: {} bytes more",
        full - before
    );
}

/// For its place in a queue the group of the reader pays, whoever sends; when that has no more,
/// the queue is full, and nobody is killed.
fn module_memory_of_places_is_their_readers() {
    const MESSAGES: u32 = 30_000;
    let group = Group::new("kbus-reader");
    load(USUAL);
    open_soon(0);
    let (ready, go) = (Gate::new(), Gate::new());
    let reader = fork(|| {
        group.take_in(std::process::id());
        let k = Ksock::new();
        k.listen("$.A").limit(u32::MAX);
        ready.open();
        go.pass();
        ready.put(k.drain().len() as u32);
        go.pass();
    });
    ready.pass();
    let before = group.total();
    let k = Ksock::new();
    let msg = Msg::new("$.A").flags(ALL_OR_FAIL);
    for _ in 0..MESSAGES {
        k.post(&msg).unwrap();
    }
    let places = group.total() - before;
    assert!(
        places > i64::from(MESSAGES) * 32,
        "{MESSAGES} messages: {places} bytes more"
    );
    // Less than for as many again.
    group.limit(group.total() as u64 + 512 * 1024);
    let more = (0..MESSAGES).take_while(|_| k.post(&msg) != Err(EBUSY));
    let more = more.count() as u32;
    assert!(more < MESSAGES, "none was refused");
    assert!(group.oom_kills() == 0, "killed");
    group.limit(1 << 30);
    go.open();
    assert!(ready.get() == MESSAGES + more, "some were lost");
    k.post(&msg).unwrap();
    drop(k);
    go.open();
    reader.join();
    unload();
    group.returns();
}

// ---- object by object ----------------------------------------------------

/// The kernel's own, which it may allocate in anybody's call: a vector that
/// belongs to the page of objects and lives as long, whoever's object comes
/// first; and the addresses of large memory, which are given back when there
/// are many, with one more for the next. What describes that memory goes with it.
const OTHERS: [&str; 3] = [
    "alloc_slab_obj_exts",
    "alloc_vmap_area",
    "preload_this_cpu_lock",
];

/// Objects in use that were allocated while the module's code was running, by
/// the records that the kernel keeps when it was started with slab_debug=U:
/// each with its stack, in which code of a module that is gone has no name.
fn ours() -> Vec<String> {
    let records = "/sys/kernel/debug/slab";
    let mut seen = 0;
    let mut found = Vec::new();
    for cache in fs::read_dir(records).unwrap_or_else(|e| panic!("{records}: {e}")) {
        let file = cache.unwrap().path().join("alloc_traces");
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for record in text.split("\n\n").filter(|r| r.contains("pid=")) {
            seen += 1;
            let mut frames = record.lines().skip(1).map(str::trim);
            let first = frames.next().unwrap_or_default();
            if OTHERS.iter().any(|other| first.starts_with(other)) {
                continue;
            }
            if frames.any(|f| f.starts_with("0x") || f.ends_with("[kbus]")) {
                found.push(record.to_string());
            }
        }
    }
    assert!(
        seen > 1000,
        "no records of allocations: start the kernel with slab_debug=U"
    );
    found
}

fn module_memory_of_the_whole_suite() {
    // Not a single object of all tests before, which ended with an unload.
    none_left();
    // The records do show what there is while there is something.
    load(USUAL);
    open_soon(0);
    let k = Ksock::new();
    k.listen("$.A");
    k.post(&Msg::new("$.A")).unwrap();
    // At least the bus, its buffer, the ksock, the binding, the message.
    let found = ours().len();
    assert!(
        found >= 5,
        "expected some objects of a module in use, got {found}"
    );
    drop(k);
    unload();
    none_left();
    let group = Group::new(SUITE);
    for pid in [std::process::id(), std::os::unix::process::parent_id()] {
        // Out of it, to the root.
        fs::write(format!("{GROUPS}/cgroup.procs"), pid.to_string()).unwrap();
    }
    group.returns();
}

/// Whether this kernel was told to record who allocates.
pub fn recorded() -> bool {
    fs::read_to_string("/proc/cmdline").is_ok_and(|line| line.contains("slab_debug=U"))
}

pub fn none_left() {
    let mut left = Vec::new();
    // Names that somebody looked up, in /proc and /sys, stay in a cache. What is
    // freed waits for RCU, and KASAN keeps it until a cache shrinks.
    let none = bounded(|| {
        // /proc drops half of what it caches each time, and half of a last one
        // is none: that goes when it is looked for.
        assert!(!Path::new("/proc/kbus").exists());
        let _ = fs::write("/proc/sys/vm/drop_caches", "2");
        for cache in fs::read_dir("/sys/kernel/slab").unwrap() {
            let _ = fs::write(cache.unwrap().path().join("shrink"), "1");
        }
        left = ours();
        left.is_empty()
    });
    assert!(none, "objects left by the module: {}", left.join("\n\n"));
}
