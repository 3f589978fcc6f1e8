// SPDX-License-Identifier: GPL-2.0-only

//! Memory for one node of a tree, got before the bus is locked.

use super::error::BusError;
use kernel::prelude::*;
use kernel::rbtree::RBTreeNodeReservation;

/// Reserves a node on the account of the caller's memory cgroup.
///
/// # Errors
///
/// `NoMemory`.
pub(crate) fn node<K, V>() -> Result<RBTreeNodeReservation<K, V>, BusError> {
    RBTreeNodeReservation::new(GFP_KERNEL_ACCOUNT).map_err(|_| BusError::NoMemory)
}
