// SPDX-License-Identifier: GPL-2.0-only

//! Bugs, for a copy of the module: proof that the kernels that should see them do, and that we
//! are told. A write of 1000 + n bytes does bug number n. See `planted`, the script.

use core::hint::black_box;
use core::mem::forget;
use kernel::prelude::*;
use kernel::sync::atomic::{Atomic, Relaxed};
use kernel::sync::{new_mutex, rcu, Arc, Mutex};
use kernel::time::{delay::fsleep, Delta};

/// Does what `len` asks for.
pub(crate) fn write(len: usize) -> Result {
    match len {
        1001 => use_after_free(),
        1002 => one_too_far(),
        1003 => leak(),
        1004 => sleep_under_rcu(),
        1005 => both_orders(),
        1006 => leave_locked(),
        1007 => overflow(),
        1008 => race(),
        _ => Ok(()),
    }
}

fn use_after_free() -> Result {
    let gone = KBox::new([7u8; 128], GFP_KERNEL)?;
    let at: *const u8 = gone.as_ptr();
    drop(gone);
    // SAFETY: None. That is the bug.
    black_box(unsafe { at.add(64).read_volatile() });
    Ok(())
}

fn one_too_far() -> Result {
    let mut bytes = KVec::from_elem(0u8, 100, GFP_KERNEL)?;
    // SAFETY: None. That is the bug.
    unsafe { black_box(bytes.as_mut_ptr()).add(104).write_volatile(1) };
    Ok(())
}

/// Many, because the allocator's sheaves remember a few of what they gave out, and what they
/// remember kmemleak finds.
fn leak() -> Result {
    for _ in 0..4000 {
        forget(KBox::new([1u64; 64], GFP_KERNEL)?);
    }
    Ok(())
}

fn sleep_under_rcu() -> Result {
    let _guard = rcu::read_lock();
    drop(KBox::new([1u64; 64], GFP_KERNEL)?);
    Ok(())
}

#[pin_data]
struct Two {
    #[pin]
    one: Mutex<u32>,
    #[pin]
    other: Mutex<u32>,
}

impl Two {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Two {
                one <- new_mutex!(1, "planted::one"),
                other <- new_mutex!(2, "planted::other"),
            }),
            GFP_KERNEL,
        )
    }
}

/// Alone this is no deadlock, and yet lockdep is to know.
fn both_orders() -> Result {
    let two = Two::new()?;
    {
        let _one = two.one.lock();
        let _other = two.other.lock();
    }
    {
        let _other = two.other.lock();
        let _one = two.one.lock();
    }
    Ok(())
}

fn leave_locked() -> Result {
    let two = Two::new()?;
    forget(two.one.lock());
    forget(two.clone());
    Ok(())
}

fn overflow() -> Result {
    let large = black_box(u32::MAX);
    black_box(large + black_box(1));
    Ok(())
}

static mut COUNT: u64 = 0;

/// For two processes at once, each of which waits until the other is there: on a busy machine the
/// first would be done before the second begins.
fn race() -> Result {
    static INSIDE: Atomic<u32> = Atomic::new(0);
    INSIDE.fetch_add(1, Relaxed);
    for _ in 0..10_000 {
        if INSIDE.load(Relaxed) > 1 {
            break;
        }
        fsleep(Delta::from_millis(1));
    }
    for _ in 0..1_000_000 {
        // SAFETY: None. That is the bug.
        unsafe {
            let count = &raw mut COUNT;
            *count = black_box(*count) + 1;
        }
    }
    Ok(())
}
