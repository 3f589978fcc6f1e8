// SPDX-License-Identifier: GPL-2.0-only
//! Replier bind events, and what becomes of those that a close makes and nobody has room for.

use super::{
    Bind,
    Errno::{self, *},
    Model, Msg, Sock, ALL_OR_FAIL, BIND_EVENT, EVENTS_LOST, MOST_SET_ASIDE, SYNTHETIC,
};

impl Model {
    /// §6.4, what it looks like.
    pub(super) fn event(&mut self, binder: u32, name: &[u8], is_bind: bool) -> Msg {
        let mut data = Vec::new();
        for word in [u32::from(is_bind), binder, name.len() as u32] {
            data.extend(word.to_ne_bytes());
        }
        data.extend(name);
        data.resize(12 + (name.len() + 4) / 4 * 4, 0);
        Msg {
            id: self.new_id(),
            flags: SYNTHETIC | ALL_OR_FAIL,
            name: BIND_EVENT.to_vec(),
            data,
            ..Msg::default()
        }
    }

    /// §6.3 and §6.4, for BIND and UNBIND.
    pub(super) fn announce(
        &mut self,
        binder: u32,
        name: &[u8],
        is_bind: bool,
    ) -> Result<(), Errno> {
        if !self.reporting {
            return Ok(());
        }
        let msg = self.event(binder, name, is_bind);
        let (recipients, all) = self.recipients(BIND_EVENT);
        if !all {
            return Err(EAGAIN);
        }
        for (id, serial) in recipients {
            self.insert_once(id, &msg, serial);
        }
        Ok(())
    }

    /// §6.5. The closing ksock is gone already, with all by which it listened.
    pub(super) fn announce_at_close(&mut self, bind: &Bind) {
        let msg = self.event(bind.ksock, &bind.name, false);
        let (recipients, all) = self.recipients(BIND_EVENT);
        if all {
            for (id, serial) in recipients {
                self.insert_once(id, &msg, serial);
            }
            return;
        }
        let mut recipients = self.listeners(BIND_EVENT);
        if !self.events_lost && self.set_aside() + recipients.len() <= MOST_SET_ASIDE {
            for (id, serial) in recipients {
                self.put_aside(id, &msg, serial);
            }
            return;
        }
        self.events_lost = true;
        let told = |sock: &Sock| {
            let mut aside = sock.queue.iter().filter(|copy| copy.aside);
            aside.any(|copy| copy.msg.name == EVENTS_LOST)
        };
        recipients.retain(|&(id, _)| !told(self.sock(id)));
        if recipients.is_empty() {
            return;
        }
        let lost = Msg {
            id: self.new_id(),
            flags: SYNTHETIC,
            name: EVENTS_LOST.to_vec(),
            ..Msg::default()
        };
        // One for each ksock. (Choice: it goes with the newest of its bindings.)
        for (id, serial) in recipients {
            if !told(self.sock(id)) {
                self.put_aside(id, &lost, serial);
            }
        }
    }
}
