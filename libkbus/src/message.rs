// SPDX-License-Identifier: GPL-2.0-only
//! Messages: [`Message`] and what is in its header. A message is the bytes
//! that go through the device (section 2.3, the entire form), checked, with
//! names for its parts. Sending and receiving are the Ksock's business, the
//! line of text is in `text`.

use crate::error::Error;
use crate::uapi;
use crate::wire::bind_event::BindEvent;
use crate::wire::flags::Flags;
use crate::wire::id::{KsockId, MessageId, Origin};
use crate::wire::layout::{at, Entire};
use crate::wire::name::Name;
use crate::wire::status::Status;

/// What sort of message it is: the first of these that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Instead of a reply: says why there is none. See [`Message::status`].
    Status,
    /// Answers a request.
    Reply,
    /// Wants a reply from a particular Ksock and no other.
    StatefulRequest,
    /// Wants a reply from the replier for its name.
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
    /// The name in `entire`, as a value of its own.
    name: Name,
    entire: Entire,
}

impl Message {
    // ---- Making ----

    fn new(name: &Name, data: &[u8]) -> Message {
        Message {
            name: name.clone(),
            entire: Entire::new(name, data),
        }
    }

    /// Returns an announcement, which goes to all listeners of its name.
    pub fn announcement(name: &Name, data: impl AsRef<[u8]>) -> Message {
        Message::new(name, data.as_ref())
    }

    /// Returns a request, which goes to the replier for `name` and to all
    /// listeners of it.
    pub fn request(name: &Name, data: impl AsRef<[u8]>) -> Message {
        Message::new(name, data.as_ref()).with_flags(Flags::WANT_A_REPLY)
    }

    /// Returns the answer to `request`, under the name of that.
    ///
    /// # Errors
    ///
    /// [`Error::NotAsked`] when `request` is not one, or another Ksock is to
    /// answer it.
    pub fn reply_to(request: &Message, data: impl AsRef<[u8]>) -> Result<Message, Error> {
        Message::named_reply_to(request, &request.name, data)
    }

    /// Returns the answer to `request`, under a name of its own.
    pub(crate) fn named_reply_to(
        request: &Message,
        name: &Name,
        data: impl AsRef<[u8]>,
    ) -> Result<Message, Error> {
        if !request.is_for_us_to_answer() {
            return Err(Error::NotAsked);
        }
        let mut reply = Message::new(name, data.as_ref()).with_in_reply_to(request.id());
        reply.entire.put(at::TO, request.entire.word(at::FROM));
        Ok(reply)
    }

    /// Returns a request for the very Ksock that `earlier` came from or was
    /// for, and no other: `earlier` is a reply, or a stateful request.
    ///
    /// Sending it fails with EPIPE when another Ksock is the replier by then.
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
        self.entire.put(at::FLAGS, (self.flags() | flags).0);
        self
    }

    /// Addresses it. That has a meaning for requests, which become stateful,
    /// and for replies.
    #[must_use]
    pub fn with_to(mut self, to: KsockId) -> Message {
        self.entire.put(at::TO, to.get());
        self
    }

    /// Chooses its id. The bus keeps it when the network is not 0.
    #[must_use]
    pub fn with_id(mut self, id: MessageId) -> Message {
        self.entire.put_pair(at::ID, id.into());
        self
    }

    /// Makes it a reply. [`Message::reply_to`] does that and more.
    #[must_use]
    pub fn with_in_reply_to(mut self, id: MessageId) -> Message {
        self.entire.put_pair(at::IN_REPLY_TO, id.into());
        self
    }

    /// Says where it came from, before it came to this bus.
    #[must_use]
    pub fn with_orig_from(mut self, origin: Origin) -> Message {
        self.entire.put_pair(at::ORIG_FROM, origin.into());
        self
    }

    /// Says where it is going, after it leaves this bus.
    #[must_use]
    pub fn with_final_to(mut self, origin: Origin) -> Message {
        self.entire.put_pair(at::FINAL_TO, origin.into());
        self
    }

    // ---- Bytes ----

    /// Returns the bytes to write to the device.
    pub fn as_bytes(&self) -> &[u8] {
        self.entire.as_bytes()
    }

    /// Returns the message that bytes from the device are: one entire message
    /// of this program's word size, and nothing after it.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the bytes are not that. None make it panic.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Message, Error> {
        let (entire, name) = Entire::parse(bytes)?;
        Ok(Message { name, entire })
    }

    // ---- Parts ----

    /// Returns its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Returns its data.
    pub fn data(&self) -> &[u8] {
        self.entire.data()
    }

    /// Returns its id. The bus gives it when the message is sent; it is \[0:0\]
    /// before.
    pub fn id(&self) -> MessageId {
        self.entire.pair(at::ID).into()
    }

    /// Returns the id of the request that it answers.
    pub fn in_reply_to(&self) -> Option<MessageId> {
        let id = self.entire.pair(at::IN_REPLY_TO).into();
        (id != MessageId::default()).then_some(id)
    }

    /// Returns the Ksock that it is for, where that is said.
    pub fn to(&self) -> Option<KsockId> {
        KsockId::new(self.entire.word(at::TO))
    }

    /// Returns the Ksock that sent it: `None` for the bus itself, and for what
    /// was not sent yet.
    pub fn from(&self) -> Option<KsockId> {
        KsockId::new(self.entire.word(at::FROM))
    }

    /// Returns where it came from, before it came to this bus.
    pub fn orig_from(&self) -> Origin {
        self.entire.pair(at::ORIG_FROM).into()
    }

    /// Returns where it is going, after it leaves this bus.
    pub fn final_to(&self) -> Origin {
        self.entire.pair(at::FINAL_TO).into()
    }

    /// Returns its flags.
    pub fn flags(&self) -> Flags {
        Flags(self.entire.word(at::FLAGS))
    }

    // ---- What it is ----

    /// Returns what sort of message it is.
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

    /// Returns whether it is a request that the reader of this copy is to
    /// answer.
    pub fn is_for_us_to_answer(&self) -> bool {
        self.flags()
            .contains(Flags::WANT_A_REPLY | Flags::WANT_YOU_TO_REPLY)
    }

    /// Returns why there is no reply, when this is a [`Kind::Status`].
    pub fn status(&self) -> Option<Status> {
        (self.kind() == Kind::Status).then(|| Status::from(&self.name))
    }

    /// Returns which replier came or went, when this is a
    /// [`Kind::BindEvent`]. `None` too when the data are nonsense: any program
    /// may send under that name.
    pub fn bind_event(&self) -> Option<BindEvent> {
        (self.kind() == Kind::BindEvent)
            .then(|| BindEvent::parse(self.data()))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::layout::{Malformed, HEADER, POINTER, WORD};
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// What the bus makes of a message when it hands out a copy of it.
    fn routed(mut message: Message, serial: u32, from: u32, flags: Flags) -> Message {
        message.entire.put_pair(at::ID, (0, serial));
        message.entire.put(at::FROM, from);
        message.with_flags(flags)
    }

    // Which bytes a message has is in src/vectors.rs.

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
    fn what_is_not_a_message_is_malformed() {
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
