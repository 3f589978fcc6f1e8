// SPDX-License-Identifier: GPL-2.0-only
//! What goes wrong: [`Error`], one for the whole library. It says which call
//! failed with which errno, what that means on a bus, and what to do about it.

use std::fmt;
use std::io;

use crate::wire::id::MessageId;
use crate::wire::layout::Malformed;
use crate::wire::name::NameError;
use crate::wire::status::Status;

mod call;
mod errno;
mod sentences;

use self::sentences::sentence;
pub use self::{call::Call, errno::Errno};

/// Why something did not work.
///
/// In text it says all there is to say: what was tried, what is the matter in
/// terms of the bus, the errno, and what to do. The parts are at
/// [`meaning`](Error::meaning), [`advice`](Error::advice) and
/// [`errno`](Error::errno).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call of the bus failed with an errno.
    Os {
        /// Which call.
        call: Call,
        /// The errno.
        errno: Errno,
    },
    /// The bus answered a request itself, since the replier will not.
    Unanswered {
        /// The request.
        request: MessageId,
        /// What became of it.
        status: Status,
    },
    /// No answer to a request came in time. An answer that comes later is
    /// received like any other message.
    TimedOut {
        /// The request.
        request: MessageId,
    },
    /// Before the answer to a request, more messages arrived than a call
    /// defers ([`Request::call`](crate::Request::call)). They are received in
    /// order, and the answer after them, like any other message.
    Crowded {
        /// The request.
        request: MessageId,
    },
    /// What should have been a name, or a pattern, is none.
    Name(#[from] NameError),
    /// Waiting for the answer to what is not a request.
    NotARequest,
    /// Answering what was not asked: the message is no request, or
    /// another Ksock is to answer it.
    NotAsked,
    /// Continuing a conversation with what was no part of one: the message is
    /// neither a reply nor a stateful request.
    NotAConversation,
    /// Bytes that should have been a message are none.
    Malformed(#[from] Malformed),
}

impl Error {
    /// Returns the errno, or the one that is nearest. `None` when a request was
    /// delivered and the bus answered it: no call has failed then.
    pub fn errno(&self) -> Option<Errno> {
        Some(match self {
            Error::Os { errno, .. } => *errno,
            Error::Unanswered { .. } => return None,
            Error::TimedOut { .. } => Errno::ETIMEDOUT,
            Error::Crowded { .. } => Errno::ENOBUFS,
            Error::Name(NameError::TooLong(_)) => Errno::ENAMETOOLONG,
            Error::NotARequest => Errno::EINVAL,
            Error::Name(_) | Error::NotAsked | Error::NotAConversation | Error::Malformed(_) => {
                Errno::EBADMSG
            }
        })
    }

    /// Returns what is the matter, in terms of the bus.
    pub fn meaning(&self) -> String {
        match self {
            Error::Os { call, errno } => match sentence(*call, *errno) {
                Some(sentence) => sentence.meaning.into(),
                None => io::Error::from_raw_os_error(errno.0).kind().to_string(),
            },
            Error::Unanswered { status, .. } => status.to_string(),
            Error::TimedOut { .. } => "no answer came in time".into(),
            Error::Crowded { .. } => {
                "more other messages came before the answer than are deferred".into()
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

    /// Returns what to do about it; empty where that is not known.
    pub fn advice(&self) -> &'static str {
        match self {
            Error::Os { call, errno } => {
                sentence(*call, *errno).map_or("", |sentence| sentence.advice)
            }
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Os { call, .. } => write!(f, "cannot {call}: ")?,
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

    fn os(call: Call, errno: Errno) -> Error {
        Error::Os { call, errno }
    }

    /// Every pair of call and errno that Appendix B lists and a program that
    /// uses this library can meet, and those of the limits of users.
    #[test]
    fn everything_in_the_errno_index_has_words() {
        use Call::*;
        for (errno, calls) in [
            (Errno::EADDRINUSE, &[Bind][..]),
            (Errno::EADDRNOTAVAIL, &[Ask, Answer]),
            (Errno::EAGAIN, &[Send, Ask, Answer, Bind, Unbind]),
            (Errno::EALREADY, &[Write]),
            (Errno::EBADF, &[Read, Write]),
            (Errno::EBADMSG, &[Bind, Unbind, Write, Send, Ask, Answer]),
            (Errno::EBUSY, &[Send, Ask, Answer, ReportReplierBinds]),
            (Errno::ECONNREFUSED, &[Answer]),
            (Errno::EDQUOT, &[Open, Bind, NewDevice]),
            (
                Errno::EFAULT,
                &[Read, Write, Bind, Unbind, Send, NextMessage],
            ),
            (
                Errno::EINVAL,
                &[Write, Send, Unbind, MaxMessageSize, NewDevice],
            ),
            (Errno::EINTR, &[Open, Bind, Send]),
            (Errno::EMSGSIZE, &[Write]),
            (Errno::ENAMETOOLONG, &[Write, Bind, Unbind, Replier]),
            (Errno::ENOENT, &[Open]),
            (Errno::ENXIO, &[Open]),
            (Errno::ENOLCK, &[Ask]),
            (Errno::ENOMEM, &[Open, Write, Send, Bind]),
            (Errno::ENOMSG, &[Send]),
            (Errno::ENOTTY, &[Bind, KsockId]),
            (Errno::EBUSY, &[RemoveDevice]),
            (Errno::ENXIO, &[RemoveDevice]),
            (
                Errno::EPERM,
                &[
                    Verbose,
                    ReportReplierBinds,
                    MaxMessageSize,
                    NewDevice,
                    RemoveDevice,
                ],
            ),
            (Errno::EPIPE, &[Ask]),
        ] {
            for &call in calls {
                let error = os(call, errno);
                assert!(sentence(call, errno).is_some(), "{call:?} {errno}");
                assert!(errno.name().is_some(), "{errno}");
                assert!(!error.advice().is_empty(), "{error}");
            }
        }
    }

    #[test]
    fn an_error_reads_as_a_sentence() {
        assert_eq!(
            os(Call::Ask, Errno::EPIPE).to_string(),
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
            os(Call::Poll, Errno(9999)).to_string(),
            "cannot wait: uncategorized error [errno 9999]"
        );
    }

    #[test]
    fn io_errors_keep_the_kind() {
        let error: io::Error = os(Call::Open, Errno::ENOENT).into();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let error = Error::TimedOut {
            request: MessageId::default(),
        };
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
    }
}
