// SPDX-License-Identifier: GPL-2.0-only

//! Opening a Ksock (specification 3.1).

use crate::bus::copy_limit::CopyLimitReservation;
use crate::bus::error::BusError;
use crate::bus::id::KsockId;
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
    node: RBTreeNodeReservation<KsockId, KBox<Ksock<N>>>,
    /// For a user that is counted.
    copy_limit: Option<CopyLimitReservation>,
}

impl<N> NewKsock<N> {
    /// Returns a Ksock for the file behind `notify`, on the account of `user`.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn new(notify: N, user: Arc<User>) -> Result<Self, BusError> {
        let slot = node()?;
        let copy_limit = match user.key.exempt {
            true => None,
            false => Some(node()?),
        };
        let ksock = KBox::new(Ksock::new(notify, user, slot), GFP_KERNEL_ACCOUNT);
        Ok(NewKsock {
            ksock: ksock.map_err(|_| BusError::NoMemory)?,
            node: node()?,
            copy_limit,
        })
    }
}

impl<N: Notify> Bus<N> {
    /// Adds a Ksock. Returns its id (3.1).
    pub(crate) fn open(&mut self, new: NewKsock<N>) -> KsockId {
        let NewKsock {
            ksock,
            node,
            copy_limit,
        } = new;
        let id = self.next_ksock();
        if let Some(copy_limit) = copy_limit {
            let copies = ksock.charge.user.limits.copies;
            self.copy_limits.join(ksock.user(), copies, copy_limit);
        }
        self.ksocks.insert(node.into_node(id, ksock));
        id
    }

    /// Returns the next id. They count up; after 2^32 opens, 0 and what is still there is skipped.
    fn next_ksock(&mut self) -> KsockId {
        loop {
            self.last_ksock = self.last_ksock.wrapping_add(1);
            let Some(id) = KsockId::new(self.last_ksock) else {
                continue;
            };
            if self.ksocks.get(&id).is_none() && self.closing.get(&id).is_none() {
                return id;
            }
        }
    }
}
