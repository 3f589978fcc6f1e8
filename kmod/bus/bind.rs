// SPDX-License-Identifier: GPL-2.0

//! BIND and UNBIND (specification 3.7).

use super::binding::{self, Binding, Role, Taken};
use super::ksock::Own;
use super::queue::Removed;
use super::synthetic::Kind;
use super::{node, Bus, BusError, Port, Refusal, Room};
use kernel::prelude::*;
use kernel::rbtree::{RBTreeNode, RBTreeNodeReservation};
use kernel::sync::{Arc, UniqueArc};

/// A binding that is being made, and the memory for it.
pub(crate) struct NewBinding {
    binding: UniqueArc<Binding>,
    route: binding::Room,
    own: RBTreeNodeReservation<u64, Own>,
}

impl NewBinding {
    /// A binding of `ksock`, which the thread `pid` opened, to `name`.
    ///
    /// # Errors
    ///
    /// `BadName` or `NameTooLong` for a name that cannot be bound to, `NoMemory`.
    pub(crate) fn new(
        ksock: u32,
        pid: i32,
        is_replier: u32,
        name: KVec<u8>,
    ) -> Result<Self, BusError> {
        let binding = Binding::new(ksock, pid, is_replier, name)?;
        let binding = UniqueArc::new(binding, GFP_KERNEL_ACCOUNT);
        Ok(NewBinding {
            binding: binding.map_err(|_| BusError::NoMemory)?,
            route: node()?,
            own: node()?,
        })
    }
}

/// What UNBIND took away, to be freed when the bus is unlocked.
#[expect(dead_code, reason = "it is kept to be dropped later")]
pub(crate) struct Unbound {
    queued: Removed,
    route: Option<Taken>,
    own: Option<RBTreeNode<u64, Own>>,
    binding: Arc<Binding>,
}

impl<P: Port> Bus<P> {
    /// Makes a binding. It is taken when it is made, and left when it is refused.
    pub(crate) fn bind(
        &mut self,
        new: &mut Option<NewBinding>,
        room: &mut Room<P>,
    ) -> Result<(), Refusal> {
        let Some(wanted) = new else {
            return Err(BusError::BadName.into());
        };
        let wanted = &mut *wanted.binding;
        let is_replier = wanted.role() == Role::Replier;
        if is_replier && self.routes.replier(&wanted.name).is_some() {
            return Err(BusError::NameTaken.into());
        }
        if !self.ksock(wanted.ksock)?.share.may_bind() {
            return Err(BusError::TooManyBindings.into());
        }
        let reported = self.is_reported(wanted);
        if reported {
            self.prepare_event(room)?;
        }
        self.last_binding += 1;
        wanted.serial = self.last_binding;

        let NewBinding {
            binding,
            route,
            own,
        } = new.take().ok_or(BusError::BadName)?;
        let binding: Arc<Binding> = binding.into();
        if reported {
            let event = self.event(true, &binding);
            self.announce(&event, false, room);
        }
        self.routes.insert(&binding, route);
        let ksock = self.ksock_mut(binding.ksock)?;
        let own = own.into_node(binding.serial, Own::new(binding));
        ksock.bindings.insert(own);
        ksock.share.bind();
        self.wake_all_waiting(&mut room.wakes);
        Ok(())
    }

    /// Takes the newest such binding away, with the messages that it attracted and that are
    /// still queued. Requests among them are answered: `Unbound`.
    pub(crate) fn unbind(
        &mut self,
        me: u32,
        is_replier: u32,
        name: &[u8],
        room: &mut Room<P>,
    ) -> Result<Unbound, Refusal> {
        let role = match is_replier {
            0 => Role::Listener,
            _ => Role::Replier,
        };
        let binding = self.routes.newest(name, role, me);
        let binding = binding
            .filter(|binding| binding.is_replier == is_replier)
            .ok_or(BusError::NotBound)?;
        if self.is_reported(&binding) {
            self.prepare_event(room)?;
            let event = self.event(false, &binding);
            self.announce(&event, false, room);
        }

        let ksock = self.ksock_mut(me)?;
        let set_aside = ksock.queue.set_aside();
        let (queued, own) = ksock.unbind(binding.serial);
        let fewer = set_aside - ksock.queue.set_aside();
        for debt in queued.values().flatten().filter_map(|entry| entry.debt(me)) {
            self.answer_for(me, Kind::Unbound, &debt, &mut room.wakes);
        }
        let route = self.routes.remove(&binding);
        self.fewer_set_aside(fewer);
        self.wake_all_waiting(&mut room.wakes);
        Ok(Unbound {
            queued,
            route,
            own,
            binding,
        })
    }
}
