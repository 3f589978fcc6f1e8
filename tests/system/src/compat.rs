// SPDX-License-Identifier: GPL-2.0
//! Section 2.6: 32-bit programs on a 64-bit kernel. The other side is
//! compat32.c, a real i686 program, which build.rs has put inside this one.

use std::ffi::CString;

use crate::harness::{fork, how_it_ended, Child};
use crate::raw::*;
use crate::{eq, tests};

static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/compat32"));

#[cfg(target_arch = "x86_64")]
tests![
    compat_every_ioctl,
    compat_codes_of_the_other_size_are_refused,
    compat_messages_of_many_sizes,
    compat_in_pieces,
    compat_refusals,
    compat_all_or_wait,
    compat_goneaway,
    compat_bind_events,
    compat_32_answers_64,
    compat_64_answers_32,
    compat_32_answers_32,
    compat_listeners_of_both_kinds,
    compat_killed_while_it_owes_an_answer,
];

#[cfg(not(target_arch = "x86_64"))]
tests![];

struct Peer {
    child: Child,
    words: i32,
}

/// Starts the 32-bit program.
fn peer(mode: &str, count: u32) -> Peer {
    let mut pipe = [0; 2];
    // SAFETY: a file in memory, a pipe, and terminated strings.
    unsafe {
        let file = libc::memfd_create(c"compat32".as_ptr(), libc::MFD_CLOEXEC);
        assert!(file >= 0, "memfd_create: {:?}", errno());
        eq!(
            write(file, PROGRAM.as_ptr(), PROGRAM.len()),
            Ok(PROGRAM.len())
        );
        check(libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) as i64).unwrap();
        let child = fork(|| {
            libc::dup2(pipe[1], 1);
            let args = ["compat32".to_string(), mode.to_string(), count.to_string()]
                .map(|a| CString::new(a).unwrap());
            let mut argv: Vec<*const libc::c_char> = args.iter().map(|a| a.as_ptr()).collect();
            argv.push(std::ptr::null());
            let envp = [std::ptr::null::<libc::c_char>()];
            libc::fexecve(file, argv.as_ptr(), envp.as_ptr());
            panic!("exec of a 32-bit program: {:?}", errno());
        });
        libc::close(pipe[1]);
        libc::close(file);
        Peer {
            child,
            words: pipe[0],
        }
    }
}

impl Peer {
    fn line(&self) -> String {
        let mut line = String::new();
        let mut byte = 0u8;
        while let Ok(1) = read(self.words, &mut byte, 1) {
            if byte == b'\n' {
                break;
            }
            line.push(byte as char);
        }
        line
    }

    #[track_caller]
    fn ready(&self) {
        let line = self.line();
        assert!(line == "ready", "{line}");
    }

    #[track_caller]
    fn done(self) {
        let line = self.line();
        let status = self.child.wait();
        // SAFETY: our own descriptor.
        unsafe { libc::close(self.words) };
        assert!(line.is_empty(), "{line}");
        assert!(status == 0, "the 32-bit program: {}", how_it_ended(status));
    }
}

fn compat_every_ioctl() {
    peer("ioctls", 0).done();
}

fn compat_codes_of_the_other_size_are_refused() {
    peer("codes", 0).done();
}

fn compat_messages_of_many_sizes() {
    peer("messages", 0).done();
}

fn compat_in_pieces() {
    peer("pieces", 0).done();
}

fn compat_refusals() {
    peer("refusals", 0).done();
}

fn compat_all_or_wait() {
    peer("waiting", 0).done();
}

fn compat_goneaway() {
    peer("goneaway", 0).done();
}

fn compat_bind_events() {
    peer("reported", 0).done();
}

fn compat_32_answers_64() {
    let peer = peer("serve", 40);
    peer.ready();
    let k = Ksock::new();
    for n in 0..40u32 {
        let data: Vec<u8> = (0..n * n * 7).map(|i| (i * 3 + n) as u8).collect();
        let msg = Msg::ask("$.Compat").data(&data);
        let asked = if n % 2 == 0 {
            k.post(&msg)
        } else {
            k.post_pointy(&msg)
        }
        .unwrap();
        let got = k.await_msg();
        eq!((got.in_reply_to, got.orig_from), (asked, (4, 0)));
        assert!(got.data == data, "other data, round {n}");
    }
    peer.done();
    k.nothing();
}

fn compat_64_answers_32() {
    let k = Ksock::new();
    k.serve("$.Wide");
    let peer = peer("ask", 40);
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
    let server = peer("serve", 30);
    server.ready();
    let (k, up) = (Ksock::new(), Ksock::new());
    k.serve("$.Wide");
    let asker = peer("ask", 30);
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
    let peer = peer("serve", 20);
    peer.ready();
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
    let peer = peer("serve", 2);
    peer.ready();
    let k = Ksock::new();
    k.ask("$.Compat");
    k.await_msg();
    // SAFETY: our own child.
    unsafe { libc::kill(peer.child.pid, libc::SIGSTOP) };
    let asked = k.ask("$.Compat");
    peer.child.kill();
    let got = k.take();
    eq!(got.in_reply_to, asked);
    assert!(got.text() == GONE_AWAY || got.text() == IGNORED || got.text() == "$.Compat");
}
