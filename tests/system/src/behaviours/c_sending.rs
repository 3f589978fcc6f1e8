// SPDX-License-Identifier: GPL-2.0
//! C. Plain sending and receiving.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b23_before_anything_is_sent_there_is_nothing,
    b24_a_listener_hears_itself,
    b26_a_message_without_listeners_vanishes,
    b27_the_same_in_pointy_form,
    b28_first_sends_both_hear,
    b29_second_sends_both_hear,
    b30_only_the_bound_name_is_heard,
    b31_after_the_last_there_is_none_repeatedly,
    b32_words_of_data_arrive_byte_for_byte,
    b33_send_returns_the_id,
    b35_receiver_sees_the_senders_id,
    b36_nextmsg_gives_the_entire_length,
    b37_three_bindings_three_copies,
    b38_another_ksocks_binding_gets_me_nothing,
    b40_five_sent_five_read,
    b41_reading_out_can_be_repeated,
    b42_leaving_the_scope_closes,
    b43_lastsent_is_the_id_sent,
];

fn b23_before_anything_is_sent_there_is_nothing() {
    let k = Ksock::new();
    k.listen("$.A");
    eq!(k.bytes(1), vec![]);
    eq!(k.bytes(0), vec![]);
    eq!(k.next(), Ok(None));
    eq!(k.get(), None);
}

fn b24_a_listener_hears_itself() {
    let k = Ksock::new();
    k.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"data");
    k.post(&msg).unwrap();
    assert!(k.take().equivalent(&msg));
    k.nothing();
}

fn b26_a_message_without_listeners_vanishes() {
    let k = Ksock::new();
    k.listen("$.Fred");
    let id = k.post(&Msg::new("$.William").data(b"data")).unwrap();
    assert!(id.serial != 0);
    k.nothing();
}

fn b27_the_same_in_pointy_form() {
    let k = Ksock::new();
    k.nothing();
    k.listen("$.Fred");
    let msg = Msg::new("$.Fred").data(b"data");
    k.post_pointy(&msg).unwrap();
    assert!(k.take().equivalent(&msg));
    k.post_pointy(&Msg::new("$.William").data(b"data")).unwrap();
    k.nothing();
}

fn both_hear(first_sends: bool) {
    let (a, b) = (Ksock::new(), Ksock::new());
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

fn b28_first_sends_both_hear() {
    both_hear(true);
}

fn b29_second_sends_both_hear() {
    both_hear(false);
}

fn b30_only_the_bound_name_is_heard() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.Fred");
    b.say("$.Jim");
    let id = b.say("$.Fred");
    eq!(a.take().id, id);
    a.nothing();
}

fn b31_after_the_last_there_is_none_repeatedly() {
    let k = Ksock::new();
    k.listen("$.A").say("$.A");
    k.take();
    for _ in 0..3 {
        eq!(k.get(), None);
        eq!(k.bytes(10), vec![]);
    }
}

fn b32_words_of_data_arrive_byte_for_byte() {
    let k = Ksock::new();
    k.listen("$.A");
    let data: Vec<u8> = (0..64u8).map(|n| n.wrapping_mul(37)).collect();
    for n in [8, 12, 24, 64, 61] {
        k.post(&Msg::new("$.A").data(&data[..n])).unwrap();
        eq!(k.take().data, data[..n].to_vec());
    }
}

fn b33_send_returns_the_id() {
    let k = Ksock::new();
    let first = k.say("$.A");
    let second = k.say("$.A");
    eq!((first.net, second.net), (0, 0));
    eq!(second.serial, first.serial + 1);
}

fn b35_receiver_sees_the_senders_id() {
    let (a, b) = (Ksock::new(), Ksock::new());
    b.listen("$.A");
    let id = a.say("$.A");
    eq!(b.take().id, id);
}

fn b36_nextmsg_gives_the_entire_length() {
    let k = Ksock::new();
    k.listen("$.*");
    for (n, d) in [(3, 0), (4, 3), (6, 7), (7, 1), (8, 64), (1000, 5)] {
        let name = format!("$.{}", "a".repeat(n - 2));
        k.post(&Msg::new(name).data(vec![7; d])).unwrap();
        eq!(k.next(), Ok(Some(entire_len(n, d) as u32)));
    }
    // Worked values of 2.3.
    eq!(entire_len(3, 0), 96);
    eq!(entire_len(6, 0), 100);
    eq!(entire_len(6, 7), 108);
    eq!(entire_len(3, 3), 100);
}

fn b37_three_bindings_three_copies() {
    let k = Ksock::new();
    k.listen("$.A").listen("$.A").listen("$.A");
    let id = k.say("$.A");
    for _ in 0..3 {
        eq!(k.take().id, id);
    }
    k.nothing();
}

fn b38_another_ksocks_binding_gets_me_nothing() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A");
    b.listen("$.B");
    a.say("$.B");
    a.nothing();
    b.take();
}

fn b40_five_sent_five_read() {
    let k = Ksock::new();
    k.listen("$.A");
    let ids: Vec<Id> = (0..5).map(|_| k.say("$.A")).collect();
    let got: Vec<Id> = k.drain().iter().map(|m| m.id).collect();
    eq!(got, ids);
}

fn b41_reading_out_can_be_repeated() {
    let k = Ksock::new();
    k.listen("$.A");
    k.say("$.A");
    eq!(k.drain().len(), 1);
    eq!(k.drain().len(), 0);
    let ids = [k.say("$.A"), k.say("$.A")];
    let got: Vec<Id> = k.drain().iter().map(|m| m.id).collect();
    eq!(got, ids.to_vec());
}

/// The kernel's part of "closed on leaving a with-statement".
fn b42_leaving_the_scope_closes() {
    let id = {
        let k = Ksock::new();
        k.serve("$.With");
        k.id()
    };
    let k = Ksock::new();
    eq!(k.replier("$.With"), Ok(None));
    eq!(k.id(), id + 1);
}

fn b43_lastsent_is_the_id_sent() {
    let k = Ksock::new();
    eq!(k.last(), NO_ID);
    let id = k.say("$.A");
    eq!(k.last(), id);
}
