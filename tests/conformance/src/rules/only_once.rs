// SPDX-License-Identifier: GPL-2.0-only
//! Messages only once (5.5).

use crate::*;

pub(crate) fn b237_off_by_default(bus: &Bus) {
    eq!(bus.ksock().only_once(ASK), Ok(0));
}

pub(crate) fn b238_switching_on(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.only_once(1), Ok(0));
    eq!(k.only_once(ASK), Ok(1));
}

pub(crate) fn b239_switching_off(bus: &Bus) {
    let k = bus.ksock();
    k.only_once(1).unwrap();
    eq!(k.only_once(0), Ok(1));
    eq!(k.only_once(ASK), Ok(0));
}

/// How many copies of one announcement do three bindings give?
fn copies(k: &Ksock) -> usize {
    let id = k.say("$.A");
    let got = k.drain();
    assert!(got.iter().all(|m| m.id == id));
    got.len()
}

pub(crate) fn b240_off_three_bindings_three_copies(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A").listen("$.A").listen("$.*");
    eq!(copies(&k), 3);
}

pub(crate) fn b241_off_listener_and_replier_two_copies(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.A").serve("$.A");
    let id = b.ask("$.A");
    let got = a.drain();
    eq!(
        got.iter().map(|m| (m.id, m.marked())).collect::<Vec<_>>(),
        vec![(id, true), (id, false)]
    );
}

pub(crate) fn b242_on_three_bindings_one_copy(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A").listen("$.A").listen("$.*");
    k.only_once(1).unwrap();
    eq!(copies(&k), 1);
    eq!(copies(&k), 1, "and the next message is heard");
}

pub(crate) fn b244_setting_to_what_it_is(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.only_once(0), Ok(0));
    eq!(k.only_once(0), Ok(0));
    k.only_once(1).unwrap();
    eq!(k.only_once(1), Ok(1));
    eq!(k.only_once(ASK), Ok(1));
}

pub(crate) fn b245_toggling(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.A").listen("$.A").listen("$.A");
    for n in 0..6 {
        let on = n % 2;
        k.only_once(on).unwrap();
        eq!(copies(&k), if on == 1 { 1 } else { 3 });
    }
}
