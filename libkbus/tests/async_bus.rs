// SPDX-License-Identifier: GPL-2.0-only
//! The asynchronous side on a real bus. Ignored where there is none;
//! `libkbus/tests/run` runs it in the VM.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use kbus::{
    Access, AsyncKsock, Errno, Error, Flags, Incoming, Ksock, Message, Name, Pattern, Role, Status,
};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);
/// For what must not happen. A test that passes never waits in vain for long.
const MOMENT: Duration = Duration::from_millis(30);

fn open() -> AsyncKsock {
    AsyncKsock::open(0, Access::ReadWrite).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn hello(text: &str, data: &str) -> Message {
    Message::announcement(&name(text), data)
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(SOON, what).await.expect("it takes too long")
}

fn run(what: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(what);
}

async fn asked(bus: &AsyncKsock) -> kbus::Asked {
    match soon(bus.incoming()).await.unwrap() {
        Incoming::Asked(request) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "needs a bus"]
fn a_stream_is_in_the_order_of_the_bus() {
    run(async {
        let (us, them) = (open(), open());
        them.ksock().set_max_messages(1000).unwrap();
        let all = Pattern::new("$.Async.Order.*").unwrap();
        them.ksock().bind(Role::Listener, all).unwrap();
        let mut sender = us.sender();
        let mut messages = them.messages();
        for round in 0..10 {
            for number in 0..50 {
                let text = format!("{round} {number}");
                soon(sender.feed(hello("$.Async.Order.A", &text)))
                    .await
                    .unwrap();
            }
            soon(sender.flush()).await.unwrap();
            for number in 0..50 {
                let heard = soon(messages.next()).await.unwrap().unwrap();
                assert_eq!(heard.data(), format!("{round} {number}").as_bytes());
            }
            // Nothing, and then something: readiness is not stuck.
            assert!(timeout(MOMENT, messages.next()).await.is_err());
        }
    });
}

#[test]
#[ignore = "needs a bus"]
fn calls_get_their_answers_and_defer_the_rest_in_order() {
    run(async {
        let (us, them) = (Arc::new(open()), open());
        let (ask, told) = (name("$.Async.Ask"), name("$.Async.Told"));
        them.ksock().bind(Role::Replier, &ask).unwrap();
        us.ksock().bind(Role::Listener, &told).unwrap();
        let calls: Vec<_> = (0..20)
            .map(|number| {
                let (us, ask) = (us.clone(), ask.clone());
                tokio::spawn(async move {
                    let request = Message::request(&ask, format!("{number}"));
                    let answer = us.call(&request).await.unwrap();
                    assert_eq!(answer.data(), format!("answer {number}").as_bytes());
                })
            })
            .collect();
        let mut held = Vec::new();
        for number in 0..20 {
            soon(them.send(&hello("$.Async.Told", &format!("{number}"))))
                .await
                .unwrap();
            held.push(asked(&them).await);
        }
        // In the other order than they were asked.
        while let Some(request) = held.pop() {
            let data = format!("answer {}", String::from_utf8_lossy(request.data()));
            soon(them.answer(request, data)).await.unwrap();
        }
        for call in calls {
            soon(call).await.unwrap();
        }
        for number in 0..20 {
            let heard = soon(us.receive()).await.unwrap();
            assert_eq!(heard.data(), format!("{number}").as_bytes());
        }
    });
}

#[test]
#[ignore = "needs a bus"]
fn a_crowded_call_ends_and_loses_nothing() {
    run(async {
        let (us, them) = (Arc::new(open()), open());
        let (ask, told) = (name("$.Async.Crowded.Ask"), "$.Async.Crowded.Told");
        us.ksock().bind(Role::Listener, name(told)).unwrap();
        them.ksock().bind(Role::Replier, &ask).unwrap();
        let calling = tokio::spawn({
            let (us, request) = (us.clone(), Message::request(&ask, ""));
            async move { us.call(&request).await }
        });
        let request = asked(&them).await;
        for number in 0..1000 {
            let hello = hello(told, &format!("{number}")).with_flags(Flags::ALL_OR_WAIT);
            soon(them.send(&hello)).await.unwrap();
        }
        let id = request.id();
        let called = soon(calling).await.unwrap();
        assert_eq!(called, Err(Error::Crowded { request: id }));
        soon(them.answer(request, "late")).await.unwrap();
        for number in 0..1000 {
            let heard = soon(us.receive()).await.unwrap();
            assert_eq!(heard.data(), format!("{number}").as_bytes());
        }
        assert_eq!(soon(us.receive()).await.unwrap().data(), b"late");
    });
}

#[test]
#[ignore = "needs a bus"]
fn who_stops_waiting_loses_nothing() {
    run(async {
        let (us, them) = (open(), open());
        let ask = name("$.Async.Late");
        them.ksock().bind(Role::Replier, &ask).unwrap();
        us.ksock()
            .bind(Role::Listener, name("$.Async.Kept"))
            .unwrap();
        // Receiving, given up again and again.
        for number in 0..50 {
            assert!(timeout(Duration::ZERO, us.receive()).await.is_err());
            them.send(&hello("$.Async.Kept", &number.to_string()))
                .await
                .unwrap();
            if number % 2 == 0 {
                let heard = soon(us.receive()).await.unwrap();
                assert_eq!(heard.data(), number.to_string().as_bytes());
            } else {
                let mut stream = us.messages();
                let heard = soon(stream.next()).await.unwrap().unwrap();
                assert_eq!(heard.data(), number.to_string().as_bytes());
            }
        }
        // A call: the answer comes later, as a message.
        assert!(timeout(MOMENT, us.call(&Message::request(&ask, "")))
            .await
            .is_err());
        let request = asked(&them).await;
        let id = request.id();
        soon(them.answer(request, "late")).await.unwrap();
        let late = soon(us.receive()).await.unwrap();
        assert_eq!((late.in_reply_to(), late.data()), (Some(id), &b"late"[..]));
        // Nobody is left waiting for an answer that was dropped.
        let answer = async { drop(asked(&them).await) };
        let request = Message::request(&ask, "");
        let (answer, ()) = soon(async { tokio::join!(us.call(&request), answer) }).await;
        assert!(matches!(
            answer,
            Err(Error::Unanswered {
                status: Status::Ignored,
                ..
            })
        ));
        assert_eq!(
            us.call(&hello("$.Async.Ask", "")).await,
            Err(Error::NotARequest)
        );
    });
}

#[test]
#[ignore = "needs a bus"]
fn sending_waits_for_room() {
    run(async {
        let (us, them) = (Arc::new(open()), open());
        let full = name("$.Async.Full");
        them.ksock().set_max_messages(1).unwrap();
        them.ksock().bind(Role::Listener, &full).unwrap();
        let wait = |data: &str| hello("$.Async.Full", data).with_flags(Flags::ALL_OR_WAIT);
        soon(us.send(&wait("1"))).await.unwrap();
        // Given up: nobody gets it, and the way is free for others.
        assert!(timeout(MOMENT, us.send(&wait("never"))).await.is_err());
        // Others wait for the one that waits.
        let second = tokio::spawn({
            let (us, message) = (us.clone(), wait("2"));
            async move { us.send(&message).await }
        });
        tokio::task::yield_now().await;
        let third = tokio::spawn({
            let (us, message) = (us.clone(), wait("3"));
            async move { us.send(&message).await }
        });
        tokio::time::sleep(MOMENT).await;
        assert!(!second.is_finished() && !third.is_finished());
        for text in ["1", "2", "3"] {
            assert_eq!(soon(them.receive()).await.unwrap().data(), text.as_bytes());
        }
        let (second, third) = (soon(second).await.unwrap(), soon(third).await.unwrap());
        assert!(second.unwrap().serial < third.unwrap().serial);
    });
}

#[test]
#[ignore = "needs a bus"]
fn a_request_may_wait_for_room_as_well() {
    run(async {
        let (us, them) = (open(), open());
        let ask = name("$.Async.Busy");
        them.ksock().set_max_messages(1).unwrap();
        them.ksock().bind(Role::Replier, &ask).unwrap();
        let request = |data| Message::request(&ask, data).with_flags(Flags::ALL_OR_WAIT);
        let first = request("1");
        let second = request("2");
        let replier = async {
            for data in ["1", "2"] {
                // Late, so that there is no room.
                tokio::time::sleep(MOMENT).await;
                let request = asked(&them).await;
                assert_eq!(request.data(), data.as_bytes());
                them.answer(request, data).await.unwrap();
            }
        };
        let (first, second, ()) =
            soon(async { tokio::join!(us.call(&first), us.call(&second), replier) }).await;
        assert_eq!(first.unwrap().data(), b"1");
        assert_eq!(second.unwrap().data(), b"2");
    });
}

#[test]
#[ignore = "needs a bus"]
fn tasks_on_several_threads_share_one() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (us, them) = (Arc::new(open()), Arc::new(open()));
        let ask = name("$.Async.Many");
        them.ksock().bind(Role::Replier, &ask).unwrap();
        let replier = tokio::spawn({
            let them = them.clone();
            async move {
                for _ in 0..800 {
                    let Incoming::Asked(request) = them.incoming().await.unwrap() else {
                        panic!("not a request");
                    };
                    let data = request.data().to_vec();
                    them.answer(request, data).await.unwrap();
                }
            }
        });
        let callers: Vec<_> = (0..8)
            .map(|caller| {
                let (us, ask) = (us.clone(), ask.clone());
                tokio::spawn(async move {
                    for number in 0..100 {
                        let data = format!("{caller} {number}");
                        let answer = us.call(&Message::request(&ask, &data)).await.unwrap();
                        assert_eq!(answer.data(), data.as_bytes());
                    }
                })
            })
            .collect();
        for caller in callers {
            soon(caller).await.unwrap();
        }
        soon(replier).await.unwrap();
    });
}

#[test]
#[ignore = "needs a bus"]
fn there_and_back() {
    run(async {
        let bus = AsyncKsock::new(Ksock::open(0, Access::Read).unwrap()).unwrap();
        assert!(format!("{bus:?}").contains("AsyncKsock"));
        let id = bus.ksock().id().unwrap();
        assert_eq!(bus.into_ksock().id(), Ok(id));
    });
}

#[test]
fn what_cannot_be_waited_for() {
    run(async {
        // A plain file: epoll does not take it.
        let file = Ksock::open_path("/proc/self/exe", Access::Read).unwrap();
        let error = AsyncKsock::new(file).unwrap_err();
        assert_eq!(error.errno(), Some(Errno(1)));
    });
}
