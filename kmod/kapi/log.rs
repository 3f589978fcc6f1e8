// SPDX-License-Identifier: GPL-2.0

//! How often the kernel's log may be written to.
//!
//! Unnecessary once there is a `pr_warn_ratelimited!`.

use super::shim;

/// Returns whether a warning may be logged now: not when there were ten of them in the last
/// five seconds.
pub(crate) fn may_warn() -> bool {
    // SAFETY: It counts, under a lock of its own, and may be called anywhere.
    unsafe { shim::kbus_may_warn() }
}
