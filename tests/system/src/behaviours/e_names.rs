// SPDX-License-Identifier: GPL-2.0
//! E. Names.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b65_empty,
    b66_dollar_alone,
    b70_hash,
    b72_ending_in_two_dots,
    b73_two_adjacent_dots,
    b74_three_adjacent_dots,
    b75_four_adjacent_dots,
    b76_ordinary_two_word_name,
    b78_thirty_letters,
    b79_case_matters,
    b80_star_as_replier,
    b81_percent_as_replier,
    b82_binding_1002_characters,
    b83_sending_1002_characters,
    b84_star_can_be_written_pointy,
    b85_star_cannot_be_sent,
    b86_percent_cannot_be_sent,
];

fn bad(name: &str) {
    let k = Ksock::new();
    for role in [REPLIER, LISTENER] {
        eq!(k.bind(name, role), Err(EBADMSG), "bind {name:?}");
        eq!(k.unbind(name, role), Err(EBADMSG), "unbind {name:?}");
    }
}

fn b65_empty() {
    bad("");
}

fn b66_dollar_alone() {
    bad("$");
}

fn b70_hash() {
    bad("$.#");
    bad("$.Fred.#");
}

fn b72_ending_in_two_dots() {
    bad("$.Fred..");
    bad("$..");
}

fn b73_two_adjacent_dots() {
    bad("$.Fred..Bob");
}

fn b74_three_adjacent_dots() {
    bad("$.Fred...Bob");
}

fn b75_four_adjacent_dots() {
    bad("$.Fred....Bob");
}

fn b76_ordinary_two_word_name() {
    let k = Ksock::new();
    eq!(k.bind("$.Fred.Bob", LISTENER), Ok(()));
    eq!(k.bind("$.Fred.Bob", REPLIER), Ok(()));
}

fn b78_thirty_letters() {
    let k = Ksock::new();
    eq!(k.bind("$.abcdefghijklmnopqrstuvwxyzabcd", REPLIER), Ok(()));
}

fn b79_case_matters() {
    let k = Ksock::new();
    eq!(k.bind("$.This.Is.A.Name", REPLIER), Ok(()));
    eq!(k.bind("$.this.is.a.name", REPLIER), Ok(()));
    eq!(k.bind("$.This.Is.A.Name", REPLIER), Err(EADDRINUSE));
}

fn b80_star_as_replier() {
    eq!(Ksock::new().bind("$.*", REPLIER), Ok(()));
}

fn b81_percent_as_replier() {
    eq!(Ksock::new().bind("$.%", REPLIER), Ok(()));
}

fn long() -> String {
    format!("$.{}", "a".repeat(1000))
}

fn b82_binding_1002_characters() {
    let k = Ksock::new();
    eq!(k.bind(long(), REPLIER), Err(ENAMETOOLONG));
    eq!(k.unbind(long(), REPLIER), Err(ENAMETOOLONG));
}

fn b83_sending_1002_characters() {
    let k = Ksock::new();
    eq!(k.put_pointy(&Msg::new(long()).pointy()), Err(ENAMETOOLONG));
    eq!(k.put(&Msg::new(long())), Err(ENAMETOOLONG));
    eq!(k.send(), Err(ENOMSG));
}

fn b84_star_can_be_written_pointy() {
    let k = Ksock::new();
    eq!(k.put_pointy(&Msg::new("$.Fred.*").pointy()), Ok(()));
}

fn b85_star_cannot_be_sent() {
    let k = Ksock::new();
    k.listen("$.Fred.*");
    let pointy = Msg::new("$.Fred.*").pointy();
    k.put_pointy(&pointy).unwrap();
    eq!(k.send(), Err(EBADMSG));
    k.nothing();
}

fn b86_percent_cannot_be_sent() {
    let k = Ksock::new();
    k.listen("$.Fred.%");
    eq!(k.post_pointy(&Msg::new("$.Fred.%")), Err(EBADMSG));
    eq!(k.post(&Msg::new("$.Fred.%")), Err(EBADMSG));
    k.nothing();
}
