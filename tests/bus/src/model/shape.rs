// SPDX-License-Identifier: GPL-2.0-only
//! What of a model decides what can happen next: for who compares many models, and judges them
//! (`tests/model`). Nothing here changes how a model behaves.

use super::{Id, Model, Msg};
use std::collections::{BTreeMap, BTreeSet};

/// New numbers for old ones, in the same order.
#[derive(Clone, Debug, Default)]
pub struct Renumbering {
    ids: BTreeMap<Id, Id>,
    ksocks: BTreeMap<u32, u32>,
}

impl Renumbering {
    /// Numbers that were not mentioned stay.
    pub fn id(&self, id: Id) -> Id {
        self.ids.get(&id).copied().unwrap_or(id)
    }

    pub fn ksock(&self, ksock: u32) -> u32 {
        self.ksocks.get(&ksock).copied().unwrap_or(ksock)
    }

    fn msg(&self, msg: &mut Msg) {
        msg.id = self.id(msg.id);
        msg.in_reply_to = self.id(msg.in_reply_to);
        msg.to = self.ksock(msg.to);
        msg.from = self.ksock(msg.from);
    }
}

impl Model {
    /// Forgets what is only there to be looked up (counts, what was sent last), and counts
    /// everything anew from 1, in the order in which it was counted: models that can do the same
    /// become equal. `ids` and `ksocks` are those that somebody else remembers.
    ///
    /// Not for models with ksocks that get a message only once, or with bind events, which tell
    /// numbers to their readers.
    pub fn renumber(&mut self, ids: &[Id], ksocks: &[u32]) -> Renumbering {
        let mut all_ids: BTreeSet<Id> = ids.iter().copied().collect();
        let mut all_ksocks: BTreeSet<u32> = ksocks.iter().copied().collect();
        let mut numbers = BTreeSet::new();
        for sock in &self.socks {
            all_ksocks.insert(sock.id);
            let queued = sock.queue.iter().map(|copy| &copy.msg);
            for msg in queued.chain(&sock.pending) {
                all_ids.extend([msg.id, msg.in_reply_to]);
                all_ksocks.extend([msg.to, msg.from]);
            }
            all_ids.extend(sock.outcome.iter().map(|outcome| outcome.id));
            numbers.extend(sock.pending.iter().map(|_| sock.arrived));
            for copy in &sock.queue {
                numbers.extend(copy.binding.into_iter().chain(copy.duty));
            }
            for awaited in &sock.awaited {
                all_ids.insert(awaited.id);
                all_ksocks.insert(awaited.replier);
                numbers.insert(awaited.number);
            }
            for owed in &sock.owed {
                all_ksocks.insert(owed.requester);
                numbers.insert(owed.number);
            }
        }
        numbers.extend(self.bindings.iter().map(|bind| bind.serial));
        // 0 is nobody and nothing.
        let counted = |n: usize| n as u32 + 1;
        let own = all_ids.into_iter().filter(|id| id.0 == 0 && id.1 != 0);
        let anyone = all_ksocks.into_iter().filter(|&ksock| ksock != 0);
        let new = Renumbering {
            ids: own
                .enumerate()
                .map(|(n, id)| (id, (0, counted(n))))
                .collect(),
            ksocks: anyone
                .enumerate()
                .map(|(n, ksock)| (ksock, counted(n)))
                .collect(),
        };
        let numbers: BTreeMap<u64, u64> = numbers.into_iter().zip(1..).collect();

        for sock in &mut self.socks {
            sock.id = new.ksock(sock.id);
            let queued = sock.queue.iter_mut().map(|copy| &mut copy.msg);
            queued.chain(&mut sock.pending).for_each(|msg| new.msg(msg));
            if let Some(outcome) = &mut sock.outcome {
                outcome.id = new.id(outcome.id);
            }
            sock.arrived = match sock.pending {
                Some(_) => numbers[&sock.arrived],
                None => 0,
            };
            for copy in &mut sock.queue {
                let counts = copy.binding.iter_mut().chain(&mut copy.duty);
                counts.for_each(|number| *number = numbers[number]);
            }
            for awaited in &mut sock.awaited {
                awaited.id = new.id(awaited.id);
                awaited.replier = new.ksock(awaited.replier);
                awaited.number = numbers[&awaited.number];
            }
            for owed in &mut sock.owed {
                owed.requester = new.ksock(owed.requester);
                owed.number = numbers[&owed.number];
            }
            (sock.last_in, sock.last_sent) = (None, (0, 0));
            (sock.most_awaited, sock.most_owed) = (0, 0);
        }
        for bind in &mut self.bindings {
            bind.serial = numbers[&bind.serial];
            bind.ksock = new.ksock(bind.ksock);
        }
        self.last_serial = new.ids.len() as u32;
        self.last_ksock = new.ksocks.len() as u32;
        self.last_number = numbers.len() as u64;
        self.touched.clear();
        self.delivered.clear();
        new
    }

    /// What is in a queue, the next to be read first.
    pub fn queue(&self, ksock: u32) -> impl DoubleEndedIterator<Item = &Msg> {
        self.sock(ksock).queue.iter().map(|copy| &copy.msg)
    }

    /// The id of the message that a ksock is sending, or was in vain and was not told yet.
    pub fn not_sent(&self, ksock: u32) -> Option<Id> {
        let sock = self.sock(ksock);
        let refused = sock.outcome.as_ref().filter(|o| o.told.is_err());
        let pending = sock.pending.as_ref().map(|msg| msg.id);
        pending.or(refused.map(|outcome| outcome.id))
    }

    /// The requests whose answers a ksock awaits: each one's id, and which it is among all
    /// requests ever.
    pub fn awaited(&self, ksock: u32) -> impl Iterator<Item = (Id, u64)> + '_ {
        self.sock(ksock).awaited.iter().map(|a| (a.id, a.number))
    }

    /// The requests that a ksock is to answer: those that it has read, and those in its queue.
    pub fn to_answer(&self, ksock: u32) -> impl Iterator<Item = u64> + '_ {
        let sock = self.sock(ksock);
        let owed = sock.owed.iter().map(|owed| owed.number);
        owed.chain(sock.queue.iter().filter_map(|copy| copy.duty))
    }

    /// How many messages it may hold.
    pub fn limit(&self, ksock: u32) -> u32 {
        self.sock(ksock).limit
    }

    /// Is this ksock bound so?
    pub fn is_bound(&self, ksock: u32, is_replier: u32, name: &[u8]) -> bool {
        let is_it =
            |b: &super::Bind| (b.ksock, b.is_replier, &b.name[..]) == (ksock, is_replier, name);
        self.bindings.iter().any(is_it)
    }
}
