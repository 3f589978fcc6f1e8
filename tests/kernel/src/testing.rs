// SPDX-License-Identifier: GPL-2.0-only
//! What only the stand-in has: memory that runs out when a test says so, a tally of what was
//! asked for and what is still held, and places where nobody may ask or give back.
//!
//! Every buffer of a `KVec`, every `KBox`, `Arc` and tree node counts as one allocation. The
//! tally belongs to the thread: a test that makes and drops its things on one thread sees its
//! own and nobody else's.

use crate::alloc::{flags, AllocError, Flags};
use core::cell::RefCell;

#[derive(Clone, Copy)]
enum Plan {
    Plenty,
    FailOnce(u64),
    FailFrom(u64),
}

#[derive(Clone, Copy)]
struct Ledger {
    plan: Plan,
    refused: u64,
    made: u64,
    unaccounted: u64,
    live: i64,
    live_bytes: i64,
    no_allocating: u32,
    free_at_most: usize,
}

thread_local! {
    static LEDGER: RefCell<Ledger> = const {
        RefCell::new(Ledger {
            plan: Plan::Plenty,
            refused: 0,
            made: 0,
            unaccounted: 0,
            live: 0,
            live_bytes: 0,
            no_allocating: 0,
            free_at_most: usize::MAX,
        })
    };
}

fn look<T>(at: impl FnOnce(&Ledger) -> T) -> T {
    LEDGER.with_borrow(at)
}

/// The `n`-th allocation from now (0 is the next one) fails, and only that one.
pub fn fail_once(n: u64) {
    set_plan(Plan::FailOnce(n));
}

/// The `n`-th allocation from now (0 is the next one) and all later ones fail.
pub fn fail_from(n: u64) {
    set_plan(Plan::FailFrom(n));
}

/// No allocation fails any more.
pub fn never_fail() {
    set_plan(Plan::Plenty);
}

/// Allocates at the expense of another, who has memory or has not. What was planned for the
/// caller's own allocations does not count meanwhile.
pub fn at_the_expense_of_another<R>(has_memory: bool, allocate: impl FnOnce() -> R) -> R {
    let before = look(|ledger| (ledger.plan, ledger.refused));
    set_plan(match has_memory {
        true => Plan::Plenty,
        false => Plan::FailFrom(0),
    });
    let answer = allocate();
    LEDGER.with_borrow_mut(|ledger| (ledger.plan, ledger.refused) = before);
    answer
}

fn set_plan(plan: Plan) {
    LEDGER.with_borrow_mut(|ledger| {
        ledger.plan = plan;
        ledger.refused = 0;
    });
}

/// How many allocations were refused since the plan was last set.
pub fn refused() -> u64 {
    look(|ledger| ledger.refused)
}

/// How many allocations (growing an old one included) were granted since the thread began.
pub fn made() -> u64 {
    look(|ledger| ledger.made)
}

/// How many of them were not charged to the caller's memory cgroup.
pub fn unaccounted() -> u64 {
    look(|ledger| ledger.unaccounted)
}

/// How many allocations are held now.
pub fn live() -> i64 {
    look(|ledger| ledger.live)
}

/// How many bytes are held now.
pub fn live_bytes() -> i64 {
    look(|ledger| ledger.live_bytes)
}

/// While this is held, whoever asks for memory panics.
pub struct NoAllocating(());

/// From here to the end of the answer's life nobody may ask for memory.
pub fn forbid_allocating() -> NoAllocating {
    LEDGER.with_borrow_mut(|ledger| ledger.no_allocating += 1);
    NoAllocating(())
}

impl Drop for NoAllocating {
    fn drop(&mut self) {
        LEDGER.with_borrow_mut(|ledger| ledger.no_allocating -= 1);
    }
}

/// While this is held, whoever gives back more memory at a time than allowed panics.
pub struct NoFreeing {
    before: usize,
}

/// From here to the end of the answer's life nobody may give memory back.
pub fn forbid_freeing() -> NoFreeing {
    forbid_freeing_above(0)
}

/// From here to the end of the answer's life nobody may give back an allocation of more than
/// `bytes`.
pub fn forbid_freeing_above(bytes: usize) -> NoFreeing {
    LEDGER.with_borrow_mut(|ledger| {
        let before = ledger.free_at_most;
        ledger.free_at_most = bytes.min(before);
        NoFreeing { before }
    })
}

impl Drop for NoFreeing {
    fn drop(&mut self) {
        LEDGER.with_borrow_mut(|ledger| ledger.free_at_most = self.before);
    }
}

/// One allocation, held. Dropping it gives it back.
pub(crate) struct Held {
    bytes: usize,
}

impl Held {
    /// Asks for `bytes`. Nothing is asked for when `bytes` is 0, as the kernel does.
    pub(crate) fn get(bytes: usize, flags: Flags) -> Result<Held, AllocError> {
        ask(bytes, flags)?;
        let held = Held { bytes };
        LEDGER.with_borrow_mut(|ledger| {
            ledger.live += held.count();
            ledger.live_bytes += held.bytes as i64;
        });
        Ok(held)
    }

    /// No memory at all.
    pub(crate) const fn nothing() -> Held {
        Held { bytes: 0 }
    }

    /// Makes this allocation `bytes` long. When that fails it is as it was.
    pub(crate) fn resize(&mut self, bytes: usize, flags: Flags) -> Result<(), AllocError> {
        ask(bytes, flags)?;
        let (count, old) = (self.count(), self.bytes);
        self.bytes = bytes;
        LEDGER.with_borrow_mut(|ledger| {
            ledger.live += self.count() - count;
            ledger.live_bytes += bytes as i64 - old as i64;
        });
        Ok(())
    }

    fn count(&self) -> i64 {
        (self.bytes != 0).into()
    }
}

fn ask(bytes: usize, flags: Flags) -> Result<(), AllocError> {
    if bytes == 0 {
        return Ok(());
    }
    LEDGER.with_borrow_mut(|ledger| {
        assert!(
            ledger.no_allocating == 0 || std::thread::panicking(),
            "memory is asked for where nobody may"
        );
        let fail = match &mut ledger.plan {
            Plan::Plenty => false,
            Plan::FailOnce(0) => {
                ledger.plan = Plan::Plenty;
                true
            }
            Plan::FailFrom(0) => true,
            Plan::FailOnce(n) | Plan::FailFrom(n) => {
                *n -= 1;
                false
            }
        };
        if fail {
            ledger.refused += 1;
            return Err(AllocError);
        }
        ledger.made += 1;
        if !flags.contains(flags::GFP_KERNEL_ACCOUNT) {
            ledger.unaccounted += 1;
        }
        Ok(())
    })
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        // The thread's ledger may be gone already when a static is dropped at its end.
        let _ = LEDGER.try_with(|ledger| {
            let mut ledger = ledger.borrow_mut();
            ledger.live -= self.count();
            ledger.live_bytes -= self.bytes as i64;
            assert!(
                self.bytes <= ledger.free_at_most || std::thread::panicking(),
                "memory is given back where nobody may"
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alloc::{flags::*, KBox};
    use std::panic::catch_unwind;

    fn tries(n: usize) -> Vec<bool> {
        (0..n)
            .map(|_| KBox::new(1_u8, GFP_KERNEL).is_ok())
            .collect()
    }

    #[test]
    fn once_means_once() {
        fail_once(1);
        assert_eq!(tries(4), [true, false, true, true]);
        assert_eq!(refused(), 1);
    }

    #[test]
    fn from_means_from() {
        fail_from(2);
        assert_eq!(tries(4), [true, true, false, false]);
        assert_eq!(refused(), 2);
        never_fail();
        assert_eq!(tries(2), [true, true]);
        assert_eq!(refused(), 0);
    }

    #[test]
    fn who_pays_is_seen() {
        let _a = KBox::new(1_u8, GFP_KERNEL_ACCOUNT).unwrap();
        assert_eq!((made(), unaccounted()), (1, 0));
        let _b = KBox::new(1_u8, GFP_KERNEL).unwrap();
        assert_eq!((made(), unaccounted()), (2, 1));
    }

    #[test]
    fn where_nobody_may_ask_or_give_back() {
        let held = KBox::new(1_u8, GFP_KERNEL).unwrap();
        let asked = catch_unwind(|| {
            let _quiet = forbid_allocating();
            KBox::new(1_u8, GFP_KERNEL).is_ok()
        });
        assert!(asked.is_err());
        let given_back = catch_unwind(move || {
            let _quiet = forbid_freeing();
            drop(held);
        });
        assert!(given_back.is_err());
        {
            let small = KBox::new([0_u8; 8], GFP_KERNEL).unwrap();
            let _quiet = forbid_freeing_above(8);
            drop(small);
        }
        assert_eq!(tries(1), [true]);
        assert_eq!(live(), 0);
    }
}
