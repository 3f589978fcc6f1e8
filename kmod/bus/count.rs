// SPDX-License-Identifier: GPL-2.0-only

//! Taking from counts, and out of nodes, what must be there. Where it is not, the bus has a bug:
//! the kernel's log says so, and tests stop.

use core::ops::SubAssign;
use kernel::warn_on;

/// Takes `by` from a count that is not less.
pub(super) fn decrease<T: Copy + PartialOrd + SubAssign>(count: &mut T, by: T) {
    if !warn_on!(*count < by) {
        *count -= by;
    }
}

/// Returns what was found, which is there because it was there before, under the same lock.
pub(super) fn expect<T>(found: Option<T>) -> Option<T> {
    let missing = found.is_none();
    warn_on!(missing);
    found
}
