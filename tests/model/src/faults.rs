// SPDX-License-Identifier: GPL-2.0-only
//! Faults, each in one verb, to see that the promises notice; and the model with one of them, or
//! with none.

use crate::play::Bus;
use kbus_test_bus::model::{Errno, Id, Model, Msg, WANT_A_REPLY};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Who closes does not answer what it has read.
    ForgetsDebts,
    /// An answer does not end the request: there will be another one.
    AnswersTwice,
    /// An answer leaves the room for it set aside.
    ReservesAnswer,
    /// An answer is accepted, and gets lost.
    LosesAnswer,
    /// No room is set aside for the answer.
    SetsNothingAside,
    /// One more than the limit is let in.
    LetsOneMoreIn,
    /// One recipient gets a message before the one that was sent earlier.
    Overtakes,
    /// A send is refused, but somebody has got the message.
    SendsHalf,
    /// What waits is not tried again, whatever happens.
    NeverGoesOn,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spoiled {
    pub model: Model,
    pub fault: Option<Fault>,
}

impl Spoiled {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn last_ksock(&self) -> u32 {
        self.model.open_ksocks().pop().unwrap_or(0)
    }

    fn change_limits(&mut self, change: impl Fn(u32) -> u32) {
        for ksock in self.model.open_ksocks() {
            let limit = self.model.limit(ksock);
            self.model.max_msgs(ksock, change(limit));
        }
    }
}

impl Bus for Spoiled {
    fn open(&mut self) -> u32 {
        // User 0 may have anything.
        self.model.open(0).expect("it may be opened")
    }

    fn close(&mut self, ksock: u32) {
        if self.has(Fault::ForgetsDebts) {
            self.model.forget_debts(ksock);
        }
        self.model.close(ksock);
    }

    fn limit(&mut self, ksock: u32, limit: u32) {
        self.model.max_msgs(ksock, limit);
    }

    fn bind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno> {
        self.model.bind(ksock, is_replier, name)
    }

    fn unbind(&mut self, ksock: u32, is_replier: u32, name: &[u8]) -> Result<(), Errno> {
        self.model.unbind(ksock, is_replier, name)
    }

    fn write(&mut self, ksock: u32) {
        self.model.write(ksock);
    }

    fn send(&mut self, ksock: u32, msg: Msg) -> Result<Id, Errno> {
        let Some(fault) = self.fault else {
            return self.model.send(ksock, msg);
        };
        let before = self.model.clone();
        if fault == Fault::LetsOneMoreIn {
            self.change_limits(|limit| limit + 1);
        }
        let told = self.model.send(ksock, msg.clone());
        if fault == Fault::LetsOneMoreIn {
            self.change_limits(|limit| limit - 1);
        }
        let is_answer = msg.in_reply_to != (0, 0);
        match fault {
            Fault::AnswersTwice if told.is_ok() && is_answer => {
                self.model.await_as(&before, msg.to);
                self.model.owe_as(&before, ksock);
            }
            Fault::ReservesAnswer if told.is_ok() && is_answer => {
                self.model.await_as(&before, msg.to);
            }
            Fault::LosesAnswer if told.is_ok() && is_answer => {
                self.model.lose_newest(msg.to);
            }
            Fault::SetsNothingAside if told.is_ok() && msg.flags & WANT_A_REPLY != 0 => {
                self.model.await_as(&before, ksock);
            }
            Fault::Overtakes if told.is_ok() => {
                let last = self.last_ksock();
                self.model.swap_newest(last);
            }
            Fault::SendsHalf if told == Err(Errno::EBUSY) => {
                let id = self.model.last_sent(ksock);
                let last = self.last_ksock();
                self.model.slip(last, &msg, id);
            }
            _ => {}
        }
        told
    }

    fn send_again(&mut self, ksock: u32) -> Result<Id, Errno> {
        self.model.send_again(ksock)
    }

    fn poll(&mut self, ksock: u32) -> (bool, bool) {
        if self.has(Fault::NeverGoesOn) {
            return (
                self.model.num_msgs(ksock) > 0,
                !self.model.is_sending(ksock),
            );
        }
        self.model.poll(ksock)
    }

    fn discard(&mut self, ksock: u32) {
        self.model.discard(ksock);
    }

    fn next(&mut self, ksock: u32) -> Option<Msg> {
        self.model.next(ksock)
    }

    fn model(&self) -> &Model {
        &self.model
    }
}
