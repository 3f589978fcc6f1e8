// SPDX-License-Identifier: GPL-2.0-only
//! Prints what the Rust mirror says, as facts.c does for the header. A program
//! of its own, which the test compiles for both word sizes.

use std::mem::{align_of, offset_of, size_of};

#[path = "../../../kmod/uapi/mod.rs"]
mod uapi;
use uapi::*;

macro_rules! structs {
    ($($name:ident { $($field:ident)* })*) => {$(
        println!("size {}\t{}", stringify!($name), size_of::<$name>());
        println!("align {}\t{}", stringify!($name), align_of::<$name>());
        $(println!(
            "offset {}.{}\t{}",
            stringify!($name),
            stringify!($field),
            offset_of!($name, $field)
        );)*
    )*};
}

/// The flexible array that the mirror leaves out starts where the struct ends.
macro_rules! rest {
    ($($name:ident)*) => {$(
        println!("offset {}.rest\t{}", stringify!($name), size_of::<$name>());
    )*};
}

macro_rules! numbers {
    ($($name:ident)*) => {$(
        println!("number {}\t{}", stringify!($name), $name);
    )*};
}

macro_rules! ioctls {
    ($($name:ident)*) => {$(
        println!("number {}\t{}", stringify!($name), number_here($name));
    )*};
}

macro_rules! names {
    ($($name:ident)*) => {$(
        println!("name {}\t{}", stringify!($name), $name.to_str().unwrap());
    )*};
}

fn main() {
    structs! {
        kbus_msg_id { network_id serial_num }
        kbus_orig_from { network_id local_id }
        kbus_bind_request { is_replier name_len name }
        kbus_bind_query { return_id name_len name }
        kbus_remove_device { device options }
        kbus_replier_bind_event_data { is_bind binder name_len }
        kbus_message_header {
            start_guard id in_reply_to to from orig_from final_to extra flags name_len data_len
            name data end_guard
        }
        kbus_entire_message { header }
    }
    rest! { kbus_replier_bind_event_data kbus_entire_message }
    numbers! {
        KBUS_MSG_START_GUARD KBUS_MSG_END_GUARD KBUS_MAX_NAME_LEN
        KBUS_BIT_WANT_A_REPLY KBUS_BIT_WANT_YOU_TO_REPLY KBUS_BIT_SYNTHETIC KBUS_BIT_URGENT
        KBUS_BIT_ALL_OR_WAIT KBUS_BIT_ALL_OR_FAIL
        KBUS_IOC_MAGIC KBUS_IOC_MAXNR
    }
    // { ioctls! { ... } }, with the names out of libkbus/vectors.
    include!(env!("KBUS_IOCTLS"));
    names! {
        KBUS_MSG_NAME_REPLIER_GONEAWAY KBUS_MSG_NAME_REPLIER_IGNORED
        KBUS_MSG_NAME_REPLIER_UNBOUND KBUS_MSG_NAME_REPLIER_DISAPPEARED
        KBUS_MSG_NAME_ERROR_SENDING KBUS_MSG_NAME_UNBIND_EVENTS_LOST
        KBUS_MSG_NAME_REPLIER_BIND_EVENT
    }
}
