// SPDX-License-Identifier: GPL-2.0

//! What waits to be read by one Ksock.
//!
//! Pushing takes a [`Slot`]: the memory for one entry, got before the bus was locked. A verb that
//! has a slot cannot fail to push. Entries that were admitted beyond the Ksock's limit (unbind
//! events whose sender is closing and cannot be refused, specification 6.5) are "set aside": they
//! stand in the queue where they belong, but do not count against the limit until others have
//! left.

use super::count::{decrease, expect};
use super::id::{BindingId, KsockId, MsgId, Request, RequestSerial};
use super::message::{Header, Message};
use super::owed::{Debt, OwedReservation};
use super::quota::SLOT_BYTES;
use super::synthetic::{BindEvent, Kind, Synthetic};
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

/// The memory for one entry.
pub(crate) type Slot = RBTreeNodeReservation<i64, Option<Entry>>;

/// Entries taken out of a queue, to be freed when the bus is unlocked.
pub(crate) type Removed = RBTree<i64, Option<Entry>>;

/// The queue of one Ksock, in the order in which it will be read.
pub(crate) struct Queue {
    entries: RBTree<i64, Option<Entry>>,
    /// Where the next entry goes: urgent ones before all others, the rest behind.
    front: i64,
    back: i64,
    /// How many entries count against the limit, and how many do not.
    counted: u32,
    set_aside: u32,
    /// How many of those that are set aside tell that events were lost: none or one.
    losses: u32,
    /// Entries that were set aside and stand before this count by now: they have moved in.
    moved_in: i64,
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
            set_aside: 0,
            losses: 0,
            moved_in: i64::MIN,
            last: None,
        }
    }

    /// Returns how many entries can be read, set aside or not.
    pub(crate) fn len(&self) -> u32 {
        self.counted + self.set_aside
    }

    /// Returns how many entries count against the limit.
    pub(crate) fn counted(&self) -> u32 {
        self.counted
    }

    pub(crate) fn set_aside(&self) -> u32 {
        self.set_aside
    }

    /// Returns whether a notice that bind events were lost is set aside.
    pub(crate) fn has_loss_notice(&self) -> bool {
        self.losses > 0
    }

    /// Returns whether this message was the last thing pushed.
    pub(crate) fn just_got(&self, id: MsgId) -> bool {
        self.last == Some(id)
    }

    pub(super) fn push(&mut self, slot: Slot, entry: Entry) {
        let Entry {
            content, set_aside, ..
        } = &entry;
        self.last = Some(content.id());
        if *set_aside {
            self.set_aside += 1;
            self.losses += u32::from(content.is_loss_notice());
        } else {
            self.counted += 1;
        }
        let urgent = matches!(content, Content::Message(m) if m.header().is_urgent());
        let at = if urgent {
            self.front -= 1;
            self.front + 1
        } else {
            self.back += 1;
            self.back - 1
        };
        self.entries.insert(slot.into_node(at, Some(entry)));
    }

    /// Takes the front entry. Returns its slot with it. If there are entries set aside, the oldest
    /// of them counts from now on.
    pub(super) fn pop(&mut self) -> Option<(Entry, Slot)> {
        let mut front = self.entries.cursor_front_mut()?;
        let (&at, entry) = front.current_mut();
        let entry = entry.take();
        let (_, node) = front.remove_current();
        let slot = node.into_reservation();
        let entry = expect(entry)?;
        if self.is_aside(at, &entry) {
            self.leaves_aside(entry.content.is_loss_notice());
        } else {
            decrease(&mut self.counted, 1);
            self.move_one_in();
        }
        if self.len() == 0 {
            // Start again, so that positions never run out.
            self.front = -1;
            self.back = 0;
            self.moved_in = i64::MIN;
        }
        Some((entry, slot))
    }

    fn is_aside(&self, at: i64, entry: &Entry) -> bool {
        entry.set_aside && at >= self.moved_in
    }

    /// An entry is not set aside any more.
    fn leaves_aside(&mut self, is_loss_notice: bool) {
        decrease(&mut self.set_aside, 1);
        decrease(&mut self.losses, u32::from(is_loss_notice));
    }

    /// The oldest entry set aside counts from now on.
    fn move_one_in(&mut self) {
        if self.set_aside == 0 {
            return;
        }
        // Each entry is passed over once, however many move in.
        while let Some(here) = self.entries.cursor_lower_bound(&self.moved_in) {
            let (&at, entry) = here.current();
            self.moved_in = at + 1;
            if let Some(entry) = entry.as_ref().filter(|entry| entry.set_aside) {
                let is_loss_notice = entry.content.is_loss_notice();
                self.leaves_aside(is_loss_notice);
                self.counted += 1;
                return;
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten()
    }

    /// Takes out the entries that `binding` attracted, of which there are `count`. Returns them in
    /// order.
    pub(super) fn remove_attracted_by(&mut self, binding: BindingId, count: u32) -> Removed {
        let mut removed = RBTree::new();
        let (mut left, mut aside, mut losses) = (count, 0, 0);
        let mut cursor = self.entries.cursor_front_mut();
        while let Some(here) = cursor.filter(|_| left > 0) {
            let (&at, entry) = here.current();
            let Some(entry) = entry.as_ref().filter(|e| e.binding == Some(binding)) else {
                cursor = here.move_next();
                continue;
            };
            if entry.set_aside && at >= self.moved_in {
                aside += 1;
                losses += u32::from(entry.content.is_loss_notice());
            }
            left -= 1;
            let (next, node) = here.remove_current();
            removed.insert(node);
            cursor = next;
        }
        let gone = count - left;
        decrease(&mut self.counted, gone - aside);
        decrease(&mut self.set_aside, aside);
        decrease(&mut self.losses, losses);
        if gone > aside {
            self.move_one_in();
        }
        removed
    }
}
