// SPDX-License-Identifier: GPL-2.0-only

//! What KBUS sends itself (specification 6): answers in place of a replier's, and bind events.
//!
//! Those without data are a few numbers until they are read, so that making one needs no memory
//! and cannot fail: that is how an answer is certain even when its replier is killed while
//! memory is short. A bind event is its binding, and becomes bytes when read.

use super::binding::Binding;
use super::id::MsgId;
use super::message::{padded_name_len, Header};
use super::name::Name;
use crate::uapi;
use kernel::sync::Arc;

/// The messages without data that KBUS makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    GoneAway,
    Ignored,
    Unbound,
    Disappeared,
    ErrorSending,
    EventsLost,
}

/// A message without data that KBUS makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Synthetic {
    pub(crate) kind: Kind,
    pub(crate) id: MsgId,
    pub(crate) in_reply_to: MsgId,
    /// The replier that did not answer, or 0.
    pub(crate) from: u32,
    /// The requester, or 0.
    pub(crate) to: u32,
}

impl Synthetic {
    pub(crate) fn header(&self) -> Header {
        Header {
            id: self.id,
            in_reply_to: self.in_reply_to,
            to: self.to,
            from: self.from,
            flags: uapi::KBUS_BIT_SYNTHETIC,
            name_len: self.name().len() as u32,
            ..Header::default()
        }
    }

    pub(crate) fn name(&self) -> &'static [u8] {
        match self.kind {
            Kind::GoneAway => uapi::KBUS_MSG_NAME_REPLIER_GONEAWAY,
            Kind::Ignored => uapi::KBUS_MSG_NAME_REPLIER_IGNORED,
            Kind::Unbound => uapi::KBUS_MSG_NAME_REPLIER_UNBOUND,
            Kind::Disappeared => uapi::KBUS_MSG_NAME_REPLIER_DISAPPEARED,
            Kind::ErrorSending => uapi::KBUS_MSG_NAME_ERROR_SENDING,
            Kind::EventsLost => uapi::KBUS_MSG_NAME_UNBIND_EVENTS_LOST,
        }
        .to_bytes()
    }
}

/// A replier was bound, or its binding is no more.
#[derive(Clone)]
pub(crate) struct BindEvent {
    pub(crate) id: MsgId,
    pub(crate) is_bind: bool,
    pub(crate) binding: Arc<Binding>,
}

impl BindEvent {
    /// Returns the name under which bind events are announced.
    pub(crate) fn name() -> Name<'static> {
        Name::of_bus(uapi::KBUS_MSG_NAME_REPLIER_BIND_EVENT.to_bytes())
    }

    pub(crate) fn header(&self) -> Header {
        let fixed = 4 * self.data_start().len() as u32;
        Header {
            id: self.id,
            // The original says ALL_OR_FAIL here, and readers see it.
            flags: uapi::KBUS_BIT_SYNTHETIC | uapi::KBUS_BIT_ALL_OR_FAIL,
            name_len: Self::name().text().len() as u32,
            data_len: fixed + padded_name_len(self.bound_name().len() as u32) as u32,
            ..Header::default()
        }
    }

    /// The fixed part of the data: is_bind, binder, name_len. The name follows, padded as a
    /// message's name is.
    pub(crate) fn data_start(&self) -> [u32; 3] {
        [
            u32::from(self.is_bind),
            self.binding.ksock.get(),
            self.bound_name().len() as u32,
        ]
    }

    /// The name that was bound.
    pub(crate) fn bound_name(&self) -> &[u8] {
        self.binding.pattern.text()
    }
}
