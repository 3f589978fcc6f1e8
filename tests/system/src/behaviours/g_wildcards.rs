// SPDX-License-Identifier: GPL-2.0
//! G. Wildcards.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b102_star_hears_a_child,
    b103_star_hears_any_depth,
    b105_star_and_exact_hear_twice,
    b106_star_replier_gets_a_childs_request,
    b107_star_replier_gets_a_deep_request,
    b109_star_and_exact_replier_get_it_once,
    b111_exact_listeners_hear_beside_a_wildcard,
    b112_percent_hears_children,
    b113_percent_does_not_hear_deeper,
    b114_percent_does_not_hear_elsewhere,
    b115_star_replier_alone,
    b116_exact_replier_is_preferred,
    b117_its_sibling_still_goes_to_the_star,
    b120_exact_beats_percent_and_star,
    b121_percent_beats_star,
    b122_deeper_goes_to_the_star,
    b123_whoever_is_chosen_is_marked,
    b124_an_unanswered_request_is_no_obstacle,
];

fn b102_star_hears_a_child() {
    let k = Ksock::new();
    k.listen("$.P.*");
    let id = k.say("$.P.x");
    eq!(k.take().id, id);
}

fn b103_star_hears_any_depth() {
    let k = Ksock::new();
    k.listen("$.P.*");
    for name in ["$.P.x.y", "$.P.x.y.z.1.2.3"] {
        k.say(name);
        eq!(k.take().text(), name);
    }
    k.say("$.P");
    k.say("$.Px.y");
    k.nothing();
}

fn b105_star_and_exact_hear_twice() {
    let k = Ksock::new();
    k.listen("$.P.*").listen("$.P.x");
    let id = k.say("$.P.x");
    eq!(k.take().id, id);
    eq!(k.take().id, id);
    k.nothing();
}

fn star_replier_gets(name: &str) {
    let (a, b) = (Ksock::new(), Ksock::new());
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

fn b106_star_replier_gets_a_childs_request() {
    star_replier_gets("$.P.x");
}

fn b107_star_replier_gets_a_deep_request() {
    star_replier_gets("$.P.x.y");
}

fn b109_star_and_exact_replier_get_it_once() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.P.*").serve("$.P.x");
    let id = b.ask("$.P.x");
    eq!(a.take().id, id);
    a.nothing();
}

fn b111_exact_listeners_hear_beside_a_wildcard() {
    let (a, b, c) = (Ksock::new(), Ksock::new(), Ksock::new());
    a.listen("$.P.x").listen("$.P.y");
    b.listen("$.P.*");
    let ids = [c.say("$.P.x"), c.say("$.P.y"), c.say("$.P.z")];
    eq!(a.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids[..2]);
    eq!(b.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids);
}

fn percent_hears(name: &str, heard: bool) {
    let k = Ksock::new();
    k.listen("$.P.%");
    k.say(name);
    eq!(k.drain().len(), heard as usize, "{name}");
}

fn b112_percent_hears_children() {
    percent_hears("$.P.x", true);
    percent_hears("$.P.another", true);
}

fn b113_percent_does_not_hear_deeper() {
    percent_hears("$.P.x.y", false);
    percent_hears("$.P.x.y.z", false);
}

fn b114_percent_does_not_hear_elsewhere() {
    percent_hears("$.P", false);
    percent_hears("$.Q.x", false);
    percent_hears("$.Px", false);
    percent_hears("$.x.P.x", false);
}

/// Who of these gets a request of this name? Exactly one must, marked.
fn chosen(repliers: &[&Ksock], name: &str) -> usize {
    let asker = Ksock::new();
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

fn b115_star_replier_alone() {
    let a = Ksock::new();
    a.serve("$.P.*");
    eq!(chosen(&[&a], "$.P.x"), 0);
}

fn b116_exact_replier_is_preferred() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.P.*");
    b.serve("$.P.x");
    eq!(chosen(&[&a, &b], "$.P.x"), 1);
    // And not because it is the newer.
    let (c, d) = (Ksock::new(), Ksock::new());
    c.serve("$.Q.x");
    d.serve("$.Q.*");
    eq!(chosen(&[&c, &d], "$.Q.x"), 0);
}

fn b117_its_sibling_still_goes_to_the_star() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.P.*");
    b.serve("$.P.x");
    eq!(chosen(&[&a, &b], "$.P.z"), 0);
}

fn three() -> [Ksock; 3] {
    let all = [Ksock::new(), Ksock::new(), Ksock::new()];
    all[0].serve("$.P.*");
    all[1].serve("$.P.%");
    all[2].serve("$.P.x");
    all
}

fn b120_exact_beats_percent_and_star() {
    let [a, b, c] = three();
    eq!(chosen(&[&a, &b, &c], "$.P.x"), 2);
}

fn b121_percent_beats_star() {
    let [a, b, c] = three();
    eq!(chosen(&[&a, &b, &c], "$.P.z"), 1);
}

fn b122_deeper_goes_to_the_star() {
    let [a, b, c] = three();
    eq!(chosen(&[&a, &b, &c], "$.P.x.y"), 0);
}

fn b123_whoever_is_chosen_is_marked() {
    let [a, b, c] = three();
    // `chosen` insists on the mark.
    for (name, who) in [("$.P.x", 2), ("$.P.z", 1), ("$.P.x.y", 0)] {
        eq!(chosen(&[&a, &b, &c], name), who);
    }
}

fn b124_an_unanswered_request_is_no_obstacle() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.P.*");
    let ids = [b.ask("$.P.x"), b.ask("$.P.x"), b.ask("$.P.y")];
    eq!(a.drain().iter().map(|m| m.id).collect::<Vec<_>>(), ids);
}
