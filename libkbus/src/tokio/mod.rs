// SPDX-License-Identifier: GPL-2.0-only
//! Waiting for a bus among other things, on tokio's reactor. Calls that never
//! wait are those of the Ksock inside; here is only what waits. Messages come
//! through the same inbox, and so in the same order.

mod ksock;
mod stream;

pub use self::ksock::AsyncKsock;
pub use self::stream::{AsyncMessages, AsyncSender};
