// SPDX-License-Identifier: GPL-2.0-only

//! The bindings of one Ksock: in the order in which they were made, and for each pattern and role
//! a stack, since UNBIND takes the newest.

use super::binding::Binding;
use super::count::expect;
use super::id::At;
use super::pool::{self, Pool};
use kernel::sync::Arc;

/// So many bindings are in one piece of memory of 512 bytes.
const IN_CHUNK: usize = 8;

/// Cells for bindings.
pub(crate) type Growth = pool::Growth<OwnBinding, IN_CHUNK>;

/// Where they are.
pub(crate) type Cells = Pool<OwnBinding, IN_CHUNK>;

/// A binding, as its Ksock knows it.
pub(crate) struct OwnBinding {
    pub(crate) binding: Arc<Binding>,
    /// Those of the same Ksock that were made next before and after it.
    older: Option<At>,
    newer: Option<At>,
    /// The one below it in its subscription.
    pub(super) below: Option<At>,
    /// Of the first of a subscription that is shut: its place among all of those.
    pub(super) shut: Option<Shut>,
}

impl OwnBinding {
    /// Returns the one of the same Ksock that was made next before it.
    pub(super) fn older(&self) -> Option<At> {
        self.older
    }
}

/// The place of a shut subscription among those of its Ksock, which are told by their first
/// bindings.
#[derive(Clone, Copy)]
pub(super) struct Shut {
    pub(super) before: Option<At>,
    pub(super) behind: Option<At>,
}

/// The bindings of one Ksock.
pub(crate) struct Bindings {
    pub(super) cells: Cells,
    newest: Option<At>,
}

impl Bindings {
    pub(super) fn new() -> Self {
        Bindings {
            cells: Pool::new(),
            newest: None,
        }
    }

    /// Returns the newest.
    pub(crate) fn newest(&self) -> Option<At> {
        self.newest
    }

    /// Returns the next older one.
    pub(crate) fn older(&self, at: At) -> Option<At> {
        self.get(at)?.older
    }

    pub(crate) fn get(&self, at: At) -> Option<&OwnBinding> {
        expect(self.cells.get(at))
    }

    pub(super) fn get_mut(&mut self, at: At) -> Option<&mut OwnBinding> {
        expect(self.cells.get_mut(at))
    }

    /// Adds one that was made just now, above `below` in its subscription. It goes where
    /// [`Pool::next`] said.
    pub(super) fn add(&mut self, binding: Arc<Binding>, below: Option<At>) {
        let at = binding.at;
        let Some(slot) = expect(self.cells.reserve().filter(|slot| slot.at() == at)) else {
            return;
        };
        let older = self.newest.replace(at);
        if let Some(older) = older.and_then(|older| self.get_mut(older)) {
            older.newer = Some(at);
        }
        self.cells.fill(slot, || OwnBinding {
            binding,
            older,
            newer: None,
            below,
            shut: None,
        });
    }

    /// Takes one away.
    pub(super) fn remove(&mut self, at: At) -> Option<OwnBinding> {
        let own = expect(self.cells.remove(at))?;
        match own.newer.and_then(|newer| self.get_mut(newer)) {
            Some(newer) => newer.older = own.older,
            None => self.newest = own.older,
        }
        if let Some(older) = own.older.and_then(|older| self.get_mut(older)) {
            older.newer = own.newer;
        }
        Some(own)
    }
}
