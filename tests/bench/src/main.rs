// SPDX-License-Identifier: GPL-2.0-only
//! What KBUS costs, beside what else carries messages between processes. To
//! be run as root in the VM that counts instructions (`make bench`):
//!
//!     kbus-bench [GROUP...]
//!
//! where a group is roundtrip, fanout, scale, calls, fairness, hostile, account or contention (which
//! wants two processors, and counts time). A benchmark, not a test: it says which targets are missed, and ends well nonetheless.

use nix::sys::resource::{setrlimit, Resource, RLIM_INFINITY};

mod account;
mod calls;
mod clock;
mod contention;
mod fairness;
mod fanout;
mod hostile;
mod ksock;
mod roundtrip;
mod scale;
mod sys;
mod table;
mod transport;

#[path = "../../../kmod/uapi/mod.rs"]
mod uapi;

const GROUPS: [(&str, fn()); 8] = [
    ("roundtrip", roundtrip::run),
    ("fanout", fanout::run),
    ("scale", scale::run),
    ("calls", calls::run),
    ("fairness", fairness::run),
    ("hostile", hostile::run),
    ("account", account::run),
    ("contention", contention::run),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted
        .iter()
        .find(|wanted| GROUPS.iter().all(|(name, _)| name != wanted))
    {
        let names = GROUPS.map(|(name, _)| name).join(", ");
        eprintln!("kbus-bench: no group is called {unknown}; there are {names}");
        std::process::exit(2);
    }
    raise_limits();
    clock::wait_out_boot();
    if wanted != ["contention"] {
        calls::copying();
    }
    for (name, run) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}

/// Many open files, and message queues for messages of any size.
fn raise_limits() {
    let raise = |limit, to| setrlimit(limit, to, to).expect("root may raise limits");
    raise(Resource::RLIMIT_NOFILE, 65_536);
    raise(Resource::RLIMIT_MSGQUEUE, RLIM_INFINITY);
    // Where this cannot be set, the table says so: no such queues.
    let _ = std::fs::write("/proc/sys/fs/mqueue/msgsize_max", "65536");
}
