// SPDX-License-Identifier: GPL-2.0
//! What shim.h declares, for Rust. Generated from it by shim.sh in this
//! directory; do not edit.

use kernel::bindings::{inode, proc_dir_entry, seq_file};
use kernel::ffi;

unsafe extern "C" {
    pub fn kbus_in_compat_syscall() -> bool;
}
unsafe extern "C" {
    pub fn kbus_access_ok(address: ffi::c_ulong, size: ffi::c_ulong) -> bool;
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
    pub fn kbus_may_warn() -> bool;
}
unsafe extern "C" {
    pub fn proc_mkdir(name: *const ffi::c_char, parent: *mut proc_dir_entry)
        -> *mut proc_dir_entry;
}
unsafe extern "C" {
    pub fn proc_create_single_data(
        name: *const ffi::c_char,
        mode: ffi::c_ushort,
        parent: *mut proc_dir_entry,
        show: ::core::option::Option<
            unsafe extern "C" fn(file: *mut seq_file, item: *mut ffi::c_void) -> ffi::c_int,
        >,
        data: *mut ffi::c_void,
    ) -> *mut proc_dir_entry;
}
unsafe extern "C" {
    pub fn proc_remove(entry: *mut proc_dir_entry);
}
