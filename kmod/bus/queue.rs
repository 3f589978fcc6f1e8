// SPDX-License-Identifier: GPL-2.0-only

//! What waits to be read by one Ksock.
//!
//! Pushing takes a [`Slot`] of the same queue: a cell that was free, and was taken before the
//! first change. A verb that has a slot cannot fail to push. The cells come in chunks, at the
//! expense of who opened the Ksock, and are used again and again. Entries that were admitted
//! beyond the Ksock's limit (unbind events whose sender is closing and cannot be refused,
//! specification 6.5) are "set aside": they stand in the queue where they belong, but do not count
//! against the limit until others have left.
//!
//! The entries that one binding attracted are a [`Chain`], and so are those that are set aside:
//! taking them out costs what they are, however long the queue is.

use super::binding::Binding;
use super::chain::Chain;
use super::count::{decrease, expect};
use super::id::{At, KsockId, MsgId, Request, RequestSerial};
use super::message::{Header, Message};
use super::owed::{Debt, OwedReservation};
use super::pool::{self, Pool, Slot};
use super::quota::{memory_of, SLOT_BYTES};
use super::synthetic::{BindEvent, Kind, Synthetic};
use core::mem::replace;
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

    /// Returns the Ksock that sent it, if one did.
    pub(super) fn sender(&self) -> Option<KsockId> {
        match self {
            Content::Message(message) => message.sender(),
            Content::Synthetic(_) | Content::Event(_) => None,
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
    pub(crate) binding: Option<Arc<Binding>>,
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
        SLOT_BYTES + memory_of(self.content.body_len())
    }
}

/// An entry in its queue, and the numbers of others. Where there is no other, they mean nothing.
pub(crate) struct Queued {
    entry: Entry,
    before: At,
    behind: At,
    /// The next one that the same binding attracted.
    next: At,
    /// The next one that is set aside, if this is.
    next_aside: At,
}

/// So many entries are in one piece of memory of 1,024 bytes.
pub(super) const IN_CHUNK: usize = 12;

/// Cells for entries.
pub(crate) type Growth = pool::Growth<Queued, IN_CHUNK>;

/// How large a chunk of them is, in bytes.
pub(crate) const CHUNK_BYTES: usize = pool::Chunk::<Queued, IN_CHUNK>::BYTES;

/// The queue of one Ksock, in the order in which it will be read.
pub(crate) struct Queue {
    pub(super) cells: Pool<Queued, IN_CHUNK>,
    /// The entries that are read first and last, if there are any.
    front: At,
    back: At,
    /// How many entries count against the limit.
    counted: u32,
    /// Those that do not, and how many there are.
    aside: Chain,
    aside_count: u32,
    /// How many of those that are set aside tell that events were lost: none or one.
    losses: u32,
    /// The id of what was pushed last, for "messages only once".
    last: Option<MsgId>,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Queue {
            cells: Pool::new(),
            front: At::default(),
            back: At::default(),
            counted: 0,
            aside: Chain::new(),
            aside_count: 0,
            losses: 0,
            last: None,
        }
    }

    /// Returns how many entries can be read, set aside or not.
    pub(crate) fn len(&self) -> u32 {
        self.counted + self.aside_count
    }

    /// Returns how many entries count against the limit.
    pub(crate) fn counted(&self) -> u32 {
        self.counted
    }

    pub(crate) fn set_aside(&self) -> u32 {
        self.aside_count
    }

    /// Returns whether a notice that bind events were lost is set aside.
    pub(crate) fn has_loss_notice(&self) -> bool {
        self.losses > 0
    }

    /// Returns whether this message was the last thing pushed.
    pub(crate) fn just_got(&self, id: MsgId) -> bool {
        self.last == Some(id)
    }

    /// Queues an entry: urgent ones before all others, the rest behind.
    pub(super) fn push(&mut self, slot: Slot, entry: Entry) {
        self.last = Some(entry.content.id());
        let urgent = matches!(&entry.content, Content::Message(m) if m.header().is_urgent());
        let is_first = self.len() == 0;
        let at = slot.at();
        let (mut before, mut behind) = (At::default(), At::default());
        let mut next = At::default();
        if urgent {
            behind = replace(&mut self.front, at);
            if let Some(binding) = &entry.binding {
                next = binding.attracted.push_front(at).unwrap_or_default();
            }
            if is_first {
                self.back = at;
            } else if let Some(behind) = self.at(behind) {
                behind.before = at;
            }
        } else {
            before = replace(&mut self.back, at);
            let last = entry.binding.as_ref();
            let last = last.and_then(|binding| binding.attracted.push_back(at));
            if is_first {
                self.front = at;
            } else if let Some(queued) = self.at(before) {
                queued.behind = at;
                // Mostly the same binding has attracted it.
                if last == Some(before) {
                    queued.next = at;
                }
            }
            if let Some(last) = last
                .filter(|&last| last != before)
                .and_then(|last| self.at(last))
            {
                last.next = at;
            }
        }
        if entry.set_aside {
            self.losses += u32::from(entry.content.is_loss_notice());
            self.add_aside(at);
        } else {
            self.counted += 1;
        }
        self.cells.fill(slot, || Queued {
            entry,
            before,
            behind,
            next,
            next_aside: At::default(),
        });
    }

    fn add_aside(&mut self, at: At) {
        self.aside_count += 1;
        let last = self.aside.push_back(at);
        if let Some(last) = last.and_then(|last| self.at(last)) {
            last.next_aside = at;
        }
    }

    #[inline(always)]
    fn at(&mut self, at: At) -> Option<&mut Queued> {
        expect(self.cells.get_mut(at))
    }

    /// Takes an entry out of the order. It is counted still.
    #[inline(always)]
    fn take(&mut self, at: At) -> Option<Queued> {
        let (front, back) = (self.front, self.back);
        let queued = expect(self.cells.remove(at))?;
        match at == front {
            true => self.front = queued.behind,
            false => {
                if let Some(before) = self.at(queued.before) {
                    before.behind = queued.behind;
                }
            }
        }
        match at == back {
            true => self.back = queued.before,
            false => {
                if let Some(behind) = self.at(queued.behind) {
                    behind.before = queued.before;
                }
            }
        }
        Some(queued)
    }

    /// Takes the front entry. If there are entries set aside, the oldest of them counts from now
    /// on.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<Entry> {
        if self.len() == 0 {
            return None;
        }
        let Queued {
            entry,
            next,
            next_aside,
            ..
        } = self.take(self.front)?;
        if let Some(binding) = &entry.binding {
            binding.attracted.pop(next);
        }
        if entry.set_aside {
            // It is the first of those as well.
            self.aside.pop(next_aside);
            decrease(&mut self.aside_count, 1);
            decrease(&mut self.losses, u32::from(entry.content.is_loss_notice()));
        } else {
            decrease(&mut self.counted, 1);
            if self.aside_count > 0 {
                self.move_one_in();
            }
        }
        Some(entry)
    }

    /// The oldest entry set aside counts from now on.
    pub(super) fn move_one_in(&mut self) {
        let Some(first) = self.aside.first() else {
            return;
        };
        let Some(queued) = self.at(first) else {
            return;
        };
        queued.entry.set_aside = false;
        let (next, is_loss_notice) = (queued.next_aside, queued.entry.content.is_loss_notice());
        self.aside.pop(next);
        decrease(&mut self.aside_count, 1);
        decrease(&mut self.losses, u32::from(is_loss_notice));
        self.counted += 1;
    }

    /// Those that `binding` attracted are set aside no more: they are being taken out. There are
    /// never more than `MAX_SET_ASIDE` and one to look at.
    pub(super) fn forget_aside(&mut self, binding: &Arc<Binding>) {
        let all = core::mem::replace(&mut self.aside, Chain::new());
        let mut at = all.first().unwrap_or_default();
        for _ in 0..core::mem::take(&mut self.aside_count) {
            let Some(queued) = self.at(at) else {
                return;
            };
            let next = queued.next_aside;
            let attracted = queued.entry.binding.as_ref();
            if attracted.is_some_and(|by| Arc::ptr_eq(by, binding)) {
                let is_loss_notice = queued.entry.content.is_loss_notice();
                decrease(&mut self.losses, u32::from(is_loss_notice));
            } else {
                self.add_aside(at);
            }
            at = next;
        }
    }

    /// Takes the first of those out that a binding attracted which is gone, after
    /// [`forget_aside`].
    ///
    /// [`forget_aside`]: Queue::forget_aside
    pub(super) fn remove_first(&mut self, binding: &Binding) -> Option<Entry> {
        let Queued { entry, next, .. } = self.take(binding.attracted.first()?)?;
        binding.attracted.pop(next);
        decrease(&mut self.counted, u32::from(!entry.set_aside));
        Some(entry)
    }

    /// Goes on to the next entry behind `at`, or to the first. Returns what its reader owes for
    /// it, if anything; or nothing if there is no entry. None is taken out or comes meanwhile.
    pub(super) fn next_debt(&self, at: &mut Option<At>, reader: KsockId) -> Option<Option<Debt>> {
        let next = match *at {
            None if self.len() == 0 => return None,
            None => self.front,
            Some(at) if at == self.back => return None,
            Some(at) => expect(self.cells.get(at))?.behind,
        };
        *at = Some(next);
        Some(expect(self.cells.get(next))?.entry.debt(reader))
    }
}
