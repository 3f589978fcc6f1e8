// SPDX-License-Identifier: GPL-2.0-only
//! Section 7: the ALL_OR_WAIT state machine, with poll, select and epoll.

use libc::{POLLIN, POLLOUT, POLLPRI};
use nix::sys::signal::Signal;

use super::polling::{await_sleep, Epoll};
use crate::harness::{fork, keep_only, Child, Gate, HANG_MS};
use crate::raw::*;
use crate::{eq, tests};

tests![
    waiting_table_of_states,
    waiting_user_memory_is_free_after_eagain,
    waiting_poll_retries_whatever_is_asked,
    waiting_select_retries,
    waiting_read_only_descriptor_does_not_exist,
    waiting_reading_goes_on,
    waiting_wakes_on_nextmsg,
    waiting_wakes_on_unbind,
    waiting_wakes_on_close,
    waiting_wakes_on_maxmsgs,
    waiting_wakes_on_nextmsg_below_the_limit,
    waiting_wakes_on_an_answer_read,
    waiting_wakes_on_bind_of_another_replier,
    waiting_wakes_on_replier_gone,
    waiting_wakes_on_requester_gone,
    waiting_wakes_when_a_reply_fits,
    waiting_wakes_everybody_who_waits,
    waiting_wakes_on_discard_by_another,
    waiting_wakes_on_enolck_for_another,
    waiting_in_the_order_in_which_they_came,
    waiting_sender_is_stopped,
    waiting_sender_is_killed,
    waiting_epoll_level,
    waiting_epoll_edge,
    waiting_epoll_added_while_idle,
];

/// A full listener to $.A (limit 1) and what fills it.
fn full() -> (Ksock, Id) {
    let l = Ksock::new();
    l.listen("$.A").limit(1);
    let filler = Ksock::new().say("$.A");
    (l, filler)
}

fn pending(msg: &Msg) -> (Ksock, Id) {
    let k = Ksock::new();
    k.put(&msg.clone().flags(ALL_OR_WAIT)).unwrap();
    let id = k.send_pending();
    (k, id)
}

fn waiting_table_of_states() {
    let (l, _) = full();
    let bytes = Msg::new("$.A").flags(ALL_OR_WAIT).entire();
    let k = Ksock::new();
    // Idle.
    eq!(k.send(), Err(ENOMSG));
    eq!(k.discard(), Ok(0));
    assert!(k.writable());
    // Writing.
    eq!(k.write(&bytes[..50]), Ok(50));
    assert!(k.writable());
    eq!(k.send(), Err(EINVAL));
    eq!(k.send(), Err(ENOMSG), "back to idle");
    eq!(k.write(&bytes[..50]), Ok(50));
    eq!(k.discard(), Ok(0));
    eq!(k.send(), Err(ENOMSG));
    // Complete.
    eq!(k.write(&bytes), Ok(bytes.len()));
    eq!(k.write(&[]), Ok(0));
    assert!(k.writable());
    eq!(k.discard(), Ok(0));
    eq!(k.send(), Err(ENOMSG));
    eq!(k.write(&bytes), Ok(bytes.len()));
    eq!(k.write(&[1]), Err(EMSGSIZE));
    eq!(k.send(), Err(ENOMSG));
    // Sending.
    eq!(k.write(&bytes), Ok(bytes.len()));
    let id = k.send_pending();
    for _ in 0..3 {
        eq!(k.write(&[1]), Err(EALREADY));
        eq!(k.write(&bytes), Err(EALREADY));
        eq!(k.ready(!0), 0, "neither readable nor writable");
        eq!(k.send_pending(), id);
    }
    eq!(k.discard(), Ok(0));
    assert!(k.writable());
    eq!(k.send(), Err(ENOMSG));
    eq!(l.count(), 1);
}

fn waiting_user_memory_is_free_after_eagain() {
    let (l, _) = full();
    let k = Ksock::new();
    let mut pointy = Msg::new("$.A")
        .data(b"original")
        .flags(ALL_OR_WAIT)
        .pointy();
    k.put_pointy(&pointy).unwrap();
    k.send_pending();
    pointy.name.fill(b'#');
    pointy.data.fill(b'#');
    drop(pointy);
    l.take();
    eq!(k.wait(POLLOUT), POLLOUT);
    eq!(l.take().data, b"original".to_vec());
}

fn waiting_poll_retries_whatever_is_asked() {
    for events in [POLLOUT, POLLIN, POLLPRI, 0] {
        let (l, _) = full();
        let (k, id) = pending(&Msg::new("$.A"));
        eq!(k.ready(events), 0);
        l.take();
        eq!(k.ready(events), events & POLLOUT);
        eq!(l.take().id, id, "events {events:#x}");
        assert!(k.put(&Msg::new("$.A")).is_ok(), "idle again");
    }
}

fn waiting_select_retries() {
    let (l, _) = full();
    let (k, id) = pending(&Msg::new("$.A"));
    let select = |fd: i32| {
        // SAFETY: one descriptor below FD_SETSIZE.
        unsafe {
            let mut w: libc::fd_set = std::mem::zeroed();
            libc::FD_SET(fd, &mut w);
            let mut none = libc::timeval {
                tv_sec: 0,
                tv_usec: 0,
            };
            let null = std::ptr::null_mut();
            libc::select(fd + 1, null, &mut w, null, &mut none)
        }
    };
    eq!(select(k.fd), 0);
    l.take();
    eq!(select(k.fd), 1);
    eq!(l.take().id, id);
}

/// Only one that is open for writing can ever be in that state.
fn waiting_read_only_descriptor_does_not_exist() {
    let (_l, _) = full();
    let k = Ksock::read_only();
    eq!(k.put(&Msg::new("$.A").flags(ALL_OR_WAIT)), Err(EBADF));
    eq!(k.send(), Err(ENOMSG));
    // And write-only works as read/write does.
    let w = Ksock::write_only();
    w.put(&Msg::new("$.A").flags(ALL_OR_WAIT)).unwrap();
    w.send_pending();
    eq!(w.ready(!0), 0);
}

fn waiting_reading_goes_on() {
    let (_l, _) = full();
    let (k, _) = pending(&Msg::new("$.A"));
    k.listen("$.News");
    let s = Ksock::new();
    let id = s.post(&Msg::new("$.News").data(b"123")).unwrap();
    eq!(k.ready(POLLIN | POLLOUT), POLLIN);
    eq!(k.take().id, id);
    eq!(k.ready(POLLIN | POLLOUT), 0);
    eq!(k.write(b"x"), Err(EALREADY));
}

/// A replier that is full, and a request that waits for it.
fn request_pending() -> (Ksock, Ksock, Id) {
    let (r, s) = (Ksock::new(), Ksock::new());
    r.serve("$.R").limit(1);
    s.ask("$.R");
    let (k, id) = pending(&Msg::ask("$.R"));
    (r, k, id)
}

/// From KBUS itself, about a send that never was (6.2: from 0).
#[track_caller]
fn expect_failed(got: &Msg, name: &str, to: u32, pending: Id) {
    eq!(got.text(), name);
    eq!((got.from, got.to, got.in_reply_to), (0, to, pending));
    eq!((got.flags, got.data.len()), (SYNTHETIC, 0));
    eq!((got.orig_from, got.final_to), ((0, 0), (0, 0)));
    assert!(got.id.net == 0 && got.id.serial > pending.serial);
}

/// A process sleeps in poll on a pending send; then `wake` happens.
fn wakes(k: &Ksock, events: i16, wake: impl FnOnce()) {
    let child = fork(|| {
        // What the others have open is to be closed when they close it.
        keep_only(&[k.fd]);
        let got = k.wait(events);
        assert!(got & POLLOUT != 0, "expected POLLOUT, got {got:#x}");
    });
    await_sleep(child.pid);
    wake();
    child.join();
}

/// It can write again, though nothing that it waited for has happened.
fn waiting_wakes_on_discard_by_another() {
    let (l, _) = full();
    let (k, _) = pending(&Msg::new("$.A"));
    wakes(&k, POLLOUT, || eq!(k.discard(), Ok(0)));
    eq!(l.count(), 1);
}

fn waiting_wakes_on_enolck_for_another() {
    let (r, s) = (Ksock::new(), Ksock::new());
    r.serve("$.R").limit(1);
    s.ask("$.R");
    let (k, _) = pending(&Msg::ask("$.R"));
    k.listen("$.B").limit(1);
    s.say("$.B");
    wakes(&k, POLLOUT, || eq!(k.send(), Err(ENOLCK)));
}

fn waiting_wakes_on_nextmsg() {
    let (l, _) = full();
    let (k, id) = pending(&Msg::new("$.A"));
    wakes(&k, POLLOUT, || drop(l.take()));
    eq!(l.take().id, id);
}

fn waiting_wakes_on_unbind() {
    let (l, _) = full();
    let (k, _) = pending(&Msg::new("$.A"));
    wakes(&k, POLLOUT, || l.unbind("$.A", LISTENER).unwrap());
    l.nothing();
    // Unbinding another name that emptied a place.
    let l = Ksock::new();
    l.listen("$.A").listen("$.B").limit(1);
    k.say("$.B");
    let (k, id) = pending(&Msg::new("$.A"));
    wakes(&k, POLLOUT, || l.unbind("$.B", LISTENER).unwrap());
    eq!(l.take().id, id);
}

fn waiting_wakes_on_close() {
    let (l, _) = full();
    let (k, _) = pending(&Msg::new("$.A"));
    wakes(&k, POLLOUT, || drop(l));
    k.nothing();
}

fn waiting_wakes_on_maxmsgs() {
    let (l, _) = full();
    let (k, id) = pending(&Msg::new("$.A"));
    wakes(&k, POLLOUT, || {
        l.limit(2);
    });
    l.take();
    eq!(l.take().id, id);
}

/// The count never is limit - 1: the limit was lowered.
fn waiting_wakes_on_nextmsg_below_the_limit() {
    let l = Ksock::new();
    l.listen("$.A").listen("$.A").limit(1);
    Ksock::new().say("$.A");
    eq!(l.count(), 2);
    let (k, id) = pending(&Msg::new("$.A"));
    l.take();
    eq!(k.ready(POLLOUT), 0);
    wakes(&k, POLLOUT, || drop(l.take()));
    eq!(l.take().id, id);
}

/// Full because of what it is owed: an answer alone leaves Q + O as it was,
/// reading it makes room.
fn waiting_wakes_on_an_answer_read() {
    let (r, l) = (Ksock::new(), Ksock::new());
    r.serve("$.R");
    l.listen("$.A").limit(1);
    l.ask("$.R");
    let (k, id) = pending(&Msg::new("$.A"));
    r.answer(&r.take());
    eq!(k.ready(POLLOUT), 0);
    wakes(&k, POLLOUT, || drop(l.take()));
    eq!(l.take().id, id);
}

fn waiting_wakes_on_bind_of_another_replier() {
    let (r, s, better) = (Ksock::new(), Ksock::new(), Ksock::new());
    r.serve("$.R.*").limit(1);
    s.ask("$.R.x");
    let (k, id) = pending(&Msg::ask("$.R.x"));
    wakes(&k, POLLOUT, || {
        better.serve("$.R.x");
    });
    eq!(better.take().id, id);
}

fn waiting_wakes_on_replier_gone() {
    let (r, k, id) = request_pending();
    wakes(&k, POLLIN | POLLOUT, || drop(r));
    expect_failed(&k.take(), DISAPPEARED, k.id(), id);
}

/// A reply that waits for somebody else's full queue, when its requester
/// closes.
fn waiting_wakes_on_requester_gone() {
    let (r, b, l) = (Ksock::new(), Ksock::new(), Ksock::new());
    r.serve("$.R");
    b.ask("$.R");
    let request = r.take();
    l.listen("$.R").limit(1);
    r.say("$.R");
    r.put(&Msg::reply_to(&request).flags(ALL_OR_WAIT)).unwrap();
    let id = r.send_pending();
    wakes(&r, POLLIN | POLLOUT, || drop(b));
    expect_failed(&r.take(), DISAPPEARED, r.id(), id);
}

/// 5.4 3c with ALL_OR_WAIT: the requester lowered its limit meanwhile. (That
/// a reserved place is always honoured is allowed, too: `[FIX]` defect 22.)
fn waiting_wakes_when_a_reply_fits() {
    let (r, b, s) = (Ksock::new(), Ksock::new(), Ksock::new());
    r.serve("$.R");
    b.listen("$.N");
    let asked = b.ask("$.R");
    s.say("$.N");
    b.limit(1);
    let reply = Msg::reply_to(&r.take()).flags(ALL_OR_WAIT);
    match r.post(&reply) {
        Ok(_) => {
            b.take();
        }
        Err(EAGAIN) => wakes(&r, POLLOUT, || drop(b.take())),
        Err(e) => panic!("the reply: {e:?}"),
    }
    eq!(b.take().in_reply_to, asked);
    eq!(r.owed(), 0);
}

fn waiting_wakes_everybody_who_waits() {
    let (l, _) = full();
    let (a, x) = pending(&Msg::new("$.A"));
    let (b, y) = pending(&Msg::new("$.A"));
    let children = [
        fork(|| eq!(a.wait(POLLOUT), POLLOUT)),
        fork(|| eq!(b.wait(POLLOUT), POLLOUT)),
    ];
    for c in &children {
        await_sleep(c.pid);
    }
    l.limit(3);
    for c in children {
        c.join();
    }
    l.take();
    let mut got = [l.take().id, l.take().id];
    got.sort();
    eq!(got, [x, y]);
}

/// Five wait for one place. However fast their processes are, the first that came is the first.
fn waiting_in_the_order_in_which_they_came() {
    let (l, _) = full();
    let all: Vec<(Ksock, Id)> = (0..5).map(|_| pending(&Msg::new("$.A"))).collect();
    l.take();
    for (k, id) in &all {
        eq!(l.take().id, *id);
        eq!(k.send(), Ok(*id), "SEND tells it, once");
        eq!(k.send(), Err(ENOMSG));
    }
    l.nothing();
}

/// A process whose message waits for a full listener.
fn waiting_process() -> (Ksock, Child) {
    let (l, _) = full();
    let ready = Gate::new();
    let child = fork(|| {
        let k = Ksock::new();
        k.put(&Msg::new("$.A").data(b"mine").flags(ALL_OR_WAIT))
            .unwrap();
        let id = k.send_pending();
        ready.open();
        eq!(k.wait(POLLOUT), POLLOUT);
        eq!(k.send(), Ok(id));
    });
    ready.pass();
    await_sleep(child.pid);
    (l, child)
}

fn waiting_sender_is_stopped() {
    let (l, child) = waiting_process();
    child.signal(Signal::SIGSTOP);
    child.stopped();
    l.take();
    eq!(l.take().data, b"mine", "nobody waits for the sender");
    child.signal(Signal::SIGCONT);
    child.join();
}

fn waiting_sender_is_killed() {
    let (l, child) = waiting_process();
    child.kill();
    l.take();
    l.nothing();
}

fn waiting_epoll_level() {
    let (l, _) = full();
    let (k, id) = pending(&Msg::new("$.A"));
    let e = Epoll::new();
    e.add(&k, libc::EPOLLOUT);
    eq!(e.wait(0), vec![]);
    l.take();
    eq!(e.wait(HANG_MS), vec![(k.fd, libc::EPOLLOUT)]);
    eq!(e.wait(0), vec![(k.fd, libc::EPOLLOUT)], "it stays writable");
    eq!(l.take().id, id);
}

/// `[FIX]` section 7; defect 27.
pub fn waiting_epoll_edge() {
    let (l, _) = full();
    let (k, id) = pending(&Msg::new("$.A"));
    let e = Epoll::new();
    e.add(&k, libc::EPOLLOUT | libc::EPOLLET);
    eq!(e.wait(0), vec![]);
    l.take();
    eq!(e.wait(HANG_MS), vec![(k.fd, libc::EPOLLOUT)]);
    eq!(l.take().id, id);
}

/// Added before it ever was sending: the original never woke it.
pub fn waiting_epoll_added_while_idle() {
    for edge in [0, libc::EPOLLET] {
        let (l, _) = full();
        let k = Ksock::new();
        let e = Epoll::new();
        e.add(&k, libc::EPOLLOUT | edge);
        eq!(e.wait(0), vec![(k.fd, libc::EPOLLOUT)]);
        k.put(&Msg::new("$.A").flags(ALL_OR_WAIT)).unwrap();
        let id = k.send_pending();
        eq!(e.wait(0), vec![]);
        let child = fork(|| eq!(e.wait(HANG_MS), vec![(k.fd, libc::EPOLLOUT)]));
        await_sleep(child.pid);
        l.take();
        child.join();
        eq!(l.take().id, id);
    }
}
