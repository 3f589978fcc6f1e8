// SPDX-License-Identifier: GPL-2.0-only
//! What a listener may have missed: messages that the bus did not queue for
//! it, because its queue was full.
//!
//! The bus does not tell. It counts no such messages, and a gap in the serial
//! numbers proves nothing, since messages that do not match, or were refused,
//! use numbers up as well. But a message is left out only while the queue is
//! full, and a queue only grows between two messages that we take. So when
//! `taken` messages were taken one after the other and `left` are in the queue
//! afterwards, it held at most `taken + left` at any time; as long as that is
//! less than the limit, nothing was missed, for certain. If not, what was
//! missed was sent after the last message that was in the queue when it was
//! full, and before the next one. We know which two those are, and the gap
//! between their numbers says how many were missed at most; none, when there is
//! no gap.
//!
//! This holds for a Ksock that sends no requests, whose answers take up room.

use std::collections::VecDeque;

use kbus::{Message, MessageId};
use serde::Serialize;

/// A place where messages may be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Gap {
    /// The last message before it.
    pub(crate) after: MessageId,
    /// The next message; none if it has not come yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<MessageId>,
    /// How many are missing at most; none: the numbers do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at_most: Option<u32>,
}

/// Finds the gaps of one queue.
#[derive(Debug)]
pub(crate) struct GapDetector {
    limit: u64,
    /// How many messages we have taken, and the last of them.
    taken: u64,
    last: Option<MessageId>,
    /// Of them, since the length of the queue was known.
    batch: u64,
    /// After these messages, counted as `taken`, something may be missing.
    suspect: VecDeque<(u64, u64)>,
}

impl GapDetector {
    pub(crate) fn new(limit: u32) -> GapDetector {
        GapDetector {
            limit: limit.into(),
            taken: 0,
            last: None,
            batch: 0,
            suspect: VecDeque::new(),
        }
    }

    /// Takes note of a message from the queue. Returns the gap before it.
    pub(crate) fn on_message(&mut self, message: &Message) -> Option<Gap> {
        let id = message.id();
        let suspect = self.is_suspect();
        let gap = match self.last {
            Some(last) if suspect => between(last, id).map(|at_most| Gap {
                after: last,
                before: Some(id),
                at_most,
            }),
            _ => None,
        };
        self.taken += 1;
        self.batch += 1;
        self.last = Some(id);
        gap
    }

    /// Returns whether it is time for [`on_length`](Self::on_length). To learn
    /// the length costs a system call; a small queue wants many.
    pub(crate) fn wants_length(&self) -> bool {
        self.batch >= (self.limit / 4).clamp(1, 64)
    }

    /// Takes note of how many messages are in the queue.
    pub(crate) fn on_length(&mut self, left: u64) {
        if self.batch + left >= self.limit {
            // Full before the first of the batch was taken, at the earliest,
            // and now, at the latest: these were the last in the queue.
            let first = (self.taken - self.batch + self.limit).max(self.taken);
            let last = self.taken + left;
            if first <= last {
                self.suspect.push_back((first, last));
            }
        }
        self.batch = 0;
    }

    /// Takes note that the queue is empty. `newest` is the last message of the
    /// whole bus: with it, a gap is known before the next message comes.
    pub(crate) fn on_empty(&mut self, newest: impl FnOnce() -> Option<u32>) -> Option<Gap> {
        self.on_length(0);
        let last = self.last?;
        if !self.is_suspect() {
            return None;
        }
        // Told now, so not once more with the next message.
        self.suspect.clear();
        let newest = newest().map(|serial| serial.wrapping_add(1));
        let at_most = match newest {
            Some(serial) => between(last, MessageId { network: 0, serial })?,
            None => None,
        };
        Some(Gap {
            after: last,
            before: None,
            at_most,
        })
    }

    /// Returns whether something may be missing after the last message taken.
    fn is_suspect(&mut self) -> bool {
        while self
            .suspect
            .front()
            .is_some_and(|(_, last)| *last < self.taken)
        {
            self.suspect.pop_front();
        }
        self.suspect
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&self.taken))
    }
}

/// Returns how many messages may have been sent between these two, if any.
/// Numbers that their sender chose do not tell, nor those of a message that
/// overtook another one.
fn between(before: MessageId, after: MessageId) -> Option<Option<u32>> {
    if before.network != 0 || after.network != 0 {
        return Some(None);
    }
    match after.serial.checked_sub(before.serial) {
        // One message twice, or the very next one.
        Some(0 | 1) => None,
        Some(distance) => Some(Some(distance - 1)),
        None => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kbus::Name;

    fn message(serial: u32) -> Message {
        Message::announcement(&Name::new("$.A").unwrap(), "")
            .with_id(MessageId { network: 0, serial })
    }

    /// A queue that leaves out what does not fit, as the bus does, beside a
    /// detector that sees of it only what we see.
    struct Queue {
        limit: usize,
        queue: VecDeque<u32>,
        left_out: Vec<u32>,
        serial: u32,
        detector: GapDetector,
        /// Told to be missing: after, before, at most.
        told: Vec<(u32, Option<u32>, Option<u32>)>,
    }

    impl Queue {
        fn new(limit: usize) -> Queue {
            Queue {
                limit,
                queue: VecDeque::new(),
                left_out: Vec::new(),
                serial: 0,
                detector: GapDetector::new(limit.try_into().unwrap()),
                told: Vec::new(),
            }
        }

        fn send(&mut self) {
            self.serial += 1;
            if self.queue.len() < self.limit {
                self.queue.push_back(self.serial);
            } else {
                self.left_out.push(self.serial);
            }
        }

        fn take(&mut self) {
            let gap = match self.queue.pop_front() {
                Some(serial) => self.detector.on_message(&message(serial)),
                None => self.detector.on_empty(|| Some(self.serial)),
            };
            if let Some(gap) = gap {
                let before = gap.before.map(|id| id.serial);
                self.told.push((gap.after.serial, before, gap.at_most));
            }
            if self.detector.wants_length() {
                self.detector.on_length(self.queue.len() as u64);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let mut queue = Queue::new(5);
        (0..12).for_each(|_| queue.send());
        (0..6).for_each(|_| queue.take());
        assert_eq!(queue.left_out, [6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(queue.told, [(5, None, Some(7))]);
    }

    #[test]
    fn a_full_queue_alone_is_no_loss() {
        let mut queue = Queue::new(5);
        (0..5).for_each(|_| queue.send());
        (0..6).for_each(|_| queue.take());
        queue.send();
        queue.take();
        assert_eq!(queue.told, []);
    }

    /// Whatever the order of sending and taking: each message that was left
    /// out lies in a gap that was told, as soon as the queue is empty.
    #[test]
    fn nothing_is_missed_silently() {
        let mut random = 1_u32;
        for limit in [1, 2, 3, 4, 5, 8, 16, 100, 400] {
            for eagerness in 1..8 {
                let mut queue = Queue::new(limit);
                for _ in 0..2_000 {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let burst = 1 + (random >> 29);
                    for _ in 0..=burst {
                        if (random >> 8) & 7 < eagerness {
                            queue.take();
                        } else {
                            queue.send();
                        }
                    }
                }
                while !queue.queue.is_empty() {
                    queue.take();
                }
                queue.take();
                for lost in &queue.left_out {
                    assert!(
                        queue.told.iter().any(|(after, before, _)| after < lost
                            && before.is_none_or(|before| *lost < before)),
                        "limit {limit}: {lost} was left out and not told"
                    );
                }
                let at_most: u64 = queue
                    .told
                    .iter()
                    .map(|told| u64::from(told.2.unwrap()))
                    .sum();
                assert!(at_most >= queue.left_out.len() as u64);
                // Every number not heard was left out: so nothing is told
                // that was not.
                assert_eq!(at_most, queue.left_out.len() as u64, "limit {limit}");
            }
        }
    }
}
