// SPDX-License-Identifier: GPL-2.0

//! The text of `/proc/kbus/bindings` and `/proc/kbus/stats` (specification 8).

use crate::bus::age::newest_first;
use crate::bus::binding::Binding;
use crate::bus::error::{BusError, Refusal};
use crate::bus::need::Need;
use crate::bus::prealloc::Prealloc;
use crate::bus::progress::{Part, Progress};
use crate::bus::state::Bus;
use crate::bus::wakeup::Notify;
use core::fmt::{self, Write};
use kernel::prelude::*;
use kernel::sync::Arc;

/// Text in memory got beforehand. What does not fit is only counted.
pub(crate) struct Text {
    buffer: KVVec<u8>,
    wanted: usize,
}

impl Text {
    /// Returns memory for `capacity` bytes.
    ///
    /// # Errors
    ///
    /// `NoMemory`.
    pub(crate) fn with_capacity(capacity: usize) -> Result<Self, BusError> {
        Ok(Text {
            buffer: KVVec::with_capacity(capacity, GFP_KERNEL)?,
            wanted: 0,
        })
    }

    /// Returns the text if it fitted.
    ///
    /// # Errors
    ///
    /// How many bytes it takes, if it did not.
    pub(crate) fn finish(&self) -> Result<&[u8], usize> {
        if self.buffer.len() < self.wanted {
            return Err(self.wanted);
        }
        Ok(&self.buffer)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.wanted = self.wanted.saturating_add(bytes.len());
        for &byte in bytes {
            if self.buffer.push_within_capacity(byte).is_err() {
                return;
            }
        }
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}

/// Writes the bindings of one bus, newest first, below their heading.
pub(crate) fn write_bindings(
    text: &mut Text,
    device: u32,
    bindings: &mut [Arc<Binding>],
) -> fmt::Result {
    newest_first(bindings, |binding| binding.id);
    text.put(
        b"# <device> is bound to <Ksock-ID> in <process-PID> as <Replier|Listener> \
          for <message-name>\n",
    );
    for binding in bindings {
        let (ksock, pid) = (binding.ksock.get(), binding.pid);
        let role = if binding.is_replier == 0 { 'L' } else { 'R' };
        write!(text, "{device:3}: {ksock:8} {pid:8}  {role}  ")?;
        // Not always UTF-8: names may have letters of Latin-1.
        text.put(binding.pattern.text());
        text.put(b"\n");
    }
    Ok(())
}

impl<N: Notify> Bus<N> {
    /// Returns all bindings, in no order.
    ///
    /// # Errors
    ///
    /// The need for memory.
    pub(crate) fn bindings(
        &self,
        prealloc: &mut Prealloc<N>,
    ) -> Result<KVVec<Arc<Binding>>, Refusal> {
        let count = self.routes.len();
        if prealloc.bindings.capacity() < count {
            return Err(Refusal::Need(Need {
                bindings: count,
                ..Need::NOTHING
            }));
        }
        self.collect_bindings(prealloc, |_| true);
        Ok(core::mem::replace(&mut prealloc.bindings, KVVec::new()))
    }

    /// Writes the statistics of the bus and of its Ksocks, newest first.
    pub(crate) fn write_stats(&mut self, text: &mut Text, device: u32) -> fmt::Result {
        let next = |last: u32| if last == 0 { 0 } else { last.wrapping_add(1) };
        writeln!(
            text,
            "dev {device:2}: next ksock {} next msg {} unsent unbindings {}{}",
            next(self.last_ksock),
            next(self.serials.last()),
            self.set_aside,
            if self.events_lost {
                "(gone tragic)"
            } else {
                ""
            },
        )?;
        let mut cursor = self.ksocks.cursor_back_mut();
        while let Some(here) = cursor {
            let (id, ksock) = here.current();
            let id = id.get();
            writeln!(
                text,
                "    ksock {id} last msg {}:{} queue {} of {}",
                ksock.last_sent.network,
                ksock.last_sent.serial,
                ksock.queue.counted(),
                ksock.limit(),
            )?;
            let Progress {
                read,
                read_of,
                wrote,
                part,
                finished,
            } = ksock.notify.progress();
            writeln!(
                text,
                "      read byte {read} of {read_of}, wrote byte {wrote} of {} ({}finished), \
                 {}sending",
                part.label(),
                if finished { "" } else { "not " },
                if ksock.pending.is_some() { "" } else { "not " },
            )?;
            writeln!(
                text,
                "      outstanding requests {} (size {}, max {}), unsent replies {} (max {})",
                ksock.awaited.len(),
                ksock.awaited.len().max(16),
                ksock.awaited.most(),
                ksock.owed.len(),
                ksock.owed.most(),
            )?;
            cursor = here.move_prev();
        }
        Ok(())
    }
}

impl Part {
    fn label(self) -> &'static str {
        match self {
            Part::Header => "HDR",
            Part::Name => "NAME",
            Part::NamePadding => "NPAD",
            Part::Data => "DATA",
            Part::DataPadding => "DPAD",
            Part::Guard => "FINAL",
            Part::End => "???",
        }
    }
}
