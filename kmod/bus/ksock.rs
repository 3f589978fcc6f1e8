// SPDX-License-Identifier: GPL-2.0

//! What the bus knows of one Ksock (an open file).

use super::binding::Binding;
use super::message::{Message, MsgId};
use super::queue::{Entry, Place, Queue, Removed};
use super::reply::{Answer, AnswerRoom, Awaited, Owed, Request, Spare};
use super::user::{Share, Spent, User, ANSWER, ANSWER_BYTES};
use kernel::rbtree::{RBTree, RBTreeNode};
use kernel::sync::Arc;

/// How far a file has got with the message it reads and the one it writes, for
/// `/proc/kbus/stats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes read of the current message, and its length; 0 and 0 if there is none.
    pub(crate) read: u32,
    pub(crate) read_of: u32,
    /// Bytes written of the current part.
    pub(crate) wrote: u32,
    pub(crate) part: Part,
    pub(crate) finished: bool,
}

/// The parts of a message in the order in which they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    #[default]
    Header,
    Name,
    NamePadding,
    Data,
    DataPadding,
    Guard,
    /// An entire message is finished.
    End,
}

/// The file at the other end of a Ksock: cheap to clone, still there when all else is closed.
pub(crate) trait Port: Clone {
    /// Something happened that poll tells of: there is a message, or room where there was none.
    fn wake(&self);

    /// How far reading and writing have got.
    fn progress(&self) -> Progress;
}

/// A binding, as its Ksock knows it.
pub(crate) struct Own {
    pub(crate) binding: Arc<Binding>,
    /// How many entries in the Ksock's queue it attracted.
    queued: u32,
}

impl Own {
    pub(crate) fn new(binding: Arc<Binding>) -> Self {
        Own { binding, queued: 0 }
    }
}

/// A send that waits for room (specification 7).
pub(crate) struct Pending {
    pub(crate) message: Arc<Message>,
    /// The recipient that had none.
    pub(crate) blocked_by: u32,
}

/// One open Ksock.
pub(crate) struct Ksock<P> {
    pub(crate) port: P,
    /// Of its user's account: what is in the queue, and what is kept for answers.
    pub(crate) share: Share,
    pub(crate) queue: Queue,
    /// How many messages, waiting or reserved for answers, it takes.
    limit: u32,
    /// The limit was set below what there was: answers may not fit any more.
    lowered: bool,
    pub(crate) only_once: bool,
    /// Its bindings by serial: the newest last.
    pub(crate) bindings: RBTree<u64, Own>,
    pub(crate) awaited: Awaited,
    pub(crate) owed: Owed,
    pub(crate) spare: Spare,
    pub(crate) pending: Option<Pending>,
    /// The id of the last message it tried to deliver.
    pub(crate) last_sent: MsgId,
    /// For the news that bind events were lost, which must find a place when memory is short.
    pub(crate) lost_place: Option<Place>,
}

impl<P> Ksock<P> {
    /// How many messages a new Ksock takes.
    pub(crate) const USUAL_LIMIT: u32 = 100;

    pub(crate) fn new(port: P, user: Arc<User>, lost_place: Place) -> Self {
        Ksock {
            port,
            share: Share::new(user),
            queue: Queue::new(),
            limit: Self::USUAL_LIMIT,
            lowered: false,
            only_once: false,
            bindings: RBTree::new(),
            awaited: Awaited::new(),
            owed: Owed::new(),
            spare: Spare::default(),
            pending: None,
            last_sent: MsgId::NONE,
            lost_place: Some(lost_place),
        }
    }

    /// Queues an entry; see [`Queue::push`].
    pub(crate) fn push(&mut self, place: Place, entry: Entry) {
        self.count_queued(&entry, |n| n.saturating_add(1));
        self.share.take(entry.cost());
        self.queue.push(place, entry);
    }

    /// Takes the front entry; see [`Queue::pop`].
    pub(crate) fn pop(&mut self) -> Option<(Entry, Place)> {
        let (entry, place) = self.queue.pop()?;
        self.count_queued(&entry, |n| n.saturating_sub(1));
        self.share.give(entry.cost());
        self.calm_down();
        Some((entry, place))
    }

    /// Notes a request, for whose answer `place` is kept.
    pub(crate) fn await_answer(&mut self, room: AnswerRoom, request: Request, place: Place) {
        self.share.take(ANSWER);
        self.awaited.insert(room, request, place);
    }

    /// The request is being answered; see [`Awaited::take`].
    pub(crate) fn take_awaited(&mut self, request: &Request) -> Option<(Answer, AnswerRoom)> {
        let taken = self.awaited.take(request)?;
        self.share.give(ANSWER);
        Some(taken)
    }

    fn count_queued(&mut self, entry: &Entry, change: impl Fn(u32) -> u32) {
        // 0 is no binding.
        if entry.binding != 0 {
            if let Some(own) = self.bindings.get_mut(&entry.binding) {
                own.queued = change(own.queued);
            }
        }
    }

    /// Takes a binding away, and out of the queue all that it attracted, in order. No look at
    /// the queue is needed for what attracted nothing.
    pub(crate) fn unbind(&mut self, binding: u64) -> (Removed, Option<RBTreeNode<u64, Own>>) {
        let own = self.bindings.get(&binding);
        let queued = own.map_or(0, |own| own.queued);
        let removed = self.queue.remove_attracted_by(binding, queued);
        let cost = removed.values().flatten().map(Entry::cost).sum();
        self.share.give(cost);
        self.share.unbind();
        self.calm_down();
        (removed, self.bindings.remove_node(&binding))
    }

    /// Once all there is fits below the limit, so do all answers from then on.
    fn calm_down(&mut self) {
        self.lowered &= self.load() > u64::from(self.limit);
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// Sets the limit. What is queued stays.
    pub(crate) fn set_limit(&mut self, limit: u32) {
        if limit != self.limit {
            self.lowered = self.load() > u64::from(limit);
        }
        self.limit = limit;
    }

    /// Messages queued and places reserved for answers (5.3).
    fn load(&self) -> u64 {
        u64::from(self.queue.counted()) + u64::from(self.awaited.len())
    }

    /// How many more messages fit.
    pub(crate) fn space(&self) -> u64 {
        u64::from(self.limit).saturating_sub(self.load())
    }

    /// Is there room for a message?
    pub(crate) fn has_room(&self) -> bool {
        self.space() > 0 && self.share.allows(self.queued_bytes())
    }

    /// Is there room for the answer to a request, if one is sent now? The kept ones count as
    /// well: otherwise an empty queue could ask without end.
    pub(crate) fn may_ask(&self) -> bool {
        self.space() > 0 && self.share.allows(self.share.bytes())
    }

    /// Is there room for an answer that is awaited? Its place was reserved: only a lowered limit
    /// can have taken it away, never the several copies of one message, which may exceed it. A
    /// long one needs more than what is kept.
    pub(crate) fn has_room_for_answer(&self, message: &Message) -> bool {
        (!self.lowered || self.load() <= u64::from(self.limit))
            && (message.header().body_len() <= ANSWER_BYTES
                || self.share.allows(self.queued_bytes()))
    }

    /// How much of its share is queued, and not kept for answers.
    fn queued_bytes(&self) -> u64 {
        let kept = ANSWER * u64::from(self.awaited.len());
        self.share.bytes().saturating_sub(kept)
    }

    /// It was refused something: if its user's account is to blame, and nobody was told yet,
    /// somebody should be.
    pub(crate) fn blame(&self, spent: &mut Spent) {
        if !self.share.allows(self.share.bytes()) && !self.share.is_told() {
            spent.note(&self.share.user);
        }
    }

    /// There is something to read.
    pub(crate) fn is_readable(&self) -> bool {
        self.queue.len() > 0
    }
}
