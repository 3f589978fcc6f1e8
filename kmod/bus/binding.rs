// SPDX-License-Identifier: GPL-2.0

//! One Ksock bound to one pattern, as a replier or as a listener.

use super::error::BusError;
use super::name::{self, Tail};
use kernel::prelude::*;

/// What a Ksock does for the messages of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Replier,
    Listener,
}

/// One Ksock bound to one pattern.
pub(crate) struct Binding {
    pub(crate) ksock: u32,
    /// The thread that opened the Ksock, in the initial pid namespace.
    pub(crate) pid: i32,
    /// Grows by one with each binding on the bus: a larger one is newer. Never 0.
    pub(crate) serial: u64,
    /// As BIND gave it: UNBIND must give the same.
    pub(crate) is_replier: u32,
    /// The pattern, wildcard included.
    pub(crate) name: KVec<u8>,
    pub(super) tail: Tail,
}

impl Binding {
    /// # Errors
    ///
    /// `BadName` or `NameTooLong` when nothing can be bound to `name`.
    pub(crate) fn new(
        ksock: u32,
        pid: i32,
        is_replier: u32,
        name: KVec<u8>,
    ) -> Result<Self, BusError> {
        let tail = name::check(&name)?;
        Ok(Binding {
            ksock,
            pid,
            serial: 0,
            is_replier,
            name,
            tail,
        })
    }

    pub(crate) fn role(&self) -> Role {
        if self.is_replier == 0 {
            Role::Listener
        } else {
            Role::Replier
        }
    }

    pub(super) fn stem(&self) -> usize {
        match self.tail {
            Tail::Exact => self.name.len(),
            Tail::Child | Tail::Subtree => self.name.len().saturating_sub(1),
        }
    }
}
