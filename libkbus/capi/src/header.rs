// SPDX-License-Identifier: GPL-2.0-only
//! What the C headers promise. Generated from include/kbus by prototypes.sh; do
//! not edit. The tests at the end of the file compare it with the library.

#![allow(
    unsafe_code,
    unused_imports,
    dead_code,
    non_camel_case_types,
    non_snake_case,
    improper_ctypes
)]
#![allow(clippy::all)]

use crate::boundary::limpet::*;
use crate::boundary::{ksock::*, msg::*};
use crate::uapi::*;
use libc::FILE;

mod promised {
    use super::{
        kbus_bind_query, kbus_bind_request, kbus_limpet_context, kbus_message_header, kbus_msg_id,
        kbus_orig_from, kbus_replier_bind_event_data, FILE,
    };
    pub const KBUS_KSOCK_READABLE: u32 = 1;
    pub const KBUS_KSOCK_WRITABLE: u32 = 2;
    pub const KBUS_MSG_PRINT_FLAGS_ABBREVIATE: u32 = 1;
    pub const KBUS_MSG_NOT_SAME_KSOCK: &::std::ffi::CStr = c"$.KBUS.Replier.NotSameKsock";
    pub const KBUS_MSG_REMOTE_ERROR_PREFIX: &::std::ffi::CStr = c"$.KBUS.RemoteError.";
    pub const KBUS_SERIALISED_HDR_LEN: u32 = 16;
    pub type kbus_msg_id_t = kbus_msg_id;
    pub type kbus_message_t = kbus_message_header;
    pub type kbus_ksock_t = ::std::os::raw::c_int;
    unsafe extern "C" {
        pub fn kbus_ksock_open(device_number: u32, flags: ::std::os::raw::c_int) -> kbus_ksock_t;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_open_by_name(
            device_name: *const ::std::os::raw::c_char,
            flags: ::std::os::raw::c_int,
        ) -> kbus_ksock_t;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_open_cloexec(
            device_number: u32,
            flags: ::std::os::raw::c_int,
        ) -> kbus_ksock_t;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_close(ksock: kbus_ksock_t) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_bind(
            ksock: kbus_ksock_t,
            name: *const ::std::os::raw::c_char,
            is_replier: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_unbind(
            ksock: kbus_ksock_t,
            name: *const ::std::os::raw::c_char,
            is_replier: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_find_replier(
            ksock: kbus_ksock_t,
            name: *const ::std::os::raw::c_char,
            replier_ksock_id: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_id(ksock: kbus_ksock_t, ksock_id: *mut u32) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_last_msg_id(
            ksock: kbus_ksock_t,
            msg_id: *mut kbus_msg_id_t,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_num_messages(
            ksock: kbus_ksock_t,
            num_messages: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_num_unreplied_to(
            ksock: kbus_ksock_t,
            num_messages: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_max_messages(
            ksock: kbus_ksock_t,
            max_messages: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_max_message_size(
            ksock: kbus_ksock_t,
            max_bytes: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_only_once(ksock: kbus_ksock_t, request: u32) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_report_replier_binds(
            ksock: kbus_ksock_t,
            request: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_kernel_module_verbose(
            ksock: kbus_ksock_t,
            request: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_is_only_once(
            ksock: kbus_ksock_t,
            is_on: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_is_reporting_replier_binds(
            ksock: kbus_ksock_t,
            is_on: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_is_verbose(ksock: kbus_ksock_t, is_on: *mut u32)
            -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_new_device(
            ksock: kbus_ksock_t,
            device_number: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_wait_for_message(
            ksock: kbus_ksock_t,
            wait_for: ::std::os::raw::c_int,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_wait(
            ksock: kbus_ksock_t,
            wait_for: ::std::os::raw::c_int,
            milliseconds: ::std::os::raw::c_int,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_next_msg(
            ksock: kbus_ksock_t,
            message_length: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_len_left(
            ksock: kbus_ksock_t,
            len_left: *mut u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_read_msg(
            ksock: kbus_ksock_t,
            msg: *mut *mut kbus_message_t,
            msg_len: usize,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_read_next_msg(
            ksock: kbus_ksock_t,
            msg: *mut *mut kbus_message_t,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_write_msg(
            ksock: kbus_ksock_t,
            msg: *const kbus_message_t,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_write_data(
            ksock: kbus_ksock_t,
            data: *mut u8,
            data_len: usize,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_send(
            ksock: kbus_ksock_t,
            msg_id: *mut kbus_msg_id_t,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_send_msg(
            ksock: kbus_ksock_t,
            msg: *const kbus_message_t,
            msg_id: *mut kbus_msg_id_t,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_ksock_discard(ksock: kbus_ksock_t) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_create(
            msg: *mut *mut kbus_message_t,
            name: *const ::std::os::raw::c_char,
            name_len: u32,
            data: *const ::std::os::raw::c_void,
            data_len: u32,
            flags: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_create_entire(
            msg: *mut *mut kbus_message_t,
            name: *const ::std::os::raw::c_char,
            name_len: u32,
            data: *const ::std::os::raw::c_void,
            data_len: u32,
            flags: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_create_request(
            msg: *mut *mut kbus_message_t,
            name: *const ::std::os::raw::c_char,
            name_len: u32,
            data: *const ::std::os::raw::c_void,
            data_len: u32,
            flags: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_create_entire_request(
            msg: *mut *mut kbus_message_t,
            name: *const ::std::os::raw::c_char,
            name_len: u32,
            data: *const ::std::os::raw::c_void,
            data_len: u32,
            flags: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_create_reply_to(
            msg: *mut *mut kbus_message_t,
            in_reply_to: *const kbus_message_t,
            data: *const ::std::os::raw::c_void,
            data_len: u32,
            flags: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_create_entire_reply_to(
            msg: *mut *mut kbus_message_t,
            in_reply_to: *const kbus_message_t,
            data: *const ::std::os::raw::c_void,
            data_len: u32,
            flags: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_create_stateful_request(
            msg: *mut *mut kbus_message_t,
            earlier_msg: *const kbus_message_t,
            name: *const ::std::os::raw::c_char,
            name_len: u32,
            data: *const ::std::os::raw::c_void,
            data_len: u32,
            flags: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_create_entire_stateful_request(
            msg: *mut *mut kbus_message_t,
            earlier_msg: *const kbus_message_t,
            name: *const ::std::os::raw::c_char,
            name_len: u32,
            data: *const ::std::os::raw::c_void,
            data_len: u32,
            flags: u32,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_delete(msg_p: *mut *mut kbus_message_t);
    }
    unsafe extern "C" {
        pub fn kbus_msg_delete_all(msg_p: *mut *mut kbus_message_t);
    }
    unsafe extern "C" {
        pub fn kbus_msg_sizeof(msg: *const kbus_message_t) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_split_bind_event(
            msg: *const kbus_message_t,
            is_bind: *mut u32,
            binder: *mut u32,
            name: *mut *mut ::std::os::raw::c_char,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_msg_print(stream: *mut FILE, msg: *const kbus_message_t);
    }
    unsafe extern "C" {
        pub fn kbus_msg_print2(
            stream: *mut FILE,
            msg: *const kbus_message_t,
            flags: ::std::os::raw::c_uint,
        );
    }
    unsafe extern "C" {
        pub fn kbus_msg_dump(msg: *const kbus_message_t, dump_data: ::std::os::raw::c_int);
    }
    pub type kbus_limpet_context_t = kbus_limpet_context;
    unsafe extern "C" {
        pub fn kbus_serialise_message_header(msg: *mut kbus_message_t, result: *mut u32);
    }
    unsafe extern "C" {
        pub fn kbus_unserialise_message_header(serial: *mut u32, msg: *mut kbus_message_t);
    }
    unsafe extern "C" {
        pub fn kbus_limpet_ReplierBindEvent_hton(msg: *mut kbus_message_t);
    }
    unsafe extern "C" {
        pub fn kbus_limpet_ReplierBindEvent_ntoh(msg: *mut kbus_message_t);
    }
    unsafe extern "C" {
        pub fn kbus_limpet_new_context(
            ksock: kbus_ksock_t,
            network_id: u32,
            other_network_id: u32,
            message_name: *mut ::std::os::raw::c_char,
            verbosity: u32,
            context: *mut *mut kbus_limpet_context_t,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_limpet_set_verbosity(context: *mut kbus_limpet_context_t, verbosity: u32);
    }
    unsafe extern "C" {
        pub fn kbus_limpet_free_context(context: *mut *mut kbus_limpet_context_t);
    }
    unsafe extern "C" {
        pub fn kbus_limpet_amend_msg_from_kbus(
            context: *mut kbus_limpet_context_t,
            msg: *mut kbus_message_t,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_limpet_amend_msg_to_kbus(
            context: *mut kbus_limpet_context_t,
            msg: *mut kbus_message_t,
            error: *mut *mut kbus_message_t,
        ) -> ::std::os::raw::c_int;
    }
    unsafe extern "C" {
        pub fn kbus_limpet_could_not_send_to_kbus_msg(
            context: *mut kbus_limpet_context_t,
            msg: *mut kbus_message_t,
            errnum: ::std::os::raw::c_int,
            error: *mut *mut kbus_message_t,
        ) -> ::std::os::raw::c_int;
    }
}
/// Two functions go into one array only if they have the same type.
macro_rules! same { ($($name:ident)*) => { $( let _ = [promised::$name, $name]; )* } }
#[test]
fn the_library_is_what_the_headers_say() {
    same! {
    kbus_ksock_open
    kbus_ksock_open_by_name
    kbus_ksock_open_cloexec
    kbus_ksock_close
    kbus_ksock_bind
    kbus_ksock_unbind
    kbus_ksock_find_replier
    kbus_ksock_id
    kbus_ksock_last_msg_id
    kbus_ksock_num_messages
    kbus_ksock_num_unreplied_to
    kbus_ksock_max_messages
    kbus_ksock_max_message_size
    kbus_ksock_only_once
    kbus_ksock_report_replier_binds
    kbus_ksock_kernel_module_verbose
    kbus_ksock_is_only_once
    kbus_ksock_is_reporting_replier_binds
    kbus_ksock_is_verbose
    kbus_ksock_new_device
    kbus_wait_for_message
    kbus_ksock_wait
    kbus_ksock_next_msg
    kbus_ksock_len_left
    kbus_ksock_read_msg
    kbus_ksock_read_next_msg
    kbus_ksock_write_msg
    kbus_ksock_write_data
    kbus_ksock_send
    kbus_ksock_send_msg
    kbus_ksock_discard
    kbus_msg_create
    kbus_msg_create_entire
    kbus_msg_create_request
    kbus_msg_create_entire_request
    kbus_msg_create_reply_to
    kbus_msg_create_entire_reply_to
    kbus_msg_create_stateful_request
    kbus_msg_create_entire_stateful_request
    kbus_msg_delete
    kbus_msg_delete_all
    kbus_msg_sizeof
    kbus_msg_split_bind_event
    kbus_msg_print
    kbus_msg_print2
    kbus_msg_dump
    kbus_serialise_message_header
    kbus_unserialise_message_header
    kbus_limpet_ReplierBindEvent_hton
    kbus_limpet_ReplierBindEvent_ntoh
    kbus_limpet_new_context
    kbus_limpet_set_verbosity
    kbus_limpet_free_context
    kbus_limpet_amend_msg_from_kbus
    kbus_limpet_amend_msg_to_kbus
    kbus_limpet_could_not_send_to_kbus_msg
    }
    assert_eq!(promised::KBUS_KSOCK_READABLE as i32, READABLE);
    assert_eq!(promised::KBUS_KSOCK_WRITABLE as i32, WRITABLE);
    assert_eq!(promised::KBUS_MSG_PRINT_FLAGS_ABBREVIATE, ABBREVIATE);
    assert_eq!(promised::KBUS_SERIALISED_HDR_LEN as usize, crate::wire::LEN);
    assert_eq!(
        promised::KBUS_MSG_NOT_SAME_KSOCK.to_bytes(),
        crate::limpet::NOT_SAME_KSOCK
    );
    assert_eq!(
        promised::KBUS_MSG_REMOTE_ERROR_PREFIX.to_bytes(),
        crate::limpet::REMOTE_ERROR_PREFIX.as_bytes()
    );
}
