// SPDX-License-Identifier: GPL-2.0

//! What waits to be read by one Ksock.
//!
//! Pushing takes a [`Place`]: the memory for one entry, got before the bus was locked. Who has a
//! place cannot fail to push. Entries that were admitted beyond the Ksock's limit (unbind events
//! whose sender is closing and cannot be refused, specification 6.5) are "set aside": they stand
//! in the queue where they belong, but do not count against the limit until others have left.

use super::message::{Header, Message, MsgId};
use super::reply::DebtRoom;
use super::synthetic::{BindEvent, Synthetic};
use kernel::rbtree::{RBTree, RBTreeNodeReservation};
use kernel::sync::Arc;

/// What an entry holds. A clone shares it.
#[derive(Clone)]
pub(crate) enum Content {
    Message(Arc<Message>),
    Said(Synthetic),
    Event(BindEvent),
}

impl Content {
    pub(crate) fn header(&self) -> Header {
        match self {
            Content::Message(message) => *message.header(),
            Content::Said(synthetic) => synthetic.header(),
            Content::Event(event) => event.header(),
        }
    }

    fn id(&self) -> MsgId {
        match self {
            Content::Message(message) => message.header().id,
            Content::Said(synthetic) => synthetic.id,
            Content::Event(event) => event.id,
        }
    }
}

/// This copy of a request is for its reader to answer.
pub(crate) struct Duty {
    /// Which request of its sender; see `reply`.
    pub(crate) request: u64,
    /// The memory to note the debt in when the request is read.
    pub(crate) room: DebtRoom,
}

/// One copy of a message.
pub(crate) struct Entry {
    pub(crate) content: Content,
    pub(crate) duty: Option<Duty>,
    /// The serial of the binding that attracted it; 0 for none.
    pub(crate) binding: u64,
    pub(crate) set_aside: bool,
}

/// The memory for one entry.
pub(crate) type Place = RBTreeNodeReservation<i64, Option<Entry>>;

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

    /// Was this message the last thing pushed?
    pub(crate) fn just_got(&self, id: MsgId) -> bool {
        self.last == Some(id)
    }

    pub(crate) fn push(&mut self, place: Place, entry: Entry) {
        let Entry {
            content, set_aside, ..
        } = &entry;
        self.last = Some(content.id());
        self.len += 1;
        self.set_aside += u32::from(*set_aside);
        let urgent = matches!(content, Content::Message(m) if m.header().is_urgent());
        let at = if urgent {
            self.front -= 1;
            self.front + 1
        } else {
            self.back += 1;
            self.back - 1
        };
        self.entries.insert(place.into_node(at, Some(entry)));
    }

    /// Takes the front entry, and gives its place back. If there are entries set aside, one of
    /// them counts from now on.
    pub(crate) fn pop(&mut self) -> Option<(Entry, Place)> {
        let mut front = self.entries.cursor_front_mut()?;
        let entry = front.current_mut().1.take();
        let (_, node) = front.remove_current();
        let place = node.into_reservation();
        self.len = self.len.saturating_sub(1);
        self.count_one_more();
        if self.len == 0 {
            // Start again, so that positions never run out.
            self.front = -1;
            self.back = 0;
        }
        Some((entry?, place))
    }

    fn count_one_more(&mut self) {
        self.set_aside = self.set_aside.saturating_sub(1);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten()
    }

    /// Takes out all that `binding` attracted, in order.
    pub(crate) fn remove_attracted_by(&mut self, binding: u64) -> Removed {
        let mut removed = RBTree::new();
        let mut from = i64::MIN;
        let mut aside = 0;
        while let Some(here) = self.entries.cursor_lower_bound_mut(&from) {
            let (&at, entry) = here.current();
            from = at + 1;
            let Some(entry) = entry.as_ref().filter(|e| e.binding == binding) else {
                continue;
            };
            aside += u32::from(entry.set_aside);
            let (_, node) = here.remove_current();
            removed.insert(node);
            self.len = self.len.saturating_sub(1);
        }
        if !removed.is_empty() {
            self.set_aside = self.set_aside.saturating_sub(aside).min(self.len);
            self.count_one_more();
        }
        removed
    }
}
