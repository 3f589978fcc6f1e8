// SPDX-License-Identifier: GPL-2.0
//! M. Urgent messages.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b187_urgent_is_read_first,
    b190_urgent_copies_carry_the_flag,
    b191_an_urgent_request_is_marked,
    b192_ids_of_reordered_messages,
];

fn b187_urgent_is_read_first() {
    let k = Ksock::new();
    k.listen("$.A");
    k.say("$.A");
    k.say("$.A");
    let urgent = k.post(&Msg::new("$.A").flags(URGENT)).unwrap();
    eq!(k.take().id, urgent);
    eq!(k.drain().len(), 2);
}

fn b190_urgent_copies_carry_the_flag() {
    let k = Ksock::new();
    k.listen("$.A").say("$.A");
    k.post(&Msg::new("$.A").flags(URGENT)).unwrap();
    eq!(k.take().flags, URGENT);
    eq!(k.take().flags, 0);
}

fn b191_an_urgent_request_is_marked() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let ordinary = b.ask("$.A");
    let urgent = b.post(&Msg::ask("$.A").flags(URGENT)).unwrap();
    let first = a.take();
    eq!(
        (first.id, first.flags),
        (urgent, WANT_A_REPLY | WANT_YOU_TO_REPLY | URGENT)
    );
    let second = a.take();
    eq!((second.id, second.marked()), (ordinary, true));
}

fn b192_ids_of_reordered_messages() {
    let k = Ksock::new();
    k.listen("$.A");
    let one = k.say("$.A");
    let two = k.post(&Msg::new("$.A").flags(URGENT)).unwrap();
    let three = k.say("$.A");
    let four = k.post(&Msg::new("$.A").flags(URGENT)).unwrap();
    let order: Vec<Id> = k.drain().iter().map(|m| m.id).collect();
    eq!(order, vec![four, two, one, three]);
}
