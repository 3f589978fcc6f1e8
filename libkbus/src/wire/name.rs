// SPDX-License-Identifier: GPL-2.0-only
//! What messages are called, and what bindings match: [`Name`] and
//! [`Pattern`]. Checked once, here; code that has one need not check again.
//! Not here: what is bound to what, which only the bus knows.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use crate::uapi;

/// The longest name, in bytes.
pub const MAX_NAME_LEN: usize = uapi::KBUS_MAX_NAME_LEN as usize;
const MIN_NAME_LEN: usize = 3;

/// What can be bound to: a name, or a name that ends in a wildcard.
///
/// `$.Actor.Hamlet` matches itself. `$.Actor.%` matches names with exactly
/// one more word, `$.Actor.*` names with one more word or several; a wildcard
/// may stand only at the end, as a word of its own.
///
/// A pattern has 3 to 1000 bytes ([`MAX_NAME_LEN`]), begins with `$.`, and
/// consists of words of letters and digits with single dots between them
/// (section 4.1). Letters are those of Latin-1: `é` is one and takes one byte,
/// `_` and `-` are not. As text, patterns are ordinary Unicode strings; to the
/// bus they are bytes of Latin-1, and the conversion is made here.
///
/// ```
/// use kbus::{Name, Pattern};
///
/// let actors = Pattern::new("$.Actor.*")?;
/// assert!(actors.matches(&Name::new("$.Actor.Hamlet.Ghost")?));
/// assert!(!actors.matches(&Name::new("$.Actor")?));
/// # Ok::<(), kbus::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Box<[u8]>);

/// What a message is called: a [`Pattern`] without a wildcard.
///
/// Every name is a pattern that matches only itself, so a name may stand where
/// a pattern is asked for.
///
/// ```
/// use kbus::Name;
///
/// let name = Name::new("$.Actor.Hamlet")?;
/// assert_eq!(name.to_string(), "$.Actor.Hamlet");
/// assert!(Name::new("$.Actor.*").is_err());
/// # Ok::<(), kbus::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Pattern);

/// Why something is not a name (or not a pattern).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Shorter than three bytes.
    #[error("a name has at least {MIN_NAME_LEN} characters")]
    TooShort,
    /// Longer than [`MAX_NAME_LEN`] bytes; this long.
    #[error("a name has at most {MAX_NAME_LEN} bytes, this one has {0}")]
    TooLong(usize),
    /// Does not begin with `$.`.
    #[error("a name begins with \"$.\"")]
    Start,
    /// Ends in a dot.
    #[error("a name does not end in a dot")]
    DotAtEnd,
    /// Two dots follow each other, the second one at this byte (from 0).
    #[error("two dots follow each other (at character {})", .0 + 1)]
    EmptyWord(usize),
    /// This character, at this byte (from 0), is neither letter nor digit.
    #[error("{}", letter(*.0, .1 + 1))]
    Letter(char, usize),
    /// Ends in a wildcard: good for binding, not for a message.
    #[error("a wildcard is for binding: a message needs a whole name")]
    Wildcard,
}

/// Says what is wrong with `char`, which is character `at` (from 1).
fn letter(char: char, at: usize) -> String {
    match char {
        '*' | '%' => {
            format!("a wildcard stands only at the end, after a dot (not at character {at})")
        }
        _ => format!("{char:?} (character {at}) is neither letter nor digit"),
    }
}

impl Pattern {
    /// Checks `text` and makes a pattern of it.
    ///
    /// # Errors
    ///
    /// [`NameError`] says what is wrong with the text.
    pub fn new(text: &str) -> Result<Pattern, NameError> {
        Pattern::from_bytes(&latin1(text)?)
    }

    /// Checks the bytes that the bus uses and makes a pattern of them.
    ///
    /// # Errors
    ///
    /// [`NameError`] says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Pattern, NameError> {
        check(bytes)?;
        Ok(Pattern(bytes.into()))
    }

    /// Returns the bytes that the bus uses: Latin-1, no terminator.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns whether it ends in `*` or `%`.
    pub fn is_wildcard(&self) -> bool {
        matches!(*self.0, [.., b'*' | b'%'])
    }

    /// Returns whether a binding to this pattern matches a message of that name
    /// (section 5.1).
    pub fn matches(&self, name: &Name) -> bool {
        let name = name.as_bytes();
        let rest = |before: &[u8]| name.strip_prefix(before).filter(|rest| !rest.is_empty());
        match &*self.0 {
            [before @ .., b'*'] => rest(before).is_some(),
            [before @ .., b'%'] => rest(before).is_some_and(|rest| !rest.contains(&b'.')),
            whole => whole == name,
        }
    }
}

impl Name {
    /// Checks `text` and makes a name of it.
    ///
    /// # Errors
    ///
    /// [`NameError`] says what is wrong with the text.
    pub fn new(text: &str) -> Result<Name, NameError> {
        Name::try_from(Pattern::new(text)?)
    }

    /// Checks the bytes that the bus uses and makes a name of them.
    ///
    /// # Errors
    ///
    /// [`NameError`] says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Name, NameError> {
        Name::try_from(Pattern::from_bytes(bytes)?)
    }
}

/// Text as the bus writes it. What is not in Latin-1 cannot be a letter.
fn latin1(text: &str) -> Result<Vec<u8>, NameError> {
    text.chars()
        .enumerate()
        .map(|(at, char)| u8::try_from(char).map_err(|_| NameError::Letter(char, at)))
        .collect()
}

/// The rules of section 4.1, those for bindings.
fn check(bytes: &[u8]) -> Result<(), NameError> {
    if bytes.len() > MAX_NAME_LEN {
        return Err(NameError::TooLong(bytes.len()));
    }
    if bytes.len() < MIN_NAME_LEN {
        return Err(NameError::TooShort);
    }
    if !bytes.starts_with(b"$.") {
        return Err(NameError::Start);
    }
    let words = match bytes {
        [words @ .., b'.', b'*' | b'%'] => words,
        whole => whole,
    };
    let mut after_dot = true;
    for (at, &byte) in words.iter().enumerate().skip(2) {
        match byte {
            b'.' if after_dot => return Err(NameError::EmptyWord(at)),
            b'.' => after_dot = true,
            byte if is_letter(byte) => after_dot = false,
            byte => return Err(NameError::Letter(byte.into(), at)),
        }
    }
    // Nothing but `$` is left of `$.*`.
    if words.len() > 1 && after_dot {
        return Err(NameError::DotAtEnd);
    }
    Ok(())
}

/// Letters and digits, Latin-1 ones included: all from 0xC0 on but the signs
/// for multiplication and division.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || (byte >= 0xC0 && byte != 0xD7 && byte != 0xF7)
}

impl TryFrom<Pattern> for Name {
    type Error = NameError;

    fn try_from(pattern: Pattern) -> Result<Name, NameError> {
        if pattern.is_wildcard() {
            return Err(NameError::Wildcard);
        }
        Ok(Name(pattern))
    }
}

impl From<Name> for Pattern {
    fn from(name: Name) -> Pattern {
        name.0
    }
}

impl Deref for Name {
    type Target = Pattern;

    fn deref(&self) -> &Pattern {
        &self.0
    }
}

impl AsRef<Pattern> for Pattern {
    fn as_ref(&self) -> &Pattern {
        self
    }
}

impl AsRef<Pattern> for Name {
    fn as_ref(&self) -> &Pattern {
        self
    }
}

impl FromStr for Pattern {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Pattern, NameError> {
        Pattern::new(text)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Name, NameError> {
        Name::new(text)
    }
}

/// As text.
#[cfg(feature = "serde")]
mod serialised {
    use super::{Name, Pattern};
    use serde::{de::Error, Deserialize, Deserializer, Serialize, Serializer};

    impl Serialize for Pattern {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl Serialize for Name {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for Pattern {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
            Pattern::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }

    impl<'de> Deserialize<'de> for Name {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
            Name::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }
}

impl PartialEq<str> for Pattern {
    fn eq(&self, text: &str) -> bool {
        text.chars().eq(self.0.iter().map(|&byte| char::from(byte)))
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, text: &str) -> bool {
        self.0 == *text
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, text: &&str) -> bool {
        self.0 == **text
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Through pad, so that {:20} works. Latin-1 is the beginning of
        // Unicode.
        f.pad(
            &self
                .0
                .iter()
                .map(|&byte| char::from(byte))
                .collect::<String>(),
        )
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Which names are good and bad, and what matches, is in src/vectors.rs.

    proptest! {
        /// Arbitrary bytes are a name or are refused; text and bytes agree.
        #[test]
        fn checking_is_total(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(pattern) = Pattern::from_bytes(&bytes) {
                prop_assert_eq!(pattern.as_bytes(), &*bytes);
                prop_assert_eq!(Pattern::new(&pattern.to_string()).unwrap(), pattern);
            }
        }

        /// What the rules allow is accepted, and matches what it should.
        #[test]
        fn words_make_names(words in prop::collection::vec("[0-9A-Za-z\u{e0}]{1,5}", 1..6)) {
            let name = Name::new(&format!("$.{}", words.join("."))).unwrap();
            prop_assert!(name.matches(&name));
            for kept in 0..words.len() {
                let before = words[..kept].join(".");
                let dot = if kept > 0 { "." } else { "" };
                let star = Pattern::new(&format!("$.{before}{dot}*")).unwrap();
                let percent = Pattern::new(&format!("$.{before}{dot}%")).unwrap();
                prop_assert!(star.matches(&name));
                prop_assert_eq!(percent.matches(&name), kept + 1 == words.len());
            }
        }
    }
}
