// SPDX-License-Identifier: GPL-2.0-only
//! KBUS and its peers, behind one trait.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use crate::ksock::{Ksock, Message, Role};
use crate::sys;

/// The name that messages have here.
pub const NAME: &str = "$.Bench.Target";

/// One end of a connection.
pub trait End {
    /// Sends a message, to all that are at the other end.
    fn send(&mut self);

    /// Waits for a message and takes it.
    fn receive(&mut self);
}

pub type AnyEnd = Box<dyn End>;

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Kbus,
    SeqPacket,
    Pipe,
    MessageQueue,
}

impl Carrier {
    pub const PEERS: [Carrier; 3] = [Carrier::SeqPacket, Carrier::Pipe, Carrier::MessageQueue];

    /// A requester and a replier, for messages of `len` bytes. With `polled`,
    /// poll comes before each receive, as it has to with KBUS. Nothing where
    /// such messages cannot be had.
    pub fn pair(self, len: usize, polled: bool) -> Option<(AnyEnd, AnyEnd)> {
        Some(match self {
            Carrier::Kbus => {
                let requester = Requester::new(Ksock::open(), len);
                let replier = Replier::new(Ksock::bound(Role::Replier, NAME), len);
                (Box::new(requester), Box::new(replier))
            }
            Carrier::SeqPacket => {
                let (near, far) = sys::socketpair();
                let end = |fd| Box::new(Socket::new(fd, len, polled));
                (end(near), end(far))
            }
            Carrier::Pipe => {
                let (there, back) = (sys::pipe(), sys::pipe());
                let end = |from, to| Box::new(Pipe::new(from, to, len, polled));
                (end(back.0, there.1), end(there.0, back.1))
            }
            Carrier::MessageQueue => {
                let there = Rc::new(sys::message_queue(len)?);
                let back = Rc::new(sys::message_queue(len)?);
                let end = |from: &Rc<OwnedFd>, to: &Rc<OwnedFd>| {
                    Box::new(Queue::new(from.clone(), to.clone(), len, polled))
                };
                (end(&back, &there), end(&there, &back))
            }
        })
    }

    /// One end that sends to `count` others.
    pub fn fan(self, count: usize, len: usize, polled: bool) -> Option<(AnyEnd, Vec<AnyEnd>)> {
        if self == Carrier::Kbus {
            let listener = || Listener::new(Ksock::bound(Role::Listener, NAME), len);
            let listeners = (0..count).map(|_| Box::new(listener()) as AnyEnd);
            return Some((
                Box::new(Announcer::new(Ksock::open(), len)),
                listeners.collect(),
            ));
        }
        let pairs: Option<Vec<_>> = (0..count).map(|_| self.pair(len, polled)).collect();
        let (senders, receivers) = pairs?.into_iter().unzip();
        Some((Box::new(Many(senders)), receivers))
    }
}

/// Many connections, each of which gets what is sent.
struct Many(Vec<AnyEnd>);

impl End for Many {
    fn send(&mut self) {
        for end in &mut self.0 {
            end.send();
        }
    }

    fn receive(&mut self) {
        unreachable!("it only sends");
    }
}

// --- KBUS -----------------------------------------------------------------------

/// Waits for a message of `buffer`'s length.
#[inline]
fn receive(ksock: &Ksock, buffer: &mut [u8]) {
    ksock.wait();
    ksock.take(buffer);
}

struct Requester {
    ksock: Ksock,
    request: Message,
    buffer: Vec<u8>,
}

impl Requester {
    fn new(ksock: Ksock, len: usize) -> Self {
        let request = Message::request(NAME, len);
        let buffer = vec![0; request.bytes().len()];
        Requester {
            ksock,
            request,
            buffer,
        }
    }
}

impl End for Requester {
    fn send(&mut self) {
        self.ksock.write(&self.request);
        self.ksock.send();
    }

    fn receive(&mut self) {
        receive(&self.ksock, &mut self.buffer);
    }
}

struct Replier {
    ksock: Ksock,
    reply: Message,
    buffer: Vec<u8>,
}

impl Replier {
    fn new(ksock: Ksock, len: usize) -> Self {
        let reply = Message::announcement(NAME, len);
        let buffer = vec![0; reply.bytes().len()];
        Replier {
            ksock,
            reply,
            buffer,
        }
    }
}

impl End for Replier {
    fn send(&mut self) {
        self.reply.answer(&self.buffer);
        self.ksock.write(&self.reply);
        self.ksock.send();
    }

    fn receive(&mut self) {
        receive(&self.ksock, &mut self.buffer);
    }
}

struct Announcer {
    ksock: Ksock,
    message: Message,
}

impl Announcer {
    fn new(ksock: Ksock, len: usize) -> Self {
        let message = Message::announcement(NAME, len);
        Announcer { ksock, message }
    }
}

impl End for Announcer {
    fn send(&mut self) {
        self.ksock.write(&self.message);
        self.ksock.send();
    }

    fn receive(&mut self) {
        unreachable!("it only sends");
    }
}

struct Listener {
    ksock: Ksock,
    buffer: Vec<u8>,
}

impl Listener {
    fn new(ksock: Ksock, len: usize) -> Self {
        let buffer = vec![0; Message::announcement(NAME, len).bytes().len()];
        Listener { ksock, buffer }
    }
}

impl End for Listener {
    fn send(&mut self) {
        unreachable!("it only listens");
    }

    fn receive(&mut self) {
        receive(&self.ksock, &mut self.buffer);
    }
}

// --- the peers --------------------------------------------------------------------

struct Socket {
    fd: OwnedFd,
    buffer: Vec<u8>,
    polled: bool,
}

impl Socket {
    fn new(fd: OwnedFd, len: usize, polled: bool) -> Self {
        let buffer = vec![b'x'; len];
        Socket { fd, buffer, polled }
    }
}

impl End for Socket {
    fn send(&mut self) {
        assert!(sys::send(&self.fd, &self.buffer) == self.buffer.len());
    }

    fn receive(&mut self) {
        if self.polled {
            sys::wait(&self.fd);
        }
        assert!(sys::recv(&self.fd, &mut self.buffer) == self.buffer.len());
    }
}

struct Pipe {
    from: OwnedFd,
    to: OwnedFd,
    buffer: Vec<u8>,
    polled: bool,
}

impl Pipe {
    fn new(from: OwnedFd, to: OwnedFd, len: usize, polled: bool) -> Self {
        let buffer = vec![b'x'; len];
        Pipe {
            from,
            to,
            buffer,
            polled,
        }
    }
}

impl End for Pipe {
    fn send(&mut self) {
        assert!(sys::write(&self.to, &self.buffer) == self.buffer.len());
    }

    fn receive(&mut self) {
        let mut at = 0;
        // A pipe has no messages: what comes may be part of one.
        while at < self.buffer.len() {
            if self.polled {
                sys::wait(&self.from);
            }
            at += sys::read(&self.from, &mut self.buffer[at..]);
        }
    }
}

struct Queue {
    from: Rc<OwnedFd>,
    to: Rc<OwnedFd>,
    buffer: Vec<u8>,
    polled: bool,
}

impl Queue {
    fn new(from: Rc<OwnedFd>, to: Rc<OwnedFd>, len: usize, polled: bool) -> Self {
        let buffer = vec![b'x'; len];
        Queue {
            from,
            to,
            buffer,
            polled,
        }
    }
}

impl End for Queue {
    fn send(&mut self) {
        sys::mq_send(&self.to, &self.buffer);
    }

    fn receive(&mut self) {
        if self.polled {
            sys::wait(&self.from);
        }
        assert!(sys::mq_receive(&self.from, &mut self.buffer) == self.buffer.len());
    }
}
