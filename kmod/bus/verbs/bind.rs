// SPDX-License-Identifier: GPL-2.0-only

//! BIND and UNBIND (specification 3.7).

use crate::bus::binding::{Binding, Role};
use crate::bus::count::expect;
use crate::bus::error::{BusError, Refusal};
use crate::bus::id::{BindingId, KsockId};
use crate::bus::ksock::{present, OwnBinding};
use crate::bus::name::Pattern;
use crate::bus::need::Need;
use crate::bus::plan::Announcement;
use crate::bus::prealloc::Prealloc;
use crate::bus::prealloc::STEP;
use crate::bus::reserve::node;
use crate::bus::routes::{Found, RouteReservation, Taken};
use crate::bus::state::Bus;
use crate::bus::synthetic::BindEvent;
use crate::bus::waiting::{Cause, Walk};
use crate::bus::wakeup::Notify;
use crate::trace;
use core::cmp::Reverse;
use core::ops::Deref;
use kernel::prelude::*;
use kernel::rbtree::{RBTreeNode, RBTreeNodeReservation};
use kernel::sync::{Arc, UniqueArc};

/// A binding that is to be made, and the memory for it.
pub(crate) struct NewBinding {
    /// Complete but for its id, so that it is not moved any more.
    binding: UniqueArc<Binding>,
    route: RouteReservation,
    own: RBTreeNodeReservation<BindingId, OwnBinding>,
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
            route: node()?,
            own: node()?,
            replier,
        })
    }
}

/// What UNBIND took away, to be freed when the bus is unlocked.
#[expect(dead_code, reason = "it is kept to be dropped later")]
pub(crate) struct Unbound {
    route: Option<Taken>,
    own: RBTreeNode<BindingId, OwnBinding>,
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
        let announcement = self.may_bind(&wanted.binding, prealloc)?;
        let Some(NewBinding {
            mut binding,
            route,
            own,
            replier,
        }) = new.take()
        else {
            return Ok(());
        };
        binding.id = self.binding_ids.next_binding();
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
                self.wake_waiting(|| Walk::of_requests(&binding), prealloc);
            }
            // It may listen for bind events, and not know that some were lost.
            None => self.all_know = false,
        }
        if let Some(ksock) = present(&mut self.ksocks, binding.ksock) {
            let (user, shut) = (ksock.user(), ksock.is_shut());
            let older = self.routes.insert(&binding, user, shut, route);
            let own = own.into_node(binding.id, OwnBinding::new(binding, older));
            ksock.bindings.insert(own);
            ksock.charge.add_binding();
        }
        Ok(())
    }

    /// Decides whether a binding can be made. Returns how it will be announced, if it will.
    fn may_bind(
        &mut self,
        wanted: &Binding,
        prealloc: &mut Prealloc<N>,
    ) -> Result<Option<Announcement>, Refusal> {
        let role = wanted.role();
        let is_replier = role == Role::Replier;
        if is_replier {
            if let Some(before) = self.routes.replier(&wanted.pattern) {
                if self.ksocks.get(&before.ksock).is_some() {
                    return Err(BusError::NameTaken.into());
                }
                // Its Ksock is being closed, and has not come to this name yet.
                self.end_replier(&before, prealloc).map_err(Refusal::Need)?;
            }
        }
        if !self.ksock(wanted.ksock)?.charge.may_bind() {
            return Err(BusError::TooManyBindings.into());
        }
        self.plan_event(role, prealloc)
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
        let ksock = self.ksocks.get(&me).ok_or(BusError::NotBound)?;
        let user = ksock.user();
        let subscription = self.routes.subscription(pattern, role, user, me);
        let Found { first, newest } = subscription.ok_or(BusError::NotBound)?;
        if first.is_replier != is_replier {
            return Err(BusError::NotBound.into());
        }
        // Mostly the first is the newest.
        let top = match newest == first.id {
            true => None,
            false => expect(ksock.bindings.get(&newest)),
        };
        let older = top.and_then(|own| own.older);
        let top = top.map(|own| own.binding.clone());
        let binding = top.as_ref().unwrap_or(&first);
        if role == Role::Replier {
            // Requests that it attracted are answered.
            let wakes = ksock.attracted_by(newest).min(STEP);
            if prealloc.wakes.space() < wakes {
                return Err(Refusal::Need(Need {
                    wakes,
                    ..Need::NOTHING
                }));
            }
        }
        if let Some(announcement) = self.plan_event(role, prealloc)? {
            let event = self.event(false, binding);
            self.announce(&event, false, announcement, prealloc);
        }

        trace::unbind(self.number, binding);
        // The event may have shut its door.
        let ksock = present(&mut self.ksocks, me).ok_or(BusError::Closed)?;
        let door = ksock.door(first.id);
        let route = self.routes.remove(&first, user, door, older);
        let set_aside = ksock.queue.set_aside();
        let (attracted, own) = ksock.unbind(binding.id).ok_or(BusError::NotBound)?;
        let fewer = set_aside - ksock.queue.set_aside();
        if role == Role::Replier {
            self.repliers.remove(&Reverse(binding.id));
            self.wake_waiting(|| Walk::of(Cause::Asked(me)), prealloc);
        } else {
            self.wake_waiting(|| Walk::of(Cause::Copies(user)), prealloc);
        }
        self.fewer_set_aside(fewer);
        if attracted.len() > 0 {
            self.remove_attracted(me, attracted, false, prealloc);
        } else {
            // There is no more room than before, but perhaps nobody waits for it any more.
            self.wake_waiting(|| Walk::of(Cause::Full(me)), prealloc);
        }
        Ok(Unbound {
            route,
            own,
            first,
            top,
        })
    }
}
