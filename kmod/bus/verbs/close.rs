// SPDX-License-Identifier: GPL-2.0

//! Closing a Ksock (specification 9.1): in order, and whatever happens.

use crate::bus::binding::Role;
use crate::bus::count::expect;
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::KsockId;
use crate::bus::ksock::Ksock;
use crate::bus::prealloc::Prealloc;
use crate::bus::routes::{Key, Seat};
use crate::bus::state::Bus;
use crate::bus::synthetic::Kind;
use crate::bus::wakeup::Notify;
use kernel::prelude::*;
use kernel::rbtree::RBTree;

/// What is left of a Ksock, to be freed when the bus is unlocked.
#[expect(dead_code, reason = "it is kept to be dropped later")]
pub(crate) struct Closed<N> {
    ksock: KBox<Ksock<N>>,
    routes: RBTree<Key, Seat>,
}

impl<N: Notify> Bus<N> {
    /// Closes a Ksock. With `short` the memory that there is must do: bind events for which it
    /// does not are lost, and those who listen are told so. Answers never depend on it.
    ///
    /// # Errors
    ///
    /// `Closed` if it is closed already; or, without `short`, the need for memory.
    pub(crate) fn close(
        &mut self,
        me: KsockId,
        short: bool,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Closed<N>, Refusal> {
        if self.reporting && !short {
            let bindings = self.ksock(me)?.bindings.values();
            let repliers = bindings.filter(|own| own.binding.role() == Role::Replier);
            if let Ok(events @ 1..) = u32::try_from(repliers.count()) {
                self.prepare_to_announce(events, prealloc)
                    .map_err(Refusal::Need)?;
            }
        }

        // From here on nothing is delivered to it, and its id is no Ksock's.
        let mut ksock = self.ksocks.remove(&me).ok_or(BusError::Closed)?;
        // Senders that hear of it find the account of its user as it is without the Ksock.
        ksock.charge.release();
        if let Some(pending) = &ksock.pending {
            expect(self.waiting.remove(&(pending.blocked_by, me)));
        }
        for (replier, debt) in ksock.awaited.read() {
            // A request to itself is forgotten with itself.
            if let Some(replier) = self.ksocks.get_mut(&replier) {
                replier.owed.forget(debt);
            }
        }
        for debt in ksock.queue.iter().filter_map(|entry| entry.debt(me)) {
            self.answer_for(me, Kind::GoneAway, &debt, &mut prealloc.wakes);
        }
        let mut routes = RBTree::new();
        let user = ksock.user();
        let mut cursor = ksock.bindings.cursor_back_mut();
        while let Some(here) = cursor {
            let own = here.current().1;
            self.announce_unbind_at_close(&own.binding, prealloc);
            let (door, is_first) = (own.door(), own.older.is_none());
            let route = self.routes.forget(&own.binding, user, door, is_first);
            if let Some(route) = route {
                routes.insert(route);
            }
            cursor = here.move_prev();
        }
        self.parties.leave(user);
        self.fewer_set_aside(ksock.queue.set_aside());
        for debt in ksock.owed.iter() {
            self.answer_for(me, Kind::Ignored, debt, &mut prealloc.wakes);
        }
        self.wake_those_blocked_by(me, &mut prealloc.wakes);
        self.wake_all_waiting(&mut prealloc.wakes);
        Ok(Closed { ksock, routes })
    }
}
