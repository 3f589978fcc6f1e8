// SPDX-License-Identifier: GPL-2.0-only
//! Messages: [`Message`] and what is in its header. A message is the bytes
//! that go through the device (section 2.3, the entire form), checked, with
//! names for its parts. Sending and receiving are the Ksock's business.

use std::fmt;
use std::mem::{offset_of, size_of};

use crate::error::{Error, Malformed};
use crate::event::BindEvent;
use crate::flags::Flags;
use crate::id::{KsockId, MessageId, Origin};
use crate::name::Name;
use crate::status::Status;
use crate::uapi::{self, kbus_message_header};

/// What sort of message it is. The first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Instead of a reply: says why there is none. See [`Message::status`].
    Status,
    /// Answers a request.
    Reply,
    /// Wants a reply from a particular Ksock and no other.
    StatefulRequest,
    /// Wants a reply from whoever is the replier.
    Request,
    /// Tells of a replier that came or went. See [`Message::bind_event`].
    BindEvent,
    /// Anything else.
    Announcement,
}

/// A message: its name, its data, and a header.
///
/// Made by [`announcement`](Message::announcement),
/// [`request`](Message::request), [`reply_to`](Message::reply_to) or
/// [`stateful_request`](Message::stateful_request), or received. Data are any
/// bytes; how long a message may be is a setting of the bus
/// ([`Ksock::max_message_size`](crate::Ksock::max_message_size)).
///
/// In text (`{}`) a message is one line, `{:#}` does not shorten its data.
///
/// ```
/// use kbus::{Kind, Message, Name};
///
/// let hello = Message::announcement(&Name::new("$.Actor.Hamlet")?, "To be");
/// assert_eq!(hello.kind(), Kind::Announcement);
/// assert_eq!(hello.data(), b"To be");
/// assert_eq!(hello.to_string(), "<Announcement '$.Actor.Hamlet' data=To\\x20be>");
/// # Ok::<(), kbus::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    name: Name,
    data_len: usize,
    /// Header, name, padding, data, padding, end guard. The header is that of
    /// this program's word size.
    entire: Vec<u8>,
}

/// Where the parts of the header are.
mod at {
    use super::{kbus_message_header, offset_of};

    pub(super) const START_GUARD: usize = offset_of!(kbus_message_header, start_guard);
    pub(super) const ID: usize = offset_of!(kbus_message_header, id);
    pub(super) const IN_REPLY_TO: usize = offset_of!(kbus_message_header, in_reply_to);
    pub(super) const TO: usize = offset_of!(kbus_message_header, to);
    pub(super) const FROM: usize = offset_of!(kbus_message_header, from);
    pub(super) const ORIG_FROM: usize = offset_of!(kbus_message_header, orig_from);
    pub(super) const FINAL_TO: usize = offset_of!(kbus_message_header, final_to);
    pub(super) const FLAGS: usize = offset_of!(kbus_message_header, flags);
    pub(super) const NAME_LEN: usize = offset_of!(kbus_message_header, name_len);
    pub(super) const DATA_LEN: usize = offset_of!(kbus_message_header, data_len);
    pub(super) const NAME: usize = offset_of!(kbus_message_header, name);
    pub(super) const DATA: usize = offset_of!(kbus_message_header, data);
    pub(super) const END_GUARD: usize = offset_of!(kbus_message_header, end_guard);
}

const HEADER: usize = size_of::<kbus_message_header>();
const WORD: usize = size_of::<u32>();
const POINTER: usize = size_of::<usize>();

/// A name's length with its padding: there is always a zero byte after it.
pub(crate) const fn padded_name(len: usize) -> usize {
    (len / WORD + 1) * WORD
}

/// The word at `at`, if there is one.
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

impl Message {
    // ---- Making ----

    fn new(name: &Name, data: &[u8]) -> Message {
        let name_len = name.as_bytes().len();
        let padded_data = data.len().next_multiple_of(WORD);
        let len = HEADER + padded_name(name_len) + padded_data + WORD;
        let mut entire = Vec::with_capacity(len);
        entire.resize(HEADER, 0);
        entire.extend_from_slice(name.as_bytes());
        entire.resize(HEADER + padded_name(name_len), 0);
        entire.extend_from_slice(data);
        entire.resize(len - WORD, 0);
        entire.extend_from_slice(&uapi::KBUS_MSG_END_GUARD.to_ne_bytes());
        let mut message = Message {
            name: name.clone(),
            data_len: data.len(),
            entire,
        };
        message.put(at::START_GUARD, uapi::KBUS_MSG_START_GUARD);
        // A length that the field cannot say is too long for every bus; the
        // largest one it can say is so too, and SEND gives the right error.
        let or_too_long = |len| u32::try_from(len).unwrap_or(u32::MAX);
        message.put(at::NAME_LEN, or_too_long(name_len));
        message.put(at::DATA_LEN, or_too_long(data.len()));
        message.put(at::END_GUARD, uapi::KBUS_MSG_END_GUARD);
        message
    }

    /// Tells whoever listens.
    pub fn announcement(name: &Name, data: impl AsRef<[u8]>) -> Message {
        Message::new(name, data.as_ref())
    }

    /// Asks whoever is the replier for `name`.
    pub fn request(name: &Name, data: impl AsRef<[u8]>) -> Message {
        Message::new(name, data.as_ref()).with_flags(Flags::WANT_A_REPLY)
    }

    /// Answers `request`, under the same name.
    ///
    /// # Errors
    ///
    /// [`Error::NotAsked`] when `request` is not one, or is somebody else's to
    /// answer.
    pub fn reply_to(request: &Message, data: impl AsRef<[u8]>) -> Result<Message, Error> {
        Message::named_reply_to(request, &request.name, data)
    }

    /// The same under another name.
    pub(crate) fn named_reply_to(
        request: &Message,
        name: &Name,
        data: impl AsRef<[u8]>,
    ) -> Result<Message, Error> {
        if !request.is_for_us_to_answer() {
            return Err(Error::NotAsked);
        }
        let mut reply = Message::new(name, data.as_ref()).with_in_reply_to(request.id());
        reply.put(at::TO, request.word(at::FROM));
        Ok(reply)
    }

    /// Asks the very Ksock that `earlier` came from or was for, and no other:
    /// `earlier` is a reply, or a stateful request.
    ///
    /// Sending fails with EPIPE when somebody else is the replier by then.
    ///
    /// # Errors
    ///
    /// [`Error::NotAConversation`] when `earlier` is neither.
    pub fn stateful_request(
        earlier: &Message,
        name: &Name,
        data: impl AsRef<[u8]>,
    ) -> Result<Message, Error> {
        let (to, final_to) = match earlier.kind() {
            Kind::Reply | Kind::Status => (earlier.from(), earlier.orig_from()),
            Kind::StatefulRequest => (earlier.to(), earlier.final_to()),
            _ => (None, Origin::default()),
        };
        let to = to.ok_or(Error::NotAConversation)?;
        Ok(Message::request(name, data)
            .with_to(to)
            .with_final_to(final_to))
    }

    /// Adds flags.
    #[must_use]
    pub fn with_flags(mut self, flags: Flags) -> Message {
        self.put(at::FLAGS, (self.flags() | flags).0);
        self
    }

    /// Addresses it. Means something for requests (which become stateful) and
    /// for replies.
    #[must_use]
    pub fn with_to(mut self, to: KsockId) -> Message {
        self.put(at::TO, to.get());
        self
    }

    /// Chooses its id. The bus keeps it when the network is not 0.
    #[must_use]
    pub fn with_id(mut self, id: MessageId) -> Message {
        self.put_pair(at::ID, id.network, id.serial);
        self
    }

    /// Makes it a reply, for those who do without [`Message::reply_to`].
    #[must_use]
    pub fn with_in_reply_to(mut self, id: MessageId) -> Message {
        self.put_pair(at::IN_REPLY_TO, id.network, id.serial);
        self
    }

    /// Says where it came from, before it came to this bus.
    #[must_use]
    pub fn with_orig_from(mut self, origin: Origin) -> Message {
        self.put_pair(at::ORIG_FROM, origin.network, origin.local);
        self
    }

    /// Says where it is going, after it leaves this bus.
    #[must_use]
    pub fn with_final_to(mut self, origin: Origin) -> Message {
        self.put_pair(at::FINAL_TO, origin.network, origin.local);
        self
    }

    // ---- Bytes ----

    /// The bytes to write to the device.
    pub fn as_bytes(&self) -> &[u8] {
        &self.entire
    }

    /// A message from bytes that were read from the device: one entire
    /// message of this program's word size, and nothing after it.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the bytes are not that. None make it panic.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Message, Error> {
        let word = |at| word(&bytes, at).ok_or(Malformed::Length);
        if word(at::START_GUARD)? != uapi::KBUS_MSG_START_GUARD
            || word(at::END_GUARD)? != uapi::KBUS_MSG_END_GUARD
        {
            return Err(Malformed::Guard.into());
        }
        for at in [at::NAME, at::DATA] {
            if bytes.get(at..).and_then(|bytes| bytes.get(..POINTER)) != Some(&[0; POINTER]) {
                return Err(Malformed::Pointer.into());
            }
        }
        // In 64 bit, in which no sum of such lengths overflows.
        let name_len = u64::from(word(at::NAME_LEN)?);
        let data_len = u64::from(word(at::DATA_LEN)?);
        let (header, word_len) = (HEADER as u64, WORD as u64);
        let data_at = header + (name_len / word_len + 1) * word_len;
        let guard_at = data_at + data_len.next_multiple_of(word_len);
        if bytes.len() as u64 != guard_at + word_len {
            return Err(Malformed::Length.into());
        }
        // All of them are at most the length of a Vec, hence the casts.
        if word(guard_at as usize)? != uapi::KBUS_MSG_END_GUARD {
            return Err(Malformed::Guard.into());
        }
        let name = bytes
            .get(HEADER..)
            .and_then(|bytes| bytes.get(..name_len as usize))
            .ok_or(Malformed::Length)?;
        let name = Name::from_bytes(name).map_err(Malformed::Name)?;
        Ok(Message {
            name,
            data_len: data_len as usize,
            entire: bytes,
        })
    }

    fn word(&self, at: usize) -> u32 {
        // Every message has an entire header: new and from_bytes see to it.
        word(&self.entire, at).unwrap_or_default()
    }

    fn pair(&self, at: usize) -> (u32, u32) {
        (self.word(at), self.word(at + WORD))
    }

    fn put(&mut self, at: usize, word: u32) {
        if let Some(bytes) = self
            .entire
            .get_mut(at..)
            .and_then(|bytes| bytes.get_mut(..WORD))
        {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
    }

    fn put_pair(&mut self, at: usize, first: u32, second: u32) {
        self.put(at, first);
        self.put(at + WORD, second);
    }

    // ---- Parts ----

    /// What it is called.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What it carries.
    pub fn data(&self) -> &[u8] {
        let at = HEADER + padded_name(self.name.as_bytes().len());
        self.entire
            .get(at..)
            .and_then(|bytes| bytes.get(..self.data_len))
            .unwrap_or_default()
    }

    /// Its id; given by the bus when it is sent, so \[0:0\] before.
    pub fn id(&self) -> MessageId {
        self.pair(at::ID).into()
    }

    /// Which request it answers.
    pub fn in_reply_to(&self) -> Option<MessageId> {
        let id = self.pair(at::IN_REPLY_TO).into();
        (id != MessageId::default()).then_some(id)
    }

    /// Whom it is for, where that is said.
    pub fn to(&self) -> Option<KsockId> {
        KsockId::new(self.word(at::TO))
    }

    /// Who sent it: `None` for the bus itself, and for what was not sent yet.
    pub fn from(&self) -> Option<KsockId> {
        KsockId::new(self.word(at::FROM))
    }

    /// Where it came from, before it came to this bus.
    pub fn orig_from(&self) -> Origin {
        self.pair(at::ORIG_FROM).into()
    }

    /// Where it is going, after it leaves this bus.
    pub fn final_to(&self) -> Origin {
        self.pair(at::FINAL_TO).into()
    }

    /// Its flags.
    pub fn flags(&self) -> Flags {
        Flags(self.word(at::FLAGS))
    }

    // ---- What it is ----

    /// What sort of message it is.
    pub fn kind(&self) -> Kind {
        let request = self.flags().contains(Flags::WANT_A_REPLY);
        match self.in_reply_to() {
            Some(_) if self.name.as_bytes().starts_with(b"$.KBUS.") => Kind::Status,
            Some(_) => Kind::Reply,
            None if request && self.to().is_some() => Kind::StatefulRequest,
            None if request => Kind::Request,
            None if self.name.as_bytes() == uapi::KBUS_MSG_NAME_REPLIER_BIND_EVENT.to_bytes() => {
                Kind::BindEvent
            }
            None => Kind::Announcement,
        }
    }

    /// Is it a request whose answer is expected from whoever received this
    /// copy?
    pub fn is_for_us_to_answer(&self) -> bool {
        self.flags()
            .contains(Flags::WANT_A_REPLY | Flags::WANT_YOU_TO_REPLY)
    }

    /// Why there is no reply, when this is a [`Kind::Status`].
    pub fn status(&self) -> Option<Status> {
        (self.kind() == Kind::Status).then(|| Status::from(&self.name))
    }

    /// Who came or went, when this is a [`Kind::BindEvent`]. `None` too when
    /// somebody has sent nonsense under that name, which anybody may.
    pub fn bind_event(&self) -> Option<BindEvent> {
        (self.kind() == Kind::BindEvent)
            .then(|| BindEvent::parse(self.data()))
            .flatten()
    }
}

// ---- In text ----------------------------------------------------------------

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Status => "Status",
            Kind::Reply => "Reply",
            Kind::StatefulRequest | Kind::Request => "Request",
            Kind::BindEvent => "ReplierBindEvent",
            Kind::Announcement => "Announcement",
        })
    }
}

/// The form of section 10.1, as the C library prints it. `{:#}` does not
/// shorten the data.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHORT: usize = 20;
        let kind = self.kind();
        write!(f, "<{kind}")?;
        if kind != Kind::BindEvent {
            write!(f, " '{}'", self.name)?;
        }
        if self.id() != MessageId::default() {
            write!(f, " id={}", self.id())?;
        }
        if let Some(to) = self.to() {
            write!(f, " to={to}")?;
        }
        if let Some(from) = self.from() {
            write!(f, " from={from}")?;
        }
        if self.orig_from() != Origin::default() {
            write!(f, " orig_from={}", self.orig_from())?;
        }
        if self.final_to() != Origin::default() {
            write!(f, " final_to={}", self.final_to())?;
        }
        if let Some(id) = self.in_reply_to() {
            write!(f, " in_reply_to={id}")?;
        }
        let flags = self.flags();
        if flags != Flags::NONE {
            write!(f, " flags={:#x}", flags.0)?;
            let words = flags.to_string();
            if !words.is_empty() {
                write!(f, " {words}")?;
            }
        }
        if let Some(event) = self.bind_event() {
            write!(f, " data= [{event}]")?;
        } else if self.data_len > 0 {
            f.write_str(" data=")?;
            let shown = if f.alternate() {
                self.data_len
            } else {
                self.data_len.min(SHORT)
            };
            for &byte in self.data().iter().take(shown) {
                match byte {
                    b'!'..=b'~' => write!(f, "{}", char::from(byte))?,
                    _ => write!(f, "\\x{byte:02x}")?,
                }
            }
            if shown < self.data_len {
                f.write_str("...")?;
            }
        }
        f.write_str(">")
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// What the bus makes of a message when it hands out a copy of it.
    fn routed(mut message: Message, serial: u32, from: u32, flags: Flags) -> Message {
        message.put_pair(at::ID, 0, serial);
        message.put(at::FROM, from);
        message.with_flags(flags)
    }

    #[test]
    #[cfg(all(target_pointer_width = "64", target_endian = "little"))]
    fn the_bytes_of_section_2_3_1() {
        let message = Message::announcement(&name("$.ab"), "xyz");
        let bytes = message.as_bytes();
        assert_eq!(bytes.len(), 104);
        assert_eq!(bytes[..4], *b"Kbus");
        assert_eq!(bytes[52..60], [4, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(bytes[80..84], *b"subK");
        assert_eq!(bytes[88..], *b"$.ab\0\0\0\0xyz\0subK");
    }

    #[test]
    fn lengths_are_those_of_section_2_3() {
        for (name_len, data_len, len64, len32) in [
            (3, 0, 96, 80),
            (6, 0, 100, 84),
            (6, 7, 108, 92),
            (3, 3, 100, 84),
        ] {
            let name = name(&format!("$.{}", "a".repeat(name_len - 2)));
            let len = Message::announcement(&name, vec![1; data_len])
                .as_bytes()
                .len();
            assert_eq!(len, if POINTER == 8 { len64 } else { len32 });
        }
    }

    #[test]
    fn a_conversation() {
        let request = Message::request(&name("$.Coin"), "toss");
        assert_eq!(request.kind(), Kind::Request);
        assert_eq!(Message::reply_to(&request, ""), Err(Error::NotAsked));
        let request = routed(request, 7, 3, Flags::WANT_YOU_TO_REPLY);
        let reply = Message::reply_to(&request, "heads").unwrap();
        assert_eq!(reply.kind(), Kind::Reply);
        assert_eq!(reply.to(), KsockId::new(3));
        assert_eq!(
            reply.in_reply_to(),
            Some(MessageId {
                network: 0,
                serial: 7
            })
        );
        assert_eq!(reply.name(), &"$.Coin");
        assert_eq!(reply.flags(), Flags::NONE);
        let origin = Origin {
            network: 4,
            local: 5,
        };
        let reply = routed(reply.with_orig_from(origin), 8, 2, Flags::NONE);
        let again = Message::stateful_request(&reply, &name("$.Coin"), "again").unwrap();
        assert_eq!(again.kind(), Kind::StatefulRequest);
        assert_eq!((again.to(), again.final_to()), (KsockId::new(2), origin));
        let third = Message::stateful_request(&again, &name("$.Coin"), "").unwrap();
        assert_eq!((third.to(), third.final_to()), (KsockId::new(2), origin));
        assert_eq!(
            Message::stateful_request(&request, &name("$.Coin"), ""),
            Err(Error::NotAConversation)
        );
    }

    #[test]
    fn status_messages_have_meanings() {
        let id = MessageId {
            network: 0,
            serial: 9,
        };
        for (text, status) in [
            ("$.KBUS.Replier.GoneAway", Status::GoneAway),
            ("$.KBUS.Replier.Ignored", Status::Ignored),
            ("$.KBUS.Replier.Unbound", Status::Unbound),
            ("$.KBUS.Replier.Disappeared", Status::Disappeared),
            ("$.KBUS.ErrorSending", Status::ErrorSending),
            (
                "$.KBUS.RemoteError.32",
                Status::Other(name("$.KBUS.RemoteError.32")),
            ),
        ] {
            let message = Message::announcement(&name(text), "").with_in_reply_to(id);
            assert_eq!(message.kind(), Kind::Status);
            assert_eq!(message.status(), Some(status));
        }
        let unasked = Message::announcement(&name("$.KBUS.Replier.Ignored"), "");
        assert_eq!(unasked.kind(), Kind::Announcement);
        assert_eq!(unasked.status(), None);
    }

    #[test]
    fn one_line() {
        let message = Message::request(&name("$.A"), "abcdefghijklmnopqrstuvwxyz")
            .with_id(MessageId {
                network: 1,
                serial: 2,
            })
            .with_to(KsockId::new(9).unwrap())
            .with_orig_from((3, 4).into())
            .with_final_to((5, 6).into())
            .with_flags(Flags::URGENT | Flags::ALL_OR_FAIL);
        assert_eq!(
            message.to_string(),
            "<Request '$.A' id=[1:2] to=9 orig_from=(3,4) final_to=(5,6) flags=0x209 \
             REQ URG aFL data=abcdefghijklmnopqrst...>"
        );
        assert!(format!("{message:#}").ends_with("data=abcdefghijklmnopqrstuvwxyz>"));
    }

    #[test]
    fn what_is_not_a_message_is_refused() {
        let good = Message::announcement(&name("$.ab"), "xyz");
        let with = |at: usize, byte: u8| {
            let mut bytes = good.as_bytes().to_vec();
            bytes[at] = byte;
            Message::from_bytes(bytes)
        };
        let malformed = |why: Malformed| Err(Error::Malformed(why));
        assert_eq!(
            Message::from_bytes(good.as_bytes().to_vec()),
            Ok(good.clone())
        );
        assert_eq!(Message::from_bytes(vec![]), malformed(Malformed::Length));
        assert_eq!(with(at::START_GUARD, 0), malformed(Malformed::Guard));
        assert_eq!(with(at::END_GUARD, 0), malformed(Malformed::Guard));
        assert_eq!(
            with(good.as_bytes().len() - 1, 0),
            malformed(Malformed::Guard)
        );
        assert_eq!(with(at::NAME, 1), malformed(Malformed::Pointer));
        assert_eq!(
            with(at::DATA + POINTER - 1, 1),
            malformed(Malformed::Pointer)
        );
        assert_eq!(with(at::DATA_LEN + 3, 0xff), malformed(Malformed::Length));
        assert_eq!(with(at::NAME_LEN + 3, 0xff), malformed(Malformed::Length));
        assert!(matches!(
            with(HEADER, b'%'),
            Err(Error::Malformed(Malformed::Name(_)))
        ));
    }

    proptest! {
        #[test]
        fn what_is_packed_is_found_again(
            word in "[a-z]{1,60}",
            data in prop::collection::vec(any::<u8>(), 0..200),
            numbers in any::<[u32; 8]>(),
        ) {
            let name = Name::new(&format!("$.{word}")).unwrap();
            let [id, serial, reply, to, network, local, final_to, flags] = numbers;
            let message = Message::announcement(&name, &data)
                .with_id((id, serial).into())
                .with_in_reply_to((reply, 1).into())
                .with_to(KsockId::new(to | 1).unwrap())
                .with_orig_from((network, local).into())
                .with_final_to((final_to, 2).into())
                .with_flags(Flags(flags));
            prop_assert_eq!(message.as_bytes().len() % WORD, 0);
            let read = Message::from_bytes(message.as_bytes().to_vec()).unwrap();
            prop_assert_eq!(&read, &message);
            prop_assert_eq!(read.name(), &name);
            prop_assert_eq!(read.data(), &*data);
            prop_assert_eq!(read.id(), (id, serial).into());
            prop_assert_eq!(read.in_reply_to(), Some((reply, 1).into()));
            prop_assert_eq!(read.to(), KsockId::new(to | 1));
            prop_assert_eq!(read.from(), None);
            prop_assert_eq!(read.orig_from(), (network, local).into());
            prop_assert_eq!(read.final_to(), (final_to, 2).into());
            prop_assert_eq!(read.flags(), Flags(flags));
        }

        /// Bytes near to a message, or far from one, never make it panic, and
        /// what is accepted is what was given.
        #[test]
        fn parsing_is_total(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            len in any::<prop::sample::Index>(),
        ) {
            let mut bytes = Message::request(&name("$.abc"), "data").as_bytes().to_vec();
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            let cut = len.index(bytes.len() + 1);
            prop_assert!(cut == bytes.len() || Message::from_bytes(bytes[..cut].to_vec()).is_err());
            if let Ok(message) = Message::from_bytes(bytes.clone()) {
                prop_assert_eq!(message.as_bytes(), &*bytes);
                let _ = (message.kind(), message.status(), message.bind_event());
                let _ = format!("{message} {message:#}");
            }
        }
    }
}
