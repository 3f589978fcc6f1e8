// SPDX-License-Identifier: GPL-2.0-only
//! User namespaces: in one that a user made everybody is that user, whatever
//! ids were mapped into it; in one that root made each id is a user.

use nix::sched::{unshare, CloneFlags};

use crate::behaviours::open_soon;
use crate::everybody::remove;
use crate::harness::{as_user, become_user, Child, Gate, ALICE};
use crate::raw::*;
use crate::users::open;
use crate::{eq, tests};

tests![
    namespaces_of_a_user_are_that_user.load("kbus_mode=0666 kbus_max_user_ksocks=20"),
    namespaces_of_root_have_users_of_their_own.load("kbus_mode=0666 kbus_max_user_ksocks=20"),
    namespaces_of_a_user_have_its_buses.load("kbus_mode=0666"),
    namespaces_show_what_is_their_users.load("kbus_mode=0666 kbus_hide=1"),
];

/// So many ids from `inside` on are those from `outside` on in the namespace above.
struct Mapped {
    inside: u32,
    outside: u32,
    count: u32,
}

/// Alice, and ids that are subordinate to her as /etc/subuid would have it.
const OF_ALICE: [Mapped; 2] = [
    Mapped {
        inside: 0,
        outside: ALICE,
        count: 1,
    },
    Mapped {
        inside: 1,
        outside: 100_000,
        count: 9,
    },
];

/// The same without her.
const OF_ROOT: [Mapped; 1] = [Mapped {
    inside: 0,
    outside: 100_000,
    count: 10,
}];

/// A user makes a namespace, into which we, who may, map these ids. Does it there, as root of it,
/// who has all capabilities there.
fn in_namespace(maker: u32, mapped: &[Mapped], f: impl FnOnce()) -> Child {
    let (made, go) = (Gate::new(), Gate::new());
    let child = as_user(maker, || {
        unshare(CloneFlags::CLONE_NEWUSER).unwrap();
        // Else what is below /proc of it belongs to the root of us all.
        nix::sys::prctl::set_dumpable(true).unwrap();
        made.open();
        go.pass();
        become_user(0);
        f();
    });
    made.pass();
    let lines = mapped.iter().map(|ids| {
        let Mapped {
            inside,
            outside,
            count,
        } = ids;
        format!("{inside} {outside} {count}\n")
    });
    let lines: String = lines.collect();
    for file in ["uid_map", "gid_map"] {
        std::fs::write(format!("/proc/{}/{file}", child.pid), &lines).unwrap();
    }
    go.open();
    child
}

/// One user after the other opens Ksocks and keeps them, at most so many. Tells how many each got.
fn opened(users: &[u32], most: usize) -> Vec<u32> {
    let (told, go) = (Gate::new(), Gate::new());
    let open_some = || {
        let mut all = Vec::new();
        while all.len() < most {
            match open(0) {
                Ok(k) => all.push(k),
                Err(e) => {
                    eq!(e, EDQUOT);
                    break;
                }
            }
        }
        told.put(all.len() as u32);
        go.pass();
    };
    let all: Vec<(u32, Child)> = users
        .iter()
        .map(|&uid| {
            let child = as_user(uid, open_some);
            (told.get(), child)
        })
        .collect();
    for _ in &all {
        go.open();
    }
    all.into_iter()
        .map(|(count, child)| {
            child.join();
            count
        })
        .collect()
}

fn namespaces_of_a_user_are_that_user() {
    let (ready, go) = (Gate::new(), Gate::new());
    let outside = as_user(ALICE, || {
        let _hers = [open(0).unwrap(), open(0).unwrap()];
        ready.open();
        go.pass();
    });
    ready.pass();
    in_namespace(ALICE, &OF_ALICE, || {
        eq!(opened(&[0, 1, 2, 3], 8), [8, 8, 2, 0]);
        eq!(opened(&[4], 30), [18]);
        // A namespace of another of her ids is no way out either.
        let inner = [Mapped {
            inside: 0,
            outside: 5,
            count: 4,
        }];
        in_namespace(5, &inner, || eq!(opened(&[0, 1, 2], 8), [8, 8, 2])).join();
    })
    .join();
    // Nor is one of which no id is known.
    as_user(ALICE, || {
        unshare(CloneFlags::CLONE_NEWUSER).unwrap();
        let all: Vec<Ksock> = (0..18).map(|_| open(0).unwrap()).collect();
        eq!(open(0).err(), Some(EDQUOT));
        drop(all);
    })
    .join();
    // The ids by themselves are others.
    eq!(opened(&[100_000, ALICE], 30), [20, 18]);
    go.open();
    outside.join();
}

fn namespaces_of_root_have_users_of_their_own() {
    in_namespace(0, &OF_ROOT, || {
        // Its root is a user like others, whose capabilities count only there.
        eq!(opened(&[0, 1, 2], 30), [20, 20, 20]);
        // What these users make is theirs.
        let inner = [Mapped {
            inside: 0,
            outside: 1,
            count: 4,
        }];
        in_namespace(1, &inner, || eq!(opened(&[0, 1, 2], 8), [8, 8, 4])).join();
        in_namespace(0, &inner, || eq!(opened(&[0, 1, 2], 8), [8, 8, 4])).join();
    })
    .join();
    // What belongs to one outside is the same one's.
    eq!(opened(&[100_001], 30), [20]);
}

fn namespaces_of_a_user_have_its_buses() {
    eq!(Ksock::new().new_device(), Ok(1));
    as_user(ALICE, || eq!(open(0).unwrap().new_device(), Ok(2))).join();
    in_namespace(ALICE, &OF_ALICE, || {
        as_user(1, || {
            let k = open(0).unwrap();
            eq!(k.new_device(), Ok(3));
            drop(open_soon(2));
            eq!(remove(&k, [2, 0]), Ok(()));
            eq!(remove(&k, [1, 0]), Err(EPERM));
        })
        .join();
        // Who is root here is no administrator of the machine.
        eq!(remove(&open(0).unwrap(), [1, 0]), Err(EPERM));
    })
    .join();
    in_namespace(0, &OF_ROOT, || {
        as_user(1, || eq!(open(0).unwrap().new_device(), Ok(2))).join();
        eq!(remove(&open(0).unwrap(), [2, 0]), Err(EPERM));
        as_user(2, || {
            let k = open(0).unwrap();
            eq!(remove(&k, [2, 0]), Err(EPERM));
            eq!(remove(&k, [3, 0]), Err(EPERM));
        })
        .join();
        as_user(1, || eq!(remove(&open(0).unwrap(), [2, 0]), Ok(()))).join();
    })
    .join();
    as_user(ALICE, || eq!(remove(&open(0).unwrap(), [3, 0]), Ok(()))).join();
}

/// How many Ksocks `/proc/kbus/stats` shows.
fn seen() -> usize {
    let stats = std::fs::read_to_string("/proc/kbus/stats").unwrap();
    stats.matches("    ksock ").count()
}

fn namespaces_show_what_is_their_users() {
    let _of_root = Ksock::new();
    let (ready, go) = (Gate::new(), Gate::new());
    let alice = as_user(ALICE, || {
        let _hers = open(0).unwrap();
        ready.open();
        go.pass();
        eq!(seen(), 2);
        ready.open();
    });
    ready.pass();
    in_namespace(ALICE, &OF_ALICE, || {
        eq!(seen(), 1);
        as_user(1, || {
            let _its = open(0).unwrap();
            eq!(seen(), 2);
            go.open();
            ready.pass();
        })
        .join();
    })
    .join();
    alice.join();
    let inside = as_user(100_000, || {
        let _its = open(0).unwrap();
        ready.open();
        go.pass();
    });
    ready.pass();
    in_namespace(0, &OF_ROOT, || {
        eq!(seen(), 1);
        as_user(1, || eq!(seen(), 0)).join();
    })
    .join();
    go.open();
    inside.join();
}
