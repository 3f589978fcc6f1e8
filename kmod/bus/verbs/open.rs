// SPDX-License-Identifier: GPL-2.0-only

//! Opening a Ksock (specification 3.1).

use crate::bus::copy_limit::CopyLimitReservation;
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::KsockId;
use crate::bus::ksock::Ksock;
use crate::bus::ksocks::MemberReservation;
use crate::bus::need::Need;
use crate::bus::quota::User;
use crate::bus::reserve::node;
use crate::bus::state::Bus;
use crate::bus::wakeup::Notify;
use kernel::sync::Arc;

/// The memory for a new Ksock.
pub(crate) struct NewKsock<N> {
    member: MemberReservation<N>,
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
        let copy_limit = match user.key.exempt {
            true => None,
            false => Some(node()?),
        };
        Ok(NewKsock {
            member: MemberReservation::new(Ksock::new(notify, user))?,
            copy_limit,
        })
    }
}

impl<N: Notify> Bus<N> {
    /// Adds a Ksock, which is taken then. Returns its id (3.1).
    ///
    /// # Errors
    ///
    /// The need for memory.
    pub(crate) fn open(&mut self, new: &mut Option<NewKsock<N>>) -> Result<KsockId, Refusal> {
        let NewKsock { member, copy_limit } = new.take().ok_or(BusError::Closed)?;
        let (user, copies) = (
            member.ksock().user(),
            member.ksock().charge.user.limits.copies,
        );
        let number = self.next_number();
        let id = match self.ksocks.insert(number, member) {
            Ok(id) => id,
            Err(member) => {
                *new = Some(NewKsock { member, copy_limit });
                return Err(Refusal::Need(Need {
                    ksocks: Some(self.ksocks.cells.want()),
                    ..Need::NOTHING
                }));
            }
        };
        self.last_ksock = number;
        if let Some(copy_limit) = copy_limit {
            self.copy_limits.join(user, copies, copy_limit);
        }
        Ok(id)
    }

    /// Returns the number of the next Ksock. They count up; after 2^32 opens, 0 and what is still
    /// there is skipped.
    fn next_number(&self) -> u32 {
        let mut number = self.last_ksock;
        loop {
            number = number.wrapping_add(1);
            if number != 0 && !self.ksocks.is_taken(number) {
                return number;
            }
        }
    }
}
