// SPDX-License-Identifier: GPL-2.0-only

//! What happens on a bus, for who wants to watch: the trace points of kbus-trace(7). They are
//! called where it happens, under the lock of the bus, so that what is traced of a bus stands in
//! the order in which it was.

use crate::bus::binding::{Binding, Role};
use crate::bus::id::{KsockId, MsgId};
use crate::bus::message::Message;
use crate::bus::name::Name;
use crate::bus::queue::Queue;
use crate::kapi::trace;

/// What was decided about a message.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    Sent,
    Waits,
    Refused,
}

/// Why one whom a binding covers gets no copy.
#[derive(Clone, Copy)]
pub(crate) enum Why {
    /// It has no capacity, and the sender did not insist.
    Full,
    /// It has this very message, and wants each only once.
    Once,
}

/// A binding was made.
#[inline(always)]
pub(crate) fn bind(bus: u32, binding: &Binding) {
    if trace::bind_is_on() {
        let replier = binding.role() == Role::Replier;
        trace::bind(bus, binding.ksock.get(), replier, binding.pattern.text());
    }
}

/// A binding was taken away by its Ksock.
#[inline(always)]
pub(crate) fn unbind(bus: u32, binding: &Binding) {
    if trace::unbind_is_on() {
        let replier = binding.role() == Role::Replier;
        trace::unbind(bus, binding.ksock.get(), replier, binding.pattern.text());
    }
}

/// A Ksock was closed: its bindings go, and its debts are answered.
#[inline(always)]
pub(crate) fn close(bus: u32, ksock: KsockId) {
    if trace::close_is_on() {
        trace::close(bus, ksock.get());
    }
}

/// It was decided what becomes of a message of this Ksock. It has no id yet if it was refused for
/// want of room for its answer.
#[inline(always)]
pub(crate) fn route(
    bus: u32,
    ksock: KsockId,
    message: &Message,
    verdict: impl FnOnce() -> Verdict,
) {
    if trace::route_is_on() {
        let header = message.header();
        trace::route(
            bus,
            ksock.get(),
            header.id.network,
            header.id.serial,
            header.flags,
            header.to,
            verdict() as u32,
            message.name().text(),
        );
    }
}

/// A Ksock has got a copy of a message of this id into its queue.
#[inline(always)]
pub(crate) fn queue(bus: u32, ksock: KsockId, id: MsgId, queue: &Queue) {
    if trace::queue_is_on() {
        trace::queue(bus, ksock.get(), id.network, id.serial, queue.len());
    }
}

/// A Ksock gets no copy of a message of this name.
#[inline(always)]
pub(crate) fn skip(bus: u32, ksock: KsockId, why: Why, name: Name<'_>) {
    if trace::skip_is_on() {
        trace::skip(bus, ksock.get(), why as u32, name.text());
    }
}

/// The request of this id is answered: by a Ksock, or by the bus instead of it.
#[inline(always)]
pub(crate) fn answer(bus: u32, ksock: KsockId, requester: KsockId, request: MsgId, by_bus: bool) {
    if trace::answer_is_on() {
        trace::answer(
            bus,
            ksock.get(),
            requester.get(),
            request.network,
            request.serial,
            by_bus,
        );
    }
}
