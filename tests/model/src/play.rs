// SPDX-License-Identifier: GPL-2.0-only
//! An action, done on the model or on the real bus, and what the users remember. Both know the
//! same actions and are judged by the same users: the model that is checked is the one that the
//! bus is held to.

use crate::faults::Spoiled;
use crate::table::{Say, Table};
use kbus_test_bus::model::{
    Errno, Id, Model, Msg, SYNTHETIC, URGENT, WANT_A_REPLY, WANT_YOU_TO_REPLY,
};
use kbus_test_bus::world::World;

/// One verb of one seat.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Open(usize),
    Close(usize),
    Bind(usize, usize),
    Unbind(usize, usize),
    Send(usize, Say),
    /// Of the requests that it has read and not answered, the n-th.
    Answer(usize, usize),
    SendAgain(usize),
    Poll(usize),
    Discard(usize),
    Next(usize),
}

/// What knows the verbs: the model, perhaps spoiled, or the real bus with the model beside it.
pub trait Bus {
    fn open(&mut self) -> u32;
    fn close(&mut self, ksock: u32);
    fn limit(&mut self, ksock: u32, limit: u32);
    fn bind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno>;
    fn unbind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno>;
    /// What happens when something is written.
    fn write(&mut self, ksock: u32);
    fn send(&mut self, ksock: u32, msg: Msg) -> Result<Id, Errno>;
    fn send_again(&mut self, ksock: u32) -> Result<Id, Errno>;
    fn poll(&mut self, ksock: u32) -> (bool, bool);
    fn discard(&mut self, ksock: u32);
    fn next(&mut self, ksock: u32) -> Option<Msg>;
    fn model(&self) -> &Model;
}

impl Bus for World {
    fn open(&mut self) -> u32 {
        self.open()
    }
    fn close(&mut self, ksock: u32) {
        self.close(ksock);
    }
    fn limit(&mut self, ksock: u32, limit: u32) {
        self.max_msgs(ksock, limit);
    }
    fn bind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno> {
        self.bind(ksock, is_replier, name)
    }
    fn unbind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno> {
        self.unbind(ksock, is_replier, name)
    }
    fn write(&mut self, ksock: u32) {
        self.write(ksock);
    }
    fn send(&mut self, ksock: u32, msg: Msg) -> Result<Id, Errno> {
        self.send(ksock, &msg)
    }
    fn send_again(&mut self, ksock: u32) -> Result<Id, Errno> {
        self.send_again(ksock)
    }
    fn poll(&mut self, ksock: u32) -> (bool, bool) {
        self.poll(ksock)
    }
    fn discard(&mut self, ksock: u32) {
        self.discard(ksock);
    }
    fn next(&mut self, ksock: u32) -> Option<Msg> {
        self.next(ksock)
    }
    fn model(&self) -> &Model {
        &self.model
    }
}

/// A request that its reader is to answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub by: u32,
    pub id: Id,
    pub name: Vec<u8>,
}

/// What the one in a seat remembers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct User {
    pub ksock: u32,
    /// The requests that it has made and that were accepted, without those whose answers it has
    /// read, and those that it knows were withdrawn.
    pub waiting: Vec<Id>,
    /// What it was asked, and has not answered.
    pub asked: Vec<Asked>,
    /// What it has read, urgent messages and those of the bus itself left out.
    pub heard: Vec<Id>,
}

/// A bus and its users.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Play<B> {
    pub bus: B,
    /// Who has which seat.
    pub seats: Vec<Option<User>>,
    pub sent: u32,
    /// A promise that was not kept when it was due.
    pub broken: Option<&'static str>,
}

pub const ONLY_WHO_ASKS: &str = "an answer is read only by who asked, and once";
pub const ALL_OR_NOBODY: &str = "a refused send reaches nobody";
pub const ANSWER_FITS: &str = "who was asked can answer: the room for it was kept";

impl<B: Bus> Play<B> {
    pub fn new(mut bus: B, table: &Table) -> Self {
        let seats = table.seats.iter().map(|seat| {
            let user = User::new(bus.open());
            bus.limit(user.ksock, seat.limit);
            for &(role, name) in &seat.binds {
                // Of several repliers the first has it.
                let _ = bus.bind(user.ksock, role, name);
            }
            Some(user)
        });
        Play {
            seats: seats.collect(),
            bus,
            sent: 0,
            broken: None,
        }
    }

    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.seats.iter().flatten()
    }

    /// All that may happen now.
    pub fn actions(&self, table: &Table) -> Vec<Action> {
        let mut actions = Vec::new();
        let model = self.bus.model();
        let may_send = table.messages.is_none_or(|most| self.sent < most);
        for (at, (seat, user)) in table.seats.iter().zip(&self.seats).enumerate() {
            let Some(user) = user else {
                actions.push(Action::Open(at));
                continue;
            };
            let ksock = user.ksock;
            if model.num_msgs(ksock) > 0 {
                let next = model.queue(ksock).next();
                let asks = next.is_some_and(|msg| msg.flags & WANT_YOU_TO_REPLY != 0);
                let owed = user.asked.len().max(model.unreplied_to(ksock) as usize);
                if !asks || owed < table.owed {
                    actions.push(Action::Next(at));
                }
            }
            if model.is_sending(ksock) || model.outcome(ksock).is_some() {
                actions.push(Action::Poll(at));
                if seat.impatient {
                    actions.extend([Action::SendAgain(at), Action::Discard(at)]);
                }
            }
            if !model.is_sending(ksock) {
                if may_send {
                    let says = seat
                        .says
                        .iter()
                        .filter(|say| say.to.is_none_or(|to| self.seats[to].is_some()));
                    actions.extend(says.map(|&say| Action::Send(at, say)));
                }
                actions.extend((0..user.asked.len()).map(|n| Action::Answer(at, n)));
            }
            if seat.rebinds {
                for (n, &(role, name)) in seat.binds.iter().enumerate() {
                    if model.is_bound(ksock, role, name) {
                        actions.push(Action::Unbind(at, n));
                    } else {
                        actions.push(Action::Bind(at, n));
                    }
                }
            }
            if seat.mortal {
                actions.push(Action::Close(at));
            }
        }
        actions
    }

    fn user(&mut self, seat: usize) -> &mut User {
        self.seats[seat].as_mut().expect("somebody in that seat")
    }

    pub fn act(&mut self, table: &Table, action: &Action) {
        match *action {
            Action::Open(at) => {
                let ksock = self.bus.open();
                let seat = &table.seats[at];
                self.bus.limit(ksock, seat.limit);
                if !seat.rebinds {
                    for &(role, name) in &seat.binds {
                        let _ = self.bus.bind(ksock, role, name);
                    }
                }
                self.seats[at] = Some(User::new(ksock));
            }
            Action::Close(at) => {
                let ksock = self.user(at).ksock;
                self.bus.close(ksock);
                self.seats[at] = None;
            }
            Action::Bind(at, n) => {
                let (role, name) = table.seats[at].binds[n];
                let ksock = self.user(at).ksock;
                // Another may have the name.
                let _ = self.bus.bind(ksock, role, name);
            }
            Action::Unbind(at, n) => {
                let (role, name) = table.seats[at].binds[n];
                let ksock = self.user(at).ksock;
                self.bus.unbind(ksock, role, name).expect("it is bound");
            }
            Action::Send(at, say) => {
                let to = say.to.and_then(|to| self.seats[to].as_ref());
                let msg = Msg {
                    name: say.name.to_vec(),
                    flags: say.flags,
                    to: to.map_or(0, |user| user.ksock),
                    ..Msg::default()
                };
                // Where any number may be sent nobody counts.
                self.sent += u32::from(table.messages.is_some());
                let _ = self.send(at, msg);
            }
            Action::Answer(at, n) => {
                let stubborn = table.seats[at].stubborn;
                let asked = &mut self.user(at).asked;
                let request = match stubborn {
                    // Once more, until it is told that nobody asks.
                    true => asked[n].clone(),
                    false => asked.remove(n),
                };
                let awaited = self
                    .users()
                    .any(|user| user.ksock == request.by && user.waiting.contains(&request.id));
                let msg = Msg {
                    name: request.name.clone(),
                    to: request.by,
                    in_reply_to: request.id,
                    ..Msg::default()
                };
                let told = self.send(at, msg);
                if told.is_err() {
                    self.user(at).asked.retain(|other| *other != request);
                    // An answer that is on its way already is no longer awaited by the bus.
                    let on_its_way = self.bus.model().open_ksocks().contains(&request.by)
                        && (self.bus.model().queue(request.by))
                            .any(|msg| msg.in_reply_to == request.id);
                    if awaited && !on_its_way {
                        self.broken = Some(ANSWER_FITS);
                    }
                }
            }
            Action::SendAgain(at) => {
                let ksock = self.user(at).ksock;
                self.retry(at, |bus| bus.send_again(ksock));
            }
            Action::Poll(at) => {
                let ksock = self.user(at).ksock;
                self.bus.poll(ksock);
            }
            Action::Discard(at) => {
                let ksock = self.user(at).ksock;
                self.withdrawn(at);
                self.bus.discard(ksock);
            }
            Action::Next(at) => {
                let ksock = self.user(at).ksock;
                if let Some(msg) = self.bus.next(ksock) {
                    self.read(at, &msg, table.hearing);
                }
            }
        }
    }

    fn send(&mut self, at: usize, msg: Msg) -> Result<Id, Errno> {
        let ksock = self.user(at).ksock;
        let asks = msg.flags & WANT_A_REPLY != 0;
        self.bus.write(ksock);
        let queues = self.queues();
        let told = self.bus.send(ksock, msg);
        if asks && matches!(told, Ok(_) | Err(Errno::EAGAIN)) {
            let id = self.bus.model().last_sent(ksock);
            self.user(at).waiting.push(id);
        }
        if told.is_err() && self.queues() != queues {
            self.broken = Some(ALL_OR_NOBODY);
        }
        told
    }

    fn retry(&mut self, at: usize, send: impl FnOnce(&mut B) -> Result<Id, Errno>) {
        let queues = self.queues();
        let before = self.pending(at);
        let told = send(&mut self.bus);
        if told.is_err() && self.queues() != queues {
            self.broken = Some(ALL_OR_NOBODY);
        }
        if let (Err(errno), Some(id)) = (told, before) {
            if errno != Errno::EAGAIN {
                self.user(at).waiting.retain(|&other| other != id);
            }
        }
    }

    /// The id of what a seat is sending, or was in vain.
    fn pending(&self, at: usize) -> Option<Id> {
        let ksock = self.seats[at].as_ref()?.ksock;
        self.bus.model().not_sent(ksock)
    }

    /// It knows that what it was sending is not sent.
    fn withdrawn(&mut self, at: usize) {
        if let Some(id) = self.pending(at) {
            self.user(at).waiting.retain(|&other| other != id);
        }
    }

    fn read(&mut self, at: usize, msg: &Msg, hearing: bool) {
        if msg.in_reply_to != (0, 0) {
            let waiting = &mut self.user(at).waiting;
            match waiting.iter().position(|&id| id == msg.in_reply_to) {
                Some(found) => drop(waiting.remove(found)),
                // A listener hears the answers to others.
                None if msg.to != self.user(at).ksock => {}
                None => self.broken = Some(ONLY_WHO_ASKS),
            }
        }
        if msg.flags & WANT_YOU_TO_REPLY != 0 {
            self.user(at).asked.push(Asked {
                by: msg.from,
                id: msg.id,
                name: msg.name.clone(),
            });
        }
        if hearing && is_in_order(msg) {
            self.user(at).heard.push(msg.id);
        }
    }

    /// What is in each queue.
    fn queues(&self) -> Vec<Vec<Id>> {
        let queue = |user: &User| self.bus.model().queue(user.ksock).map(|msg| msg.id);
        self.users().map(|user| queue(user).collect()).collect()
    }
}

/// Urgent messages overtake, and what the bus says itself is for one reader.
pub fn is_in_order(msg: &Msg) -> bool {
    msg.flags & (URGENT | SYNTHETIC) == 0
}

impl User {
    fn new(ksock: u32) -> User {
        User {
            ksock,
            waiting: Vec::new(),
            asked: Vec::new(),
            heard: Vec::new(),
        }
    }
}

impl Play<Spoiled> {
    /// As [`Model::renumber`], the users included. What was asked by who is gone can be answered
    /// by nobody's leave, and stays.
    pub fn renumber(&mut self) {
        let users: Vec<&User> = self.users().collect();
        let asked = || users.iter().flat_map(|user| &user.asked);
        let ids: Vec<Id> = users
            .iter()
            .flat_map(|user| user.waiting.iter().chain(&user.heard).copied())
            .chain(asked().map(|asked| asked.id))
            .collect();
        let ksocks: Vec<u32> = asked().map(|asked| asked.by).collect();
        let new = self.bus.model.renumber(&ids, &ksocks);
        for user in self.seats.iter_mut().flatten() {
            user.ksock = new.ksock(user.ksock);
            let ids = user.waiting.iter_mut().chain(&mut user.heard);
            ids.for_each(|id| *id = new.id(*id));
            for asked in &mut user.asked {
                asked.by = new.ksock(asked.by);
                asked.id = new.id(asked.id);
            }
        }
    }
}
