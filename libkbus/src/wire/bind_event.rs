// SPDX-License-Identifier: GPL-2.0-only
//! Repliers that come and go: [`BindEvent`], what the bus tells about them
//! when it is asked to
//! ([`Ksock::set_report_replier_binds`](crate::Ksock::set_report_replier_binds)).

use std::fmt;
use std::mem::size_of;

use crate::uapi::kbus_replier_bind_event_data;
use crate::wire::id::KsockId;
use crate::wire::layout::{padded_name, word};
use crate::wire::name::Pattern;

/// A replier has bound to a name, or has given it up (section 6.4). Decoded
/// from a message by [`Message::bind_event`](crate::Message::bind_event).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BindEvent {
    /// Bound; if not, unbound.
    pub bound: bool,
    /// The replier.
    pub binder: KsockId,
    /// What it bound to.
    pub name: Pattern,
}

impl BindEvent {
    /// Decodes the data of the message: three words, then the padded name.
    pub(crate) fn parse(data: &[u8]) -> Option<BindEvent> {
        const NAME: usize = size_of::<kbus_replier_bind_event_data>();
        let bound = word(data, 0)? != 0;
        let binder = KsockId::new(word(data, 4)?)?;
        let name_len = usize::try_from(word(data, 8)?).ok()?;
        let name = data.get(NAME..)?;
        let name = Pattern::from_bytes(name.get(..name_len)?).ok()?;
        (data.len() == NAME + padded_name(name_len)).then_some(BindEvent {
            bound,
            binder,
            name,
        })
    }
}

/// As the C library prints it.
impl fmt::Display for BindEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.bound { "Bind" } else { "Unbind" };
        write!(f, "{what} '{}' for {}", self.name, self.binder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(words: [u32; 3], name: &[u8]) -> Vec<u8> {
        [&words.map(u32::to_ne_bytes).concat(), name].concat()
    }

    #[test]
    fn the_example_of_section_6_4() {
        let event = BindEvent::parse(&data([0, 21, 4], b"$.r3\0\0\0\0")).unwrap();
        assert_eq!(event.to_string(), "Unbind '$.r3' for 21");
        assert!(!event.bound);
    }

    #[test]
    fn nonsense_is_none() {
        // Beside what is malformed in all languages: src/vectors.rs.
        assert_eq!(BindEvent::parse(&data([1, 0, 4], b"$.r3\0\0\0\0")), None);
        assert_eq!(BindEvent::parse(&data([1, 21, 4], b"r3.$\0\0\0\0")), None);
        assert_eq!(BindEvent::parse(&data([1, 21, 4], b"$.r3")), None);
    }
}
