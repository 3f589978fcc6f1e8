// SPDX-License-Identifier: GPL-2.0
//! Section 7: the ALL_OR_WAIT state machine, with poll, select and epoll.

use libc::{POLLIN, POLLOUT, POLLPRI};

use super::polling::{await_sleep, Epoll};
use crate::harness::{fork, keep_only, HANG_MS};
use crate::raw::*;
use crate::{eq, tests};

tests![
    waiting_table_of_states,
    waiting_entered_for_a_listener,
    waiting_entered_for_a_replier,
    waiting_entered_for_a_reply,
    waiting_nobody_has_received_anything,
    waiting_id_is_stored_and_kept,
    waiting_user_memory_is_free_after_eagain,
    waiting_poll_retries_whatever_is_asked,
    waiting_select_retries,
    waiting_read_only_descriptor_does_not_exist,
    waiting_send_retries_with_the_same_id,
    waiting_discard_ends_it,
    waiting_reading_goes_on,
    waiting_routing_is_fresh_listeners,
    waiting_routing_is_fresh_replier,
    waiting_disappeared,
    waiting_disappeared_is_readable_at_once,
    waiting_disappeared_for_a_reply,
    waiting_disappeared_not_for_an_explicit_send,
    waiting_error_sending,
    waiting_explicit_send_gives_epipe,
    waiting_announcement_to_nobody_left_succeeds,
    waiting_reply_that_is_answered_elsewhere_vanishes,
    waiting_request_is_answered_like_any,
    waiting_enolck_on_explicit_send_abandons,
    waiting_enolck_is_not_tested_by_poll,
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
    waiting_epoll_level,
    waiting_epoll_edge,
    waiting_epoll_added_while_idle,
    waiting_several_senders_one_slot,
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

fn waiting_entered_for_a_listener() {
    let (_l, _) = full();
    pending(&Msg::new("$.A"));
}

fn waiting_entered_for_a_replier() {
    let (r, s) = (Ksock::new(), Ksock::new());
    r.serve("$.R").limit(1);
    s.ask("$.R");
    let (k, id) = pending(&Msg::ask("$.R"));
    r.take();
    eq!(k.wait(POLLOUT), POLLOUT);
    let got = r.take();
    eq!((got.id, got.marked()), (id, true));
}

fn waiting_entered_for_a_reply() {
    let (r, b, l) = (Ksock::new(), Ksock::new(), Ksock::new());
    r.serve("$.R");
    let asked = b.ask("$.R");
    let request = r.take();
    // A listener to the reply's name is full.
    l.listen("$.R").limit(1);
    r.say("$.R");
    r.put(&Msg::reply_to(&request).flags(ALL_OR_WAIT)).unwrap();
    let id = r.send_pending();
    eq!((r.owed(), b.count()), (1, 0));
    l.take();
    eq!(r.wait(POLLOUT), POLLOUT);
    eq!(r.owed(), 0);
    let got = b.take();
    eq!((got.id, got.in_reply_to), (id, asked));
    eq!(l.take().id, id);
}

fn waiting_nobody_has_received_anything() {
    let (l, _) = full();
    let roomy = Ksock::new();
    roomy.listen("$.A");
    let r = Ksock::new();
    r.serve("$.A");
    let (k, _) = pending(&Msg::ask("$.A"));
    eq!((l.count(), roomy.count(), r.count()), (1, 0, 0));
    eq!(k.ready(POLLOUT), 0);
    eq!((l.count(), roomy.count(), r.count()), (1, 0, 0));
}

fn waiting_id_is_stored_and_kept() {
    let (l, filler) = full();
    let (k, id) = pending(&Msg::new("$.A").data(b"kept"));
    eq!(id.serial, filler.serial + 1);
    eq!(k.last(), id);
    // Others use up serials meanwhile.
    Ksock::new().say("$.B");
    eq!(l.take().id, filler);
    eq!(k.wait(POLLOUT), POLLOUT);
    let got = l.take();
    eq!((got.id, got.from, got.data), (id, k.id(), b"kept".to_vec()));
    eq!(k.last(), id);
    eq!(k.say("$.B").serial, id.serial + 2);
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

fn waiting_send_retries_with_the_same_id() {
    let (l, _) = full();
    let (k, id) = pending(&Msg::new("$.A"));
    eq!(k.send_pending(), id);
    l.take();
    // Either this SEND delivers it or, where the bus was faster ("progress
    // without polling is permitted"), nothing is left to send.
    match k.send() {
        Ok(same) => eq!(same, id),
        r => eq!(r, Err(ENOMSG)),
    }
    eq!(l.take().id, id);
    l.nothing();
    eq!(k.send(), Err(ENOMSG));
    assert!(k.writable());
}

fn waiting_discard_ends_it() {
    let (l, filler) = full();
    let (k, id) = pending(&Msg::new("$.A"));
    eq!(k.discard(), Ok(0));
    assert!(k.writable());
    eq!(k.send(), Err(ENOMSG));
    eq!(l.take().id, filler);
    l.nothing();
    eq!(k.last(), id);
    eq!(k.say("$.A").serial, id.serial + 1, "the id stays used");
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

fn waiting_routing_is_fresh_listeners() {
    let (l, _) = full();
    let (k, id) = pending(&Msg::new("$.A"));
    // One more listener, and the full one leaves.
    let new = Ksock::new();
    new.listen("$.*");
    l.unbind("$.A", LISTENER).unwrap();
    eq!(k.wait(POLLOUT), POLLOUT);
    eq!(new.take().id, id);
    l.nothing();
}

fn waiting_routing_is_fresh_replier() {
    let (r, s) = (Ksock::new(), Ksock::new());
    r.serve("$.R.*").limit(1);
    s.ask("$.R.x");
    let (k, id) = pending(&Msg::ask("$.R.x"));
    let better = Ksock::new();
    better.serve("$.R.x");
    eq!(k.wait(POLLOUT), POLLOUT);
    let got = better.take();
    eq!((got.id, got.marked()), (id, true));
    eq!(r.count(), 1);
    better.answer(&got);
    eq!(k.take().in_reply_to, id);
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

fn waiting_disappeared() {
    let (r, k, id) = request_pending();
    drop(r);
    assert!(k.wait(POLLOUT) & POLLOUT != 0);
    expect_failed(&k.take(), DISAPPEARED, k.id(), id);
    k.nothing();
    eq!(k.send(), Err(ENOMSG));
    assert!(k.put(&Msg::new("$.A")).is_ok());
}

/// `[FIX]` 3.5: POLLIN is computed after the retry; defect 28.
pub fn waiting_disappeared_is_readable_at_once() {
    let (r, k, id) = request_pending();
    r.unbind("$.R", REPLIER).unwrap();
    eq!(k.ready(POLLIN | POLLOUT), POLLIN | POLLOUT);
    expect_failed(&k.take(), DISAPPEARED, k.id(), id);
    // And one who asks for POLLIN alone is told too.
    let (r, k, _) = request_pending();
    drop(r);
    eq!(k.wait(POLLIN), POLLIN);
}

fn waiting_disappeared_for_a_reply() {
    let (r, b, l) = (Ksock::new(), Ksock::new(), Ksock::new());
    r.serve("$.R");
    b.ask("$.R");
    let request = r.take();
    l.listen("$.R").limit(1);
    r.say("$.R");
    r.put(&Msg::reply_to(&request).flags(ALL_OR_WAIT)).unwrap();
    let id = r.send_pending();
    drop(b);
    assert!(r.wait(POLLOUT) & POLLOUT != 0);
    expect_failed(&r.take(), DISAPPEARED, r.id(), id);
    r.nothing();
}

/// 6.2: only failures during a poll retry make one.
fn waiting_disappeared_not_for_an_explicit_send() {
    let (r, k, _) = request_pending();
    drop(r);
    eq!(k.send(), Err(EADDRNOTAVAIL));
    k.nothing();
    eq!(k.send(), Err(ENOMSG));
    assert!(k.writable());
}

/// A stateful request that waits, and another one becomes the replier.
fn epipe_pending() -> (Ksock, Ksock, Id) {
    let (r, s) = (Ksock::new(), Ksock::new());
    r.serve("$.R").limit(1);
    s.ask("$.R");
    let (k, id) = pending(&Msg::ask("$.R").to(r.id()));
    drop(r);
    let other = Ksock::new();
    other.serve("$.R");
    (other, k, id)
}

fn waiting_error_sending() {
    // The replier is replaced by a better match while the request waits.
    let (r, s, better) = (Ksock::new(), Ksock::new(), Ksock::new());
    r.serve("$.Q.*").limit(1);
    s.ask("$.Q.x");
    let (k, id) = pending(&Msg::ask("$.Q.x").to(r.id()));
    better.serve("$.Q.x");
    eq!(k.ready(POLLIN | POLLOUT), POLLIN | POLLOUT);
    expect_failed(&k.take(), ERROR_SENDING, k.id(), id);
    k.nothing();
    better.nothing();
    eq!(k.send(), Err(ENOMSG));
}

fn waiting_explicit_send_gives_epipe() {
    let (other, k, _) = epipe_pending();
    eq!(k.send(), Err(EPIPE));
    k.nothing();
    other.nothing();
    eq!(k.send(), Err(ENOMSG));
}

fn waiting_announcement_to_nobody_left_succeeds() {
    let (l, _) = full();
    let (k, id) = pending(&Msg::new("$.A"));
    drop(l);
    eq!(k.wait(POLLOUT), POLLOUT);
    k.nothing();
    eq!(k.last(), id);
}

/// A pending reply whose request somebody else answers: ECONNREFUSED, and
/// it vanishes silently (6.2).
fn waiting_reply_that_is_answered_elsewhere_vanishes() {
    let (r, b, l) = (Ksock::new(), Ksock::new(), Ksock::new());
    r.serve("$.R");
    b.ask("$.R");
    let request = r.take();
    l.listen("$.R").limit(1);
    r.say("$.R");
    r.put(&Msg::reply_to(&request).flags(ALL_OR_WAIT)).unwrap();
    r.send_pending();
    Ksock::new().answer(&request);
    l.take();
    eq!(r.wait(POLLOUT), POLLOUT);
    r.nothing();
    eq!(b.drain().len(), 1);
    l.nothing();
}

fn waiting_request_is_answered_like_any() {
    let (r, k, id) = request_pending();
    let first = r.take();
    eq!(k.wait(POLLOUT), POLLOUT);
    eq!(k.owed(), 0);
    let second = r.take();
    eq!(second.id, id);
    r.answer(&second);
    eq!(k.take().in_reply_to, id);
    // The one who sent the first has closed.
    eq!(r.post(&Msg::reply_to(&first)), Err(EADDRNOTAVAIL));
    drop(r);
    k.nothing();
}

/// A request that waits, by one whose queue is now full itself.
fn enolck_pending() -> (Ksock, Ksock, Id) {
    let (r, s, k) = (Ksock::new(), Ksock::new(), Ksock::new());
    r.serve("$.R").limit(1);
    s.ask("$.R");
    k.listen("$.N").limit(2);
    s.say("$.N");
    k.put(&Msg::ask("$.R").flags(ALL_OR_WAIT)).unwrap();
    let id = k.send_pending();
    k.limit(1);
    (r, k, id)
}

fn waiting_enolck_on_explicit_send_abandons() {
    let (r, k, _) = enolck_pending();
    eq!(k.send(), Err(ENOLCK));
    eq!(k.send(), Err(ENOMSG));
    assert!(k.writable());
    r.take();
    r.nothing();
}

fn waiting_enolck_is_not_tested_by_poll() {
    let (r, k, id) = enolck_pending();
    r.take();
    eq!(k.ready(POLLOUT), POLLOUT);
    let request = r.take();
    eq!(request.id, id);
    k.take();
    r.answer(&request);
    eq!(k.take().in_reply_to, id);
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

fn waiting_several_senders_one_slot() {
    let (l, _) = full();
    let all: Vec<(Ksock, Id)> = (0..5).map(|_| pending(&Msg::new("$.A"))).collect();
    let mut ids: Vec<Id> = all.iter().map(|(_, id)| *id).collect();
    l.take();
    let mut got = Vec::new();
    for _ in 0..5 {
        // However they are woken, only one fits at a time.
        for (k, _) in &all {
            k.ready(POLLOUT);
        }
        eq!(l.count(), 1);
        got.push(l.take().id);
    }
    got.sort();
    ids.sort();
    eq!(got, ids);
    for (k, _) in &all {
        assert!(k.writable());
    }
    l.nothing();
}
