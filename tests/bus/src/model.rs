// SPDX-License-Identifier: GPL-2.0-only
//! The bus said again, as naively as it can be: vectors, scans, copies. Written from the
//! specification (`§` numbers are its sections), never from `kmod/bus`. Whoever wonders what
//! the bus should do reads this; the properties compare the two after every step.
//!
//! Where the specification leaves a choice the model takes the one that the bus took. These
//! places say "choice".

mod events;
mod faults;
mod message;
mod name;
mod proc;
mod shape;

use message::body_len;
use name::check_name;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use message::{
    Id, Msg, ALL_OR_FAIL, ALL_OR_WAIT, BIND_EVENT, DISAPPEARED, ERROR_SENDING, EVENTS_LOST,
    GONE_AWAY, IGNORED, SYNTHETIC, UNBOUND, URGENT, WANT_A_REPLY, WANT_YOU_TO_REPLY,
};
pub use name::{matches, may_bind, may_send};

/// How many events may be set aside on one bus.
pub const MOST_SET_ASIDE: usize = 1000;

/// What a call answers when it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::upper_case_acronyms)]
pub enum Errno {
    EADDRINUSE,
    EADDRNOTAVAIL,
    EAGAIN,
    EBADMSG,
    EBUSY,
    ECONNREFUSED,
    EDQUOT,
    EINVAL,
    EMSGSIZE,
    ENAMETOOLONG,
    ENOLCK,
    ENOMEM,
    ENOMSG,
    EPIPE,
}
use Errno::*;

/// One copy of a message in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Copy {
    msg: Msg,
    /// The binding that attracted it.
    binding: Option<u64>,
    /// Which request this is, if it is for its reader to answer.
    duty: Option<u64>,
    /// On the set-aside list, not yet moved to the queue (§6.5).
    aside: bool,
}

/// What became of a send that waited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outcome {
    pub id: Id,
    pub is_request: bool,
    pub told: Result<(), Errno>,
}

impl Outcome {
    fn of(msg: &Msg, told: Result<(), Errno>) -> Self {
        Outcome {
            id: msg.id,
            is_request: msg.flags & WANT_A_REPLY != 0,
            told,
        }
    }
}

/// A request whose sender waits for the answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Awaited {
    id: Id,
    replier: u32,
    number: u64,
}

/// A request that was popped and not answered by who popped it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Owed {
    requester: u32,
    number: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Bind {
    serial: u64,
    ksock: u32,
    is_replier: u32,
    name: Vec<u8>,
}

/// What each user may have; not of the specification. User 0 may have anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caps {
    pub ksocks: usize,
    pub bindings: usize,
    /// How much may be queued for it beyond the share of each ksock.
    pub bytes: u64,
    pub share: u64,
    /// How many copies it gets of one message.
    pub copies: usize,
}

impl Caps {
    pub const NONE: Caps = Caps {
        ksocks: usize::MAX,
        bindings: usize::MAX,
        bytes: u64::MAX,
        share: u64::MAX,
        copies: usize::MAX,
    };
}

impl Default for Caps {
    fn default() -> Self {
        Caps::NONE
    }
}

/// What a queued message costs its reader's user beside name and data, and what the answer to a
/// request costs its sender's until it is there.
pub const PLACE: u64 = 512;
pub const ANSWER: u64 = PLACE + 4096;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sock {
    id: u32,
    user: u32,
    queue: VecDeque<Copy>,
    limit: u32,
    /// There was more than the limit when the limit was set, and still is.
    lowered: bool,
    /// It holds more than its share, and more than its user had left for it when it grew last.
    used_up: bool,
    only_once: bool,
    last_in: Option<Id>,
    last_sent: Id,
    pending: Option<Msg>,
    /// When it came, if it waits.
    arrived: u64,
    /// What became of it, as long as nobody has asked.
    outcome: Option<Outcome>,
    awaited: Vec<Awaited>,
    owed: Vec<Owed>,
    most_awaited: usize,
    most_owed: usize,
}

impl Sock {
    /// Q of §5.3.
    fn queued(&self) -> u64 {
        self.queue.iter().filter(|copy| !copy.aside).count() as u64
    }

    /// Q + O of §5.3.
    fn load(&self) -> u64 {
        self.queued() + self.awaited.len() as u64
    }

    /// What there is in the queue, in bytes.
    fn held(&self) -> u64 {
        let cost = |copy: &Copy| match body_len(&copy.msg) {
            1025..=2048 => PLACE + 2048,
            2049..=4096 => PLACE + 4096,
            4097..=8192 => PLACE + 8192,
            len => PLACE + len,
        };
        self.queue.iter().map(cost).sum()
    }

    /// That, and what is kept for answers.
    fn charged(&self) -> u64 {
        self.held() + ANSWER * self.awaited.len() as u64
    }

    fn set_aside(&self) -> usize {
        self.queue.iter().filter(|copy| copy.aside).count()
    }

    /// The oldest set-aside entry moves to the queue. (Choice: it stands there already, in the
    /// order in which things happened.)
    fn move_one_in(&mut self) {
        if let Some(copy) = self.queue.iter_mut().find(|copy| copy.aside) {
            copy.aside = false;
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Model {
    socks: Vec<Sock>,
    bindings: Vec<Bind>,
    last_ksock: u32,
    last_serial: u32,
    last_number: u64,
    caps: Caps,
    reporting: bool,
    events_lost: bool,
    /// It is told when a send that waits goes on ([`go_on`](Self::go_on)); else it finds out
    /// itself.
    pub led: bool,
    /// Who got something since a test last emptied this: they must have been woken.
    pub touched: BTreeSet<u32>,
    /// The messages of users that were delivered, in the order in which they were.
    pub delivered: Vec<Id>,
}

impl Model {
    pub fn new(caps: Caps) -> Self {
        Model {
            caps,
            ..Model::default()
        }
    }

    /// One that is told when a send that waits goes on.
    pub fn led(caps: Caps) -> Self {
        Model {
            led: true,
            ..Model::new(caps)
        }
    }

    fn caps_of(&self, user: u32) -> Caps {
        if user == 0 {
            Caps::NONE
        } else {
            self.caps
        }
    }

    fn socks_of(&self, user: u32) -> impl Iterator<Item = &Sock> {
        self.socks.iter().filter(move |sock| sock.user == user)
    }

    /// What a ksock holds beyond its share.
    fn drawn(&self, sock: &Sock, held: u64) -> u64 {
        held.saturating_sub(self.caps_of(sock.user).share)
    }

    /// How many bytes a user may have more, beyond shares.
    fn left(&self, user: u32) -> u64 {
        let drawn = |sock| self.drawn(sock, sock.charged());
        let drawn: u64 = self.socks_of(user).map(drawn).sum();
        self.caps_of(user).bytes.saturating_sub(drawn)
    }

    /// What a ksock costs its user.
    pub fn charged(&self, ksock: u32) -> u64 {
        self.sock(ksock).charged()
    }

    /// §5.3, and: beyond its share a queue holds no more than is left to its user.
    fn has_capacity(&self, ksock: u32) -> bool {
        let sock = self.sock(ksock);
        sock.load() < u64::from(sock.limit) && !sock.used_up
    }

    /// The same for who wants an answer: what is kept for others counts as well.
    fn may_ask(&self, ksock: u32) -> bool {
        let sock = self.sock(ksock);
        let room = sock.load() < u64::from(sock.limit);
        room && self.drawn(sock, sock.charged()) <= self.left(sock.user)
    }

    /// Does a queue hold more than its share, and more than is left?
    fn is_used_up(&self, ksock: u32) -> bool {
        let sock = self.sock(ksock);
        self.drawn(sock, sock.held()) > self.left(sock.user)
    }

    /// Something was queued. (Choice: that decides whether more fits, until the reader has read.)
    fn has_grown(&mut self, ksock: u32) {
        let used_up = self.is_used_up(ksock);
        self.sock_mut(ksock).used_up |= used_up;
    }

    /// Something was read, or unbound.
    fn has_shrunk(&mut self, ksock: u32) {
        let used_up = self.is_used_up(ksock);
        self.sock_mut(ksock).used_up &= used_up;
    }

    fn find(&self, id: u32) -> Option<&Sock> {
        self.socks.iter().find(|sock| sock.id == id)
    }

    fn find_mut(&mut self, id: u32) -> Option<&mut Sock> {
        self.socks.iter_mut().find(|sock| sock.id == id)
    }

    fn sock(&self, id: u32) -> &Sock {
        self.find(id).expect("an open ksock")
    }

    fn sock_mut(&mut self, id: u32) -> &mut Sock {
        self.find_mut(id).expect("an open ksock")
    }

    fn new_id(&mut self) -> Id {
        self.last_serial = self.last_serial.checked_add(1).unwrap_or(1);
        (0, self.last_serial)
    }

    fn new_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub fn open_ksocks(&self) -> Vec<u32> {
        self.socks.iter().map(|sock| sock.id).collect()
    }

    /// §3.1.
    pub fn open(&mut self, user: u32) -> Result<u32, Errno> {
        if self.socks_of(user).count() >= self.caps_of(user).ksocks {
            return Err(EDQUOT);
        }
        self.last_ksock = self.last_ksock.checked_add(1).unwrap_or(1);
        self.socks.push(Sock {
            id: self.last_ksock,
            user,
            queue: VecDeque::new(),
            limit: 100,
            lowered: false,
            used_up: false,
            only_once: false,
            last_in: None,
            last_sent: (0, 0),
            pending: None,
            arrived: 0,
            outcome: None,
            awaited: Vec::new(),
            owed: Vec::new(),
            most_awaited: 0,
            most_owed: 0,
        });
        Ok(self.last_ksock)
    }

    /// BIND, §3.7, from check 6 on (and 2, 3 and 5).
    pub fn bind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno> {
        check_name(name)?;
        if is_replier != 0 {
            if name == BIND_EVENT {
                return Err(EBADMSG);
            }
            if self.replier(name) != 0 {
                return Err(EADDRINUSE);
            }
        }
        let user = self.sock(ksock).user;
        let bound = |b: &&Bind| self.sock(b.ksock).user == user;
        if self.bindings.iter().filter(bound).count() >= self.caps_of(user).bindings {
            return Err(EDQUOT);
        }
        if is_replier != 0 {
            self.announce(ksock, name, true)?;
        }
        let serial = self.new_number();
        self.bindings.push(Bind {
            serial,
            ksock,
            is_replier,
            name: name.to_vec(),
        });
        self.done();
        Ok(())
    }

    /// UNBIND, §3.7.
    pub fn unbind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno> {
        check_name(name)?;
        let is_it = |b: &Bind| b.ksock == ksock && b.is_replier == is_replier && b.name == name;
        let at = self.bindings.iter().rposition(is_it).ok_or(EINVAL)?;
        if is_replier != 0 {
            self.announce(ksock, name, false)?;
        }
        let serial = self.bindings[at].serial;
        let sock = self.sock_mut(ksock);
        let queued = sock.queued();
        let (gone, left) = std::mem::take(&mut sock.queue)
            .into_iter()
            .partition::<Vec<_>, _>(|copy| copy.binding == Some(serial));
        sock.queue = left.into();
        if sock.queued() < queued {
            sock.move_one_in();
        }
        if !gone.is_empty() {
            self.has_shrunk(ksock);
        }
        for copy in gone {
            self.answer_for(ksock, &copy, UNBOUND);
        }
        self.bindings.remove(at);
        self.calm_down();
        self.done();
        Ok(())
    }

    /// REPLIER, §3.7: 0 for nobody. (The lengths 0 and over 1000 are not this function's.)
    pub fn replier(&self, name: &[u8]) -> u32 {
        self.bindings
            .iter()
            .find(|b| b.is_replier != 0 && b.name == name)
            .map_or(0, |b| b.ksock)
    }

    /// SEND, §3.8, from step 7 on, of a message just written.
    pub fn send(&mut self, ksock: u32, mut msg: Msg) -> Result<Id, Errno> {
        self.write(ksock);
        assert!(self.sock(ksock).pending.is_none());
        msg.flags &= !SYNTHETIC;
        if msg.flags & WANT_A_REPLY != 0 && !self.may_ask(ksock) {
            return Err(ENOLCK);
        }
        if msg.id.0 == 0 {
            msg.id = self.new_id();
        }
        msg.from = ksock;
        self.sock_mut(ksock).last_sent = msg.id;
        match self.route(ksock, &msg) {
            Ok(()) => {
                self.done();
                Ok(msg.id)
            }
            Err(EAGAIN) => {
                let arrived = self.new_number();
                let sock = self.sock_mut(ksock);
                (sock.pending, sock.arrived) = (Some(msg), arrived);
                Err(EAGAIN)
            }
            Err(no) => Err(no),
        }
    }

    /// SEND while sending, §7.
    pub fn send_again(&mut self, ksock: u32) -> Result<Id, Errno> {
        if let Some(outcome) = self.sock_mut(ksock).outcome.take() {
            return outcome.told.map(|()| outcome.id);
        }
        let msg = self.sock_mut(ksock).pending.take().ok_or(ENOMSG)?;
        if msg.flags & WANT_A_REPLY != 0 && !self.may_ask(ksock) {
            return Err(ENOLCK);
        }
        let outcome = self.route(ksock, &msg);
        if outcome == Err(EAGAIN) {
            self.sock_mut(ksock).pending = Some(msg.clone());
        }
        self.done();
        outcome.map(|()| msg.id)
    }

    /// The bus tries again the send of a ksock that waits (§7: progress without polling).
    pub fn go_on(&mut self, ksock: u32) {
        let msg = self.sock_mut(ksock).pending.take().expect("it waits");
        match self.route(ksock, &msg) {
            Err(EAGAIN) => self.sock_mut(ksock).pending = Some(msg),
            told => self.sock_mut(ksock).outcome = Some(Outcome::of(&msg, told)),
        }
    }

    /// All that can go on does, who has waited longest first.
    fn done(&mut self) {
        while let Some(next) = self.next_to_go_on() {
            self.go_on(next);
        }
    }

    fn next_to_go_on(&self) -> Option<u32> {
        let waiting = self.socks.iter().filter(|sock| sock.pending.is_some());
        let mut waiting: Vec<_> = waiting.map(|sock| (sock.arrived, sock.id)).collect();
        waiting.sort_unstable();
        let mut waiting = waiting.into_iter().map(|(_, id)| id);
        waiting.find(|&id| !self.led && self.would_go_on(id))
    }

    /// write, §3.4 and §7: what became of the last send is told by a message, or forgotten. May it
    /// write?
    pub fn write(&mut self, ksock: u32) -> bool {
        self.tell_refusal(ksock);
        self.sock_mut(ksock).outcome = None;
        !self.is_sending(ksock)
    }

    /// Who did not ask by SEND is told by a message (§6.2).
    pub fn tell_refusal(&mut self, ksock: u32) {
        let refused = |outcome: &mut Outcome| outcome.told.is_err();
        let Some(outcome) = self.sock_mut(ksock).outcome.take_if(refused) else {
            return;
        };
        let name = match outcome.told {
            Err(EADDRNOTAVAIL) => DISAPPEARED,
            _ if outcome.is_request => ERROR_SENDING,
            _ => return,
        };
        let serial = self.new_id();
        self.tell(serial, ksock, name, 0, outcome.id);
    }

    /// What became of the last send, if nobody has asked.
    pub fn outcome(&self, ksock: u32) -> Option<&Outcome> {
        self.sock(ksock).outcome.as_ref()
    }

    /// poll, §3.5 and §7: readable, writable.
    pub fn poll(&mut self, ksock: u32) -> (bool, bool) {
        if let Some(msg) = self.sock_mut(ksock).pending.take() {
            match self.route(ksock, &msg) {
                Err(EAGAIN) => self.sock_mut(ksock).pending = Some(msg),
                told => self.sock_mut(ksock).outcome = Some(Outcome::of(&msg, told)),
            }
        }
        self.tell_refusal(ksock);
        self.done();
        let sock = self.sock(ksock);
        (!sock.queue.is_empty(), sock.pending.is_none())
    }

    /// Is a send pending, and would a retry have another outcome than EAGAIN?
    pub fn would_go_on(&self, ksock: u32) -> bool {
        let sock = self.sock(ksock);
        let Some(msg) = sock.pending.clone() else {
            return false;
        };
        self.clone().route(ksock, &msg) != Err(EAGAIN)
    }

    /// DISCARD, §3.7.
    pub fn discard(&mut self, ksock: u32) {
        let sock = self.sock_mut(ksock);
        sock.pending = None;
        // What was delivered is: SEND tells.
        sock.outcome.take_if(|outcome| outcome.told.is_err());
    }

    /// NEXTMSG, §3.7.
    pub fn next(&mut self, ksock: u32) -> Option<Msg> {
        self.tell_refusal(ksock);
        let sock = self.sock_mut(ksock);
        let copy = sock.queue.pop_front()?;
        if !copy.aside {
            sock.move_one_in();
        }
        if let Some(number) = copy.duty {
            sock.owed.push(Owed {
                requester: copy.msg.from,
                number,
            });
            sock.most_owed = sock.most_owed.max(sock.owed.len());
        }
        self.has_shrunk(ksock);
        self.calm_down();
        self.done();
        Some(copy.msg)
    }

    /// MAXMSGS, §3.7.
    pub fn max_msgs(&mut self, ksock: u32, limit: u32) -> u32 {
        let sock = self.sock_mut(ksock);
        if limit != 0 {
            if limit != sock.limit {
                sock.lowered = sock.load() > u64::from(limit);
            }
            sock.limit = limit;
        }
        let limit = sock.limit;
        self.done();
        limit
    }

    /// NUMMSGS, §3.7.
    pub fn num_msgs(&self, ksock: u32) -> u32 {
        self.sock(ksock).queue.len() as u32
    }

    /// UNREPLIEDTO, §3.7.
    pub fn unreplied_to(&self, ksock: u32) -> u32 {
        self.sock(ksock).owed.len() as u32
    }

    /// LASTSENT, §3.7.
    pub fn last_sent(&self, ksock: u32) -> Id {
        self.sock(ksock).last_sent
    }

    pub fn is_sending(&self, ksock: u32) -> bool {
        self.sock(ksock).pending.is_some()
    }

    /// Is it a request that a ksock is sending, or was, in vain?
    pub fn is_asking(&self, ksock: u32) -> bool {
        let sock = self.sock(ksock);
        let pending = sock.pending.as_ref();
        let refused = sock.outcome.as_ref().filter(|o| o.told.is_err());
        pending.is_some_and(|msg| msg.flags & WANT_A_REPLY != 0)
            || refused.is_some_and(|outcome| outcome.is_request)
    }

    /// MSGONLYONCE, §3.7: the previous value.
    pub fn only_once(&mut self, ksock: u32, on: Option<bool>) -> bool {
        let sock = self.sock_mut(ksock);
        let old = sock.only_once;
        sock.only_once = on.unwrap_or(old);
        self.done();
        old
    }

    /// REPORTREPLIERBINDS, §3.7: the previous value.
    pub fn report(&mut self, ksock: u32, on: Option<bool>) -> Result<bool, Errno> {
        let old = self.reporting;
        self.reporting = on.unwrap_or(old);
        if on == Some(true) {
            let repliers = self.bindings.iter().rev().filter(|b| b.is_replier != 0);
            for bind in repliers.cloned().collect::<Vec<_>>() {
                let msg = self.event(bind.ksock, &bind.name, true);
                if !self.has_capacity(ksock) {
                    return Err(EBUSY);
                }
                self.insert(ksock, msg, None, None);
            }
        }
        Ok(old)
    }

    /// §9.1.
    pub fn close(&mut self, ksock: u32) {
        let at = self.socks.iter().position(|sock| sock.id == ksock);
        // Taken out first: nothing more is inserted into its queue ([FIX] of 9.1).
        let closing = self.socks.remove(at.expect("an open ksock"));
        for copy in &closing.queue {
            self.answer_for(ksock, copy, GONE_AWAY);
        }
        self.bindings
            .retain(|b| b.ksock != ksock || b.is_replier != 0);
        while let Some(at) = self.bindings.iter().rposition(|b| b.ksock == ksock) {
            let bind = self.bindings[at].clone();
            if bind.is_replier != 0 && self.reporting {
                self.announce_at_close(&bind);
            }
            self.bindings.remove(at);
        }
        for owed in closing.owed.iter().rev() {
            self.answer(ksock, owed.requester, owed.number, IGNORED);
        }
        self.calm_down();
        self.done();
    }

    /// §5.4.
    fn route(&mut self, ksock: u32, msg: &Msg) -> Result<(), Errno> {
        let wait = msg.flags & ALL_OR_WAIT != 0;
        let full = if wait { EAGAIN } else { EBUSY };
        let is_request = msg.flags & WANT_A_REPLY != 0;
        let is_reply = msg.in_reply_to != (0, 0);

        let replier = self.best_replier(&msg.name);
        if is_request && replier.is_none() {
            return Err(EADDRNOTAVAIL);
        }
        if is_reply {
            let requester = self.find(msg.to).ok_or(EADDRNOTAVAIL)?;
            if !requester.awaited.iter().any(|a| a.id == msg.in_reply_to) {
                return Err(ECONNREFUSED);
            }
            // Choice: what several copies of one message overfilled still takes the answer, whose
            // place was reserved; what was overfull when its limit was set need not.
            if requester.lowered && requester.load() > u64::from(requester.limit) {
                return Err(full);
            }
            // What is kept for an answer is not enough for a long one.
            if body_len(msg) > ANSWER - PLACE && requester.used_up {
                return Err(full);
            }
        }
        let replier = replier.filter(|_| is_request);
        if let Some(replier) = &replier {
            if msg.to != 0 && msg.to != replier.ksock {
                return Err(EPIPE);
            }
            if !self.has_capacity(replier.ksock) {
                return Err(full);
            }
        }
        let (recipients, all) = self.recipients(&msg.name);
        if !all && (wait || msg.flags & ALL_OR_FAIL != 0) {
            return Err(full);
        }

        let mut plain = msg.clone();
        plain.flags &= !WANT_YOU_TO_REPLY;
        if is_reply {
            let number = self.settle(ksock, msg.to, msg.in_reply_to);
            self.sock_mut(ksock)
                .owed
                .retain(|owed| owed.number != number);
            self.insert(msg.to, plain.clone(), None, None);
        }
        if let Some(replier) = replier {
            let number = self.new_number();
            let sender = self.sock_mut(ksock);
            sender.awaited.push(Awaited {
                id: msg.id,
                replier: replier.ksock,
                number,
            });
            sender.most_awaited = sender.most_awaited.max(sender.awaited.len());
            let mut yours = msg.clone();
            yours.flags |= WANT_YOU_TO_REPLY;
            self.insert(replier.ksock, yours, Some(replier.serial), Some(number));
        }
        for (id, serial) in recipients {
            self.insert_once(id, &plain, serial);
        }
        self.delivered.push(msg.id);
        Ok(())
    }

    /// §5.2.
    fn best_replier(&self, name: &[u8]) -> Option<Bind> {
        let ending = |b: &Bind| match b.name.last() {
            Some(b'*') => 0,
            Some(b'%') => 1,
            _ => 2,
        };
        self.bindings
            .iter()
            .filter(|b| b.is_replier != 0 && matches(&b.name, name))
            .max_by_key(|b| (ending(b), b.serial))
            .cloned()
    }

    /// Ksock and binding of all who listen, the newest binding first.
    fn listeners(&self, name: &[u8]) -> Vec<(u32, u64)> {
        self.bindings
            .iter()
            .rev()
            .filter(|b| b.is_replier == 0 && matches(&b.name, name))
            .map(|b| (b.ksock, b.serial))
            .collect()
    }

    /// Those of them who get a copy, and whether that is all of them: who has room, and each user
    /// no more than it may. (Choice: who comes first is decided by the patterns, the most general
    /// first, and then by user, ksock and age; who wants one copy only counts once. In this order they
    /// get it, unless some ksock listens by several patterns: then the newest binding comes first.)
    pub(super) fn recipients(&self, name: &[u8]) -> (Vec<(u32, u64)>, bool) {
        let pattern = |serial: u64| {
            let bind = self.bindings.iter().find(|b| b.serial == serial);
            let name = &bind.expect("it listens").name;
            let tail = match name.last() {
                Some(b'*') => 0,
                Some(b'%') => 1,
                _ => 2,
            };
            (tail, name.len())
        };
        let user = |id: u32| (self.sock(id).user, id);
        let mut listeners = self.listeners(name);
        listeners.sort_by_key(|&(id, serial)| (pattern(serial), user(id), Reverse(serial)));
        let (mut recipients, mut all) = (Vec::<(u32, u64)>::new(), true);
        let mut copies = BTreeMap::<u32, usize>::new();
        for (id, serial) in listeners {
            let sock = self.sock(id);
            // Of one pattern it is the newest binding anyway.
            let same = |r: &(u32, u64)| r.0 == id && pattern(r.1) == pattern(serial);
            if sock.only_once && recipients.iter().any(same) {
                continue;
            }
            let copies = copies.entry(sock.user).or_default();
            if !self.has_capacity(id) || *copies >= self.caps_of(sock.user).copies {
                all = false;
                continue;
            }
            let chosen = recipients.iter_mut().find(|chosen| chosen.0 == id);
            match chosen.filter(|_| sock.only_once) {
                Some(chosen) => chosen.1 = chosen.1.max(serial),
                None => {
                    *copies += 1;
                    recipients.push((id, serial));
                }
            }
        }
        let again = |&(id, serial): &(u32, u64)| {
            let mut others = recipients.iter().filter(|other| other.0 == id);
            others.any(|other| pattern(other.1) != pattern(serial))
        };
        if recipients.iter().any(again) {
            recipients.sort_by_key(|&(_, serial)| Reverse(serial));
        }
        (recipients, all)
    }

    /// §5.5.
    fn insert(&mut self, to: u32, msg: Msg, binding: Option<u64>, duty: Option<u64>) {
        self.touched.insert(to);
        let sock = self.sock_mut(to);
        sock.last_in = Some(msg.id);
        let copy = Copy {
            binding,
            duty,
            aside: false,
            msg,
        };
        if copy.msg.flags & URGENT != 0 {
            sock.queue.push_front(copy);
        } else {
            sock.queue.push_back(copy);
        }
        self.has_grown(to);
    }

    /// §5.5, a listener's copy. Was it inserted?
    fn insert_once(&mut self, to: u32, msg: &Msg, binding: u64) -> bool {
        let sock = self.sock(to);
        let again = sock.only_once && sock.last_in == Some(msg.id);
        if !again {
            self.insert(to, msg.clone(), Some(binding), None);
        }
        !again
    }

    /// The same, on the set-aside list. (Choice: only-once is looked at now, not when the entry
    /// moves to the queue.)
    fn put_aside(&mut self, to: u32, msg: &Msg, binding: u64) {
        if self.insert_once(to, msg, binding) {
            let newest = self.sock_mut(to).queue.back_mut();
            newest.expect("it was inserted").aside = true;
        }
    }

    /// A reply of `from` to `requester` takes away one awaited request with that id. (Choice:
    /// of several with the same id, the sender's own oldest, else that of the lowest replier.)
    fn settle(&mut self, from: u32, requester: u32, id: Id) -> u64 {
        let sock = self.sock_mut(requester);
        let (at, _) = sock
            .awaited
            .iter()
            .enumerate()
            .filter(|(_, a)| a.id == id)
            .min_by_key(|(_, a)| (a.replier != from, a.replier, a.number))
            .expect("it was checked");
        sock.awaited.remove(at).number
    }

    /// A status message instead of an answer, for a copy that nobody will answer (§6.2).
    fn answer_for(&mut self, replier: u32, copy: &Copy, name: &[u8]) {
        if let Some(number) = copy.duty {
            self.answer(replier, copy.msg.from, number, name);
        }
    }

    /// A status message if, and only if, the request is still awaited (§5.6). (Choice: it takes
    /// no serial if it is not.)
    fn answer(&mut self, replier: u32, requester: u32, number: u64, name: &[u8]) {
        let Some(sock) = self.find_mut(requester) else {
            return;
        };
        let Some(at) = sock.awaited.iter().position(|a| a.number == number) else {
            return;
        };
        let id = sock.awaited.remove(at).id;
        let serial = self.new_id();
        self.tell(serial, requester, name, replier, id);
    }

    /// §6.1.
    fn tell(&mut self, id: Id, to: u32, name: &[u8], from: u32, in_reply_to: Id) {
        let msg = Msg {
            id,
            in_reply_to,
            to,
            from,
            flags: SYNTHETIC,
            name: name.to_vec(),
            ..Msg::default()
        };
        self.insert(to, msg, None, None);
    }

    /// How many entries are on the set-aside list.
    pub fn set_aside(&self) -> usize {
        self.socks.iter().map(Sock::set_aside).sum()
    }

    /// Tragic state ends when the list is empty (§6.5); so does that of a lowered limit.
    fn calm_down(&mut self) {
        if self.set_aside() == 0 {
            self.events_lost = false;
        }
        for sock in &mut self.socks {
            sock.lowered &= sock.load() > u64::from(sock.limit);
        }
    }

    pub fn count_bindings(&self) -> usize {
        self.bindings.len()
    }
}
