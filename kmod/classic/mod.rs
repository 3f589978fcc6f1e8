// SPDX-License-Identifier: GPL-2.0

//! The classic calls: a message goes in by `write` and SEND, and out by NEXTMSG and `read`, in
//! pieces of any size. This is what they keep between two calls, and how a message looks outside
//! the bus. No locks, no user memory.

pub(crate) mod header;
pub(crate) mod partial_message;
pub(crate) mod read_cursor;
