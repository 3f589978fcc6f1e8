// SPDX-License-Identifier: GPL-2.0-only
//! Plain sending and receiving (5.4).

use crate::*;

pub(crate) fn b24_a_listener_hears_itself(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"data");
    k.post(&msg).unwrap();
    assert!(k.take().equivalent(&msg));
    k.nothing();
}

pub(crate) fn b26_a_message_without_listeners_vanishes(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.Fred");
    let id = k.post(&Msg::new("$.William").data(b"data")).unwrap();
    assert!(id.serial != 0);
    k.nothing();
}

fn both_hear(bus: &Bus, first_sends: bool) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.Fred");
    b.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"12345678");
    let id = if first_sends { &a } else { &b }.post(&msg).unwrap();
    for k in [&a, &b] {
        let got = k.take();
        assert!(got.equivalent(&msg));
        eq!(got.id, id);
        k.nothing();
    }
}

pub(crate) fn b28_first_sends_both_hear(bus: &Bus) {
    both_hear(bus, true);
}

pub(crate) fn b29_second_sends_both_hear(bus: &Bus) {
    both_hear(bus, false);
}

pub(crate) fn b30_only_the_bound_name_is_heard(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.Fred");
    b.say("$.Jim");
    let id = b.say("$.Fred");
    eq!(a.take().id, id);
    a.nothing();
}

pub(crate) fn b32_words_of_data_arrive_byte_for_byte(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A");
    let data: Vec<u8> = (0..64u8).map(|n| n.wrapping_mul(37)).collect();
    for n in [8, 12, 24, 64, 61] {
        k.post(&Msg::new("$.A").data(&data[..n])).unwrap();
        eq!(k.take().data, data[..n].to_vec());
    }
}

pub(crate) fn b33_send_returns_the_id(bus: &Bus) {
    let k = bus.ksock();
    let first = k.say("$.A");
    let second = k.say("$.A");
    eq!((first.net, second.net), (0, 0));
    eq!(second.serial, first.serial + 1);
}

pub(crate) fn b35_receiver_sees_the_senders_id(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    b.listen("$.A");
    let id = a.say("$.A");
    eq!(b.take().id, id);
}

pub(crate) fn b37_three_bindings_three_copies(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A").listen("$.A").listen("$.A");
    let id = k.say("$.A");
    for _ in 0..3 {
        eq!(k.take().id, id);
    }
    k.nothing();
}

pub(crate) fn b38_another_ksocks_binding_gets_me_nothing(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.A");
    b.listen("$.B");
    a.say("$.B");
    a.nothing();
    b.take();
}

pub(crate) fn b40_five_sent_five_read(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A");
    let ids: Vec<Id> = (0..5).map(|_| k.say("$.A")).collect();
    let got: Vec<Id> = k.drain().iter().map(|m| m.id).collect();
    eq!(got, ids);
}

pub(crate) fn b41_reading_out_can_be_repeated(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A");
    k.say("$.A");
    eq!(k.drain().len(), 1);
    eq!(k.drain().len(), 0);
    let ids = [k.say("$.A"), k.say("$.A")];
    let got: Vec<Id> = k.drain().iter().map(|m| m.id).collect();
    eq!(got, ids.to_vec());
}

/// The kernel's part of "closed on leaving a with-statement".
pub(crate) fn b42_leaving_the_scope_closes(bus: &Bus) {
    let id = {
        let k = bus.ksock();
        k.serve("$.With");
        k.id()
    };
    let k = bus.ksock();
    eq!(k.replier("$.With"), Ok(None));
    eq!(k.id(), id + 1);
}

pub(crate) fn b43_lastsent_is_the_id_sent(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.last(), NO_ID);
    let id = k.say("$.A");
    eq!(k.last(), id);
}
