// SPDX-License-Identifier: GPL-2.0-only
//! Messages between the device and their readers: [`Inbox`].
//!
//! A call that waits for its answer must take what arrives before that; an
//! inbox defers it, in order, until a reader wants the next message: up to the
//! limit of its source. What is taken cannot be put back, so a call that would
//! have to defer more gives up instead. An inbox also lets several threads wait
//! on one Ksock: one of them waits at the device, the others for that one. It
//! sends nothing, and calls nothing but its source.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::deadline::Deadline;
use crate::error::{Call, Errno, Error};
use crate::message::Message;
use crate::sys::device::Source;
use crate::wire::id::MessageId;

/// Which message a reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The next one that no call waits for.
    Next,
    /// The answer to this request, which is expected.
    AnswerTo(MessageId),
}

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// Some reader may find something now that has not before.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Taken from the source and wanted by no reader yet, oldest first.
    deferred: VecDeque<Message>,
    /// The requests whose answers calls wait for.
    expected: Vec<MessageId>,
    /// A thread waits at the source.
    at_source: bool,
    /// How many threads wait for `changed`.
    waiting: usize,
}

impl State {
    fn is_wanted(&self, message: &Message, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Next => message
                .in_reply_to()
                .is_none_or(|id| !self.expected.contains(&id)),
            Wanted::AnswerTo(id) => message.in_reply_to() == Some(id),
        }
    }

    /// Returns whether as much is deferred as may be. The answers that `others`
    /// wait for come on top: the bus sees to it that there are not too many of
    /// them.
    fn is_full(&self, others: usize, source: &impl Source) -> Result<bool, Error> {
        Ok(!source.may_defer(self.deferred.len().saturating_sub(others))?)
    }

    /// Returns what is wanted, out of what is deferred or else from the source.
    fn find(&mut self, wanted: Wanted, source: &impl Source) -> Result<Option<Message>, Error> {
        if let Some(at) = self
            .deferred
            .iter()
            .position(|message| self.is_wanted(message, wanted))
        {
            return Ok(self.deferred.remove(at));
        }
        // Not while a thread waits at the source: it would sleep on, although
        // what it waits for was taken.
        if self.at_source {
            return Ok(None);
        }
        loop {
            // Before one is taken, which could only be deferred. A reader that
            // wants the next message defers nothing but answers.
            if let Wanted::AnswerTo(request) = wanted {
                if self.is_full(self.expected.len().saturating_sub(1), source)? {
                    return Err(Error::Crowded { request });
                }
            }
            match source.next()? {
                Some(message) if self.is_wanted(&message, wanted) => return Ok(Some(message)),
                Some(message) => self.deferred.push_back(message),
                None => return Ok(None),
            }
        }
    }
}

/// An inbox from which no message is taken before the request is sent.
pub(crate) struct Ready<'a>(MutexGuard<'a, State>);

impl Ready<'_> {
    /// The request was sent: its answer is for the call that waits for it.
    pub(crate) fn expect(mut self, id: MessageId) {
        self.0.expected.push(id);
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No step under the lock leaves the state half done, so a panic
        // elsewhere does not make it wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets ready for a request: until its answer is [expected](Ready::expect),
    /// no other reader can take that for an ordinary message. Full, the inbox
    /// fails as the bus does when our queue there is full.
    pub(crate) fn ready(&self, source: &impl Source) -> Result<Ready<'_>, Error> {
        let state = self.lock();
        if state.is_full(state.expected.len(), source)? {
            return Err(Error::Os {
                call: Call::Ask,
                errno: Errno::ENOLCK,
            });
        }
        Ok(Ready(state))
    }

    /// A call has its answer, or gives up. What comes later is an ordinary
    /// message.
    pub(crate) fn expect_no_more(&self, id: MessageId) {
        let mut state = self.lock();
        if let Some(at) = state.expected.iter().position(|expected| *expected == id) {
            state.expected.swap_remove(at);
        }
        self.wake(&state);
    }

    /// Returns what is wanted, if it is there already.
    pub(crate) fn take(
        &self,
        wanted: Wanted,
        source: &impl Source,
    ) -> Result<Option<Message>, Error> {
        self.look(wanted, source).0
    }

    /// Returns what is wanted, if it is there already, and whether there is
    /// something new now for other readers.
    pub(crate) fn look(
        &self,
        wanted: Wanted,
        source: &impl Source,
    ) -> (Result<Option<Message>, Error>, bool) {
        let mut state = self.lock();
        let before = state.deferred.len();
        let found = state.find(wanted, source);
        let more = state.deferred.len() > before;
        if more {
            self.wake(&state);
        }
        (found, more)
    }

    /// Returns what is wanted, as soon as it is there; `None` when the deadline
    /// has passed.
    pub(crate) fn wait(
        &self,
        wanted: Wanted,
        deadline: Deadline,
        source: &impl Source,
    ) -> Result<Option<Message>, Error> {
        let mut state = self.lock();
        let mut was_at_source = false;
        loop {
            // Looked at first, so that what comes at the last moment counts.
            let last = deadline.has_passed();
            let before = state.deferred.len();
            let found = state.find(wanted, source);
            let done = last || !matches!(found, Ok(None));
            // Others are woken only when there is something new for them, or
            // one of them must go to the source now. More, and they would
            // keep waking each other.
            if state.deferred.len() > before || (done && was_at_source) {
                self.wake(&state);
            }
            if done {
                return found;
            }
            was_at_source = !state.at_source;
            if state.at_source {
                state = self.wait_for_change(state, deadline);
                continue;
            }
            state.at_source = true;
            drop(state);
            let waited = source.wait(deadline);
            state = self.lock();
            state.at_source = false;
            if let Err(error) = waited {
                self.wake(&state);
                return Err(error);
            }
        }
    }

    fn wake(&self, state: &State) {
        // No thread waits in a program of one thread: save the system call.
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    fn wait_for_change<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        deadline: Deadline,
    ) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let mut state = match deadline.left() {
            None => self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
            Some(left) => {
                self.changed
                    .wait_timeout(state, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        state.waiting -= 1;
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::name::Name;
    use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
    use std::time::Duration;

    /// A source that is filled from another thread.
    struct Channel {
        messages: Mutex<(Receiver<Message>, Option<Message>)>,
        limit: usize,
    }

    impl Channel {
        fn new(messages: Receiver<Message>) -> Channel {
            Channel {
                messages: Mutex::new((messages, None)),
                limit: usize::MAX,
            }
        }
    }

    impl Source for Channel {
        fn next(&self) -> Result<Option<Message>, Error> {
            let mut messages = self.messages.lock().unwrap();
            Ok(messages.1.take().or_else(|| messages.0.try_recv().ok()))
        }

        fn may_defer(&self, deferred: usize) -> Result<bool, Error> {
            Ok(deferred < self.limit)
        }

        fn wait(&self, deadline: Deadline) -> Result<bool, Error> {
            let mut messages = self.messages.lock().unwrap();
            if messages.1.is_some() {
                return Ok(true);
            }
            let left = deadline.left().unwrap_or(Duration::from_secs(60));
            match messages.0.recv_timeout(left) {
                Ok(message) => {
                    messages.1 = Some(message);
                    Ok(true)
                }
                Err(RecvTimeoutError::Timeout) => Ok(false),
                Err(RecvTimeoutError::Disconnected) => Err(Error::NotAsked),
            }
        }
    }

    fn id(serial: u32) -> MessageId {
        MessageId { network: 0, serial }
    }

    fn message(serial: u32) -> Message {
        Message::announcement(&Name::new("$.A").unwrap(), "").with_id(id(serial))
    }

    fn answer(serial: u32, request: u32) -> Message {
        message(serial).with_in_reply_to(id(request))
    }

    fn expect(inbox: &Inbox, source: &Channel, serial: u32) -> Result<(), Error> {
        inbox.ready(source).map(|ready| ready.expect(id(serial)))
    }

    fn serials(inbox: &Inbox, source: &Channel) -> Vec<u32> {
        std::iter::from_fn(|| inbox.take(Wanted::Next, source).unwrap())
            .map(|message| message.id().serial)
            .collect()
    }

    #[test]
    fn waiting_for_an_answer_defers_the_rest_in_order() {
        let (sender, messages) = mpsc::channel();
        let (inbox, source) = (Inbox::default(), Channel::new(messages));
        for message in [
            message(1),
            answer(2, 100),
            message(3),
            answer(4, 50),
            message(5),
        ] {
            sender.send(message).unwrap();
        }
        expect(&inbox, &source, 50).unwrap();
        let found = inbox
            .wait(Wanted::AnswerTo(id(50)), Deadline::NEVER, &source)
            .unwrap();
        inbox.expect_no_more(id(50));
        assert_eq!(found, Some(answer(4, 50)));
        assert_eq!(serials(&inbox, &source), [1, 2, 3, 5]);
    }

    #[test]
    fn an_expected_answer_is_not_for_others_until_it_is_given_up() {
        let (sender, messages) = mpsc::channel();
        let (inbox, source) = (Inbox::default(), Channel::new(messages));
        expect(&inbox, &source, 50).unwrap();
        sender.send(answer(1, 50)).unwrap();
        sender.send(message(2)).unwrap();
        assert_eq!(serials(&inbox, &source), [2]);
        inbox.expect_no_more(id(50));
        assert_eq!(serials(&inbox, &source), [1]);
    }

    #[test]
    fn a_call_defers_as_much_as_the_queue_may_hold() {
        let (sender, messages) = mpsc::channel();
        let (inbox, mut source) = (Inbox::default(), Channel::new(messages));
        source.limit = 2;
        let ask = |serial| expect(&inbox, &source, serial);
        let wait = |serial| {
            let found = inbox.wait(Wanted::AnswerTo(id(serial)), Duration::ZERO.into(), &source);
            inbox.expect_no_more(id(serial));
            found
        };
        // The answer to another call does not count.
        ask(60).unwrap();
        ask(50).unwrap();
        (1..=3).for_each(|serial| sender.send(message(serial)).unwrap());
        sender.send(answer(4, 60)).unwrap();
        sender.send(answer(5, 50)).unwrap();
        // Two are the limit, and one more while another waits for an answer.
        assert_eq!(wait(50), Err(Error::Crowded { request: id(50) }));
        assert_eq!(wait(60), Err(Error::Crowded { request: id(60) }));
        let full = ask(70).unwrap_err();
        assert_eq!(full.errno(), Some(Errno::ENOLCK));
        // Nothing is lost, and answers that no call waits for are messages.
        assert_eq!(serials(&inbox, &source), [1, 2, 3, 4, 5]);
        ask(70).unwrap();
        sender.send(answer(6, 70)).unwrap();
        assert_eq!(
            wait(70).map(|found| found.map(|found| found.id())),
            Ok(Some(id(6)))
        );
    }

    #[test]
    fn a_deadline_passes() {
        let (_sender, messages) = mpsc::channel();
        let (inbox, source) = (Inbox::default(), Channel::new(messages));
        let soon = Duration::from_millis(5);
        assert_eq!(inbox.wait(Wanted::Next, soon.into(), &source), Ok(None));
    }

    #[test]
    fn an_error_reaches_all_that_wait() {
        let (sender, messages) = mpsc::channel();
        let (inbox, source) = (Inbox::default(), Channel::new(messages));
        std::thread::scope(|scope| {
            let wait = || inbox.wait(Wanted::Next, Deadline::NEVER, &source);
            let threads = [scope.spawn(wait), scope.spawn(wait), scope.spawn(wait)];
            drop(sender);
            for thread in threads {
                assert_eq!(thread.join().unwrap(), Err(Error::NotAsked));
            }
        });
    }

    /// Threads that make calls and one that takes all else share a source;
    /// each gets its own, and the last one all in order.
    #[test]
    fn threads_share_one_source() {
        const CALLS: u32 = 300;
        const THREADS: u32 = 4;
        const REST: u32 = 1_000_000;
        let (sender, messages) = mpsc::channel();
        let (inbox, source) = (Inbox::default(), Channel::new(messages));
        let (inbox, source) = (&inbox, &source);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let sender = sender.clone();
                scope.spawn(move || {
                    for call in 0..CALLS {
                        let request = thread * CALLS + call + 1;
                        let ready = inbox.ready(source).unwrap();
                        sender.send(message(REST + request)).unwrap();
                        sender.send(answer(request, request)).unwrap();
                        ready.expect(id(request));
                        let wanted = Wanted::AnswerTo(id(request));
                        let found = inbox.wait(wanted, Deadline::NEVER, source).unwrap();
                        inbox.expect_no_more(id(request));
                        assert_eq!(found.unwrap().id(), id(request));
                    }
                });
            }
            let mut last = [0; THREADS as usize];
            for _ in 0..THREADS * CALLS {
                let found = inbox
                    .wait(Wanted::Next, Deadline::NEVER, source)
                    .unwrap()
                    .unwrap();
                let number = found.id().serial - REST - 1;
                let last = &mut last[(number / CALLS) as usize];
                assert_eq!(number % CALLS, *last);
                *last += 1;
            }
        });
    }
}
