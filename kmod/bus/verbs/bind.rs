// SPDX-License-Identifier: GPL-2.0-only

//! BIND and UNBIND (specification 3.7).

use crate::bus::binding::{Binding, Role};
use crate::bus::bindings::{self, OwnBinding};
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::{At, BindingId, KsockId};
use crate::bus::name::Pattern;
use crate::bus::need::Need;
use crate::bus::plan::Announcement;
use crate::bus::prealloc::Prealloc;
use crate::bus::reserve::node;
use crate::bus::routes::{Found, RouteReservation, Taken};
use crate::bus::state::Bus;
use crate::bus::synthetic::BindEvent;
use crate::bus::waiting::{Cause, Room, Walk};
use crate::bus::wakeup::Notify;
use crate::trace;
use core::cmp::Reverse;
use core::ops::Deref;
use kernel::prelude::*;
use kernel::rbtree::RBTreeNodeReservation;
use kernel::sync::{Arc, UniqueArc};

/// A binding that is to be made, and the memory for it.
pub(crate) struct NewBinding {
    /// Complete but for its id, so that it is not moved any more.
    binding: UniqueArc<Binding>,
    route: RouteReservation,
    /// For a replier.
    replier: Option<ReplierReservation>,
}

/// The memory for one replier among all of the bus.
type ReplierReservation = RBTreeNodeReservation<Reverse<BindingId>, Arc<Binding>>;

impl NewBinding {
    /// Returns a binding of `ksock`, which the thread `pid` opened, to `pattern`.
    ///
    /// # Errors
    ///
    /// `BadName` for a replier to bind events, which only the bus itself sends; `NoMemory`.
    pub(crate) fn new(
        ksock: KsockId,
        pid: i32,
        is_replier: u32,
        pattern: Pattern,
    ) -> Result<Self, BusError> {
        if Role::of(is_replier) == Role::Replier && pattern.text() == BindEvent::name().text() {
            return Err(BusError::BadName);
        }
        let replier = match Role::of(is_replier) {
            Role::Replier => Some(node()?),
            Role::Listener => None,
        };
        let binding = Binding::new(BindingId::NEWEST, ksock, pid, is_replier, pattern);
        Ok(NewBinding {
            binding: UniqueArc::new(binding, GFP_KERNEL_ACCOUNT)?,
            route: RouteReservation::new(Role::of(is_replier))?,
            replier,
        })
    }
}

/// What UNBIND took away, to be freed when the bus is unlocked.
#[expect(dead_code, reason = "it is kept to be dropped later")]
pub(crate) struct Unbound {
    route: Option<Taken>,
    own: OwnBinding,
    first: Arc<Binding>,
    top: Option<Arc<Binding>>,
}

impl<N: Notify> Bus<N> {
    /// Makes a binding. It is taken when it is made, and left when it is not; one that was made
    /// already is no more to do.
    ///
    /// # Errors
    ///
    /// `NameTaken`, `TooManyBindings`, `EventUndeliverable`, `Closed`; or the need for memory.
    pub(crate) fn bind(
        &mut self,
        new: &mut Option<NewBinding>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(), Refusal> {
        let Some(wanted) = new.as_ref() else {
            return Ok(());
        };
        let (at, announcement) = self.may_bind(&wanted.binding, prealloc)?;
        let Some(NewBinding {
            mut binding,
            route,
            replier,
        }) = new.take()
        else {
            return Ok(());
        };
        binding.id = self.binding_ids.next_binding();
        binding.at = at;
        let binding = Arc::from(binding);
        trace::bind(self.number, &binding);
        if let Some(announcement) = announcement {
            let event = self.event(true, &binding);
            self.announce(&event, false, announcement, prealloc);
        }
        match replier {
            Some(node) => {
                let key = Reverse(binding.id);
                self.repliers.insert(node, key, binding.clone());
                self.retry_waiting(|| Walk::of_requests(&binding), prealloc);
            }
            // It may listen for bind events, and not know that some were lost.
            None => self.all_know = false,
        }
        if let Some(ksock) = self.ksocks.present(binding.ksock) {
            let (user, shut) = (ksock.user(), ksock.is_shut());
            let below = self.routes.insert(&binding, user, shut, route);
            ksock.bindings.add(binding, below);
            ksock.charge.add_binding();
        }
        Ok(())
    }

    /// Decides whether a binding can be made. Returns where its Ksock will have it, and how it will
    /// be announced, if it will.
    fn may_bind(
        &mut self,
        wanted: &Binding,
        prealloc: &mut Prealloc<N>,
    ) -> Result<(At, Option<Announcement>), Refusal> {
        let role = wanted.role();
        let is_replier = role == Role::Replier;
        if is_replier {
            if let Some(before) = self.routes.replier(&wanted.pattern) {
                if self.ksocks.get(before.ksock).is_some() {
                    return Err(BusError::NameTaken.into());
                }
                // Its Ksock is being closed, and has not come to this name yet.
                self.end_replier(&before, prealloc).map_err(Refusal::Need)?;
            }
        }
        let ksock = self.ksock_mut(wanted.ksock)?;
        if !ksock.charge.may_bind() {
            return Err(BusError::TooManyBindings.into());
        }
        if ksock.lost_slot.is_none() && !ksock.queue.has_loss_notice() {
            self.keep_for_loss(wanted.ksock, prealloc)?;
        }
        let own = &mut self.ksock_mut(wanted.ksock)?.bindings.cells;
        let at = match own.next() {
            Some(at) => at,
            None => grow(own, prealloc)?,
        };
        Ok((at, self.plan_event(role, prealloc)?))
    }

    /// A Ksock that listens keeps a cell for the notice that bind events were lost, which must come
    /// when memory is short.
    #[cold]
    fn keep_for_loss(&mut self, me: KsockId, prealloc: &mut Prealloc<N>) -> Result<(), Refusal> {
        let slot = self.own_slot(me, prealloc)?;
        self.ksock_mut(me)?.lost_slot = Some(slot);
        Ok(())
    }

    /// Takes the newest such binding away, and the messages that it attracted and that are still
    /// queued. Requests among them are answered: `Unbound`. What takes long of that is left
    /// ([`Rest::Unbind`](crate::bus::plan::Rest)): meanwhile fewer and fewer messages are queued.
    ///
    /// # Errors
    ///
    /// `NotBound`, `EventUndeliverable`; or the need for memory.
    pub(crate) fn unbind(
        &mut self,
        me: KsockId,
        is_replier: u32,
        pattern: &Pattern<impl Deref<Target = [u8]>>,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Unbound, Refusal> {
        let role = Role::of(is_replier);
        let ksock = self.ksocks.get(me).ok_or(BusError::NotBound)?;
        let user = ksock.user();
        let subscription = self.routes.subscription(pattern, role, user, me);
        let Found { first, newest } = subscription.ok_or(BusError::NotBound)?;
        if first.is_replier != is_replier {
            return Err(BusError::NotBound.into());
        }
        // Mostly the first is the newest.
        let top = match newest == first.at {
            true => None,
            false => ksock.bindings.get(newest),
        };
        let below = top.and_then(|own| own.below);
        let top = top.map(|own| own.binding.clone());
        let binding = top.as_ref().unwrap_or(&first);
        if binding.attracted.first().is_some() && prealloc.space_for_removed() == 0 {
            return Err(Refusal::Need(Need {
                removed: 1,
                ..Need::NOTHING
            }));
        }
        if let Some(announcement) = self.plan_event(role, prealloc)? {
            let event = self.event(false, binding);
            self.announce(&event, false, announcement, prealloc);
        }

        trace::unbind(self.number, binding);
        // The event may have shut its door.
        let ksock = self.ksocks.present(me).ok_or(BusError::Closed)?;
        let door = ksock.door(&first);
        let route = self.routes.remove(&first, user, door, below);
        let set_aside = ksock.queue.set_aside();
        let own = ksock.unbind(binding).ok_or(BusError::NotBound)?;
        let fewer = set_aside - ksock.queue.set_aside();
        if role == Role::Replier {
            self.repliers.remove(&Reverse(binding.id));
            self.retry_waiting(|| Walk::of_unbound(Cause::Asked(me), binding), prealloc);
        } else {
            self.retry_waiting(|| Walk::of_unbound(Cause::Copies(user), binding), prealloc);
            // There may be no more room than before, but perhaps it is not needed any more.
            let full = Cause::Full(me, Room::Message);
            self.retry_waiting(|| Walk::of_unbound(full, binding), prealloc);
        }
        self.fewer_set_aside(fewer);
        if binding.attracted.first().is_some() {
            self.remove_attracted(me, binding.clone(), false, prealloc);
        }
        Ok(Unbound {
            route,
            own,
            first,
            top,
        })
    }
}

/// Brings cells for bindings. Returns the next one.
///
/// # Errors
///
/// The need for them.
#[cold]
fn grow<N>(own: &mut bindings::Cells, prealloc: &mut Prealloc<N>) -> Result<At, Refusal> {
    if let Some(growth) = &mut prealloc.bindings {
        own.add(growth);
    }
    own.next().ok_or(Refusal::Need(Need {
        bindings: Some(own.want()),
        ..Need::NOTHING
    }))
}
