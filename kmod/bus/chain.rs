// SPDX-License-Identifier: GPL-2.0-only

//! Entries of one queue that have something in common, in the order in which they stand there.
//! Each tells which is the next (`Queued`).
//!
//! Bindings are shared, and a binding has the chain of what it attracted: hence the atomic. It
//! changes under the lock of the bus alone.

use super::id::At;
use kernel::sync::atomic::{Atomic, Relaxed};

/// The first and the last of them.
pub(crate) struct Chain(Atomic<u64>);

/// What a chain without entries is: no queue has so many.
const EMPTY: u64 = u64::MAX;

impl Chain {
    pub(super) fn new() -> Self {
        Chain(Atomic::new(EMPTY))
    }

    #[inline(always)]
    fn ends(&self) -> Option<(At, At)> {
        let ends = self.0.load(Relaxed);
        (ends != EMPTY).then_some((At((ends >> 32) as u32), At(ends as u32)))
    }

    #[inline(always)]
    fn set(&self, At(first): At, At(last): At) {
        self.0
            .store((u64::from(first) << 32) | u64::from(last), Relaxed);
    }

    /// Returns the first of them.
    #[inline(always)]
    pub(super) fn first(&self) -> Option<At> {
        Some(self.ends()?.0)
    }

    /// The first of them is gone, behind which there was `next`, unless it was the last.
    #[inline(always)]
    pub(super) fn pop(&self, next: At) {
        match self.ends() {
            Some((first, last)) if first != last => self.set(next, last),
            _ => self.0.store(EMPTY, Relaxed),
        }
    }

    /// Puts one before them. Returns the one behind it.
    pub(super) fn push_front(&self, at: At) -> Option<At> {
        let ends = self.ends();
        self.set(at, ends.map_or(at, |(_, last)| last));
        ends.map(|(next, _)| next)
    }

    /// Puts one behind them. Returns the one before it, which must be told.
    #[inline(always)]
    pub(super) fn push_back(&self, at: At) -> Option<At> {
        let ends = self.ends();
        self.set(ends.map_or(at, |(first, _)| first), at);
        ends.map(|(_, before)| before)
    }
}
