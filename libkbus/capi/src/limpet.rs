// SPDX-License-Identifier: GPL-2.0-only
//! What a limpet does to the messages that it carries between two buses
//! (section 10.4): whom they are from and for, which it keeps to itself, which
//! it sends back. Carrying them is the daemon's business. What comes from the
//! peer is not believed: names are compared whole, data are taken apart within
//! their bounds, and only the bus itself can say who binds to what.

use std::collections::HashMap;
use std::hash::Hash;

use crate::event::{is_event, Event};
use crate::message::{
    is_from_the_bus, is_reply, is_request, is_stateful_request, wants_us_to_reply, Header, View,
    NO_ID,
};
use crate::{Errno, Result};

/// `KBUS_MSG_NOT_SAME_KSOCK` in `kbus/limpet.h`.
pub(crate) const NOT_SAME_KSOCK: &[u8] = b"$.KBUS.Replier.NotSameKsock";
/// `KBUS_MSG_REMOTE_ERROR_PREFIX` there.
pub(crate) const REMOTE_ERROR_PREFIX: &str = "$.KBUS.RemoteError.";
const GONE_AWAY: &[u8] = crate::uapi::KBUS_MSG_NAME_REPLIER_GONEAWAY.to_bytes();

/// What a limpet asks of its own bus.
pub(crate) trait Bus {
    /// Binds as replier.
    fn bind(&self, name: &[u8]) -> Result<()>;
    /// Unbinds as replier.
    fn unbind(&self, name: &[u8]) -> Result<()>;
    /// Returns the Ksock that is bound as replier to exactly this name; 0 when
    /// there is none.
    fn replier(&self, name: &[u8]) -> Result<u32>;
}

/// What to do with a message from the bus.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FromBus {
    Forward,
    Ignore,
}

/// What to do with a message from the peer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ToBus {
    Send,
    Ignore,
    /// Tell the peer, in a reply of this name.
    Bounce(&'static [u8]),
}

pub(crate) struct Limpet {
    /// The network on our side, and the one on the peer's.
    pub(crate) own: u32,
    pub(crate) other: u32,
    /// Our Ksock's number.
    pub(crate) ksock_id: u32,
    /// The requests that we carry for others, by their ids on this bus, and
    /// the requesters.
    asked: HashMap<(u32, u32), u32>,
    /// The names for which we stand in, and for whom on the other bus.
    proxied: HashMap<Vec<u8>, u32>,
}

/// Without ending the program when there is no memory.
fn remember<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) -> Result<()> {
    map.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))?;
    map.insert(key, value);
    Ok(())
}

impl Limpet {
    pub(crate) fn new(own: u32, other: u32, ksock_id: u32) -> Result<Limpet> {
        if own == 0 || other == 0 || own == other {
            return Err(Errno(libc::EINVAL));
        }
        Ok(Limpet {
            own,
            other,
            ksock_id,
            asked: HashMap::new(),
            proxied: HashMap::new(),
        })
    }

    pub(crate) fn amend_from_bus(&mut self, view: &mut View<'_>) -> Result<FromBus> {
        let header = &mut view.header;
        if is_event(view.name) {
            // What users send under this name means nothing, and must not
            // mean something to the peer.
            if !is_from_the_bus(header) {
                return Ok(FromBus::Ignore);
            }
            let event = Event::parse(view.data).ok_or(Errno(libc::EBADMSG))?;
            if event.binder == self.ksock_id {
                return Ok(FromBus::Ignore);
            }
        }
        // It came from there, through us. First, or else what is ignored
        // would be remembered for ever.
        if header.id.network_id == self.other {
            return Ok(FromBus::Ignore);
        }
        if wants_us_to_reply(header) {
            let id = (header.id.network_id, header.id.serial_num);
            if self.asked.contains_key(&id) {
                return Ok(FromBus::Ignore);
            }
            remember(&mut self.asked, id, header.from)?;
        }
        if header.id.network_id == 0 {
            header.id.network_id = self.own;
        }
        if header.orig_from.network_id == 0 {
            header.orig_from.network_id = self.own;
            header.orig_from.local_id = header.from;
        }
        Ok(FromBus::Forward)
    }

    pub(crate) fn amend_to_bus(&mut self, view: &mut View<'_>, bus: &impl Bus) -> Result<ToBus> {
        if is_event(view.name) {
            if is_from_the_bus(&view.header) {
                let event = Event::parse(view.data).ok_or(Errno(libc::EBADMSG))?;
                self.stand_in(event, bus)?;
            }
            return Ok(ToBus::Ignore);
        }
        if is_reply(&view.header) {
            return Ok(self.answer(&mut view.header));
        }
        if is_stateful_request(&view.header) && wants_us_to_reply(&view.header) {
            return self.continue_with(view, bus);
        }
        Ok(ToBus::Send)
    }

    /// Binds here to what a replier has bound to there, or gives it up.
    fn stand_in(&mut self, event: Event<'_>, bus: &impl Bus) -> Result<()> {
        if event.is_bind == 0 {
            return match self.proxied.remove(event.name) {
                None => Ok(()),
                Some(binder) => match bus.unbind(event.name) {
                    // Gone already, which is as good.
                    Ok(()) | Err(Errno(libc::EINVAL)) => Ok(()),
                    Err(errno) => {
                        // Still bound: the room for it is there.
                        self.proxied.insert(event.name.to_vec(), binder);
                        Err(errno)
                    }
                },
            };
        }
        // Told twice, which happens when a program turns on reporting again.
        if let Some(binder) = self.proxied.get_mut(event.name) {
            *binder = event.binder;
            return Ok(());
        }
        let mut name = Vec::new();
        name.try_reserve_exact(event.name.len())
            .map_err(|_| Errno(libc::ENOMEM))?;
        name.extend_from_slice(event.name);
        self.proxied
            .try_reserve(1)
            .map_err(|_| Errno(libc::ENOMEM))?;
        match bus.bind(event.name) {
            Ok(()) => remember(&mut self.proxied, name, event.binder),
            // There is a replier here already. Those here ask that one,
            // and nothing else has changed: no reason to end.
            Err(Errno(libc::EADDRINUSE)) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Gives a reply to the requester here.
    fn answer(&mut self, reply: &mut Header) -> ToBus {
        let id = &mut reply.in_reply_to;
        if id.network_id == self.own {
            id.network_id = 0;
        }
        match self.asked.remove(&(id.network_id, id.serial_num)) {
            // A listener's copy of a reply to another.
            None => ToBus::Ignore,
            Some(from) => {
                reply.to = from;
                // The bus gives it a number of its own.
                reply.id = NO_ID;
                ToBus::Send
            }
        }
    }

    /// Finds who is to have a stateful request here.
    fn continue_with(&self, view: &mut View<'_>, bus: &impl Bus) -> Result<ToBus> {
        let header = &mut view.header;
        let is_local = header.final_to.network_id == self.own;
        let replier = bus.replier(view.name)?;
        if replier == 0 {
            return Ok(ToBus::Bounce(GONE_AWAY));
        }
        if is_local {
            if replier != header.final_to.local_id {
                return Ok(ToBus::Bounce(NOT_SAME_KSOCK));
            }
            header.final_to.network_id = 0;
        }
        header.to = replier;
        Ok(ToBus::Send)
    }
}

/// The header of what tells the peer that its message did not get through.
pub(crate) fn bounce(of: &Header, name_len: u32) -> Result<Header> {
    let mut header = crate::message::header(name_len, 0, 0)?;
    header.to = of.from;
    header.in_reply_to = of.id;
    Ok(header)
}

/// The name of that, when sending failed, or nothing: only who asks is told.
pub(crate) fn remote_error(of: &Header, errno: i32) -> Option<String> {
    is_request(of).then(|| format!("{REMOTE_ERROR_PREFIX}{}", errno.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message;
    use std::cell::RefCell;

    /// A bus with one local replier, for `$.Local`: Ksock 9.
    #[derive(Default)]
    struct Fake {
        bound: RefCell<Vec<Vec<u8>>>,
    }

    impl Bus for Fake {
        fn bind(&self, name: &[u8]) -> Result<()> {
            match name {
                b"$.Local" => Err(Errno(libc::EADDRINUSE)),
                b"nonsense" => Err(Errno(libc::EBADMSG)),
                _ => {
                    self.bound.borrow_mut().push(name.to_vec());
                    Ok(())
                }
            }
        }

        fn unbind(&self, name: &[u8]) -> Result<()> {
            self.bound.borrow_mut().retain(|bound| bound != name);
            Ok(())
        }

        fn replier(&self, name: &[u8]) -> Result<u32> {
            Ok(if name == b"$.Local" { 9 } else { 0 })
        }
    }

    const OWN: u32 = 1;
    const OTHER: u32 = 2;
    const US: u32 = 5;

    fn limpet() -> Limpet {
        Limpet::new(OWN, OTHER, US).unwrap()
    }

    fn view(name: &'static [u8], flags: u32) -> View<'static> {
        View {
            header: message::header(name.len() as u32, 0, flags).unwrap(),
            name,
            data: b"",
            bytes: b"",
        }
    }

    fn event(is_bind: u32, binder: u32, name: &[u8]) -> Vec<u8> {
        let words = [is_bind, binder, name.len() as u32].map(u32::to_ne_bytes);
        [&words.concat(), name].concat()
    }

    const EVENT: &[u8] = b"$.KBUS.ReplierBindEvent";
    const REQUEST: u32 = 3;

    #[test]
    fn networks_have_different_numbers() {
        for (own, other) in [(0, 1), (1, 0), (1, 1)] {
            assert!(Limpet::new(own, other, US).is_err());
        }
    }

    #[test]
    fn what_is_forwarded_says_where_it_is_from() {
        let mut message = view(b"$.A", 0);
        message.header.id.serial_num = 7;
        message.header.from = 3;
        assert_eq!(limpet().amend_from_bus(&mut message), Ok(FromBus::Forward));
        assert_eq!(message.header.id.network_id, OWN);
        let from = message.header.orig_from;
        assert_eq!((from.network_id, from.local_id), (OWN, 3));
    }

    #[test]
    fn what_came_from_there_does_not_go_back_nor_is_it_remembered() {
        let mut limpet = limpet();
        let mut message = view(b"$.A", REQUEST);
        message.header.id.network_id = OTHER;
        assert_eq!(limpet.amend_from_bus(&mut message), Ok(FromBus::Ignore));
        assert!(limpet.asked.is_empty());
    }

    #[test]
    fn a_reply_finds_who_asked_once() {
        let mut limpet = limpet();
        let mut request = view(b"$.A", REQUEST);
        request.header.id.serial_num = 7;
        request.header.from = 3;
        let mut again = request;
        assert_eq!(limpet.amend_from_bus(&mut request), Ok(FromBus::Forward));
        assert_eq!(limpet.amend_from_bus(&mut again), Ok(FromBus::Ignore));
        let mut reply = view(b"$.A", 0);
        reply.header.in_reply_to = request.header.id;
        reply.header.id.network_id = OTHER;
        let mut again = reply;
        assert_eq!(
            limpet.amend_to_bus(&mut reply, &Fake::default()),
            Ok(ToBus::Send)
        );
        assert_eq!(reply.header.to, 3);
        assert!(!message::is_id(reply.header.id));
        assert_eq!(reply.header.in_reply_to.network_id, 0);
        assert_eq!(
            limpet.amend_to_bus(&mut again, &Fake::default()),
            Ok(ToBus::Ignore)
        );
    }

    #[test]
    fn it_stands_in_for_repliers_there() {
        let (mut limpet, bus) = (limpet(), Fake::default());
        let mut tell = |is_bind, name: &[u8]| {
            let data = event(is_bind, 8, name);
            let mut message = View {
                data: &data,
                ..view(EVENT, 0x204)
            };
            limpet.amend_to_bus(&mut message, &bus)
        };
        assert_eq!(tell(1, b"$.B"), Ok(ToBus::Ignore));
        assert_eq!(tell(1, b"$.B"), Ok(ToBus::Ignore));
        assert_eq!(bus.bound.borrow().len(), 1);
        assert_eq!(tell(1, b"$.Local"), Ok(ToBus::Ignore));
        assert_eq!(tell(1, b"nonsense"), Err(Errno(libc::EBADMSG)));
        assert_eq!(tell(0, b"$.B"), Ok(ToBus::Ignore));
        assert_eq!(tell(0, b"$.B"), Ok(ToBus::Ignore));
        assert!(bus.bound.borrow().is_empty());
    }

    #[test]
    fn only_the_bus_says_who_binds() {
        let (mut limpet, bus) = (limpet(), Fake::default());
        let data = event(1, 8, b"$.B");
        for (flags, from) in [(0, 0), (4, 3), (0, 3)] {
            let mut message = View {
                data: &data,
                ..view(EVENT, flags)
            };
            message.header.from = from;
            assert_eq!(limpet.amend_to_bus(&mut message, &bus), Ok(ToBus::Ignore));
            assert_eq!(limpet.amend_from_bus(&mut message), Ok(FromBus::Ignore));
        }
        assert!(bus.bound.borrow().is_empty());
        // A name that is the beginning of the other is not that.
        let mut message = View {
            data: b"short",
            ..view(b"$.KBUS", 4)
        };
        assert_eq!(limpet.amend_to_bus(&mut message, &bus), Ok(ToBus::Send));
        let mut short = View {
            data: b"short",
            ..view(EVENT, 4)
        };
        assert_eq!(
            limpet.amend_to_bus(&mut short, &bus),
            Err(Errno(libc::EBADMSG))
        );
        assert_eq!(limpet.amend_from_bus(&mut short), Err(Errno(libc::EBADMSG)));
    }

    #[test]
    fn our_own_binding_is_not_told() {
        let data = event(1, US, b"$.B");
        let mut message = View {
            data: &data,
            ..view(EVENT, 4)
        };
        assert_eq!(limpet().amend_from_bus(&mut message), Ok(FromBus::Ignore));
    }

    #[test]
    fn conversations_go_on_or_bounce() {
        let (mut limpet, bus) = (limpet(), Fake::default());
        let mut ask = |name, final_network, final_local| {
            let mut request = view(name, REQUEST);
            request.header.to = 77;
            request.header.final_to.network_id = final_network;
            request.header.final_to.local_id = final_local;
            let what = limpet.amend_to_bus(&mut request, &bus).unwrap();
            (what, request.header.to, request.header.final_to.network_id)
        };
        assert_eq!(ask(b"$.Local", OWN, 9), (ToBus::Send, 9, 0));
        assert_eq!(ask(b"$.Local", 3, 4), (ToBus::Send, 9, 3));
        assert_eq!(ask(b"$.Local", OWN, 8).0, ToBus::Bounce(NOT_SAME_KSOCK));
        assert_eq!(ask(b"$.None", OWN, 8).0, ToBus::Bounce(GONE_AWAY));
    }

    #[test]
    fn who_asks_is_told_what_went_wrong() {
        let request = view(b"$.A", REQUEST).header;
        assert_eq!(
            remote_error(&request, -5).as_deref(),
            Some("$.KBUS.RemoteError.5")
        );
        assert_eq!(remote_error(&view(b"$.A", 0).header, -5), None);
    }
}
