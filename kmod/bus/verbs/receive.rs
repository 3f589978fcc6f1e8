// SPDX-License-Identifier: GPL-2.0-only

//! NEXTMSG: taking the next message out of a queue (specification 3.7).

use crate::bus::error::BusError;
use crate::bus::id::KsockId;
use crate::bus::owed::{Debt, OwedReservation};
use crate::bus::prealloc::Prealloc;
use crate::bus::queue::{Content, Entry};
use crate::bus::state::Bus;
use crate::bus::waiting::Walk;
use crate::bus::wakeup::Notify;

/// What NEXTMSG takes out of a queue.
pub(crate) struct Next {
    pub(crate) content: Content,
    /// This copy is its reader's to answer.
    pub(crate) yours: bool,
}

impl<N: Notify> Bus<N> {
    /// Takes the next message of a Ksock's queue (3.7 NEXTMSG).
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub(crate) fn next(
        &mut self,
        me: KsockId,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Option<Next>, BusError> {
        let ksock = self.ksocks.get_mut(me).ok_or(BusError::Closed)?;
        let set_aside = ksock.queue.set_aside();
        let Some(entry) = ksock.pop() else {
            return Ok(None);
        };
        let fewer = set_aside - ksock.queue.set_aside();
        let shut = ksock.is_shut();
        let debt = entry.debt(me);
        let Entry { content, duty, .. } = entry;

        let yours = duty.is_some();
        if let (Some(duty), Some(debt)) = (duty, debt) {
            self.owe(me, debt, duty.reservation, prealloc);
        }
        self.fewer_set_aside(fewer);
        if shut {
            self.made_room(me, prealloc);
        } else {
            self.retry_waiting(|| Walk::of_room(me), prealloc);
        }
        Ok(Some(Next { content, yours }))
    }

    /// Notes, at both ends, that `me` has read a request and owes an answer.
    fn owe(
        &mut self,
        me: KsockId,
        debt: Debt,
        reservation: OwedReservation,
        prealloc: &mut Prealloc<N>,
    ) {
        let number = self.debt_numbers.next_debt();
        let requester = self.ksocks.get_mut(debt.requester);
        let awaited = requester.is_some_and(|r| r.awaited.set_debt(&debt.request, number));
        let Some(replier) = self.ksocks.present(me) else {
            return;
        };
        if awaited {
            replier.owed.insert(reservation, number, debt);
        } else {
            replier.owed.insert_forgotten();
            prealloc.give_back_owed(reservation);
        }
    }
}
