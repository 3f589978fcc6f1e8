// SPDX-License-Identifier: GPL-2.0-only
//! What goes wrong: [`Error`], one for the whole library. It says which call
//! failed with which errno, what that means on a bus, and what to do about it.
//! The tables follow sections 3.7, 3.8, 5.7 and Appendix B.

use std::fmt;
use std::io;

use crate::id::MessageId;
use crate::name::NameError;
use crate::status::Status;

/// Why something did not work.
///
/// In text it says all there is to say: what was tried, what is the matter in
/// terms of the bus, the errno, and what to do. The parts are at
/// [`meaning`](Error::meaning), [`advice`](Error::advice) and
/// [`errno`](Error::errno).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The bus refused a call.
    Refused {
        /// Which call.
        call: Call,
        /// What it said.
        errno: Errno,
    },
    /// The bus answered a request itself, since the replier will not.
    Unanswered {
        /// The request.
        request: MessageId,
        /// What became of it.
        status: Status,
    },
    /// Nobody answered a request in time. It stays asked: an answer that comes
    /// later is received like any other message.
    TimedOut {
        /// The request.
        request: MessageId,
    },
    /// Before the answer to a request, more messages arrived than are put
    /// aside ([`Request::call`](crate::Request::call)). They are received in
    /// order, and the answer after them, like any other message.
    Crowded {
        /// The request.
        request: MessageId,
    },
    /// What should have been a name, or a pattern, is none.
    Name(NameError),
    /// Waiting for the answer to what is not a request.
    NotARequest,
    /// Answering what was not asked: the message is no request, or is
    /// somebody else's to answer.
    NotAsked,
    /// Continuing a conversation with what was no part of one: the message is
    /// neither a reply nor a stateful request.
    NotAConversation,
    /// Bytes that should have been a message are none.
    Malformed(Malformed),
}

/// What is wrong with bytes that should be a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Too short, too long, or not as long as its header says.
    Length,
    /// Does not begin or end as messages do.
    Guard,
    /// Has pointers in it, as only messages that are written may.
    Pointer,
    /// Its name is none.
    Name(NameError),
}

/// Calls of the bus, as they are named in errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// Opening the device.
    Open,
    /// Writing a message.
    Write,
    /// Reading a message.
    Read,
    /// Waiting for the device.
    Poll,
    /// BIND.
    Bind,
    /// UNBIND.
    Unbind,
    /// KSOCKID.
    KsockId,
    /// REPLIER.
    Replier,
    /// NEXTMSG.
    NextMessage,
    /// LENLEFT.
    LenLeft,
    /// SEND of an announcement.
    Send,
    /// SEND of a request.
    Ask,
    /// SEND of a reply.
    Answer,
    /// DISCARD.
    Discard,
    /// LASTSENT.
    LastSent,
    /// MAXMSGS.
    MaxMessages,
    /// NUMMSGS.
    NumMessages,
    /// UNREPLIEDTO.
    UnrepliedTo,
    /// MSGONLYONCE.
    OnlyOnce,
    /// VERBOSE.
    Verbose,
    /// NEWDEVICE.
    NewDevice,
    /// REPORTREPLIERBINDS.
    ReportReplierBinds,
    /// MAXMSGSIZE.
    MaxMessageSize,
}

/// An errno, with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

impl Error {
    /// The errno, or the one that is nearest. None when a request was
    /// delivered and the bus answered it: no call has failed then.
    pub fn errno(&self) -> Option<Errno> {
        Some(Errno(match self {
            Error::Refused { errno, .. } => errno.0,
            Error::Unanswered { .. } => return None,
            Error::TimedOut { .. } => libc::ETIMEDOUT,
            Error::Crowded { .. } => libc::ENOBUFS,
            Error::Name(NameError::TooLong(_)) => libc::ENAMETOOLONG,
            Error::NotARequest => libc::EINVAL,
            Error::Name(_) | Error::NotAsked | Error::NotAConversation | Error::Malformed(_) => {
                libc::EBADMSG
            }
        }))
    }

    /// What is the matter, in terms of the bus.
    pub fn meaning(&self) -> String {
        match self {
            Error::Refused { call, errno } => match words(*call, *errno) {
                Some((meaning, _)) => meaning.into(),
                None => io::Error::from_raw_os_error(errno.0).kind().to_string(),
            },
            Error::Unanswered { status, .. } => status.to_string(),
            Error::TimedOut { .. } => "no answer came in time".into(),
            Error::Crowded { .. } => {
                "more other messages came before the answer than are put aside".into()
            }
            Error::Name(why) => why.to_string(),
            Error::NotARequest => "this message is not a request: nobody will answer it".into(),
            Error::NotAsked => {
                "this message is not a request that we are expected to answer".into()
            }
            Error::NotAConversation => {
                "this message is neither a reply nor a stateful request, so there is nobody to \
                 continue with"
                    .into()
            }
            Error::Malformed(why) => why.to_string(),
        }
    }

    /// What to do about it; empty where that is not known.
    pub fn advice(&self) -> &'static str {
        match self {
            Error::Refused { call, errno } => words(*call, *errno).map_or("", |(_, todo)| todo),
            Error::Unanswered { status, .. } => match status {
                Status::GoneAway | Status::Unbound | Status::Disappeared => {
                    "start a replier for this name and ask again"
                }
                Status::Ignored => "whether it was acted upon is not known",
                Status::ErrorSending => "send it again to learn the reason",
                Status::Other(_) => "",
            },
            Error::TimedOut { .. } => "wait longer; an answer may still come",
            Error::Crowded { .. } => {
                "receive them, and the answer after them; to avoid it ask on a Ksock of its own, \
                 or raise the limit of the queue (MAXMSGS)"
            }
            Error::Name(_) => "names look like $.Lamp.Kitchen, patterns like $.Lamp.* or $.Lamp.%",
            Error::NotARequest => "send it instead, without waiting",
            Error::NotAsked => "answer only messages that are for us to answer",
            Error::NotAConversation => {
                "begin with an ordinary request, and continue with its reply"
            }
            Error::Malformed(_) => "",
        }
    }
}

/// Meaning and advice for each errno that a call of the bus gives.
fn words(call: Call, errno: Errno) -> Option<(&'static str, &'static str)> {
    Some(match (call, errno.0) {
        (Call::Open, libc::ENOENT) => (
            "there is no such bus",
            "load the module (modprobe kbus), or look which buses there are (ls /dev/kbus*)",
        ),
        (Call::Open, libc::ENXIO | libc::ENODEV) => (
            "there is a device node but no bus behind it",
            "load the module (modprobe kbus); remove the node if it was made by hand",
        ),
        (Call::Open, libc::EACCES | libc::EPERM) => (
            "we may not use this bus",
            "run as a user whom the mode of the device node admits, or change the mode",
        ),
        (Call::Open, libc::EMFILE | libc::ENFILE) => (
            "too many files are open",
            "close some, or raise the limit (ulimit -n)",
        ),
        (Call::Open, libc::EDQUOT) => (
            "this user has as many Ksocks open as it may, on all buses together",
            "close some, or have the limit raised (module parameter kbus_max_user_ksocks)",
        ),

        (Call::Write, libc::EBADF) => (
            "this Ksock is open for reading only",
            "open it for writing as well",
        ),
        (Call::Read, libc::EBADF) => (
            "this Ksock is open for writing only",
            "open it for reading as well",
        ),
        (Call::Read, libc::EBADMSG) => (
            "the message ended before it was complete",
            "use a Ksock in one program at a time, and read it through this library only",
        ),
        (Call::Write, libc::EALREADY) => (
            "an earlier message still waits for room at its recipients",
            "wait until the Ksock is writable, or discard that message",
        ),
        (Call::Write, libc::EINVAL) => (
            "the message is not well formed, or has both ALL_OR_WAIT and ALL_OR_FAIL",
            "choose one of the two flags",
        ),
        (Call::Write, libc::EMSGSIZE) => (
            "the message is larger than this bus takes",
            "send less at a time, or raise the limit of the bus (MAXMSGSIZE)",
        ),

        (Call::Bind, libc::EADDRINUSE) => (
            "somebody else is the replier for this name",
            "there is one replier for a name: choose another, or end the other program",
        ),
        (Call::Bind, libc::EDQUOT) => (
            "this user has as many bindings as it may, on all buses together",
            "undo some, or have the limit raised (module parameter kbus_max_user_bindings)",
        ),
        (Call::Bind | Call::Unbind, libc::EAGAIN) => (
            "somebody listens for repliers that come and go, and has a full queue",
            "try again when that program has read some of its messages",
        ),
        (Call::Bind, libc::EBADMSG) => (
            "this is no name to bind to, or not one to be the replier for",
            "names look like $.Lamp.Kitchen, $.Lamp.* or $.Lamp.%",
        ),
        (Call::Unbind, libc::EBADMSG) => (
            "this is no name to bind to",
            "names look like $.Lamp.Kitchen, $.Lamp.* or $.Lamp.%",
        ),
        (Call::Unbind, libc::EINVAL) => (
            "this Ksock is not bound to that name in that role",
            "unbind what was bound: the same name, the same role",
        ),

        (Call::Ask, libc::EADDRNOTAVAIL) => (
            "nobody replies to this name",
            "start a replier for this name first",
        ),
        (Call::Answer, libc::EADDRNOTAVAIL) => (
            "whoever asked has gone",
            "nothing is to be done: nobody waits for this reply",
        ),
        (Call::Answer, libc::ECONNREFUSED) => (
            "the recipient does not expect this reply: it did not ask, or was answered already",
            "answer each request once",
        ),
        (Call::Ask, libc::EPIPE) => (
            "the name has another replier now than the one this conversation was with",
            "begin the conversation anew, with an ordinary request",
        ),
        (Call::Ask, libc::EBUSY) => (
            "the queue of the replier is full, or that of a listener who must not miss it",
            "try again later, or let ALL_OR_WAIT wait for room",
        ),
        (Call::Answer, libc::EBUSY) => (
            "the queue of whoever asked is full, or that of a listener who must not miss it",
            "try again later, or let ALL_OR_WAIT wait for room",
        ),
        (Call::Send, libc::EBUSY) => (
            "the queue of a listener who must not miss it is full",
            "try again later, or let ALL_OR_WAIT wait for room",
        ),
        (Call::Send | Call::Ask | Call::Answer, libc::EAGAIN) => (
            "it waits to be sent: the queue of somebody who must not miss it is full",
            "wait until the Ksock is writable, or discard the message",
        ),
        (Call::Ask, libc::ENOLCK) => (
            "our own queue has no room for the answer",
            "read some messages first, or raise the limit of our queue (MAXMSGS)",
        ),
        (Call::Send | Call::Ask | Call::Answer, libc::ENOMSG) => (
            "there is no message to send",
            "use a Ksock in one program at a time",
        ),
        (Call::Send | Call::Ask | Call::Answer, libc::EINVAL) => (
            "the message was not written entirely",
            "use a Ksock in one program at a time",
        ),
        (Call::Send | Call::Ask | Call::Answer | Call::Write, libc::EBADMSG) => (
            "this is no name for a message",
            "names look like $.Lamp.Kitchen; wildcards are for binding only",
        ),

        (Call::NewDevice, libc::EINVAL) => (
            "there are 256 buses, and there can be no more",
            "use one of them",
        ),
        (Call::NewDevice, libc::EDQUOT) => (
            "this user has made as many buses as it may",
            "use one of them, or have the limit raised (module parameter kbus_max_user_buses)",
        ),
        (Call::ReportReplierBinds, libc::EBUSY) => (
            "our own queue had no room to tell of all repliers; reporting is on",
            "read the messages, or raise the limit of our queue first (MAXMSGS)",
        ),
        (Call::MaxMessageSize, libc::EINVAL) => (
            "messages cannot be limited to this size",
            "choose at least 100 bytes, and no more than the largest that the module allows",
        ),
        (Call::MaxMessages, libc::EINVAL) => (
            "a queue has room for at least one message",
            "choose 1 or more",
        ),

        (_, libc::ENAMETOOLONG) => ("the name is too long", "use at most 1000 bytes"),
        (_, libc::ENOTTY) => ("this is no KBUS device", "open /dev/kbus0, /dev/kbus1, ..."),
        (_, libc::ENOMEM) => ("the kernel has no memory for it", "free some and try again"),
        (_, libc::EINTR) => ("a signal came first", "try again"),
        (_, libc::EFAULT) => (
            "the kernel could not reach our memory",
            "report this as a bug",
        ),
        _ => return None,
    })
}

impl Errno {
    /// Its name, as in `EADDRNOTAVAIL`. None for those a bus does not give.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            libc::EPERM => "EPERM",
            libc::ENOENT => "ENOENT",
            libc::EINTR => "EINTR",
            libc::EIO => "EIO",
            libc::ENXIO => "ENXIO",
            libc::EBADF => "EBADF",
            libc::EAGAIN => "EAGAIN",
            libc::ENOMEM => "ENOMEM",
            libc::EACCES => "EACCES",
            libc::EFAULT => "EFAULT",
            libc::EBUSY => "EBUSY",
            libc::ENODEV => "ENODEV",
            libc::EISDIR => "EISDIR",
            libc::EINVAL => "EINVAL",
            libc::ENFILE => "ENFILE",
            libc::EMFILE => "EMFILE",
            libc::ENOTTY => "ENOTTY",
            libc::ESPIPE => "ESPIPE",
            libc::EPIPE => "EPIPE",
            libc::ENAMETOOLONG => "ENAMETOOLONG",
            libc::ENOLCK => "ENOLCK",
            libc::ENOMSG => "ENOMSG",
            libc::EBADMSG => "EBADMSG",
            libc::EMSGSIZE => "EMSGSIZE",
            libc::EADDRINUSE => "EADDRINUSE",
            libc::EADDRNOTAVAIL => "EADDRNOTAVAIL",
            libc::ENOBUFS => "ENOBUFS",
            libc::ETIMEDOUT => "ETIMEDOUT",
            libc::ECONNREFUSED => "ECONNREFUSED",
            libc::EALREADY => "EALREADY",
            libc::EDQUOT => "EDQUOT",
            _ => return None,
        })
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

/// What was being done, as in "cannot …".
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Call::Open => "open the bus",
            Call::Write | Call::Send => "send",
            Call::Ask => "ask",
            Call::Answer => "answer",
            Call::Read | Call::NextMessage => "receive",
            Call::Poll => "wait",
            Call::Bind => "bind",
            Call::Unbind => "unbind",
            Call::KsockId => "ask for our id",
            Call::Replier => "ask for the replier",
            Call::LenLeft => "ask how much is left to read",
            Call::Discard => "discard",
            Call::LastSent => "ask for the last message sent",
            Call::MaxMessages => "limit our queue",
            Call::NumMessages => "ask how many messages wait",
            Call::UnrepliedTo => "ask how many answers we owe",
            Call::OnlyOnce => "change how often we get a message",
            Call::Verbose => "change what the kernel logs",
            Call::NewDevice => "make a bus",
            Call::ReportReplierBinds => "have repliers reported",
            Call::MaxMessageSize => "limit messages",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused { call, .. } => write!(f, "cannot {call}: ")?,
            Error::Unanswered { request, .. }
            | Error::TimedOut { request }
            | Error::Crowded { request } => {
                write!(f, "request {request}: ")?;
            }
            Error::Name(_) => f.write_str("not a name: ")?,
            Error::Malformed(_) => f.write_str("not a message: ")?,
            Error::NotARequest | Error::NotAsked | Error::NotAConversation => {}
        }
        f.write_str(&self.meaning())?;
        if let Some(errno) = self.errno() {
            write!(f, " [{errno}]")?;
        }
        match self.advice() {
            "" => Ok(()),
            advice => write!(f, "; {advice}"),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Length => f.write_str("it is not as long as it says"),
            Malformed::Guard => f.write_str("it does not begin and end as messages do"),
            Malformed::Pointer => f.write_str("there are pointers in it"),
            Malformed::Name(why) => write!(f, "bad name: {why}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Name(why) | Error::Malformed(Malformed::Name(why)) => Some(why),
            _ => None,
        }
    }
}

impl From<NameError> for Error {
    fn from(why: NameError) -> Error {
        Error::Name(why)
    }
}

impl From<Malformed> for Error {
    fn from(why: Malformed) -> Error {
        Error::Malformed(why)
    }
}

/// Keeps the kind that goes with the errno; the text is that of [`Error`].
impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = error
            .errno()
            .map_or(io::ErrorKind::ConnectionAborted, |errno| {
                io::Error::from_raw_os_error(errno.0).kind()
            });
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(call: Call, errno: i32) -> Error {
        Error::Refused {
            call,
            errno: Errno(errno),
        }
    }

    /// Every pair of call and errno that Appendix B lists and a program that
    /// uses this library can meet, and those of the limits of users.
    #[test]
    fn everything_in_the_errno_index_has_words() {
        use Call::*;
        for (errno, calls) in [
            (libc::EADDRINUSE, &[Bind][..]),
            (libc::EADDRNOTAVAIL, &[Ask, Answer]),
            (libc::EAGAIN, &[Send, Ask, Answer, Bind, Unbind]),
            (libc::EALREADY, &[Write]),
            (libc::EBADF, &[Read, Write]),
            (libc::EBADMSG, &[Bind, Unbind, Write, Send, Ask, Answer]),
            (libc::EBUSY, &[Send, Ask, Answer, ReportReplierBinds]),
            (libc::ECONNREFUSED, &[Answer]),
            (libc::EDQUOT, &[Open, Bind, NewDevice]),
            (
                libc::EFAULT,
                &[Read, Write, Bind, Unbind, Send, NextMessage],
            ),
            (
                libc::EINVAL,
                &[Write, Send, Unbind, MaxMessageSize, NewDevice],
            ),
            (libc::EINTR, &[Open, Bind, Send]),
            (libc::EMSGSIZE, &[Write]),
            (libc::ENAMETOOLONG, &[Write, Bind, Unbind, Replier]),
            (libc::ENOENT, &[Open]),
            (libc::ENXIO, &[Open]),
            (libc::ENOLCK, &[Ask]),
            (libc::ENOMEM, &[Open, Write, Send, Bind]),
            (libc::ENOMSG, &[Send]),
            (libc::ENOTTY, &[Bind, KsockId]),
            (libc::EPIPE, &[Ask]),
        ] {
            for &call in calls {
                let error = refused(call, errno);
                assert!(words(call, Errno(errno)).is_some(), "{call:?} {errno}");
                assert!(Errno(errno).name().is_some(), "{errno}");
                assert!(!error.advice().is_empty(), "{error}");
            }
        }
    }

    #[test]
    fn an_error_reads_as_a_sentence() {
        assert_eq!(
            refused(Call::Ask, libc::EPIPE).to_string(),
            "cannot ask: the name has another replier now than the one this conversation was \
             with [EPIPE]; begin the conversation anew, with an ordinary request"
        );
        let request = MessageId {
            network: 0,
            serial: 5,
        };
        assert_eq!(
            Error::Unanswered {
                request,
                status: Status::GoneAway
            }
            .to_string(),
            "request [0:5]: the replier went away before it took the request; start a replier \
             for this name and ask again"
        );
        assert_eq!(
            Error::from(NameError::Start).to_string(),
            "not a name: a name begins with \"$.\" [EBADMSG]; names look like $.Lamp.Kitchen, \
             patterns like $.Lamp.* or $.Lamp.%"
        );
        assert_eq!(
            refused(Call::Poll, 9999).to_string(),
            "cannot wait: uncategorized error [errno 9999]"
        );
    }

    #[test]
    fn io_errors_keep_the_kind() {
        let error: io::Error = refused(Call::Open, libc::ENOENT).into();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let error = Error::TimedOut {
            request: MessageId::default(),
        };
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
    }
}
