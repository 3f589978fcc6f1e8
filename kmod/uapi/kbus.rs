// SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note
//! The KBUS contract, for Rust. Generated from kbus.h by mirror.sh in this
//! directory; do not edit. The numbers of the ioctls are those of a 64-bit
//! program. Where a C struct ends in a flexible array, it starts where the
//! struct here ends.

pub const KBUS_MSG_START_GUARD: u32 = 1937072715;
pub const KBUS_MSG_END_GUARD: u32 = 1264743795;
pub const KBUS_MAX_NAME_LEN: u32 = 1000;
pub const KBUS_BIT_WANT_A_REPLY: u32 = 1;
pub const KBUS_BIT_WANT_YOU_TO_REPLY: u32 = 2;
pub const KBUS_BIT_SYNTHETIC: u32 = 4;
pub const KBUS_BIT_URGENT: u32 = 8;
pub const KBUS_BIT_ALL_OR_WAIT: u32 = 256;
pub const KBUS_BIT_ALL_OR_FAIL: u32 = 512;
pub const KBUS_MSG_NAME_REPLIER_GONEAWAY: &::core::ffi::CStr = c"$.KBUS.Replier.GoneAway";
pub const KBUS_MSG_NAME_REPLIER_IGNORED: &::core::ffi::CStr = c"$.KBUS.Replier.Ignored";
pub const KBUS_MSG_NAME_REPLIER_UNBOUND: &::core::ffi::CStr = c"$.KBUS.Replier.Unbound";
pub const KBUS_MSG_NAME_REPLIER_DISAPPEARED: &::core::ffi::CStr = c"$.KBUS.Replier.Disappeared";
pub const KBUS_MSG_NAME_ERROR_SENDING: &::core::ffi::CStr = c"$.KBUS.ErrorSending";
pub const KBUS_MSG_NAME_UNBIND_EVENTS_LOST: &::core::ffi::CStr = c"$.KBUS.UnbindEventsLost";
pub const KBUS_MSG_NAME_REPLIER_BIND_EVENT: &::core::ffi::CStr = c"$.KBUS.ReplierBindEvent";
pub const KBUS_IOC_MAGIC: u8 = 107u8;
pub const KBUS_IOC_MAXNR: u32 = 18;
pub type __u32 = core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct kbus_msg_id {
    pub network_id: __u32,
    pub serial_num: __u32,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct kbus_orig_from {
    pub network_id: __u32,
    pub local_id: __u32,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct kbus_message_header {
    pub start_guard: __u32,
    pub id: kbus_msg_id,
    pub in_reply_to: kbus_msg_id,
    pub to: __u32,
    pub from: __u32,
    pub orig_from: kbus_orig_from,
    pub final_to: kbus_orig_from,
    pub extra: __u32,
    pub flags: __u32,
    pub name_len: __u32,
    pub data_len: __u32,
    pub name: *mut core::ffi::c_char,
    pub data: *mut core::ffi::c_void,
    pub end_guard: __u32,
}
#[repr(C)]
#[derive(Debug)]
pub struct kbus_entire_message {
    pub header: kbus_message_header,
}
#[repr(C)]
#[derive(Debug)]
pub struct kbus_replier_bind_event_data {
    pub is_bind: __u32,
    pub binder: __u32,
    pub name_len: __u32,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct kbus_bind_request {
    pub is_replier: __u32,
    pub name_len: __u32,
    pub name: *mut core::ffi::c_char,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct kbus_bind_query {
    pub return_id: __u32,
    pub name_len: __u32,
    pub name: *mut core::ffi::c_char,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct kbus_remove_device {
    pub device: __u32,
    pub options: __u32,
}
pub const KBUS_IOC_RESET: __u32 = 27393;
pub const KBUS_IOC_BIND: __u32 = 1074293506;
pub const KBUS_IOC_UNBIND: __u32 = 1074293507;
pub const KBUS_IOC_KSOCKID: __u32 = 2148035332;
pub const KBUS_IOC_REPLIER: __u32 = 3221777157;
pub const KBUS_IOC_NEXTMSG: __u32 = 2148035334;
pub const KBUS_IOC_LENLEFT: __u32 = 2148035335;
pub const KBUS_IOC_SEND: __u32 = 2148035336;
pub const KBUS_IOC_DISCARD: __u32 = 27401;
pub const KBUS_IOC_LASTSENT: __u32 = 2148035338;
pub const KBUS_IOC_MAXMSGS: __u32 = 3221777163;
pub const KBUS_IOC_NUMMSGS: __u32 = 2148035340;
pub const KBUS_IOC_UNREPLIEDTO: __u32 = 2148035341;
pub const KBUS_IOC_MSGONLYONCE: __u32 = 3221777166;
pub const KBUS_IOC_VERBOSE: __u32 = 3221777167;
pub const KBUS_IOC_NEWDEVICE: __u32 = 2148035344;
pub const KBUS_IOC_REPORTREPLIERBINDS: __u32 = 3221777169;
pub const KBUS_IOC_MAXMSGSIZE: __u32 = 3221777170;
pub const KBUS_IOC_REMOVEDEVICE: __u32 = 1074293531;
