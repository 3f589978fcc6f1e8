// SPDX-License-Identifier: GPL-2.0

//! Names and patterns: what is valid (specification 4.1), and which patterns cover a name (5.1).
//!
//! A pattern is found by a hash that can be computed for all patterns covering a name in one
//! pass over its bytes. The hash only decides the order in the routing tree, where the text
//! decides between equals: nothing is lost when somebody makes names collide.

use super::error::BusError;
use crate::uapi;

/// The longest name, in bytes.
pub(crate) const MAX_LEN: usize = uapi::KBUS_MAX_NAME_LEN as usize;

/// How a pattern ends, closest match first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tail {
    /// No wildcard: the name itself.
    Exact,
    /// `%`: one more word.
    Child,
    /// `*`: one or more words.
    Subtree,
}

/// Checks a name for binding: wildcards allowed.
pub(crate) fn check(text: &[u8]) -> Result<Tail, BusError> {
    if text.len() > MAX_LEN {
        return Err(BusError::NameTooLong);
    }
    if text.len() < 3 {
        return Err(BusError::BadName);
    }
    let (stem, tail) = match text {
        [stem @ .., b'.', b'*'] => (stem, Tail::Subtree),
        [stem @ .., b'.', b'%'] => (stem, Tail::Child),
        _ => (text, Tail::Exact),
    };
    let Some((b'$', words)) = stem.split_first() else {
        return Err(BusError::BadName);
    };
    // Each word has a dot before it. `$.*` and `$.%` have no word at all.
    if words.is_empty() {
        return Ok(tail);
    }
    if words.first() != Some(&b'.') {
        return Err(BusError::BadName);
    }
    let mut in_word = true;
    for &byte in words {
        let alphanumeric = ALPHANUMERIC.get(usize::from(byte)) == Some(&true);
        if !alphanumeric && (byte != b'.' || !in_word) {
            return Err(BusError::BadName);
        }
        in_word = alphanumeric;
    }
    if !in_word {
        return Err(BusError::BadName);
    }
    Ok(tail)
}

/// Checks a name for sending: no wildcards.
pub(crate) fn check_for_sending(text: &[u8]) -> Result<(), BusError> {
    match check(text)? {
        Tail::Exact => Ok(()),
        Tail::Child | Tail::Subtree => Err(BusError::BadName),
    }
}

/// ASCII letters and digits and, as the original's table had it, the letters of Latin-1. A table,
/// because every byte of every name is looked up.
#[allow(
    clippy::indexing_slicing,
    reason = "computed by the compiler, which would say so"
)]
static ALPHANUMERIC: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] =
            (byte as u8).is_ascii_alphanumeric() || (byte >= 0xC0 && byte != 0xD7 && byte != 0xF7);
        byte += 1;
    }
    table
};

/// A running hash (FNV-1a).
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    const START: Hash = Hash(0xcbf2_9ce4_8422_2325);

    fn then(self, byte: u8) -> Hash {
        Hash((self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
    }
}

/// The hash of a whole pattern, wildcard included.
pub(crate) fn hash(text: &[u8]) -> u64 {
    text.iter().fold(Hash::START, |hash, &b| hash.then(b)).0
}

/// One pattern that covers a name: `stem` bytes of the name, and then `tail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Covering {
    pub(crate) hash: u64,
    pub(crate) stem: usize,
    pub(crate) tail: Tail,
}

/// Calls `visit` for every pattern that covers `name`: its own, `%` beside its last word, `*`
/// after each of its dots.
pub(crate) fn for_each_covering(name: &[u8], mut visit: impl FnMut(Covering)) {
    let mut hash = Hash::START;
    let mut parent = None;
    for (i, &byte) in name.iter().enumerate() {
        hash = hash.then(byte);
        if byte == b'.' {
            let stem = i + 1;
            parent = Some((hash, stem));
            visit(Covering {
                hash: hash.then(b'*').0,
                stem,
                tail: Tail::Subtree,
            });
        }
    }
    if let Some((hash, stem)) = parent {
        visit(Covering {
            hash: hash.then(b'%').0,
            stem,
            tail: Tail::Child,
        });
    }
    visit(Covering {
        hash: hash.0,
        stem: name.len(),
        tail: Tail::Exact,
    });
}
