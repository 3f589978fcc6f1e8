// SPDX-License-Identifier: GPL-2.0

//! One Ksock bound to one pattern, as a replier or as a listener.

use super::id::{BindingId, KsockId};
use super::name::Pattern;

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
    pub(crate) ksock: KsockId,
    /// The thread that opened the Ksock, in the initial pid namespace.
    pub(crate) pid: i32,
    /// As BIND gave it: UNBIND must give the same.
    pub(crate) is_replier: u32,
    pub(crate) pattern: Pattern,
}

impl Binding {
    pub(crate) fn role(&self) -> Role {
        Role::of(self.is_replier)
    }
}
