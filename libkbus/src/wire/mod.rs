// SPDX-License-Identifier: GPL-2.0-only
//! What goes through the device, as bytes and the types that stand for them:
//! the entire form of a message, the data of bind events, ids, flags, names
//! and the messages that stand for a reply. Layers: `name`, `id` and `flags`
//! stand alone; `status`, `layout` and `bind_event` rest on them. Nothing here
//! opens, sends or receives.

pub(crate) mod bind_event;
pub(crate) mod flags;
pub(crate) mod id;
pub(crate) mod layout;
pub(crate) mod name;
pub(crate) mod status;
