// SPDX-License-Identifier: GPL-2.0-only
//! Wildcards, and which replier is preferred (5.1, 5.2).

use crate::*;

pub(crate) fn b102_star_hears_a_child(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.P.*");
    let id = k.say("$.P.x");
    eq!(k.take().id, id);
}

pub(crate) fn b103_star_hears_any_depth(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.P.*");
    for name in ["$.P.x.y", "$.P.x.y.z.1.2.3"] {
        k.say(name);
        eq!(k.take().text(), name);
    }
    k.say("$.P");
    k.say("$.Px.y");
    k.nothing();
}

pub(crate) fn b105_star_and_exact_hear_twice(bus: &Bus) {
    let k = bus.ksock();
    k.listen("$.P.*").listen("$.P.x");
    let id = k.say("$.P.x");
    eq!(k.take().id, id);
    eq!(k.take().id, id);
    k.nothing();
}

fn star_replier_gets(bus: &Bus, name: &str) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.P.*");
    let id = b.ask(name);
    let got = a.take();
    eq!(
        (got.id, got.text(), got.marked()),
        (id, name.to_string(), true)
    );
    eq!(got.flags, WANT_A_REPLY | WANT_YOU_TO_REPLY);
    a.nothing();
}

pub(crate) fn b106_star_replier_gets_a_childs_request(bus: &Bus) {
    star_replier_gets(bus, "$.P.x");
}

pub(crate) fn b107_star_replier_gets_a_deep_request(bus: &Bus) {
    star_replier_gets(bus, "$.P.x.y");
}

pub(crate) fn b109_star_and_exact_replier_get_it_once(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.P.*").serve("$.P.x");
    let id = b.ask("$.P.x");
    eq!(a.take().id, id);
    a.nothing();
}

pub(crate) fn b111_exact_listeners_hear_beside_a_wildcard(bus: &Bus) {
    let (a, b, c) = (bus.ksock(), bus.ksock(), bus.ksock());
    a.listen("$.P.x").listen("$.P.y");
    b.listen("$.P.*");
    let ids = [c.say("$.P.x"), c.say("$.P.y"), c.say("$.P.z")];
    eq!(a.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids[..2]);
    eq!(b.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids);
}

fn percent_hears(bus: &Bus, name: &str, heard: bool) {
    let k = bus.ksock();
    k.listen("$.P.%");
    k.say(name);
    eq!(k.drain().len(), heard as usize, "{name}");
}

pub(crate) fn b112_percent_hears_children(bus: &Bus) {
    percent_hears(bus, "$.P.x", true);
    percent_hears(bus, "$.P.another", true);
}

pub(crate) fn b113_percent_does_not_hear_deeper(bus: &Bus) {
    percent_hears(bus, "$.P.x.y", false);
    percent_hears(bus, "$.P.x.y.z", false);
}

pub(crate) fn b114_percent_does_not_hear_elsewhere(bus: &Bus) {
    percent_hears(bus, "$.P", false);
    percent_hears(bus, "$.Q.x", false);
    percent_hears(bus, "$.Px", false);
    percent_hears(bus, "$.x.P.x", false);
}

/// Who of these gets a request of this name? Exactly one must, marked.
fn chosen(bus: &Bus, repliers: &[&Ksock], name: &str) -> usize {
    let asker = bus.ksock();
    let id = asker.ask(name);
    let mut who = None;
    for (n, k) in repliers.iter().enumerate() {
        for msg in k.drain() {
            eq!(msg.id, id);
            assert!(msg.marked(), "not marked: {msg:?}");
            assert!(who.replace(n).is_none(), "{name} went to two");
        }
    }
    who.expect("nobody got it")
}

pub(crate) fn b115_star_replier_alone(bus: &Bus) {
    let a = bus.ksock();
    a.serve("$.P.*");
    eq!(chosen(bus, &[&a], "$.P.x"), 0);
}

pub(crate) fn b116_exact_replier_is_preferred(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.P.*");
    b.serve("$.P.x");
    eq!(chosen(bus, &[&a, &b], "$.P.x"), 1);
    // And not because it is the newer.
    let (c, d) = (bus.ksock(), bus.ksock());
    c.serve("$.Q.x");
    d.serve("$.Q.*");
    eq!(chosen(bus, &[&c, &d], "$.Q.x"), 0);
}

pub(crate) fn b117_its_sibling_still_goes_to_the_star(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.P.*");
    b.serve("$.P.x");
    eq!(chosen(bus, &[&a, &b], "$.P.z"), 0);
}

fn three(bus: &Bus) -> [Ksock; 3] {
    let all = [bus.ksock(), bus.ksock(), bus.ksock()];
    all[0].serve("$.P.*");
    all[1].serve("$.P.%");
    all[2].serve("$.P.x");
    all
}

pub(crate) fn b120_exact_beats_percent_and_star(bus: &Bus) {
    let [a, b, c] = three(bus);
    eq!(chosen(bus, &[&a, &b, &c], "$.P.x"), 2);
}

pub(crate) fn b121_percent_beats_star(bus: &Bus) {
    let [a, b, c] = three(bus);
    eq!(chosen(bus, &[&a, &b, &c], "$.P.z"), 1);
}

pub(crate) fn b122_deeper_goes_to_the_star(bus: &Bus) {
    let [a, b, c] = three(bus);
    eq!(chosen(bus, &[&a, &b, &c], "$.P.x.y"), 0);
}

pub(crate) fn b123_whoever_is_chosen_is_marked(bus: &Bus) {
    let [a, b, c] = three(bus);
    // `chosen` insists on the mark.
    for (name, who) in [("$.P.x", 2), ("$.P.z", 1), ("$.P.x.y", 0)] {
        eq!(chosen(bus, &[&a, &b, &c], name), who);
    }
}

pub(crate) fn b124_an_unanswered_request_is_no_obstacle(bus: &Bus) {
    let (a, b) = (bus.ksock(), bus.ksock());
    a.serve("$.P.*");
    let ids = [b.ask("$.P.x"), b.ask("$.P.x"), b.ask("$.P.y")];
    eq!(a.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids);
}
