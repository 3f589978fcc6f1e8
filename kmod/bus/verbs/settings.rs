// SPDX-License-Identifier: GPL-2.0-only

//! The calls that set something, or tell how it is set (specification 3.7).

use crate::bus::error::BusError;
use crate::bus::id::KsockId;
use crate::bus::name::Pattern;
use crate::bus::prealloc::Prealloc;
use crate::bus::state::Bus;
use crate::bus::waiting::{Cause, Walk};
use crate::bus::wakeup::Notify;
use core::ops::Deref;

impl<N: Notify> Bus<N> {
    /// Sets a Ksock's limit, in messages, unless it is 0. Returns the limit then (3.7 MAXMSGS).
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub(crate) fn limit(
        &mut self,
        me: KsockId,
        limit: u32,
        prealloc: &mut Prealloc<N>,
    ) -> Result<u32, BusError> {
        let ksock = self.ksock_mut(me)?;
        if limit != 0 {
            ksock.set_limit(limit);
        }
        let limit = ksock.limit();
        self.made_room(me, prealloc);
        Ok(limit)
    }

    /// Sets "messages only once", if told to. Returns what it was (3.7 MSGONLYONCE).
    ///
    /// # Errors
    ///
    /// `Closed`.
    pub(crate) fn only_once(
        &mut self,
        me: KsockId,
        set: Option<bool>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<bool, BusError> {
        let ksock = self.ksock_mut(me)?;
        let was = ksock.only_once;
        ksock.only_once = set.unwrap_or(was);
        if ksock.only_once && !was {
            // Its user now gets fewer copies, and what waits may fit.
            let copies = Cause::Copies(ksock.user());
            self.retry_waiting(|| Walk::of(copies), prealloc);
        }
        Ok(was)
    }

    /// Returns the replier of exactly this name; wildcards are not expanded (3.7 REPLIER).
    pub(crate) fn replier(
        &mut self,
        pattern: &Pattern<impl Deref<Target = [u8]>>,
    ) -> Option<KsockId> {
        let ksock = self.routes.replier(pattern)?.ksock;
        // Not if it is being closed.
        self.ksocks.get(ksock).map(|_| ksock)
    }
}
