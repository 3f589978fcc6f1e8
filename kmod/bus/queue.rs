// SPDX-License-Identifier: GPL-2.0-only

//! What waits to be read by one Ksock.
//!
//! Pushing takes a [`Slot`]: the memory for one entry, got before the bus was locked. A verb that
//! has a slot cannot fail to push. Entries that were admitted beyond the Ksock's limit (unbind
//! events whose sender is closing and cannot be refused, specification 6.5) are "set aside": they
//! stand in the queue where they belong, but do not count against the limit until others have
//! left.
//!
//! The entries that one binding attracted are a [`Chain`], and so are those that are set aside:
//! taking them out costs what they are, however long the queue is.

use super::count::{decrease, expect};
use super::id::{BindingId, KsockId, MsgId, Request, RequestSerial};
use super::message::{Header, Message};
use super::owed::{Debt, OwedReservation};
use super::quota::SLOT_BYTES;
use super::synthetic::{BindEvent, Kind, Synthetic};
use super::walk;
use kernel::rbtree::{RBTree, RBTreeNodeReservation};
use kernel::sync::Arc;

/// What an entry holds. A clone shares it.
#[derive(Clone)]
pub(crate) enum Content {
    Message(Arc<Message>),
    Synthetic(Synthetic),
    Event(BindEvent),
}

impl Content {
    pub(crate) fn header(&self) -> Header {
        match self {
            Content::Message(message) => *message.header(),
            Content::Synthetic(synthetic) => synthetic.header(),
            Content::Event(event) => event.header(),
        }
    }

    /// Returns whether it says that bind events were lost.
    fn is_loss_notice(&self) -> bool {
        matches!(self, Content::Synthetic(synthetic) if synthetic.kind == Kind::EventsLost)
    }

    /// Returns the length of all behind the header, in bytes.
    fn body_len(&self) -> u64 {
        match self {
            Content::Message(message) => message.header().body_len(),
            Content::Synthetic(synthetic) => synthetic.header().body_len(),
            Content::Event(event) => event.header().body_len(),
        }
    }

    pub(super) fn id(&self) -> MsgId {
        match self {
            Content::Message(message) => message.header().id,
            Content::Synthetic(synthetic) => synthetic.id,
            Content::Event(event) => event.id,
        }
    }

    /// Returns the Ksock that sent it.
    pub(super) fn sender(&self) -> Option<KsockId> {
        match self {
            Content::Message(message) => KsockId::new(message.header().from),
            Content::Synthetic(synthetic) => synthetic.from,
            Content::Event(_) => None,
        }
    }
}

/// This copy of a request is for its reader to answer.
pub(crate) struct Duty {
    /// Which request of its sender.
    pub(crate) request: RequestSerial,
    /// The memory to note the debt in when the request is read.
    pub(crate) reservation: OwedReservation,
}

/// One copy of a message.
pub(crate) struct Entry {
    pub(crate) content: Content,
    pub(crate) duty: Option<Duty>,
    /// The binding that attracted it.
    pub(crate) binding: Option<BindingId>,
    pub(crate) set_aside: bool,
}

impl Entry {
    /// A copy that no binding attracted.
    pub(super) fn unbound(content: Content) -> Entry {
        Entry {
            content,
            duty: None,
            binding: None,
            set_aside: false,
        }
    }

    /// Returns what this entry's reader owes, if it is its reader's to answer.
    pub(super) fn debt(&self, reader: KsockId) -> Option<Debt> {
        let duty = self.duty.as_ref()?;
        Some(Debt {
            requester: expect(self.content.sender())?,
            request: Request {
                id: self.content.id(),
                replier: reader,
                serial: duty.request,
            },
        })
    }

    /// Returns what it costs its reader's user, in bytes.
    pub(super) fn cost(&self) -> u64 {
        SLOT_BYTES + self.content.body_len()
    }
}

/// Where in a queue an entry stands.
pub(crate) type Place = i64;

/// An entry in its queue.
pub(crate) struct Queued {
    entry: Entry,
    /// Where the next one is that the same binding attracted, if there is one.
    next: Place,
    /// Where the next one is that is set aside, if this is, and if there is one.
    next_aside: Place,
}

/// Entries of one queue that have something in common, in the order in which they stand there.
#[derive(Clone, Copy, Default)]
pub(crate) struct Chain {
    len: u32,
    first: Place,
    last: Place,
}

impl Chain {
    /// Returns how many there are.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The first of them is gone, behind which there was `next`.
    pub(super) fn pop(&mut self, next: Place) {
        self.first = next;
        decrease(&mut self.len, 1);
    }

    /// Puts one before them. Returns which is behind it.
    fn push_front(&mut self, place: Place) -> Place {
        let next = self.first;
        if self.len == 0 {
            self.last = place;
        }
        self.first = place;
        self.len += 1;
        next
    }

    /// Puts one behind them. Returns the one before it, which must be told.
    fn push_back(&mut self, place: Place) -> Option<Place> {
        let before = (self.len > 0).then_some(self.last);
        if self.len == 0 {
            self.first = place;
        }
        self.last = place;
        self.len += 1;
        before
    }
}

/// The memory for one entry.
pub(crate) type Slot = RBTreeNodeReservation<Place, Option<Queued>>;

/// Entries taken out of a queue, to be freed when the bus is unlocked.
pub(crate) type Removed = RBTree<Place, Option<Queued>>;

/// The queue of one Ksock, in the order in which it will be read.
pub(crate) struct Queue {
    entries: RBTree<Place, Option<Queued>>,
    /// Where the next entry goes: urgent ones before all others, the rest behind.
    front: Place,
    back: Place,
    /// How many entries count against the limit.
    counted: u32,
    /// Those that do not.
    aside: Chain,
    /// How many of those that are set aside tell that events were lost: none or one.
    losses: u32,
    /// The id of what was pushed last, for "messages only once".
    last: Option<MsgId>,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Queue {
            entries: RBTree::new(),
            front: -1,
            back: 0,
            counted: 0,
            aside: Chain::default(),
            losses: 0,
            last: None,
        }
    }

    /// Returns how many entries can be read, set aside or not.
    pub(crate) fn len(&self) -> u32 {
        self.counted + self.aside.len
    }

    /// Returns how many entries count against the limit.
    pub(crate) fn counted(&self) -> u32 {
        self.counted
    }

    pub(crate) fn set_aside(&self) -> u32 {
        self.aside.len
    }

    /// Returns whether a notice that bind events were lost is set aside.
    pub(crate) fn has_loss_notice(&self) -> bool {
        self.losses > 0
    }

    /// Returns whether this message was the last thing pushed.
    pub(crate) fn just_got(&self, id: MsgId) -> bool {
        self.last == Some(id)
    }

    /// Queues an entry. `attracted` are those that the same binding attracted, if one did.
    pub(super) fn push(&mut self, slot: Slot, entry: Entry, attracted: Option<&mut Chain>) {
        let Entry {
            content, set_aside, ..
        } = &entry;
        self.last = Some(content.id());
        let urgent = matches!(content, Content::Message(m) if m.header().is_urgent());
        let (mut next, mut before) = (0, None);
        let place = if urgent {
            self.front -= 1;
            let place = self.front + 1;
            next = attracted.map_or(0, |chain| chain.push_front(place));
            place
        } else {
            self.back += 1;
            let place = self.back - 1;
            before = attracted.and_then(|chain| chain.push_back(place));
            place
        };
        if let Some(before) = before.and_then(|before| self.at(before)) {
            before.next = place;
        }
        if *set_aside {
            self.losses += u32::from(content.is_loss_notice());
            let before = self.aside.push_back(place);
            if let Some(before) = before.and_then(|before| self.at(before)) {
                before.next_aside = place;
            }
        } else {
            self.counted += 1;
        }
        let queued = Queued {
            entry,
            next,
            next_aside: 0,
        };
        self.entries.insert(slot.into_node(place, Some(queued)));
    }

    fn at(&mut self, place: Place) -> Option<&mut Queued> {
        expect(self.entries.get_mut(&place))?.as_mut()
    }

    /// Takes the front entry. Returns with it which the next one of its binding is, and its slot.
    /// If there are entries set aside, the oldest of them counts from now on.
    pub(super) fn pop(&mut self) -> Option<(Entry, Place, Slot)> {
        let mut front = self.entries.cursor_front_mut()?;
        let queued = front.current_mut().1.take();
        let (_, node) = front.remove_current();
        let slot = node.into_reservation();
        let Queued {
            entry,
            next,
            next_aside,
        } = expect(queued)?;
        if entry.set_aside {
            // It is the first of those as well.
            self.aside.pop(next_aside);
            decrease(&mut self.losses, u32::from(entry.content.is_loss_notice()));
        } else {
            decrease(&mut self.counted, 1);
            self.move_one_in();
        }
        if self.len() == 0 {
            // Start again, so that places never run out.
            self.front = -1;
            self.back = 0;
        }
        Some((entry, next, slot))
    }

    /// The oldest entry set aside counts from now on.
    pub(super) fn move_one_in(&mut self) {
        if self.aside.len == 0 {
            return;
        }
        let first = self.aside.first;
        let Some(queued) = self.at(first) else {
            return;
        };
        queued.entry.set_aside = false;
        let (next, is_loss_notice) = (queued.next_aside, queued.entry.content.is_loss_notice());
        self.aside.pop(next);
        decrease(&mut self.losses, u32::from(is_loss_notice));
        self.counted += 1;
    }

    /// Those that `binding` attracted are set aside no more: they are being taken out. There are
    /// never more than `MAX_SET_ASIDE` and one to look at.
    pub(super) fn forget_aside(&mut self, binding: BindingId) {
        let all = core::mem::take(&mut self.aside);
        let mut place = all.first;
        for _ in 0..all.len {
            let Some(queued) = self.at(place) else {
                return;
            };
            let next = queued.next_aside;
            if queued.entry.binding == Some(binding) {
                let is_loss_notice = queued.entry.content.is_loss_notice();
                decrease(&mut self.losses, u32::from(is_loss_notice));
            } else if let Some(before) = self.aside.push_back(place) {
                if let Some(before) = self.at(before) {
                    before.next_aside = place;
                }
            }
            place = next;
        }
    }

    /// Takes the first of those out that one binding attracted, after [`forget_aside`]. Returns
    /// what it costs, what its reader would owe for it, and whether it counted.
    ///
    /// [`forget_aside`]: Queue::forget_aside
    pub(super) fn remove_first(
        &mut self,
        attracted: &mut Chain,
        reader: KsockId,
        removed: &mut Removed,
    ) -> Option<Gone> {
        if attracted.len() == 0 {
            return None;
        }
        let found = expect(self.entries.find_mut(&attracted.first))?;
        let queued = expect(found.get().as_ref())?;
        attracted.pop(queued.next);
        let gone = Gone {
            cost: queued.entry.cost(),
            debt: queued.entry.debt(reader),
            counted: !queued.entry.set_aside,
        };
        removed.insert(found.remove_node());
        decrease(&mut self.counted, u32::from(gone.counted));
        Some(gone)
    }

    /// Goes on to the next entry behind `place`, or to the first. Returns what its reader owes for
    /// it, if anything; or nothing if there is no entry.
    pub(super) fn next_debt(
        &mut self,
        place: &mut Option<Place>,
        reader: KsockId,
    ) -> Option<Option<Debt>> {
        walk::on(&mut self.entries, place, |queued| {
            queued.as_ref()?.entry.debt(reader)
        })
    }
}

/// What was taken out of a queue.
pub(crate) struct Gone {
    pub(super) cost: u64,
    pub(super) debt: Option<Debt>,
    pub(super) counted: bool,
}
