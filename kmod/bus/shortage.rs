// SPDX-License-Identifier: GPL-2.0-only

//! Ksocks in whose queues no cell was free, and the chunks that they get: at the expense of who
//! opened them, and got when nothing is locked, as all memory is ([`prealloc`](super::prealloc)).

use super::error::BusError;
use super::id::KsockId;
use super::ksock::Ksock;
use super::ksocks::Ksocks;
use super::pool::Want;
use super::queue::{self, Growth};
use super::wakeup::Notify;
use core::mem::take;
use kernel::prelude::*;

/// Who is short of cells.
pub(super) struct Shortage<N> {
    short: KVVec<Short<N>>,
    /// How many more chunks there should be than there was space to note.
    not_noted: usize,
}

/// A Ksock in whose queue no cell was free, and what it gets.
struct Short<N> {
    ksock: KsockId,
    /// Its end at the file, at whose expense it is.
    notify: N,
    /// How many cells it lacked, of the chunk that it gets.
    lacks: u32,
    /// How many chunks it gets before this one.
    others: u32,
    want: Want,
    growth: Option<Growth>,
    stage: Stage,
}

/// How far somebody in want of cells is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It was noted, under the lock.
    Noted,
    /// A chunk was got for it, or was not to be had.
    Supplied,
    /// It has the chunk. What it did not need is to be freed.
    Done,
}

impl<N: Notify> Shortage<N> {
    pub(super) fn new() -> Self {
        Shortage {
            short: KVVec::new(),
            not_noted: 0,
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.short.is_empty()
    }

    /// Notes a Ksock in whose queue so many more cells should be free.
    #[cold]
    pub(super) fn note(&mut self, id: KsockId, ksock: &Ksock<N>, mut cells: u32) {
        const IN_CHUNK: u32 = queue::IN_CHUNK as u32;
        let mut others = 0;
        let last = self.short.last_mut();
        if let Some(last) = last.filter(|last| last.ksock == id && last.stage == Stage::Noted) {
            let more = cells.min(IN_CHUNK - last.lacks);
            last.lacks += more;
            cells -= more;
            others = last.others + 1;
        } else {
            // The longer it is the more it gets, so that it need not ask so often.
            cells = cells.max(ksock.queue.len() / 8).min(cells + 3 * IN_CHUNK);
        }
        while cells > 0 {
            let lacks = cells.min(IN_CHUNK);
            let short = Short {
                ksock: id,
                notify: ksock.notify.clone(),
                lacks,
                others,
                want: ksock.queue.cells.want_after(others),
                growth: None,
                stage: Stage::Noted,
            };
            if self.short.push_within_capacity(short).is_err() {
                self.not_noted += cells.div_ceil(IN_CHUNK) as usize;
                return;
            }
            others += 1;
            cells -= lacks;
        }
    }

    /// Gets chunks for those that were noted, and space to note `wanted` of them.
    ///
    /// # Errors
    ///
    /// `NoMemory` for the space. Who gets no chunk is told of it when they are handed out.
    pub(super) fn supply(&mut self, wanted: usize) -> Result<(), BusError> {
        let more = take(&mut self.not_noted).max(wanted);
        if self.short.is_empty() && more == 0 {
            return Ok(());
        }
        self.short.retain(|short| short.stage != Stage::Done);
        for short in self.short.iter_mut() {
            short.supply();
        }
        Ok(self.short.reserve(more, GFP_KERNEL_ACCOUNT)?)
    }

    /// Gives those that were noted what was got for them. Who got nothing is starved: no message
    /// fits until it has read something.
    #[cold]
    pub(super) fn hand_out(&mut self, ksocks: &mut Ksocks<N>) {
        for short in self.short.iter_mut() {
            if short.stage != Stage::Supplied {
                continue;
            }
            short.stage = Stage::Done;
            let Some(ksock) = ksocks.get_mut(short.ksock) else {
                continue;
            };
            match &mut short.growth {
                Some(growth) => ksock.queue.cells.add(growth),
                None => ksock.starved = true,
            }
        }
    }
}

impl<N: Notify> Short<N> {
    /// Gets what it wants, if it is to be had at its expense.
    fn supply(&mut self) {
        let grow = || Growth::new(self.want, N::ON_ACCOUNT);
        self.growth = self.notify.on_account(grow).ok();
        self.stage = Stage::Supplied;
    }
}
