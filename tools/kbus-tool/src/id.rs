// SPDX-License-Identifier: GPL-2.0-only
//! Message ids in JSON.

use kbus::MessageId;
use serde::{Serialize, Serializer};

/// An id, in JSON as in text: "[0:3]".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) MessageId);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
