// SPDX-License-Identifier: GPL-2.0-only
//! F. Message size.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b87_one_asks_for_the_absolute_maximum,
    b88_the_absolute_maximum_can_be_set,
    b91_100_can_be_set,
    b93_the_largest_entire_message_can_be_sent,
    b94_a_pointy_message_above_the_maximum,
    b96_100_bytes_pointy_at_100,
    b97_100_bytes_entire_at_100,
    b98_one_byte_more_pointy,
    b99_one_byte_more_entire,
    b100_the_maximum_can_be_restored,
];

/// A message whose entire form has just this length.
pub fn of_length(len: usize) -> Msg {
    let msg = Msg::new("$.Fred").data(vec![0x5a; len - entire_len(6, 0)]);
    assert!(msg.len() == len);
    msg
}

fn b87_one_asks_for_the_absolute_maximum() {
    let k = Ksock::new();
    let now = k.max_size(0).unwrap();
    let absolute = k.max_size(1).unwrap();
    eq!(absolute % 4, 0);
    eq!(absolute, ABS_MAX_SIZE, "2.1: the stand-alone build");
    eq!(k.max_size(0), Ok(now));
}

fn b88_the_absolute_maximum_can_be_set() {
    let k = Ksock::new();
    eq!(k.max_size(5000), Ok(5000));
    eq!(k.max_size(ABS_MAX_SIZE), Ok(ABS_MAX_SIZE));
    eq!(k.max_size(0), Ok(ABS_MAX_SIZE));
}

fn b91_100_can_be_set() {
    let k = Ksock::new();
    eq!(k.max_size(100), Ok(100));
    eq!(k.max_size(0), Ok(100));
}

fn b93_the_largest_entire_message_can_be_sent() {
    let k = Ksock::new();
    k.listen("$.Fred");
    let msg = of_length(ABS_MAX_SIZE as usize);
    assert!(k.post(&msg).is_ok());
    assert!(k.take().equivalent(&msg));
    assert!(k.post_pointy(&msg).is_ok());
    assert!(k.take().equivalent(&msg));
}

fn b94_a_pointy_message_above_the_maximum() {
    let k = Ksock::new();
    let msg = Msg::new("$.Fred").data(vec![1; ABS_MAX_SIZE as usize - entire_len(6, 0) + 1]);
    eq!(k.put_pointy(&msg.pointy()), Err(EMSGSIZE));
    eq!(k.send(), Err(ENOMSG));
}

fn at_100() -> Ksock {
    let k = Ksock::new();
    k.listen("$.Fred");
    eq!(k.max_size(100), Ok(100));
    k
}

fn b96_100_bytes_pointy_at_100() {
    let k = at_100();
    assert!(k.post_pointy(&of_length(100)).is_ok());
    eq!(k.count(), 1);
}

fn b97_100_bytes_entire_at_100() {
    let k = at_100();
    assert!(k.post(&of_length(100)).is_ok());
    eq!(k.count(), 1);
}

fn one_byte_more() -> Msg {
    Msg::new("$.Fred").data(vec![b'x'; 100 - entire_len(6, 0) + 1])
}

fn b98_one_byte_more_pointy() {
    let k = at_100();
    let more = one_byte_more();
    eq!(more.len(), 104);
    eq!(k.put_pointy(&more.pointy()), Err(EMSGSIZE));
}

fn b99_one_byte_more_entire() {
    let k = at_100();
    eq!(k.put(&one_byte_more()), Err(EMSGSIZE));
    k.nothing();
}

fn b100_the_maximum_can_be_restored() {
    let k = at_100();
    eq!(k.max_size(ABS_MAX_SIZE), Ok(ABS_MAX_SIZE));
    assert!(k.post(&Msg::new("$.Fred").data(vec![0; 1000])).is_ok());
}
