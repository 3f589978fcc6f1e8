// SPDX-License-Identifier: GPL-2.0

//! What waits to be read by one Ksock.
//!
//! Pushing takes a [`Place`]: the memory for one entry, got before the bus was locked. Who has a
//! place cannot fail to push. Entries that were admitted beyond the Ksock's limit (unbind events
//! whose sender is closing and cannot be refused, specification 6.5) are "set aside": they stand
//! in the queue where they belong, but do not count against the limit until others have left.

use super::id::MsgId;
use super::message::{Header, Message};
use super::owed::OwedReservation;
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

    /// Is it the news that bind events were lost?
    fn is_loss_notice(&self) -> bool {
        matches!(self, Content::Synthetic(synthetic) if synthetic.kind == Kind::EventsLost)
    }

    /// The length of name and data, in the entire form.
    fn body_len(&self) -> u64 {
        match self {
            Content::Message(message) => message.header().body_len(),
            Content::Synthetic(synthetic) => synthetic.header().body_len(),
            Content::Event(event) => event.header().body_len(),
        }
    }

    fn id(&self) -> MsgId {
        match self {
            Content::Message(message) => message.header().id,
            Content::Synthetic(synthetic) => synthetic.id,
            Content::Event(event) => event.id,
        }
    }
}

/// This copy of a request is for its reader to answer.
pub(crate) struct Duty {
    /// Which request of its sender; see `reply`.
    pub(crate) request: u64,
    /// The memory to note the debt in when the request is read.
    pub(crate) reservation: OwedReservation,
}

/// One copy of a message.
pub(crate) struct Entry {
    pub(crate) content: Content,
    pub(crate) duty: Option<Duty>,
    /// The serial of the binding that attracted it; 0 for none.
    pub(crate) binding: u64,
    pub(crate) set_aside: bool,
}

impl Entry {
    /// What it costs its reader's user.
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
    len: u32,
    set_aside: u32,
    /// How many of those tell that events were lost: none or one.
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
            len: 0,
            set_aside: 0,
            losses: 0,
            moved_in: i64::MIN,
            last: None,
        }
    }

    /// All that can be read, set aside or not.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// What counts against the limit.
    pub(crate) fn counted(&self) -> u32 {
        self.len.saturating_sub(self.set_aside)
    }

    pub(crate) fn set_aside(&self) -> u32 {
        self.set_aside
    }

    /// Is there, set aside, the news that bind events were lost?
    pub(crate) fn is_loss_notice(&self) -> bool {
        self.losses > 0
    }

    /// Was this message the last thing pushed?
    pub(crate) fn just_got(&self, id: MsgId) -> bool {
        self.last == Some(id)
    }

    pub(super) fn push(&mut self, slot: Slot, entry: Entry) {
        let Entry {
            content, set_aside, ..
        } = &entry;
        self.last = Some(content.id());
        self.len += 1;
        if *set_aside {
            self.set_aside += 1;
            self.losses += u32::from(content.is_loss_notice());
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

    /// Takes the front entry, and gives its place back. If there are entries set aside, the
    /// oldest of them counts from now on.
    pub(super) fn pop(&mut self) -> Option<(Entry, Slot)> {
        let mut front = self.entries.cursor_front_mut()?;
        let (&at, entry) = front.current_mut();
        let entry = entry.take();
        let (_, node) = front.remove_current();
        let slot = node.into_reservation();
        self.len = self.len.saturating_sub(1);
        let aside = entry.as_ref().filter(|entry| self.is_aside(at, entry));
        match aside {
            Some(entry) => self.count_in(entry.content.is_loss_notice()),
            None => self.move_one_in(),
        }
        if self.len == 0 {
            // Start again, so that positions never run out.
            self.front = -1;
            self.back = 0;
            self.moved_in = i64::MIN;
        }
        Some((entry?, slot))
    }

    fn is_aside(&self, at: i64, entry: &Entry) -> bool {
        entry.set_aside && at >= self.moved_in
    }

    /// An entry is not set aside any more.
    fn count_in(&mut self, is_loss_notice: bool) {
        self.set_aside = self.set_aside.saturating_sub(1);
        self.losses = self.losses.saturating_sub(u32::from(is_loss_notice));
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
                self.count_in(is_loss_notice);
                return;
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten()
    }

    /// Takes out the `count` entries that `binding` attracted, in order.
    pub(super) fn remove_attracted_by(&mut self, binding: u64, count: u32) -> Removed {
        let mut removed = RBTree::new();
        let (mut left, mut aside, mut losses) = (count, 0, 0);
        let mut cursor = self.entries.cursor_front_mut();
        while let Some(here) = cursor.filter(|_| left > 0) {
            let (&at, entry) = here.current();
            let Some(entry) = entry.as_ref().filter(|e| e.binding == binding) else {
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
        self.len = self.len.saturating_sub(gone);
        self.set_aside = self.set_aside.saturating_sub(aside);
        self.losses = self.losses.saturating_sub(losses);
        if gone > aside {
            self.move_one_in();
        }
        removed
    }
}
