// SPDX-License-Identifier: GPL-2.0-only

//! What the `kernel` crate does not have (yet). Every `unsafe` of the module is here.
//!
//! Each file has the shape of the `rust/kernel` file that would make it unnecessary.

pub(crate) mod bytes;
pub(crate) mod caller;
pub(crate) mod chardev;
pub(crate) mod class;
pub(crate) mod errno;
pub(crate) mod memcg;
pub(crate) mod param;
pub(crate) mod procfs;
pub(crate) mod trace;
pub(crate) mod transfer;
pub(crate) mod waitq;

#[allow(
    improper_ctypes,
    unreachable_pub,
    reason = "generated, by shim.sh; the types are the kernel's"
)]
#[rustfmt::skip]
mod shim;

/// This module, as C knows it: for `.owner` fields.
///
/// `THIS_MODULE` of the `module!` macro changes its form between 7.2 and 7.3; this does not.
pub(crate) const fn this_module() -> *mut kernel::bindings::module {
    core::ptr::addr_of_mut!(kernel::bindings::__this_module)
}
