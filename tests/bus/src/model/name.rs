// SPDX-License-Identifier: GPL-2.0-only
//! The rules for names, and what a binding hears.

use super::Errno::{self, *};

/// §4.1: may this be bound to?
pub fn may_bind(name: &[u8]) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || (b >= 0xc0 && b != 0xd7 && b != 0xf7);
    if !(3..=1000).contains(&name.len()) || !name.starts_with(b"$.") {
        return false;
    }
    let stem = match name {
        [stem @ .., b'.', b'*' | b'%'] => stem,
        _ => name,
    };
    stem.last() != Some(&b'.')
        && stem.windows(2).all(|two| two != b"..")
        && stem.iter().skip(2).all(|&b| b == b'.' || letter(b))
}

/// §4.1: may this be sent?
pub fn may_send(name: &[u8]) -> bool {
    may_bind(name) && !name.ends_with(b"*") && !name.ends_with(b"%")
}

/// §5.1: does the binding's name match the message's?
pub fn matches(bound: &[u8], name: &[u8]) -> bool {
    match bound {
        [prefix @ .., b'*'] => name.starts_with(prefix) && name.len() > prefix.len(),
        [prefix @ .., b'%'] => {
            name.starts_with(prefix)
                && name.len() > prefix.len()
                && !name[prefix.len()..].contains(&b'.')
        }
        _ => bound == name,
    }
}

/// Checks 2, 3 and 5 of BIND and UNBIND.
pub(super) fn check_name(name: &[u8]) -> Result<(), Errno> {
    if name.len() > 1000 {
        Err(ENAMETOOLONG)
    } else if !may_bind(name) {
        Err(EBADMSG)
    } else {
        Ok(())
    }
}
