// SPDX-License-Identifier: GPL-2.0-only
//! Section 3.9: dup, fork, exec, descriptors passed over sockets, threads,
//! death, signals.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;

use libc::POLLIN;

use nix::sys::signal::{SaFlags, Signal};
use nix::sys::socket::{
    self, AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType,
};
use nix::unistd::{close, gettid};

use crate::harness::{bounded, exec, fork, keep_only, keep_over_exec, on_signal, Gate, HANG_MS};
use crate::raw::*;
use crate::rules::await_sleep;
use crate::{eq, tests};

tests![
    fd_dup_is_the_same_ksock,
    fd_fork_shares_the_ksock,
    fd_fork_both_write_one_message,
    fd_opening_again_is_another_ksock,
    fd_exec_keeps_it,
    fd_exec_closes_it_with_cloexec,
    fd_scm_rights_passes_the_ksock,
    fd_scm_rights_in_flight_keeps_it_open,
    fd_pointers_belong_to_the_sender_of_the_moment,
    fd_death_is_close,
    fd_death_with_a_request_popped_and_queued,
    fd_exit_group_with_threads_is_close,
    fd_threads_share_one_queue,
    fd_threads_write_whole_messages,
    fd_threads_read_positions_stay_whole,
    fd_close_while_another_thread_polls,
    fd_close_while_another_thread_reads,
    fd_close_while_a_request_is_pending,
    fd_signal_ends_poll_with_eintr,
    fd_signals_lose_nothing.limit(60),
    fd_stop_and_continue,
];

pub fn dup(fd: i32) -> Ksock {
    let fd = nix::unistd::dup(borrow(fd)).unwrap().into_raw_fd();
    Ksock { fd }
}

fn fd_dup_is_the_same_ksock() {
    let k = Ksock::new();
    let d = dup(k.fd);
    eq!(d.id(), k.id());
    k.listen("$.A");
    let bytes = Msg::new("$.A").data(b"12345").entire();
    k.write(&bytes[..60]).unwrap();
    d.write(&bytes[60..]).unwrap();
    let id = k.send().unwrap();
    eq!((d.last(), d.count(), k.count()), (id, 1, 1));
    let len = d.next().unwrap().unwrap() as usize;
    let mut got = k.bytes(50);
    got.extend(d.bytes(len));
    eq!(Msg::parse(&got).unwrap().id, id);
    let number = k.id();
    drop(k);
    eq!(d.id(), number, "open as long as one is");
    d.say("$.A");
    eq!(d.count(), 1);
    drop(d);
    eq!(crate::harness::bindings().len(), 0);
}

fn fd_fork_shares_the_ksock() {
    let (k, s) = (Ksock::new(), Ksock::new());
    k.listen("$.A");
    let number = k.id();
    let (a, b) = (s.say("$.A"), s.say("$.A"));
    fork(|| {
        eq!(k.id(), number);
        eq!(k.take().id, a);
        k.serve("$.FromChild");
    })
    .join();
    // The child has ended, the ksock has not.
    eq!(s.replier("$.FromChild"), Ok(Some(number)));
    eq!(k.take().id, b);
    k.nothing();
}

fn fd_fork_both_write_one_message() {
    let (k, l) = (Ksock::new(), Ksock::new());
    l.listen("$.A");
    let msg = Msg::new("$.A").data(b"by two");
    let bytes = msg.entire();
    k.write(&bytes[..HEADER + 2]).unwrap();
    fork(|| {
        k.write(&bytes[HEADER + 2..]).unwrap();
    })
    .join();
    k.send().unwrap();
    assert!(l.take().equivalent(&msg));
    // Sent by the child, which then is the one whose pointers count.
    let pointy = Msg::new("$.A").data(b"parent's").pointy();
    k.put_pointy(&pointy).unwrap();
    fork(|| {
        k.send().unwrap();
    })
    .join();
    eq!(l.take().data, b"parent's".to_vec());
}

fn fd_opening_again_is_another_ksock() {
    let k = Ksock::new();
    k.listen("$.A");
    let again = Ksock {
        fd: open_path(&format!("/proc/self/fd/{}", k.fd), libc::O_RDWR).unwrap(),
    };
    assert!(again.id() != k.id());
    k.say("$.A");
    eq!((k.count(), again.count()), (1, 0));
}

/// This very program, started again with a descriptor: see `child_main`.
pub fn exec_self(fd: i32, args: &[&str]) -> crate::harness::Child {
    let fd = fd.to_string();
    let words = [&["--as-child", fd.as_str()], args].concat();
    fork(|| exec(Path::new("/proc/self/exe"), &words))
}

/// What the program does when it was started by `exec_self`.
pub fn child_main(args: &[String]) -> bool {
    let k = Ksock {
        fd: args[0].parse().unwrap_or(-1),
    };
    match args[1].as_str() {
        "answer" => {
            let request = k.take();
            k.answer(&request);
            true
        }
        "pop" => k.next().unwrap().is_some(),
        _ => {
            let closed = ioctl(k.fd, KSOCKID, [0u32; 2].as_mut_ptr().cast()) == Err(EBADF);
            std::mem::forget(k);
            closed
        }
    }
}

fn fd_exec_keeps_it() {
    let (k, b) = (Ksock::new(), Ksock::new());
    k.serve("$.A");
    let asked = b.ask("$.A");
    keep_over_exec(k.fd);
    exec_self(k.fd, &["answer"]).join();
    eq!(b.take().in_reply_to, asked);
    eq!(k.owed(), 0);
}

fn fd_exec_closes_it_with_cloexec() {
    let k = Ksock::new();
    exec_self(k.fd, &["closed"]).join();
    assert!(k.id() > 0);
}

/// A pair of sockets, to hand descriptors over.
pub fn socketpair() -> [OwnedFd; 2] {
    let flags = SockFlag::empty();
    socket::socketpair(AddressFamily::Unix, SockType::Stream, None, flags)
        .unwrap()
        .into()
}

pub fn pass(socket: &OwnedFd, fd: i32) {
    let fds = [fd];
    let rights = [ControlMessage::ScmRights(&fds)];
    let (byte, flags) = ([IoSlice::new(&[1])], MsgFlags::empty());
    socket::sendmsg::<()>(socket.as_raw_fd(), &byte, &rights, flags, None).unwrap();
}

pub fn receive(socket: &OwnedFd) -> Ksock {
    let mut byte = [0];
    let mut byte = [IoSliceMut::new(&mut byte)];
    let mut room = nix::cmsg_space!(RawFd);
    let (room, flags) = (Some(&mut room[..]), MsgFlags::empty());
    let got = socket::recvmsg::<()>(socket.as_raw_fd(), &mut byte, room, flags).unwrap();
    match got.cmsgs().unwrap().next() {
        Some(ControlMessageOwned::ScmRights(fds)) => Ksock { fd: fds[0] },
        other => panic!("no descriptor came: {other:?}"),
    }
}

fn fd_scm_rights_passes_the_ksock() {
    let [ours, theirs] = socketpair();
    let b = Ksock::new();
    let gate = Gate::new();
    // A child opens, binds and hands over, and dies.
    let child = fork(|| {
        let k = Ksock::new();
        k.serve("$.A");
        gate.pass();
        pass(&theirs, k.fd);
    });
    assert!(bounded(|| b.replier("$.A") != Ok(None)));
    let number = b.replier("$.A").unwrap().unwrap();
    let asked = b.ask("$.A");
    gate.open();
    child.join();
    eq!(b.replier("$.A"), Ok(Some(number)), "in flight, or here");
    let k = receive(&ours);
    eq!(k.id(), number);
    let request = k.take();
    eq!(request.id, asked);
    k.answer(&request);
    eq!(b.take().in_reply_to, asked);
}

fn fd_scm_rights_in_flight_keeps_it_open() {
    let [ours, theirs] = socketpair();
    let b = Ksock::new();
    let k = Ksock::new();
    k.serve("$.A");
    pass(&theirs, k.fd);
    drop(k);
    assert!(b.replier("$.A").unwrap().is_some());
    let asked = b.ask("$.A");
    // Nobody will ever receive it.
    drop((ours, theirs));
    let got = b.await_msg();
    eq!(
        (got.text(), got.in_reply_to),
        (GONE_AWAY.to_string(), asked)
    );
}

/// 3.8: pointers are followed in the process that calls the first SEND.
fn fd_pointers_belong_to_the_sender_of_the_moment() {
    let (k, l) = (Ksock::new(), Ksock::new());
    l.listen("$.*");
    let mut pointy = Msg::new("$.A").data(b"11111111").pointy();
    k.put_pointy(&pointy).unwrap();
    let (go, done) = (Gate::new(), Gate::new());
    let child = fork(|| {
        go.pass();
        k.send().unwrap();
        done.open();
    });
    // Ours is another memory since the fork.
    pointy.data.copy_from_slice(b"22222222");
    go.open();
    done.pass();
    child.join();
    eq!(l.take().data, b"11111111".to_vec());
}

fn fd_death_is_close() {
    let w = Ksock::new();
    for how in [
        Some(Signal::SIGKILL),
        Some(Signal::SIGABRT),
        Some(Signal::SIGTERM),
        None,
    ] {
        let (ready, go) = (Gate::new(), Gate::new());
        let child = fork(|| {
            let k = Ksock::new();
            k.serve("$.A").listen("$.*");
            ready.open();
            go.pass();
        });
        ready.pass();
        let asked = w.ask("$.A");
        if let Some(signal) = how {
            child.signal(signal);
            child.wait();
        } else {
            go.open();
            child.join();
        }
        eq!(w.take().in_reply_to, asked, "ended by {how:?}");
        eq!(w.replier("$.A"), Ok(None));
        eq!(crate::harness::bindings().len(), 0);
    }
}

fn fd_death_with_a_request_popped_and_queued() {
    let w = Ksock::new();
    let ready = Gate::new();
    let child = fork(|| {
        let k = Ksock::new();
        k.serve("$.A");
        ready.open();
        k.await_msg();
        k.wait(POLLIN);
        ready.open();
        nix::unistd::pause();
    });
    ready.pass();
    let ids = [w.ask("$.A"), w.ask("$.A")];
    ready.pass();
    child.kill();
    let got: Vec<(String, Id)> = w
        .drain()
        .iter()
        .map(|m| (m.text(), m.in_reply_to))
        .collect();
    eq!(
        got,
        vec![
            (GONE_AWAY.to_string(), ids[1]),
            (IGNORED.to_string(), ids[0])
        ]
    );
}

fn fd_exit_group_with_threads_is_close() {
    let w = Ksock::new();
    let ready = Gate::new();
    let child = fork(|| {
        let k = Arc::new(Ksock::new());
        k.serve("$.A");
        for _ in 0..3 {
            let k = k.clone();
            std::thread::spawn(move || k.poll(POLLIN, HANG_MS));
        }
        ready.open();
        nix::unistd::pause();
    });
    ready.pass();
    let asked = w.ask("$.A");
    child.kill();
    eq!(w.take().in_reply_to, asked);
}

fn fd_threads_share_one_queue() {
    const MESSAGES: u32 = 2000;
    let k = Arc::new(Ksock::new());
    k.listen("$.A").limit(MESSAGES + 10);
    let s = Ksock::new();
    for _ in 0..MESSAGES {
        s.say("$.A");
    }
    let total = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (k, total) = (k.clone(), total.clone());
            std::thread::spawn(move || {
                while k.next().unwrap().is_some() {
                    total.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for t in threads {
        t.join().unwrap();
    }
    eq!(total.load(Ordering::Relaxed), MESSAGES, "each popped once");
    k.nothing();
}

/// One write call is atomic: whole messages in one call each may only be
/// refused (somebody else's is there already), never mixed.
fn fd_threads_write_whole_messages() {
    let k = Arc::new(Ksock::new());
    let l = Ksock::new();
    l.listen("$.A").limit(100_000);
    let threads: Vec<_> = (0..4u8)
        .map(|n| {
            let k = k.clone();
            std::thread::spawn(move || {
                let msg = Msg::new("$.A").data([n; 64]);
                for _ in 0..500 {
                    match k.put(&msg) {
                        Ok(()) | Err(EMSGSIZE) => {}
                        Err(e) => panic!("write: {e:?}"),
                    }
                    match k.send() {
                        Ok(_) | Err(ENOMSG) => {}
                        Err(e) => panic!("SEND: {e:?}"),
                    }
                }
            })
        })
        .collect();
    for t in threads {
        t.join().unwrap();
    }
    let got = l.drain();
    assert!(!got.is_empty());
    for msg in got {
        assert!(
            msg.data.len() == 64 && msg.data.iter().all(|&b| b == msg.data[0]),
            "{msg:?}"
        );
    }
}

/// Defect 12: all bytes of a message come once each, whoever reads them.
pub fn fd_threads_read_positions_stay_whole() {
    let k = Arc::new(Ksock::new());
    k.listen("$.A");
    for round in 0..20u32 {
        let data: Vec<u8> = (0..4000u32).map(|n| (n ^ (n >> 8) ^ round) as u8).collect();
        let msg = Msg::new("$.A").data(&data);
        k.post(&msg).unwrap();
        let len = k.next().unwrap().unwrap() as usize;
        let mut counts = [0usize; 256];
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let k = k.clone();
                std::thread::spawn(move || {
                    let mut all = Vec::new();
                    loop {
                        let some = k.bytes(7);
                        if some.is_empty() {
                            return all;
                        }
                        all.extend(some);
                    }
                })
            })
            .collect();
        let mut total = 0;
        for t in threads {
            let got = t.join().unwrap();
            total += got.len();
            got.iter().for_each(|&b| counts[b as usize] += 1);
        }
        eq!(total, len, "round {round}");
        let mut want = [0usize; 256];
        let mut whole = msg.clone();
        whole.id = k.last();
        whole.from = k.id();
        whole.entire().iter().for_each(|&b| want[b as usize] += 1);
        assert!(
            counts == want,
            "round {round}: other bytes than those of the message"
        );
    }
}

/// A thread that tells its id, then does something with the ksock.
fn thread_in(
    k: &Arc<Ksock>,
    f: impl FnOnce(&Ksock) + Send + 'static,
) -> std::thread::JoinHandle<()> {
    let gate = Gate::new();
    let k = k.clone();
    let t = std::thread::spawn(move || {
        gate.put(gettid().as_raw() as u32);
        f(&k);
    });
    await_sleep(gate.get() as i32);
    t
}

fn fd_close_while_another_thread_polls() {
    let k = Arc::new(Ksock::new());
    k.listen("$.A").serve("$.R");
    let w = Ksock::new();
    let fd = k.fd;
    let t = thread_in(&k, |k| {
        // The wait holds the file, so a message still wakes it; what poll
        // then says of a number that is closed is for the kernel's core.
        let got = k.poll(POLLIN, HANG_MS);
        assert!(got == POLLIN || got == libc::POLLNVAL, "poll: {got:#x}");
    });
    // Closed for real here; the number is not used again below.
    eq!(close(fd), Ok(()));
    // Still open, for a call is inside.
    let asked = w.ask("$.R");
    t.join().unwrap();
    assert!(w.wait(POLLIN) != 0);
    eq!(
        w.take().in_reply_to,
        asked,
        "closed when the call had ended"
    );
    std::mem::forget(Arc::try_unwrap(k).unwrap());
}

fn fd_close_while_another_thread_reads() {
    for _ in 0..30 {
        let k = Arc::new(Ksock::new());
        k.listen("$.A");
        k.post(&Msg::new("$.A").data(vec![1; 100_000])).unwrap();
        k.next().unwrap().unwrap();
        let fd = k.fd;
        let gate = Gate::new();
        let reader = {
            let k = k.clone();
            std::thread::spawn(move || {
                gate.open();
                let mut some = [0u8; 256];
                while let Ok(1..) = k.read(&mut some) {}
            })
        };
        gate.pass();
        // Closed for real here; the reader sees EBADF or the end.
        close(fd).unwrap();
        reader.join().unwrap();
        std::mem::forget(Arc::try_unwrap(k).unwrap());
    }
}

fn fd_close_while_a_request_is_pending() {
    let (r, s) = (Ksock::new(), Ksock::new());
    r.serve("$.R").limit(1);
    s.ask("$.R");
    let child = fork(|| {
        let k = Ksock::new();
        k.put(&Msg::ask("$.R").flags(ALL_OR_WAIT)).unwrap();
        k.send_pending();
        k.poll(POLLIN | libc::POLLOUT, HANG_MS);
    });
    await_sleep(child.pid);
    child.kill();
    r.take();
    r.nothing();
}

fn fd_signal_ends_poll_with_eintr() {
    let k = Ksock::new();
    k.listen("$.A");
    let child = fork(|| {
        on_signal(Signal::SIGUSR1, SaFlags::empty());
        eq!(poll(k.fd, POLLIN, HANG_MS), Err(EINTR));
        // And goes on as before.
        Ksock::new().say("$.A");
        k.take();
    });
    await_sleep(child.pid);
    child.signal(Signal::SIGUSR1);
    child.join();
}

/// Signals all the time, in every call: EINTR or EAGAIN mean that nothing
/// happened; all else is as ever (section 3, locking view).
fn fd_signals_lose_nothing() {
    let stop: &'static AtomicBool = &crate::harness::shared::<AtomicBool>(1)[0];
    let pid = nix::unistd::getpid();
    on_signal(Signal::SIGUSR1, SaFlags::empty());
    let storm = fork(move || {
        while !stop.load(Ordering::Relaxed) {
            let _ = nix::sys::signal::kill(pid, Signal::SIGUSR1);
            std::thread::yield_now();
        }
    });
    // Somebody else keeps the bus busy, so that locks are waited for.
    let rival = fork(move || {
        keep_only(&[]);
        let k = Ksock::new();
        k.listen("$.Busy");
        let msg = Msg::new("$.Busy").data(vec![1; 20_000]);
        while !stop.load(Ordering::Relaxed) {
            k.post(&msg).unwrap();
            k.take();
        }
    });
    fn again<T>(what: &str, mut call: impl FnMut() -> Result<T>) -> T {
        loop {
            match call() {
                Ok(v) => return v,
                Err(EINTR | EAGAIN) => {}
                Err(e) => panic!("{what}: {e:?}"),
            }
        }
    }
    for round in 0..150u32 {
        let a = again("open", || Ksock::open(0, libc::O_RDWR));
        let b = again("open", || Ksock::open(0, libc::O_RDWR));
        again("bind", || a.bind("$.A", REPLIER));
        let msg = Msg::ask("$.A").data(vec![round as u8; 3000]);
        let bytes = msg.entire();
        eq!(again("write", || b.write(&bytes)), bytes.len());
        let asked = again("SEND", || b.send());
        let len = again("NEXTMSG", || a.next()).expect("the request");
        let mut got = Vec::new();
        while got.len() < len as usize {
            let mut some = [0u8; 500];
            let n = again("read", || a.read(&mut some));
            got.extend_from_slice(&some[..n]);
        }
        let request = Msg::parse(&got).unwrap();
        eq!((request.id, request.data.len()), (asked, 3000));
        let bytes = Msg::reply_to(&request).entire();
        eq!(again("write", || a.write(&bytes)), bytes.len());
        again("SEND", || a.send());
        again("unbind", || a.unbind("$.A", REPLIER));
        eq!(again("NEXTMSG", || b.next()), Some(entire_len(3, 0) as u32));
        eq!(again("NEXTMSG", || b.next()), None, "one answer");
    }
    stop.store(true, Ordering::Relaxed);
    storm.join();
    rival.join();
}

fn fd_stop_and_continue() {
    let k = Ksock::new();
    k.listen("$.A");
    let child = fork(|| {
        let msg = k.await_msg();
        eq!(msg.text(), "$.A");
    });
    await_sleep(child.pid);
    child.signal(Signal::SIGSTOP);
    child.stopped();
    child.signal(Signal::SIGCONT);
    Ksock::new().say("$.A");
    child.join();
}
