// SPDX-License-Identifier: GPL-2.0-only
//! What shim.h declares, for Rust. Generated from it by shim.sh in this
//! directory; do not edit.

use kernel::bindings::{file, inode, mem_cgroup, proc_dir_entry, tracepoint};
use kernel::ffi;

unsafe extern "C" {
    pub fn kbus_in_compat_syscall() -> bool;
}
unsafe extern "C" {
    pub fn kbus_access_ok(address: ffi::c_ulong, size: ffi::c_ulong) -> bool;
}
unsafe extern "C" {
    pub fn kbus_never_waits(file: *mut file);
}
unsafe extern "C" {
    pub fn kbus_inode_minor(inode: *const inode) -> ffi::c_uint;
}
unsafe extern "C" {
    pub fn kbus_user() -> ffi::c_uint;
}
unsafe extern "C" {
    pub fn kbus_may_exceed_limits() -> bool;
}
unsafe extern "C" {
    pub fn kbus_is_killed() -> bool;
}
unsafe extern "C" {
    pub fn kbus_is_admin() -> bool;
}
unsafe extern "C" {
    pub fn kbus_may_see_all() -> bool;
}
unsafe extern "C" {
    pub fn kbus_owns(file: *const file) -> bool;
}
unsafe extern "C" {
    pub fn kbus_memcg_of_caller() -> *mut mem_cgroup;
}
unsafe extern "C" {
    pub fn kbus_memcg_activate(memcg: *mut mem_cgroup) -> *mut mem_cgroup;
}
unsafe extern "C" {
    pub fn kbus_memcg_put(memcg: *mut mem_cgroup);
}
unsafe extern "C" {
    pub fn proc_mkdir(name: *const ffi::c_char, parent: *mut proc_dir_entry)
        -> *mut proc_dir_entry;
}
unsafe extern "C" {
    pub fn proc_remove(entry: *mut proc_dir_entry);
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct kbus_proc_file {
    pub open: ::core::option::Option<
        unsafe extern "C" fn(file: *mut file, data: *mut ffi::c_void) -> ffi::c_int,
    >,
    pub release: ::core::option::Option<
        unsafe extern "C" fn(inode: *mut inode, file: *mut file) -> ffi::c_int,
    >,
    pub data: *mut ffi::c_void,
}
unsafe extern "C" {
    pub fn kbus_proc_create(
        name: *const ffi::c_char,
        parent: *mut proc_dir_entry,
        file: *const kbus_proc_file,
    ) -> *mut proc_dir_entry;
}
unsafe extern "C" {
    pub static mut __tracepoint_kbus_bind: tracepoint;
}
unsafe extern "C" {
    pub static mut __tracepoint_kbus_unbind: tracepoint;
}
unsafe extern "C" {
    pub static mut __tracepoint_kbus_close: tracepoint;
}
unsafe extern "C" {
    pub static mut __tracepoint_kbus_route: tracepoint;
}
unsafe extern "C" {
    pub static mut __tracepoint_kbus_queue: tracepoint;
}
unsafe extern "C" {
    pub static mut __tracepoint_kbus_skip: tracepoint;
}
unsafe extern "C" {
    pub static mut __tracepoint_kbus_answer: tracepoint;
}
unsafe extern "C" {
    pub fn rust_do_trace_kbus_bind(
        bus: ffi::c_uint,
        ksock: ffi::c_uint,
        replier: bool,
        name: *const ffi::c_char,
        name_len: ffi::c_uint,
    );
}
unsafe extern "C" {
    pub fn rust_do_trace_kbus_unbind(
        bus: ffi::c_uint,
        ksock: ffi::c_uint,
        replier: bool,
        name: *const ffi::c_char,
        name_len: ffi::c_uint,
    );
}
unsafe extern "C" {
    pub fn rust_do_trace_kbus_close(bus: ffi::c_uint, ksock: ffi::c_uint);
}
unsafe extern "C" {
    pub fn rust_do_trace_kbus_route(
        bus: ffi::c_uint,
        ksock: ffi::c_uint,
        network: ffi::c_uint,
        serial: ffi::c_uint,
        flags: ffi::c_uint,
        to: ffi::c_uint,
        verdict: ffi::c_uint,
        name: *const ffi::c_char,
        name_len: ffi::c_uint,
    );
}
unsafe extern "C" {
    pub fn rust_do_trace_kbus_queue(
        bus: ffi::c_uint,
        ksock: ffi::c_uint,
        network: ffi::c_uint,
        serial: ffi::c_uint,
        queued: ffi::c_uint,
    );
}
unsafe extern "C" {
    pub fn rust_do_trace_kbus_skip(
        bus: ffi::c_uint,
        ksock: ffi::c_uint,
        why: ffi::c_uint,
        name: *const ffi::c_char,
        name_len: ffi::c_uint,
    );
}
unsafe extern "C" {
    pub fn rust_do_trace_kbus_answer(
        bus: ffi::c_uint,
        ksock: ffi::c_uint,
        requester: ffi::c_uint,
        network: ffi::c_uint,
        serial: ffi::c_uint,
        by_bus: bool,
    );
}
