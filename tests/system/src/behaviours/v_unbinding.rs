// SPDX-License-Identifier: GPL-2.0
//! V. Unbinding removes queued messages.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b289_unbinding_the_exact_name_leaves_the_others,
    b290_then_the_wildcard_leaves_none,
    b291_two_identical_listeners_count,
    b292_unbinding_removes_the_newest_copies,
];

/// Two messages, each heard through an exact and a wildcard binding.
fn four() -> (Ksock, [Id; 2]) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A").listen("$.*");
    let ids = [b.say("$.A"), b.say("$.A")];
    eq!(a.count(), 4);
    (a, ids)
}

fn b289_unbinding_the_exact_name_leaves_the_others() {
    let (a, ids) = four();
    a.unbind("$.A", LISTENER).unwrap();
    eq!(a.count(), 2);
    eq!(a.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids);
}

fn b290_then_the_wildcard_leaves_none() {
    let (a, _) = four();
    a.unbind("$.A", LISTENER).unwrap();
    a.unbind("$.*", LISTENER).unwrap();
    a.nothing();
    assert!(!a.readable());
}

/// One message through one binding, then two through two identical ones.
fn growing() -> (Ksock, [Id; 3]) {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.listen("$.A");
    let first = b.say("$.A");
    eq!(a.count(), 1);
    a.listen("$.A");
    let second = b.say("$.A");
    eq!(a.count(), 3);
    let third = b.say("$.A");
    eq!(a.count(), 5);
    (a, [first, second, third])
}

fn b291_two_identical_listeners_count() {
    growing();
}

fn b292_unbinding_removes_the_newest_copies() {
    let (a, ids) = growing();
    a.unbind("$.A", LISTENER).unwrap();
    eq!(a.count(), 3);
    eq!(a.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids);
}
