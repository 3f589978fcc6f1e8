// SPDX-License-Identifier: GPL-2.0-only
//! Urgent messages (5.5).

use crate::*;

pub(crate) fn b187_urgent_is_read_first(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A");
    k.say("$.A");
    k.say("$.A");
    let urgent = k.post(&Msg::new("$.A").flags(URGENT)).unwrap();
    eq!(k.take().id, urgent);
    eq!(k.drain().len(), 2);
}

pub(crate) fn b190_urgent_copies_carry_the_flag(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A").say("$.A");
    k.post(&Msg::new("$.A").flags(URGENT)).unwrap();
    eq!(k.take().flags, URGENT);
    eq!(k.take().flags, 0);
}

pub(crate) fn b191_an_urgent_request_is_marked(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
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

pub(crate) fn b192_ids_of_reordered_messages(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A");
    let one = k.say("$.A");
    let two = k.post(&Msg::new("$.A").flags(URGENT)).unwrap();
    let three = k.say("$.A");
    let four = k.post(&Msg::new("$.A").flags(URGENT)).unwrap();
    let order: Vec<Id> = k.drain().iter().map(|m| m.id).collect();
    eq!(order, vec![four, two, one, three]);
}
