// SPDX-License-Identifier: GPL-2.0-only
//! The data of a replier bind event, taken apart (section 6.4). Anybody may
//! send such data, so nothing in it is believed.

use std::mem::size_of;

use crate::message::word;
use crate::uapi::{kbus_replier_bind_event_data, KBUS_MSG_NAME_REPLIER_BIND_EVENT};

/// A replier that has bound to a name, or unbound from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    pub(crate) is_bind: u32,
    pub(crate) binder: u32,
    pub(crate) name: &'a [u8],
}

impl<'a> Event<'a> {
    /// `None`: too short, or its name would reach beyond its end.
    pub(crate) fn parse(data: &'a [u8]) -> Option<Event<'a>> {
        let rest = data.get(size_of::<kbus_replier_bind_event_data>()..)?;
        let name_len = usize::try_from(word(data, 8)?).ok()?;
        Some(Event {
            is_bind: word(data, 0)?,
            binder: word(data, 4)?,
            name: rest.get(..name_len)?,
        })
    }
}

/// Returns whether a message of this name is a bind event. The whole name
/// counts.
pub(crate) fn is_event(name: &[u8]) -> bool {
    name == KBUS_MSG_NAME_REPLIER_BIND_EVENT.to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(words: [u32; 3], name: &[u8]) -> Vec<u8> {
        [&words.map(u32::to_ne_bytes).concat(), name].concat()
    }

    #[test]
    fn a_name_need_not_be_padded() {
        for name in [&b"Fred"[..], b"Fred\0\0\0\0"] {
            let data = data([1, 23, 4], name);
            let event = Event::parse(&data).unwrap();
            assert_eq!(event.name, b"Fred");
            assert_eq!((event.is_bind, event.binder), (1, 23));
        }
    }

    #[test]
    fn a_name_ends_where_the_data_end() {
        for len in [5, 1000, u32::MAX] {
            assert_eq!(Event::parse(&data([1, 23, len], b"Fred")), None);
        }
        assert_eq!(Event::parse(b""), None);
        assert_eq!(Event::parse(&[0; 11]), None);
        assert!(Event::parse(&[0; 12]).is_some());
    }

    #[test]
    fn names_that_begin_alike_are_others() {
        assert!(is_event(b"$.KBUS.ReplierBindEvent"));
        assert!(!is_event(b"$.KBUS"));
        assert!(!is_event(b"$.KBUS.ReplierBindEventful"));
    }
}
