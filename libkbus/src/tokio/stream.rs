// SPDX-License-Identifier: GPL-2.0-only
//! Messages as a stream, and a sink for them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;

use crate::error::Error;
use crate::message::Message;
use crate::tokio::ksock::AsyncKsock;

type Waiting<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Streams.
impl AsyncKsock {
    /// Returns all messages from now on. Ends only with an error. Several
    /// streams, or streams and calls, share the messages between them.
    pub fn messages(&self) -> AsyncMessages {
        AsyncMessages {
            ksock: self.clone(),
            waiting: None,
            failed: false,
        }
    }

    /// Returns what takes messages to send, one after the other.
    pub fn sender(&self) -> AsyncSender {
        AsyncSender {
            ksock: self.clone(),
            sending: None,
        }
    }
}

/// The messages of a Ksock as a stream, see [`AsyncKsock::messages`].
pub struct AsyncMessages {
    ksock: AsyncKsock,
    waiting: Option<Waiting<Message>>,
    failed: bool,
}

impl Stream for AsyncMessages {
    type Item = Result<Message, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Error>>> {
        let this = &mut *self;
        if this.failed {
            return Poll::Ready(None);
        }
        let ksock = &this.ksock;
        let waiting = this.waiting.get_or_insert_with(|| {
            let ksock = ksock.clone();
            Box::pin(async move { ksock.receive().await })
        });
        let Poll::Ready(received) = waiting.as_mut().poll(context) else {
            return Poll::Pending;
        };
        this.waiting = None;
        this.failed = received.is_err();
        Poll::Ready(Some(received))
    }
}

/// Messages go in and are sent, see [`AsyncKsock::sender`]. Whether one was
/// sent shows when the next is offered, or on flushing. Dropped in between, it
/// gives up what has not been sent.
pub struct AsyncSender {
    ksock: AsyncKsock,
    sending: Option<Waiting<()>>,
}

impl Sink<Message> for AsyncSender {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let ksock = self.ksock.clone();
        self.sending = Some(Box::pin(
            async move { ksock.send(&message).await.map(drop) },
        ));
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(sending) = &mut self.sending else {
            return Poll::Ready(Ok(()));
        };
        let Poll::Ready(sent) = sending.as_mut().poll(context) else {
            return Poll::Pending;
        };
        self.sending = None;
        Poll::Ready(sent)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(context)
    }
}

impl fmt::Debug for AsyncMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncMessages").field(&self.ksock).finish()
    }
}

impl fmt::Debug for AsyncSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncSender").field(&self.ksock).finish()
    }
}
