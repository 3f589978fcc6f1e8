// SPDX-License-Identifier: GPL-2.0

//! The program that makes a system call: what it is, and which addresses it can have.
//!
//! Unnecessary once `kernel::task` and `kernel::uaccess` tell these things.

extern "C" {
    fn kbus_in_compat_syscall() -> bool;
    fn kbus_access_ok(address: usize, size: usize) -> bool;
}

/// How wide a program's pointers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The kernel's own width.
    Native,
    /// A 32-bit program on a 64-bit kernel.
    Compat,
}

impl Caller {
    /// The program that makes the current system call.
    pub(crate) fn current() -> Caller {
        // SAFETY: It looks at the current task only, and may be called in any system call.
        if unsafe { kbus_in_compat_syscall() } {
            Caller::Compat
        } else {
            Caller::Native
        }
    }
}

/// Could a user program have `size` bytes at `address`?
pub(crate) fn is_plausible(address: usize, size: usize) -> bool {
    // SAFETY: It compares numbers and touches no memory.
    unsafe { kbus_access_ok(address, size) }
}
