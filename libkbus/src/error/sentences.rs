// SPDX-License-Identifier: GPL-2.0-only
//! What each errno means on a bus, and what to do about it: one table, which
//! follows sections 3.7, 3.8, 5.7 and Appendix B. The other languages say the
//! same; `libkbus/vectors/errnos.json` holds all of them together.

use crate::error::call::Call::{self, *};
use crate::error::errno::Errno;

/// What is said about some errnos of some calls.
pub(crate) struct Sentence {
    /// The calls; empty: each of which nothing else is said.
    calls: &'static [Call],
    errnos: &'static [Errno],
    /// What is the matter, in terms of the bus.
    pub(crate) meaning: &'static str,
    /// What to do about it.
    pub(crate) advice: &'static str,
}

/// Returns what is to be said when `call` failed with `errno`: the first that
/// fits.
pub(crate) fn sentence(call: Call, errno: Errno) -> Option<&'static Sentence> {
    SENTENCES.iter().find(|sentence| {
        sentence.errnos.contains(&errno)
            && (sentence.calls.is_empty() || sentence.calls.contains(&call))
    })
}

const SENTENCES: &[Sentence] = &[
    Sentence {
        calls: &[Open],
        errnos: &[Errno::ENOENT],
        meaning: "there is no such bus",
        advice: "load the module (modprobe kbus), or look which buses there are (ls /dev/kbus*)",
    },
    Sentence {
        calls: &[Open],
        errnos: &[Errno::ENXIO, Errno::ENODEV],
        meaning: "there is a device node but no bus behind it",
        advice: "load the module (modprobe kbus); remove the node if it was made by hand",
    },
    Sentence {
        calls: &[Open],
        errnos: &[Errno::EACCES, Errno::EPERM],
        meaning: "we may not use this bus",
        advice: "run as a user whom the mode of the device node admits, or change the mode",
    },
    Sentence {
        calls: &[Open],
        errnos: &[Errno::EMFILE, Errno::ENFILE],
        meaning: "too many files are open",
        advice: "close some, or raise the limit (ulimit -n)",
    },
    Sentence {
        calls: &[Open],
        errnos: &[Errno::EDQUOT],
        meaning: "this user has as many Ksocks open as it may, on all buses together",
        advice: "close some, or have the limit raised (module parameter kbus_max_user_ksocks)",
    },
    Sentence {
        calls: &[Write],
        errnos: &[Errno::EBADF],
        meaning: "this Ksock is open for reading only",
        advice: "open it for writing as well",
    },
    Sentence {
        calls: &[Read],
        errnos: &[Errno::EBADF],
        meaning: "this Ksock is open for writing only",
        advice: "open it for reading as well",
    },
    Sentence {
        calls: &[Read],
        errnos: &[Errno::EBADMSG],
        meaning: "the message ended before it was complete",
        advice: "use a Ksock in one program at a time, and read it through this library only",
    },
    Sentence {
        calls: &[Write],
        errnos: &[Errno::EALREADY],
        meaning: "an earlier message still waits for room at its recipients",
        advice: "wait until the Ksock is writable, or discard that message",
    },
    Sentence {
        calls: &[Write],
        errnos: &[Errno::EINVAL],
        meaning: "the message is not well formed, or has both ALL_OR_WAIT and ALL_OR_FAIL",
        advice: "choose one of the two flags",
    },
    Sentence {
        calls: &[Write],
        errnos: &[Errno::EMSGSIZE],
        meaning: "the message is larger than this bus takes",
        advice: "send less at a time, or raise the limit of the bus (MAXMSGSIZE)",
    },
    Sentence {
        calls: &[Bind],
        errnos: &[Errno::EADDRINUSE],
        meaning: "somebody else is the replier for this name",
        advice: "there is one replier for a name: choose another, or end the other program",
    },
    Sentence {
        calls: &[Bind],
        errnos: &[Errno::EDQUOT],
        meaning: "this user has as many bindings as it may, on all buses together",
        advice: "undo some, or have the limit raised (module parameter kbus_max_user_bindings)",
    },
    Sentence {
        calls: &[Bind, Unbind],
        errnos: &[Errno::EAGAIN],
        meaning: "somebody listens for repliers that come and go, and has a full queue",
        advice: "try again when that program has read some of its messages",
    },
    Sentence {
        calls: &[Bind],
        errnos: &[Errno::EBADMSG],
        meaning: "this is no name to bind to, or not one to be the replier for",
        advice: "names look like $.Lamp.Kitchen, $.Lamp.* or $.Lamp.%",
    },
    Sentence {
        calls: &[Unbind],
        errnos: &[Errno::EBADMSG],
        meaning: "this is no name to bind to",
        advice: "names look like $.Lamp.Kitchen, $.Lamp.* or $.Lamp.%",
    },
    Sentence {
        calls: &[Unbind],
        errnos: &[Errno::EINVAL],
        meaning: "this Ksock is not bound to that name in that role",
        advice: "unbind what was bound: the same name, the same role",
    },
    Sentence {
        calls: &[Ask],
        errnos: &[Errno::EADDRNOTAVAIL],
        meaning: "nobody replies to this name",
        advice: "start a replier for this name first",
    },
    Sentence {
        calls: &[Answer],
        errnos: &[Errno::EADDRNOTAVAIL],
        meaning: "whoever asked has gone",
        advice: "nothing is to be done: nobody waits for this reply",
    },
    Sentence {
        calls: &[Answer],
        errnos: &[Errno::ECONNREFUSED],
        meaning:
            "the recipient does not expect this reply: it did not ask, or was answered already",
        advice: "answer each request once",
    },
    Sentence {
        calls: &[Ask],
        errnos: &[Errno::EPIPE],
        meaning: "the name has another replier now than the one this conversation was with",
        advice: "begin the conversation anew, with an ordinary request",
    },
    Sentence {
        calls: &[Ask],
        errnos: &[Errno::EBUSY],
        meaning: "the queue of the replier is full, or that of a listener who must not miss it",
        advice: "try again later, or let ALL_OR_WAIT wait for room",
    },
    Sentence {
        calls: &[Answer],
        errnos: &[Errno::EBUSY],
        meaning: "the queue of whoever asked is full, or that of a listener who must not miss it",
        advice: "try again later, or let ALL_OR_WAIT wait for room",
    },
    Sentence {
        calls: &[Send],
        errnos: &[Errno::EBUSY],
        meaning: "the queue of a listener who must not miss it is full",
        advice: "try again later, or let ALL_OR_WAIT wait for room",
    },
    Sentence {
        calls: &[Send, Ask, Answer],
        errnos: &[Errno::EAGAIN],
        meaning: "it waits to be sent: the queue of somebody who must not miss it is full",
        advice: "wait until the Ksock is writable, or discard the message",
    },
    Sentence {
        calls: &[Ask],
        errnos: &[Errno::ENOLCK],
        meaning: "our own queue has no room for the answer",
        advice: "read some messages first, or raise the limit of our queue (MAXMSGS)",
    },
    Sentence {
        calls: &[Send, Ask, Answer],
        errnos: &[Errno::ENOMSG],
        meaning: "there is no message to send",
        advice: "use a Ksock in one program at a time",
    },
    Sentence {
        calls: &[Send, Ask, Answer],
        errnos: &[Errno::EINVAL],
        meaning: "the message was not written entirely",
        advice: "use a Ksock in one program at a time",
    },
    Sentence {
        calls: &[Send, Ask, Answer, Write],
        errnos: &[Errno::EBADMSG],
        meaning: "this is no name for a message",
        advice: "names look like $.Lamp.Kitchen; wildcards are for binding only",
    },
    Sentence {
        calls: &[NewDevice],
        errnos: &[Errno::EINVAL],
        meaning: "there are 256 buses, and there can be no more",
        advice: "use one of them",
    },
    Sentence {
        calls: &[NewDevice],
        errnos: &[Errno::EDQUOT],
        meaning: "this user has made as many buses as it may",
        advice: "use one of them, or have the limit raised (module parameter kbus_max_user_buses)",
    },
    Sentence {
        calls: &[RemoveDevice],
        errnos: &[Errno::ENXIO],
        meaning: "there is no such bus",
        advice: "look which buses there are (ls /dev/kbus*)",
    },
    Sentence {
        calls: &[RemoveDevice],
        errnos: &[Errno::EPERM],
        meaning: "the bus is not one that we have made",
        advice:
            "let who made it, or an administrator, remove it; those that the module began with \
                 stay",
    },
    Sentence {
        calls: &[RemoveDevice],
        errnos: &[Errno::EBUSY],
        meaning: "somebody has the bus open",
        advice: "close it everywhere first (kbus-tool stats says which Ksocks it has)",
    },
    Sentence {
        calls: &[Verbose, ReportReplierBinds, MaxMessageSize, NewDevice],
        errnos: &[Errno::EPERM],
        meaning: "this concerns all who use the bus, and here not everybody may do it",
        advice: "let an administrator or the node's owner do it (module parameter \
                 kbus_settings)",
    },
    Sentence {
        calls: &[ReportReplierBinds],
        errnos: &[Errno::EBUSY],
        meaning: "our own queue had no room to tell of all repliers; reporting is on",
        advice: "read the messages, or raise the limit of our queue first (MAXMSGS)",
    },
    Sentence {
        calls: &[MaxMessageSize],
        errnos: &[Errno::EINVAL],
        meaning: "messages cannot be limited to this size",
        advice: "choose at least 100 bytes, and no more than the largest that the module allows",
    },
    Sentence {
        calls: &[MaxMessages],
        errnos: &[Errno::EINVAL],
        meaning: "a queue has room for at least one message",
        advice: "choose 1 or more",
    },
    Sentence {
        calls: &[],
        errnos: &[Errno::ENAMETOOLONG],
        meaning: "the name is too long",
        advice: "use at most 1000 bytes",
    },
    Sentence {
        calls: &[],
        errnos: &[Errno::ENOTTY],
        meaning: "this is no KBUS device",
        advice: "open /dev/kbus0, /dev/kbus1, ...",
    },
    Sentence {
        calls: &[],
        errnos: &[Errno::ENOMEM],
        meaning: "the kernel has no memory for it",
        advice: "free some and try again",
    },
    Sentence {
        calls: &[],
        errnos: &[Errno::EINTR],
        meaning: "a signal came first",
        advice: "try again",
    },
    Sentence {
        calls: &[],
        errnos: &[Errno::EFAULT],
        meaning: "the kernel could not reach our memory",
        advice: "report this as a bug",
    },
];
