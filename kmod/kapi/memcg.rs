// SPDX-License-Identifier: GPL-2.0-only

//! Memory at the expense of another memory cgroup than the caller's.
//!
//! Unnecessary once the `kernel` crate has `mem_cgroup` and `set_active_memcg`.

use super::shim;
use core::mem::transmute;
use kernel::alloc::Flags;
use kernel::bindings;
use kernel::prelude::*;

/// With which flags to allocate at the expense of another. A cgroup that is full would have one of
/// its processes killed, for what somebody else does: with `__GFP_RETRY_MAYFAIL` the allocation
/// fails instead, of which the log need not hear.
pub(crate) const ON_ACCOUNT: Flags = {
    let retry_mayfail: bindings::gfp_t = 1 << bindings::___GFP_RETRY_MAYFAIL_BIT;
    let flags = bindings::GFP_KERNEL_ACCOUNT | retry_mayfail | bindings::__GFP_NOWARN;
    // SAFETY: A `Flags` is the number that C knows, of which all bits may be set; that it is no
    // other the compiler has seen below.
    unsafe { transmute::<bindings::gfp_t, Flags>(flags) }
};

const _: () = {
    // SAFETY: All bits of a number may be set.
    let flags = unsafe { transmute::<Flags, bindings::gfp_t>(GFP_KERNEL_ACCOUNT) };
    assert!(flags == bindings::GFP_KERNEL_ACCOUNT);
};

/// A memory cgroup, which stays valid as long as this, although it may be removed.
///
/// # Invariants
///
/// `cgroup` is null, or a cgroup of which this has a reference.
pub(crate) struct Memcg {
    cgroup: *mut bindings::mem_cgroup,
}

// SAFETY: Its count of references is for any thread, and nothing else of it is used here.
unsafe impl Send for Memcg {}
// SAFETY: As above.
unsafe impl Sync for Memcg {}

impl Memcg {
    /// Returns that of the current process; without memory cgroups, none.
    pub(crate) fn of_caller() -> Self {
        // INVARIANT: C returns a reference, or null.
        Memcg {
            // SAFETY: It looks at the current task only.
            cgroup: unsafe { shim::kbus_memcg_of_caller() },
        }
    }

    /// Allocates: what `allocate` gets with [`ON_ACCOUNT`] is charged to this cgroup.
    pub(crate) fn charged_to<R>(&self, allocate: impl FnOnce() -> R) -> R {
        // SAFETY: By the type's invariants it is valid, and so it is until what was active before
        // is so again, behind which the current task does not know it any more.
        let before = unsafe { shim::kbus_memcg_activate(self.cgroup) };
        let allocated = allocate();
        // SAFETY: Who made it active keeps it valid until behind this call.
        unsafe { shim::kbus_memcg_activate(before) };
        allocated
    }
}

impl Drop for Memcg {
    fn drop(&mut self) {
        // SAFETY: By the type's invariants, which end here.
        unsafe { shim::kbus_memcg_put(self.cgroup) };
    }
}
