// SPDX-License-Identifier: GPL-2.0-only
//! Section 2.6: 32-bit programs on a 64-bit kernel. This same program, built
//! for i686, runs the tests of what a program sees once more, under names that
//! begin with `compat_`; and it is the other side of programs of 64 bits.

use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::harness::{exec, fork, Child, Gate, Test};
use crate::raw::*;
use crate::{eq, tests};

tests![
    compat_the_program_is_one,
    compat_addresses_near_the_end,
    compat_32_answers_64,
    compat_64_answers_32,
    compat_32_answers_32,
    compat_listeners_of_both_kinds,
    compat_killed_while_it_owes_an_answer,
];

/// This program as one of 32 bits, where there is one: beside it.
pub fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    beside(&format!("{}32", own.file_name()?.to_str()?))
}

/// The program of this name, where there is one, in the directory of this program.
pub fn beside(name: &str) -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.with_file_name(name);
    path.exists().then_some(path)
}

/// These are about lengths and addresses of 64-bit programs.
const WIDE: [&str; 5] = [
    "b36_nextmsg_gives_the_entire_length",
    "ioctl_kernel_addresses",
    "ioctl_max_size_values",
    "ioctl_order_of_generic_checks",
    "closing_writing_is_dropped_silently",
];

/// These tests, for the program of 32 bits.
pub fn narrow(tests: &[&'static [Test]]) -> Vec<Test> {
    if POINTER == 4 || program().is_none() {
        return Vec::new();
    }
    let all = tests.iter().flat_map(|tests| tests.iter());
    all.filter(|test| !WIDE.contains(&test.name))
        .filter_map(Test::narrow)
        .collect()
}

// ---- the other side ------------------------------------------------------

struct Peer {
    child: Child,
    ready: Gate,
}

/// Starts the 32-bit program as one of `peer_main`.
fn peer(role: &str, count: u32) -> Peer {
    let program = program().expect("kbus-test-system32, beside this program");
    let ready = Gate::new();
    let child = fork(|| {
        let gate = ready.inherited();
        exec(&program, &["--as-peer", role, &count.to_string(), &gate]);
    });
    Peer { child, ready }
}

impl Peer {
    fn new(role: &str, count: u32) -> Peer {
        let peer = peer(role, count);
        peer.ready.pass();
        peer
    }

    #[track_caller]
    fn done(self) {
        self.child.join();
    }
}

/// What the program does as a peer.
pub fn peer_main(args: &[String]) {
    let number = |n: usize| args[n].parse().unwrap();
    let ready = Gate {
        read: -1,
        write: number(2),
    };
    let count = number(1) as u32;
    match args[0].as_str() {
        "size" => eq!(POINTER, 4),
        "addresses" => addresses(),
        "serve" => return serve(count, &ready),
        "ask" => {
            ready.open();
            return ask(count);
        }
        other => panic!("no such peer: {other}"),
    }
    ready.open();
}

/// Answers so many requests for $.Compat with what they brought.
fn serve(count: u32, ready: &Gate) {
    let k = Ksock::new();
    k.serve("$.Compat").limit(1000);
    ready.open();
    for n in 0..count {
        let request = k.await_msg();
        eq!(
            request.flags & (WANT_A_REPLY | WANT_YOU_TO_REPLY),
            WANT_A_REPLY | WANT_YOU_TO_REPLY
        );
        eq!(k.owed(), 1);
        let mut reply = Msg::reply_to(&request).data(&request.data);
        reply.orig_from = (POINTER as u32, 0);
        post(&k, &reply, n).unwrap();
        eq!(k.owed(), 0);
    }
}

/// Asks $.Wide so many times, and compares what comes back.
fn ask(count: u32) {
    let k = Ksock::new();
    for n in 0..count {
        let msg = Msg::ask("$.Wide").data(data(n * n * 3 % 70_000, n));
        let asked = post(&k, &msg, n).unwrap();
        let got = k.await_msg();
        eq!(got.in_reply_to, asked);
        assert!(got.data == msg.data, "other data, round {n}");
    }
    k.nothing();
}

/// In one form, and in the other.
fn post(k: &Ksock, msg: &Msg, n: u32) -> Result<Id> {
    match n % 2 {
        0 => k.post(msg),
        _ => k.post_pointy(msg),
    }
}

fn data(len: u32, seed: u32) -> Vec<u8> {
    (0..len).map(|i| (i * 13 + i / 77 + seed) as u8).collect()
}

/// What ends after the last address that 32 bits can name is nowhere.
fn addresses() {
    let k = Ksock::new();
    for address in [0x10, 0xffff_fff0, 0xffff_fffd_u32] {
        let at = address as usize as *mut libc::c_void;
        for request in ALL_IOCTLS
            .into_iter()
            .filter(|r| ![RESET, DISCARD].contains(r))
        {
            if request == SEND {
                k.put(&Msg::new("$.A")).unwrap();
            }
            eq!(ioctl(k.fd, request, at), Err(EFAULT), "{request:#x}");
        }
        let mut msg = Msg::new("$.A").data([0; 4]).pointy();
        point(&mut msg.bytes, DATA_AT, address as usize);
        k.put_pointy(&msg).unwrap();
        eq!(k.send(), Err(EFAULT), "data");
        point(&mut msg.bytes, NAME_AT, address as usize);
        k.put_pointy(&msg).unwrap();
        eq!(k.send(), Err(EFAULT), "name");
    }
}

// ---- tests ---------------------------------------------------------------

fn compat_the_program_is_one() {
    Peer::new("size", 0).done();
}

fn compat_addresses_near_the_end() {
    Peer::new("addresses", 0).done();
}

fn compat_32_answers_64() {
    let peer = Peer::new("serve", 40);
    let k = Ksock::new();
    for n in 0..40 {
        let msg = Msg::ask("$.Compat").data(data(n * n * 7, n));
        let asked = post(&k, &msg, n).unwrap();
        let got = k.await_msg();
        eq!((got.in_reply_to, got.orig_from), (asked, (4, 0)));
        assert!(got.data == msg.data, "other data, round {n}");
    }
    peer.done();
    k.nothing();
}

fn compat_64_answers_32() {
    let k = Ksock::new();
    k.serve("$.Wide");
    let peer = Peer::new("ask", 40);
    for _ in 0..40 {
        let request = k.await_msg();
        assert!(request.marked());
        k.post(&Msg::reply_to(&request).data(&request.data))
            .unwrap();
    }
    peer.done();
}

fn compat_32_answers_32() {
    // Through us, so that both layouts meet twice.
    let server = Peer::new("serve", 30);
    let (k, up) = (Ksock::new(), Ksock::new());
    k.serve("$.Wide");
    let asker = Peer::new("ask", 30);
    for _ in 0..30 {
        let request = k.await_msg();
        up.post(&Msg::ask("$.Compat").data(&request.data)).unwrap();
        let answer = up.await_msg();
        k.post(&Msg::reply_to(&request).data(&answer.data)).unwrap();
    }
    asker.done();
    server.done();
}

fn compat_listeners_of_both_kinds() {
    let l = Ksock::new();
    l.listen("$.Compat").limit(200);
    let peer = Peer::new("serve", 20);
    let k = Ksock::new();
    for n in 0..20u8 {
        k.post(&Msg::ask("$.Compat").data(vec![n; n as usize]))
            .unwrap();
        k.await_msg();
    }
    peer.done();
    let heard = l.drain();
    eq!(heard.len(), 40, "requests and replies");
    for (n, pair) in heard.chunks(2).enumerate() {
        assert!(pair
            .iter()
            .all(|m| m.data == vec![n as u8; n] && !m.marked()));
    }
}

fn compat_killed_while_it_owes_an_answer() {
    let peer = Peer::new("serve", 2);
    let k = Ksock::new();
    k.ask("$.Compat");
    k.await_msg();
    peer.child.signal(Signal::SIGSTOP);
    let asked = k.ask("$.Compat");
    peer.child.kill();
    let got = k.take();
    eq!(got.in_reply_to, asked);
    assert!([GONE_AWAY, IGNORED, "$.Compat"].contains(&got.text().as_str()));
}
