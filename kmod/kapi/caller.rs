// SPDX-License-Identifier: GPL-2.0-only

//! The program that makes a system call: what it is, whose, and which addresses it can have.
//!
//! Unnecessary once `kernel::task`, `kernel::cred` and `kernel::uaccess` tell these things.

use super::shim;
use kernel::fs::File;

/// How wide a program's pointers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abi {
    /// The kernel's own width.
    Native,
    /// A 32-bit program on a 64-bit kernel.
    Compat,
}

impl Abi {
    /// Returns the kind of the program that makes the current system call.
    pub(crate) fn current() -> Abi {
        // SAFETY: It looks at the current task only, and may be called in any system call.
        if unsafe { shim::kbus_in_compat_syscall() } {
            Abi::Compat
        } else {
            Abi::Native
        }
    }
}

/// Returns whether a user program could have `size` bytes at `address`.
pub(crate) fn access_ok(address: usize, size: usize) -> bool {
    // SAFETY: It compares numbers and touches no memory.
    unsafe { shim::kbus_access_ok(address, size) }
}

/// Returns whose it is, in the initial user namespace: the real user, by which the kernel's own
/// limits of this kind count as well. But in a user namespace that somebody else than root has
/// made, or in one below it, it is who made the outermost such: the ids that users have there are
/// theirs to choose, and would be as many users to be.
pub(crate) fn user() -> u32 {
    // SAFETY: It looks at the current task only.
    unsafe { shim::kbus_user() }
}

/// Returns whether it may have more than users may have (CAP_SYS_RESOURCE). Asking leaves no
/// trace in audit logs.
pub(crate) fn may_exceed_limits() -> bool {
    // SAFETY: It looks at the current task only.
    unsafe { shim::kbus_may_exceed_limits() }
}

/// Returns whether it is being killed, and so should not go on with what takes long.
pub(crate) fn is_killed() -> bool {
    // SAFETY: It looks at the current task only.
    unsafe { shim::kbus_is_killed() }
}

/// Returns whether it administers the machine (CAP_SYS_ADMIN).
pub(crate) fn is_admin() -> bool {
    // SAFETY: It looks at the current task only.
    unsafe { shim::kbus_is_admin() }
}

/// Returns whether it may see what belongs to others (CAP_SYS_PTRACE, as for `/proc/PID`). Asking
/// leaves no trace in audit logs.
pub(crate) fn may_see_all() -> bool {
    // SAFETY: It looks at the current task only.
    unsafe { shim::kbus_may_see_all() }
}

/// Returns whether the node that this file was opened by belongs to it.
pub(crate) fn owns(file: &File) -> bool {
    // SAFETY: The file is valid, and its inode does not change.
    unsafe { shim::kbus_owns(file.as_ptr()) }
}
