// SPDX-License-Identifier: GPL-2.0-only

//! The lock of a bus, taken and given up; and how long it was held and waited for at the most: for
//! the benchmarks "hostile" and "contention", in a module that is built with `kbus_probe`
//! (`tools/build/kmod --probe`). In others nothing is measured.

use kernel::sync::SpinLock;

/// Does something with what the lock protects.
#[cfg(not(kbus_probe))]
#[inline(always)]
pub(crate) fn locked<T: Unpin, R>(lock: &SpinLock<T>, act: impl FnOnce(&mut T) -> R) -> R {
    act(&mut lock.lock())
}

#[cfg(kbus_probe)]
pub(crate) use probing::locked;

#[cfg(kbus_probe)]
mod probing {
    use super::SpinLock;
    use crate::kapi::caller;
    use crate::kapi::param::{parameter, Number};
    use kernel::time::{Delta, Instant, Monotonic};

    // In nanoseconds. Whoever writes there begins anew.
    static LONGEST_HOLD: Number = Number::new(0, 0, u32::MAX);
    static LONGEST_WAIT: Number = Number::new(0, 0, u32::MAX);
    static WAITS_OF: Number = Number::new(u32::MAX, 0, u32::MAX);

    parameter!(
        HOLD,
        LONGEST_HOLD,
        "kbus_longest_hold",
        "How long the lock of a bus was held at the most, in nanoseconds (0)",
        CHANGEABLE
    );
    parameter!(
        WAIT,
        LONGEST_WAIT,
        "kbus_longest_wait",
        "How long the lock of a bus was waited for at the most, in nanoseconds (0)",
        CHANGEABLE
    );
    parameter!(
        USER,
        WAITS_OF,
        "kbus_waits_of",
        "Whose waits count: a user (none)",
        CHANGEABLE
    );

    pub(crate) fn locked<T: Unpin, R>(lock: &SpinLock<T>, act: impl FnOnce(&mut T) -> R) -> R {
        let asked = Instant::<Monotonic>::now();
        let mut guard = lock.lock();
        let got = Instant::<Monotonic>::now();
        let done = act(&mut guard);
        let held = got.elapsed();
        drop(guard);
        note(&LONGEST_HOLD, held);
        if caller::user() == WAITS_OF.get() {
            note(&LONGEST_WAIT, got - asked);
        }
        done
    }

    fn note(longest: &Number, time: Delta) {
        let time = u32::try_from(time.as_nanos()).unwrap_or(u32::MAX);
        // Two that end at once may lose one: a benchmark has one.
        if time > longest.get() {
            longest.set(time);
        }
    }
}
