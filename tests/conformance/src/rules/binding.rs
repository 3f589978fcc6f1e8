// SPDX-License-Identifier: GPL-2.0-only
//! BIND and UNBIND (3.7), and the list of bindings (8.1).

use crate::*;

pub(crate) fn b46_bind_with_an_empty_name(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.bind("", REPLIER), Err(EBADMSG));
    eq!(k.bind("", LISTENER), Err(EBADMSG));
}

pub(crate) fn b47_unbind_with_an_empty_name(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.unbind("", REPLIER), Err(EBADMSG));
    eq!(k.unbind("", LISTENER), Err(EBADMSG));
}

pub(crate) fn b48_a_listener_comes_and_goes(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.bind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
    k.say("$.Fred");
    k.nothing();
}

pub(crate) fn b50_four_times_the_same_listener(bus: &Bus) {
    let k = bus.ksock();
    for _ in 0..4 {
        eq!(k.bind("$.Fred", LISTENER), Ok(()));
    }
}

pub(crate) fn b51_replier_and_twice_listener(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.bind("$.Fred", REPLIER), Ok(()));
    eq!(k.bind("$.Fred", LISTENER), Ok(()));
    eq!(k.bind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", REPLIER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
}

pub(crate) fn b52_one_unbind_too_many(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.Fred").listen("$.Fred");
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Err(EINVAL));
}

pub(crate) fn b53_unbinding_what_was_never_bound(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.unbind("$.Fred.Bob.William", LISTENER), Err(EINVAL));
    eq!(k.unbind("$.Fred.Bob.William", REPLIER), Err(EINVAL));
    // Another ksock's binding is not ours.
    let other = bus.ksock();
    other.listen("$.Fred");
    eq!(k.unbind("$.Fred", LISTENER), Err(EINVAL));
}

pub(crate) fn b54_replier_then_listener(bus: &Bus) {
    let k = bus.ksock();
    eq!(k.bind("$.Fred", REPLIER), Ok(()));
    eq!(k.unbind("$.Fred", REPLIER), Ok(()));
    eq!(k.bind("$.Fred", LISTENER), Ok(()));
    eq!(k.unbind("$.Fred", LISTENER), Ok(()));
}

pub(crate) fn b56_a_second_replier_is_refused(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    eq!(b.bind("$.Fred", REPLIER), Err(EADDRINUSE));
    eq!(a.bind("$.Fred", REPLIER), Err(EADDRINUSE), "the same ksock");
    eq!(a.unbind("$.Fred", REPLIER), Ok(()));
    eq!(b.bind("$.Fred", REPLIER), Ok(()));
}

pub(crate) fn b58_listeners_never_conflict(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred");
    for k in [&a, &b, &a, &b] {
        eq!(k.bind("$.Fred", LISTENER), Ok(()));
    }
    let c = bus.ksock();
    b.listen("$.Jim");
    eq!(c.bind("$.Jim", REPLIER), Ok(()));
}

/// Two messages, each heard through an exact and a wildcard binding.
fn four(bus: &Bus) -> (Ksock, [Id; 2]) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.listen("$.A").listen("$.*");
    let ids = [b.say("$.A"), b.say("$.A")];
    eq!(a.count(), 4);
    (a, ids)
}

pub(crate) fn b289_unbinding_the_exact_name_leaves_the_others(bus: &Bus) {
    let (a, ids) = four(bus);
    a.unbind("$.A", LISTENER).unwrap();
    eq!(a.count(), 2);
    eq!(a.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids);
}

pub(crate) fn b290_then_the_wildcard_leaves_none(bus: &Bus) {
    let (a, _) = four(bus);
    a.unbind("$.A", LISTENER).unwrap();
    a.unbind("$.*", LISTENER).unwrap();
    a.nothing();
    assert!(!a.readable());
}

/// One message through one binding, then two through two identical ones.
fn growing(bus: &Bus) -> (Ksock, [Id; 3]) {
    let (a, b) = (bus.ksock(), bus.ksock());
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

pub(crate) fn b291_two_identical_listeners_count(bus: &Bus) {
    growing(bus);
}

pub(crate) fn b292_unbinding_removes_the_newest_copies(bus: &Bus) {
    let (a, ids) = growing(bus);
    a.unbind("$.A", LISTENER).unwrap();
    eq!(a.count(), 3);
    eq!(a.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids);
}

/// What the file says: (ksock, role, name), sorted.
fn listed(bus: &Bus) -> Vec<(u32, char, String)> {
    let listed = bus.bindings().into_iter();
    let mut all: Vec<_> = listed.map(|b| (b.ksock, b.role, b.name)).collect();
    all.sort();
    all
}

fn expect_listed(bus: &Bus, want: &[(&Ksock, char, &str)]) {
    let mut want: Vec<_> = want
        .iter()
        .map(|(k, role, name)| (k.id(), *role, name.to_string()))
        .collect();
    want.sort();
    eq!(listed(bus), want);
}

pub(crate) fn b59_proc_lists_exactly_the_bindings(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    expect_listed(bus, &[]);
    a.serve("$.Fred").listen("$.Fred.Bob");
    b.listen("$.Fred.Bob").serve("$.Fred.Bob.William");
    expect_listed(
        bus,
        &[
            (&a, 'R', "$.Fred"),
            (&a, 'L', "$.Fred.Bob"),
            (&b, 'L', "$.Fred.Bob"),
            (&b, 'R', "$.Fred.Bob.William"),
        ],
    );
}

pub(crate) fn b60_proc_lists_duplicates_and_more(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred").listen("$.Fred.Bob").listen("$.Fred.Bob");
    b.listen("$.Fred.Bob").serve("$.Jim.*").listen("$.*");
    expect_listed(
        bus,
        &[
            (&a, 'R', "$.Fred"),
            (&a, 'L', "$.Fred.Bob"),
            (&a, 'L', "$.Fred.Bob"),
            (&b, 'L', "$.Fred.Bob"),
            (&b, 'R', "$.Jim.*"),
            (&b, 'L', "$.*"),
        ],
    );
}

pub(crate) fn b61_after_closing_none_is_listed(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.Fred").listen("$.Fred.Bob").listen("$.Fred.Bob");
    b.listen("$.Fred.Bob");
    drop(a);
    expect_listed(bus, &[(&b, 'L', "$.Fred.Bob")]);
    drop(b);
    expect_listed(bus, &[]);
}

pub(crate) fn b63_bindings_are_as_believed_at_every_close(bus: &Bus) {
    let names = ["$.A", "$.A.B", "$.A.*", "$.A.%", "$.B"];
    let mut ksocks: Vec<Ksock> = (0..5).map(|_| bus.ksock()).collect();
    let mut believed = Vec::new();
    for (n, name) in names.iter().enumerate() {
        ksocks[n].serve(name);
        believed.push((ksocks[n].id(), 'R', name.to_string()));
        for other in &ksocks[..n] {
            other.listen(name);
            believed.push((other.id(), 'L', name.to_string()));
        }
    }
    while let Some(k) = ksocks.pop() {
        believed.sort();
        eq!(listed(bus), believed);
        let id = k.id();
        drop(k);
        believed.retain(|(owner, _, _)| *owner != id);
    }
    eq!(listed(bus), believed);
    eq!(believed.len(), 0);
}
