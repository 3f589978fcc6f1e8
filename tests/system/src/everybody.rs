// SPDX-License-Identifier: GPL-2.0-only
//! What concerns everybody: who may change settings of a bus (kbus_settings), who sees whom in
//! /proc (kbus_hide), and who may take a bus away (REMOVEDEVICE).

use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use crate::behaviours::open_soon;
use crate::harness::{as_user, fork, keep_capabilities, shared, Child, Gate, ALICE, BOB};
use crate::raw::*;
use crate::{eq, tests};

tests![
    everybody_may_change_settings_at_first.load("kbus_mode=0666"),
    everybody_may_not_change_settings.load("kbus_mode=0666 kbus_settings=1"),
    everybody_sees_everybody_at_first.load("kbus_num_devices=2 kbus_mode=0666"),
    everybody_sees_their_own.load("kbus_num_devices=2 kbus_mode=0666 kbus_hide=1"),
    removedevice_of_ones_own_buses.load("kbus_mode=0666 kbus_max_user_buses=2"),
    removedevice_as_additions_are.load("kbus_mode=0666"),
    removedevice_while_others_open_it
        .load("kbus_mode=0666")
        .limit(90),
];

fn open(device: u32) -> Result<Ksock> {
    Ksock::open(device, libc::O_RDWR)
}

/// All that changes something for others, and what it says.
fn settings(k: &Ksock) -> [Result<u32>; 6] {
    [
        k.verbose(1),
        k.verbose(0),
        k.report(1),
        k.report(0),
        k.max_size(200),
        k.max_size(ABS_MAX_SIZE),
    ]
}

/// Each setting is asked for, and is what it is at first.
#[track_caller]
fn is_as_at_first(k: &Ksock) {
    eq!((k.verbose(ASK), k.report(ASK)), (Ok(0), Ok(0)));
    eq!(
        (k.max_size(0), k.max_size(1)),
        (Ok(ABS_MAX_SIZE), Ok(ABS_MAX_SIZE))
    );
}

const MAY: [Result<u32>; 6] = [Ok(0), Ok(1), Ok(0), Ok(1), Ok(200), Ok(ABS_MAX_SIZE)];

fn everybody_may_change_settings_at_first() {
    as_user(ALICE, || {
        let k = open(0).unwrap();
        eq!(settings(&k), MAY);
        is_as_at_first(&k);
        eq!(k.new_device(), Ok(1));
    })
    .join();
}

fn everybody_may_not_change_settings() {
    let refused = |k: &Ksock| {
        eq!(settings(k), [Err(EPERM); 6]);
        is_as_at_first(k);
        eq!(k.new_device(), Err(EPERM));
        // What cannot be is so for everybody.
        eq!((k.verbose(2), k.report(7)), (Err(EINVAL), Err(EINVAL)));
        // What concerns oneself only is as ever.
        eq!((k.only_once(1), k.max(7)), (Ok(0), Ok(7)));
    };
    as_user(ALICE, || refused(&open(0).unwrap())).join();
    let root = Ksock::new();
    eq!(settings(&root), MAY);
    eq!(root.new_device(), Ok(1));
    // It is who does it that counts, not who has opened the bus.
    let shared = open(0).unwrap();
    as_user(ALICE, || refused(&shared)).join();
    // The node is hers, so she may; also by a file that she has had before.
    let (ready, go) = (Gate::new(), Gate::new());
    let alice = as_user(ALICE, || {
        let k = open(0).unwrap();
        eq!(k.verbose(1), Err(EPERM));
        ready.open();
        go.pass();
        eq!(settings(&k), MAY);
        eq!(open(0).unwrap().new_device(), Ok(2));
        // The others are not hers.
        refused(&open_soon(1));
    });
    ready.pass();
    std::os::unix::fs::chown("/dev/kbus0", Some(ALICE), None).unwrap();
    go.open();
    alice.join();
    as_user(BOB, || refused(&open(0).unwrap())).join();
    // Root without capabilities is somebody like others, where nothing belongs to root.
    fork(|| {
        keep_capabilities(&[]);
        refused(&open(0).unwrap());
        eq!(settings(&open_soon(1)), MAY);
    })
    .join();
    std::os::unix::fs::chown("/dev/kbus0", Some(0), None).unwrap();
}

// Capabilities.
const SYS_PTRACE: u32 = 19;
const SYS_ADMIN: u32 = 21;

fn proc_file(name: &str) -> String {
    std::fs::read_to_string(format!("/proc/kbus/{name}")).unwrap()
}

/// The names that are bound, and how many Ksocks have statistics.
fn seen() -> (Vec<String>, usize) {
    let bindings = proc_file("bindings");
    let lines = bindings.lines().filter(|line| !line.starts_with('#'));
    let names = lines.map(|line| line.split("$.").nth(1).unwrap().to_string());
    let stats = proc_file("stats");
    // What is said of a bus is said to everybody.
    eq!(bindings.matches('#').count(), 2);
    eq!(stats.matches("dev ").count(), 2);
    (names.collect(), stats.matches("    ksock ").count())
}

/// Alice and Bob have Ksocks on two buses, and more bindings than a reader notes at a time.
fn crowd(look: impl Fn(u32)) {
    let (ready, go) = (Gate::new(), Gate::new());
    let crowd: Vec<Child> = [ALICE, BOB]
        .into_iter()
        .map(|uid| {
            let (ready, go) = (&ready, &go);
            as_user(uid, || {
                let all: Vec<Ksock> = (0..200).map(|n| open(n % 2).unwrap()).collect();
                for n in 0..1500 {
                    all[n % 7].listen(&format!("$.U{uid}.N{n}"));
                }
                ready.open();
                go.pass();
                look(uid);
            })
        })
        .collect();
    ready.pass();
    ready.pass();
    look(0);
    for _ in 0..2 {
        go.open();
    }
    for child in crowd {
        child.join();
    }
}

fn everybody_sees_everybody_at_first() {
    crowd(|uid| {
        if uid != 0 {
            return;
        }
        as_user(ALICE, || {
            let (names, ksocks) = seen();
            eq!((names.len(), ksocks), (3000, 400));
            // The same read in small pieces, and from the middle.
            use std::os::unix::fs::FileExt;
            let file = std::fs::File::open("/proc/kbus/bindings").unwrap();
            let whole = proc_file("bindings").into_bytes();
            let (mut pieces, mut piece) = (Vec::<u8>::new(), [0; 777]);
            while let n @ 1.. = (&file).read(&mut piece).unwrap() {
                pieces.extend(&piece[..n]);
            }
            assert!(pieces == whole, "in pieces it says something else");
            let at = whole.len() / 2;
            let n = file.read_at(&mut piece, at as u64).unwrap();
            assert!(n > 0 && piece[..n] == whole[at..at + n]);
        })
        .join();
    });
}

fn everybody_sees_their_own() {
    crowd(|uid| {
        let (names, ksocks) = seen();
        match uid {
            0 => {
                eq!((names.len(), ksocks), (3000, 400));
                // It is the capability that counts: root has nothing, and so sees nothing.
                fork(|| {
                    keep_capabilities(&[SYS_ADMIN]);
                    eq!(seen(), (Vec::new(), 0));
                })
                .join();
                fork(|| {
                    keep_capabilities(&[SYS_PTRACE]);
                    let (names, ksocks) = seen();
                    eq!((names.len(), ksocks), (3000, 400));
                })
                .join();
            }
            uid => {
                eq!((names.len(), ksocks), (1500, 200));
                let own = format!("U{uid}.");
                assert!(names.iter().all(|name| name.starts_with(&own)));
            }
        }
    });
}

/// REMOVEDEVICE, with a structure of so many words.
pub fn remove<const N: usize>(k: &Ksock, mut words: [u32; N]) -> Result<()> {
    let request = added(4 * N as u32, 27);
    ioctl(k.fd, request, words.as_mut_ptr().cast()).map(|result| eq!(result, 0))
}

fn count() -> String {
    let count = std::fs::read_to_string("/sys/module/kbus/parameters/kbus_num_devices");
    count.unwrap().trim().to_string()
}

fn removedevice_of_ones_own_buses() {
    let root = Ksock::new();
    eq!(root.new_device(), Ok(1));
    as_user(ALICE, || {
        let k = open(0).unwrap();
        eq!((k.new_device(), k.new_device()), (Ok(2), Ok(3)));
        eq!(k.new_device(), Err(EDQUOT));
        let second = open_soon(2);
        second.listen("$.A");
        eq!(count(), "4");
        eq!(remove(&k, [2, 0]), Err(EBUSY));
        eq!(remove(&second, [2, 0]), Err(EBUSY), "its own");
        drop(second);
        eq!(remove(&k, [2, 0]), Ok(()));
        crate::module::gone("/dev/kbus2");
        assert!(!std::path::Path::new("/sys/class/kbus/kbus2").exists());
        eq!(open(2).err(), Some(ENOENT));
        eq!(count(), "3");
        eq!(remove(&k, [2, 0]), Err(ENXIO));
        // Not hers: the first, that of root, and none at all.
        eq!(remove(&k, [0, 0]), Err(EPERM));
        eq!(remove(&k, [1, 0]), Err(EPERM));
        eq!(remove(&k, [255, 0]), Err(ENXIO));
        eq!(remove(&k, [u32::MAX, 0]), Err(ENXIO));
        // She may make another, and it gets the number; it is a new one.
        eq!(k.new_device(), Ok(2));
        eq!(open_soon(2).id(), 1);
        eq!(k.new_device(), Err(EDQUOT));
        eq!(proc_file("stats").matches("dev ").count(), 4);
    })
    .join();
    as_user(BOB, || eq!(remove(&open(0).unwrap(), [3, 0]), Err(EPERM))).join();
    // An administrator may, but not what nobody has made.
    eq!(remove(&root, [3, 0]), Ok(()));
    eq!(remove(&root, [1, 0]), Ok(()));
    eq!(remove(&root, [0, 0]), Err(EPERM));
    eq!(count(), "2");
    let stats = proc_file("stats");
    assert!(
        stats.contains("dev  0:") && stats.contains("\ndev  2:"),
        "{stats}"
    );
    eq!(root.new_device(), Ok(1));
    eq!(root.new_device(), Ok(3));
}

/// Section 12.1.
fn removedevice_as_additions_are() {
    let k = Ksock::new();
    eq!(k.new_device(), Ok(1));
    eq!(remove(&k, [1]), Err(EINVAL), "too short");
    eq!(remove(&k, [1, 1]), Err(EINVAL), "an option");
    eq!(
        remove(&k, [1, 0, 0, 1]),
        Err(E2BIG),
        "longer, with something in it"
    );
    eq!(ioctl(k.fd, REMOVEDEVICE, std::ptr::null_mut()), Err(EFAULT));
    eq!(count(), "2");
    eq!(
        remove(&k, [1, 0, 0, 0]),
        Ok(()),
        "longer, with nothing in it"
    );
    eq!(count(), "1");
}

/// Opening finds the bus or does not, and one that is open is not removed.
fn removedevice_while_others_open_it() {
    let removed: &'static [AtomicU32] = shared(1);
    let openers: Vec<Child> = (0..3)
        .map(|_| {
            fork(|| {
                let mut opened = 0;
                while removed[0].load(SeqCst) < 30 || opened == 0 {
                    match open(1) {
                        Ok(k) => {
                            k.listen("$.A").say("$.A");
                            assert!(k.count() >= 1);
                            opened += 1;
                        }
                        Err(e) => assert!(e == ENOENT || e == ENXIO, "{e:?}"),
                    }
                }
            })
        })
        .collect();
    let k = Ksock::new();
    let mut times = 0;
    while removed[0].load(SeqCst) < 30 {
        match k.new_device() {
            Ok(number) => eq!(number, 1),
            Err(e) => panic!("{e:?}"),
        }
        loop {
            match remove(&k, [1, 0]) {
                Ok(()) => break,
                Err(e) => eq!(e, EBUSY),
            }
            times += 1;
            if times % 64 == 0 {
                std::thread::yield_now();
            }
        }
        removed[0].fetch_add(1, SeqCst);
    }
    // They end once they have had it open.
    eq!(k.new_device(), Ok(1));
    for child in openers {
        child.join();
    }
}
