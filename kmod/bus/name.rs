// SPDX-License-Identifier: GPL-2.0-only

//! Names and patterns: what is valid (specification 4.1), and which patterns cover a name (5.1).
//! Each is checked once, where it comes in, and is of a type that says so from then on.
//!
//! A pattern is found by a hash that can be computed for all patterns covering a name in one
//! pass over its bytes. The hash only decides the order in the routing tree, where the text
//! decides between equals: nothing is lost when names are made to collide.

use super::error::BusError;
use crate::uapi;
use core::ops::Deref;
use kernel::prelude::*;

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

impl Tail {
    /// Returns how `text` ends.
    fn of(text: &[u8]) -> Tail {
        match text {
            [.., b'.', b'*'] => Tail::Subtree,
            [.., b'.', b'%'] => Tail::Child,
            _ => Tail::Exact,
        }
    }

    /// Returns the bytes of a pattern of `len` bytes that are there in each name it covers.
    fn stem_of(self, len: usize) -> usize {
        match self {
            Tail::Exact => len,
            // The wildcard is one byte.
            Tail::Child | Tail::Subtree => len - 1,
        }
    }
}

/// A name that a message can have: valid, and no wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// Checks `text`.
    ///
    /// # Errors
    ///
    /// `BadName`, `NameTooLong`.
    pub(crate) fn new(text: &'a [u8]) -> Result<Self, BusError> {
        match check(text)? {
            Tail::Exact => Ok(Name(text)),
            Tail::Child | Tail::Subtree => Err(BusError::BadName),
        }
    }

    /// One of the bus's own names. A test checks that all of them are valid.
    pub(super) const fn of_bus(text: &'static [u8]) -> Name<'static> {
        Name(text)
    }

    /// The name of a message, which was checked when the message was made.
    pub(super) fn of_message(text: &'a [u8], _checked: CheckedName) -> Self {
        Name(text)
    }

    pub(crate) fn text(&self) -> &'a [u8] {
        self.0
    }

    /// Returns the proof that this was checked, for the message that will have the name.
    pub(crate) fn checked(&self) -> CheckedName {
        // Names are short.
        CheckedName {
            len: self.0.len() as u32,
        }
    }
}

/// The proof that the name of a message that is being made was checked: [`Name`] without its
/// text, which may still be moved about. It is only made by checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckedName {
    len: u32,
}

impl CheckedName {
    /// Returns the length of the name, in bytes.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }
}

/// What can be bound to: a valid name, or one with a wildcard as its last word.
#[derive(Clone, Copy)]
pub(crate) struct Pattern<T = KVec<u8>> {
    text: T,
    hash: u64,
}

impl<T: Deref<Target = [u8]>> Pattern<T> {
    /// Checks `text`.
    ///
    /// # Errors
    ///
    /// `BadName`, `NameTooLong`.
    pub(crate) fn new(text: T) -> Result<Self, BusError> {
        check(&text)?;
        let hash = text.iter().fold(Hash::START, |hash, &b| hash.then(b)).0;
        Ok(Pattern { text, hash })
    }

    /// Returns the text, wildcard included.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Returns how it ends. Not kept, so that a binding takes no more than 64 bytes.
    pub(super) fn tail(&self) -> Tail {
        Tail::of(&self.text)
    }

    /// Returns whether it covers a name (5.1).
    pub(super) fn covers(&self, name: Name<'_>) -> bool {
        let Covering { stem, tail, .. } = self.covering();
        let name = name.text();
        let (start, rest) = name.split_at(stem.min(name.len()));
        start == self.text.get(..stem).unwrap_or(&[])
            && match tail {
                Tail::Exact => rest.is_empty(),
                Tail::Child => !rest.is_empty() && !rest.contains(&b'.'),
                Tail::Subtree => !rest.is_empty(),
            }
    }

    /// Returns it without its text.
    pub(crate) fn covering(&self) -> Covering {
        let tail = self.tail();
        Covering {
            hash: self.hash,
            stem: tail.stem_of(self.text.len()),
            tail,
        }
    }
}

/// Checks what is to be bound to.
fn check(text: &[u8]) -> Result<Tail, BusError> {
    if text.len() > MAX_LEN {
        return Err(BusError::NameTooLong);
    }
    if text.len() < 3 {
        return Err(BusError::BadName);
    }
    let tail = Tail::of(text);
    let stem = match tail {
        Tail::Exact => text,
        // Without the wildcard and the dot before it.
        Tail::Child | Tail::Subtree => text.get(..text.len() - 2).unwrap_or(text),
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

/// One pattern that covers a name: `stem` bytes of the name, and then `tail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Covering {
    pub(crate) hash: u64,
    pub(crate) stem: usize,
    pub(crate) tail: Tail,
}

/// Calls `visit` for every pattern that covers `name`: its own, `%` beside its last word, `*`
/// after each of its dots.
pub(crate) fn for_each_covering(name: Name<'_>, mut visit: impl FnMut(Covering)) {
    let name = name.text();
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
