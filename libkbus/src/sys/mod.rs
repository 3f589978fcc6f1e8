// SPDX-License-Identifier: GPL-2.0-only
//! Where the library meets the kernel: `calls`, one function for each system
//! call, and above it [`Device`](device::Device), an open bus that takes and
//! gives whole messages.

pub(crate) mod calls;
pub(crate) mod device;
