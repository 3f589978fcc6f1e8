// SPDX-License-Identifier: GPL-2.0

//! Opening a Ksock (specification 3.1).

use crate::bus::error::BusError;
use crate::bus::ksock::Ksock;
use crate::bus::quota::User;
use crate::bus::reserve::node;
use crate::bus::state::Bus;
use crate::bus::wakeup::Notify;
use kernel::prelude::*;
use kernel::rbtree::RBTreeNodeReservation;
use kernel::sync::Arc;

/// The memory for a new Ksock.
pub(crate) struct NewKsock<N> {
    ksock: KBox<Ksock<N>>,
    node: RBTreeNodeReservation<u32, KBox<Ksock<N>>>,
}

impl<N> NewKsock<N> {
    /// A Ksock for the file behind `port`, on the account of `user`.
    pub(crate) fn new(notify: N, user: Arc<User>) -> Result<Self, BusError> {
        let slot = node()?;
        let ksock = KBox::new(Ksock::new(notify, user, slot), GFP_KERNEL_ACCOUNT);
        Ok(NewKsock {
            ksock: ksock.map_err(|_| BusError::NoMemory)?,
            node: node()?,
        })
    }
}

impl<N: Notify> Bus<N> {
    /// Adds a Ksock and answers with its id (3.1).
    pub(crate) fn open(&mut self, new: NewKsock<N>) -> u32 {
        let NewKsock { ksock, node } = new;
        // Ids count up. After 2^32 opens, skip 0 and what is still open.
        loop {
            self.last_ksock = self.last_ksock.wrapping_add(1);
            let id = self.last_ksock;
            if id != 0 && self.ksocks.get(&id).is_none() {
                self.ksocks.insert(node.into_node(id, ksock));
                return id;
            }
        }
    }
}
