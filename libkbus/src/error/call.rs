// SPDX-License-Identifier: GPL-2.0-only
//! What can be tried with a bus, as errors name it: [`Call`].

use std::fmt;

/// A call of the bus, as errors name it.
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
    /// REMOVEDEVICE.
    RemoveDevice,
}

impl Call {
    /// Every call.
    pub const ALL: [Call; 24] = [
        Call::Open,
        Call::Write,
        Call::Read,
        Call::Poll,
        Call::Bind,
        Call::Unbind,
        Call::KsockId,
        Call::Replier,
        Call::NextMessage,
        Call::LenLeft,
        Call::Send,
        Call::Ask,
        Call::Answer,
        Call::Discard,
        Call::LastSent,
        Call::MaxMessages,
        Call::NumMessages,
        Call::UnrepliedTo,
        Call::OnlyOnce,
        Call::Verbose,
        Call::NewDevice,
        Call::ReportReplierBinds,
        Call::MaxMessageSize,
        Call::RemoveDevice,
    ];
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
            Call::RemoveDevice => "remove the bus",
        })
    }
}
