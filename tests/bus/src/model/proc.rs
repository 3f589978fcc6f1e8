// SPDX-License-Identifier: GPL-2.0-only
//! What the files in /proc say.

use super::Model;

impl Model {
    /// /proc/kbus/bindings of one device (§8.1). The pid of ksock n is n + 1000.
    pub fn bindings(&self, device: u32) -> Vec<u8> {
        let mut text = b"# <device> is bound to <Ksock-ID> in <process-PID> as \
            <Replier|Listener> for <message-name>\n"
            .to_vec();
        for bind in self.bindings.iter().rev() {
            let role = if bind.is_replier != 0 { 'R' } else { 'L' };
            let (ksock, pid) = (bind.ksock, bind.ksock + 1000);
            text.extend(format!("{device:3}: {ksock:8} {pid:8}  {role}  ").into_bytes());
            text.extend(&bind.name);
            text.push(b'\n');
        }
        text
    }

    /// /proc/kbus/stats of one device whose files neither read nor write (§8.2). (Choice: the
    /// "size" of the outstanding requests is their number, at least 16.)
    pub fn stats(&self, device: u32) -> String {
        let next = |last: u32| if last == 0 { 0 } else { last.wrapping_add(1) };
        let mut text = format!(
            "dev {device:2}: next ksock {} next msg {} unsent unbindings {}{}\n",
            next(self.last_ksock),
            next(self.last_serial),
            self.set_aside(),
            if self.events_lost {
                "(gone tragic)"
            } else {
                ""
            },
        );
        for sock in self.socks.iter().rev() {
            text += &format!(
                "    ksock {} last msg {}:{} queue {} of {}\n      \
                 read byte 0 of 0, wrote byte 0 of HDR (not finished), {}sending\n      \
                 outstanding requests {} (size {}, max {}), unsent replies {} (max {})\n",
                sock.id,
                sock.last_sent.0,
                sock.last_sent.1,
                sock.queued(),
                sock.limit,
                if sock.pending.is_some() { "" } else { "not " },
                sock.awaited.len(),
                sock.awaited.len().max(16),
                sock.most_awaited,
                sock.owed.len(),
                sock.most_owed,
            );
        }
        text
    }
}
