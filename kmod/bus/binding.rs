// SPDX-License-Identifier: GPL-2.0-only

//! One Ksock bound to one pattern, as a replier or as a listener.

use super::chain::Chain;
use super::id::{At, BindingId, KsockId};
use super::name::Pattern;
use kernel::sync::atomic::{Atomic, Relaxed};

/// What a Ksock does for the messages of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Replier,
    Listener,
}

impl Role {
    /// Returns what BIND and UNBIND mean by `is_replier`: any number but 0 is a replier.
    pub(crate) fn of(is_replier: u32) -> Self {
        match is_replier {
            0 => Role::Listener,
            _ => Role::Replier,
        }
    }
}

/// One Ksock bound to one pattern.
pub(crate) struct Binding {
    pub(crate) id: BindingId,
    /// Where its Ksock has it.
    pub(super) at: At,
    pub(crate) ksock: KsockId,
    /// The thread that opened the Ksock, in the initial pid namespace.
    pub(crate) pid: i32,
    /// As BIND gave it: UNBIND must give the same.
    pub(crate) is_replier: u32,
    /// It was announced that its Ksock closes.
    ended: Atomic<u32>,
    /// What the index calls its pattern by.
    pattern_number: Atomic<u64>,
    /// The entries in its Ksock's queue that it attracted.
    pub(super) attracted: Chain,
    pub(crate) pattern: Pattern,
}

impl Binding {
    pub(super) fn new(
        id: BindingId,
        ksock: KsockId,
        pid: i32,
        is_replier: u32,
        pattern: Pattern,
    ) -> Self {
        Binding {
            id,
            at: At::default(),
            ksock,
            pid,
            is_replier,
            ended: Atomic::new(0),
            pattern_number: Atomic::new(0),
            attracted: Chain::new(),
            pattern,
        }
    }

    /// Notes that the end of it is announced, under the lock of its bus. Returns whether it was
    /// before.
    pub(super) fn end(&self) -> bool {
        self.ended.xchg(1, Relaxed) != 0
    }

    /// Notes what the index calls its pattern by, when it is put there.
    pub(super) fn set_pattern_number(&self, number: u64) {
        self.pattern_number.store(number, Relaxed);
    }

    /// Returns what the index calls its pattern by.
    pub(super) fn pattern_number(&self) -> u64 {
        self.pattern_number.load(Relaxed)
    }

    /// Returns whether the end of it was announced.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Relaxed) != 0
    }

    pub(crate) fn role(&self) -> Role {
        Role::of(self.is_replier)
    }
}
