// SPDX-License-Identifier: GPL-2.0-only

//! How long the lock of a bus was held at the most: for the benchmark "hostile", in a module that
//! is built with `kbus_probe` (`tools/build/kmod --probe`). In others this is nothing.

/// Does what takes the lock, and gives it up again.
#[cfg(not(kbus_probe))]
#[inline(always)]
pub(crate) fn hold<R>(locked: impl FnOnce() -> R) -> R {
    locked()
}

#[cfg(kbus_probe)]
pub(crate) use probing::hold;

#[cfg(kbus_probe)]
mod probing {
    use crate::kapi::param::{parameter, Number};
    use kernel::time::{Instant, Monotonic};

    /// In nanoseconds. Whoever writes there begins anew.
    static LONGEST: Number = Number::new(0, 0, u32::MAX);

    parameter!(
        DECLARED,
        LONGEST,
        "kbus_longest_hold",
        "How long the lock of a bus was held at the most, in nanoseconds (0)",
        CHANGEABLE
    );

    pub(crate) fn hold<R>(locked: impl FnOnce() -> R) -> R {
        let began = Instant::<Monotonic>::now();
        let done = locked();
        let held = u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX);
        // Two that end at once may lose one: a benchmark has one.
        if held > LONGEST.get() {
            LONGEST.set(held);
        }
        done
    }
}
