// SPDX-License-Identifier: GPL-2.0-only
//! Ways to spoil a model on purpose, for who wants to see that judges notice (`tests/model`).
//! No verb does any of this.

use super::{Copy, Id, Model, Msg};

impl Model {
    /// A ksock forgets which requests it has read.
    pub fn forget_debts(&mut self, ksock: u32) {
        self.sock_mut(ksock).owed.clear();
    }

    /// A ksock awaits again what it awaited `before`: the room for the answers with it.
    pub fn await_as(&mut self, before: &Model, ksock: u32) {
        if let (Some(old), Some(sock)) = (before.find(ksock), self.find_mut(ksock)) {
            sock.awaited.clone_from(&old.awaited);
        }
    }

    /// A ksock owes again what it owed `before`.
    pub fn owe_as(&mut self, before: &Model, ksock: u32) {
        if let (Some(old), Some(sock)) = (before.find(ksock), self.find_mut(ksock)) {
            sock.owed.clone_from(&old.owed);
        }
    }

    /// The two newest messages in a queue change places.
    pub fn swap_newest(&mut self, ksock: u32) {
        let queue = &mut self.sock_mut(ksock).queue;
        if let Some(last) = queue.len().checked_sub(1).filter(|&last| last > 0) {
            queue.swap(last - 1, last);
        }
    }

    /// A ksock gets a message that it should not.
    pub fn slip(&mut self, ksock: u32, msg: &Msg, id: Id) {
        let mut msg = msg.clone();
        msg.id = id;
        self.sock_mut(ksock).queue.push_back(Copy {
            msg,
            binding: None,
            duty: None,
            aside: false,
        });
    }

    /// The newest message in a queue is lost.
    pub fn lose_newest(&mut self, ksock: u32) {
        self.sock_mut(ksock).queue.pop_back();
    }
}
