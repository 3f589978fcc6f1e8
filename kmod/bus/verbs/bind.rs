// SPDX-License-Identifier: GPL-2.0

//! BIND and UNBIND (specification 3.7).

use crate::bus::binding::{Binding, Role};
use crate::bus::error::{BusError, Refusal};
use crate::bus::ksock::OwnBinding;
use crate::bus::prealloc::Prealloc;
use crate::bus::queue::Removed;
use crate::bus::reserve::node;
use crate::bus::routes::{RouteReservation, Taken};
use crate::bus::state::Bus;
use crate::bus::synthetic::Kind;
use crate::bus::wakeup::Notify;
use kernel::prelude::*;
use kernel::rbtree::{RBTreeNode, RBTreeNodeReservation};
use kernel::sync::{Arc, UniqueArc};

/// A binding that is being made, and the memory for it.
pub(crate) struct NewBinding {
    binding: UniqueArc<Binding>,
    route: RouteReservation,
    own: RBTreeNodeReservation<u64, OwnBinding>,
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
    own: Option<RBTreeNode<u64, OwnBinding>>,
    binding: Arc<Binding>,
}

impl<N: Notify> Bus<N> {
    /// Makes a binding. It is taken when it is made, and left when it is refused.
    pub(crate) fn bind(
        &mut self,
        new: &mut Option<NewBinding>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(), Refusal> {
        let Some(wanted) = new else {
            return Err(BusError::BadName.into());
        };
        let wanted = &mut *wanted.binding;
        let is_replier = wanted.role() == Role::Replier;
        if is_replier && self.routes.replier(&wanted.name).is_some() {
            return Err(BusError::NameTaken.into());
        }
        if !self.ksock(wanted.ksock)?.charge.may_bind() {
            return Err(BusError::TooManyBindings.into());
        }
        let reported = self.is_reported(wanted);
        if reported {
            self.prepare_event(prealloc)?;
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
            self.announce(&event, false, prealloc);
        }
        self.routes.insert(&binding, route);
        let ksock = self.ksock_mut(binding.ksock)?;
        let own = own.into_node(binding.serial, OwnBinding::new(binding));
        ksock.bindings.insert(own);
        ksock.charge.add_binding();
        self.wake_all_waiting(&mut prealloc.wakes);
        Ok(())
    }

    /// Takes the newest such binding away, with the messages that it attracted and that are
    /// still queued. Requests among them are answered: `Unbound`.
    pub(crate) fn unbind(
        &mut self,
        me: u32,
        is_replier: u32,
        name: &[u8],
        prealloc: &mut Prealloc<N>,
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
            self.prepare_event(prealloc)?;
            let event = self.event(false, &binding);
            self.announce(&event, false, prealloc);
        }

        let ksock = self.ksock_mut(me)?;
        let set_aside = ksock.queue.set_aside();
        let (queued, own) = ksock.unbind(binding.serial);
        let fewer = set_aside - ksock.queue.set_aside();
        for debt in queued.values().flatten().filter_map(|entry| entry.debt(me)) {
            self.answer_for(me, Kind::Unbound, &debt, &mut prealloc.wakes);
        }
        let route = self.routes.remove(&binding);
        self.fewer_set_aside(fewer);
        self.wake_all_waiting(&mut prealloc.wakes);
        Ok(Unbound {
            queued,
            route,
            own,
            binding,
        })
    }
}
