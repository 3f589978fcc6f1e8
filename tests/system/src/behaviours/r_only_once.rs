// SPDX-License-Identifier: GPL-2.0
//! R. Only once.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b237_off_by_default,
    b238_switching_on,
    b239_switching_off,
    b240_off_three_bindings_three_copies,
    b241_off_listener_and_replier_two_copies,
    b242_on_three_bindings_one_copy,
    b244_setting_to_what_it_is,
    b245_toggling,
];

fn b237_off_by_default() {
    eq!(Ksock::new().only_once(ASK), Ok(0));
}

fn b238_switching_on() {
    let k = Ksock::new();
    eq!(k.only_once(1), Ok(0));
    eq!(k.only_once(ASK), Ok(1));
}

fn b239_switching_off() {
    let k = Ksock::new();
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

fn b240_off_three_bindings_three_copies() {
    let k = Ksock::new();
    k.listen("$.A").listen("$.A").listen("$.*");
    eq!(copies(&k), 3);
}

fn b241_off_listener_and_replier_two_copies() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A").serve("$.A");
    let id = b.ask("$.A");
    let got = a.drain();
    eq!(
        got.iter().map(|m| (m.id, m.marked())).collect::<Vec<_>>(),
        vec![(id, true), (id, false)]
    );
}

fn b242_on_three_bindings_one_copy() {
    let k = Ksock::new();
    k.listen("$.A").listen("$.A").listen("$.*");
    k.only_once(1).unwrap();
    eq!(copies(&k), 1);
    eq!(copies(&k), 1, "and the next message is heard");
}

fn b244_setting_to_what_it_is() {
    let k = Ksock::new();
    eq!(k.only_once(0), Ok(0));
    eq!(k.only_once(0), Ok(0));
    k.only_once(1).unwrap();
    eq!(k.only_once(1), Ok(1));
    eq!(k.only_once(ASK), Ok(1));
}

fn b245_toggling() {
    let k = Ksock::new();
    k.listen("$.A").listen("$.A").listen("$.A");
    for n in 0..6 {
        let on = n % 2;
        k.only_once(on).unwrap();
        eq!(copies(&k), if on == 1 { 1 } else { 3 });
    }
}
