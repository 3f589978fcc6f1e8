// SPDX-License-Identifier: GPL-2.0-only
//! The library on a real bus: every call of it, through its public face. What
//! the bus does in detail is tested in `tests/system`; here it is whether the
//! library says it right.
//!
//! Ignored where there is no bus. `tools/kbus-tool/tests/run` runs it in the VM.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kbus::{
    Access, Asked, Call, Deadline, Errno, Error, Flags, Incoming, Kind, Ksock, Message, Name,
    Pattern, Role, Status,
};

const SOON: Duration = Duration::from_secs(10);
const NOW: Duration = Duration::ZERO;

fn open(bus: u32) -> Ksock {
    Ksock::open(bus, Access::ReadWrite).unwrap()
}

/// A bus of its own, for tests that change its settings.
fn new_bus() -> u32 {
    let number = open(0).new_device().unwrap();
    for _ in 0..1000 {
        if Ksock::open(number, Access::Read).is_ok() {
            return number;
        }
        // The node is made by the kernel in its own time.
        thread::sleep(Duration::from_millis(10));
    }
    panic!("/dev/kbus{number} does not appear");
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn errno(error: Error) -> (Call, Errno) {
    match error {
        Error::Os { call, errno } => (call, errno),
        other => panic!("{other}"),
    }
}

fn asked(bus: &Ksock) -> Asked {
    match bus.incoming(SOON).unwrap() {
        Some(Incoming::Asked(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
#[ignore = "needs a bus"]
fn an_announcement_is_heard() {
    let (teller, listener) = (open(0), open(0));
    listener
        .bind(Role::Listener, Pattern::new("$.Lib.Told.*").unwrap())
        .unwrap();
    let hello = Message::announcement(&name("$.Lib.Told.Us"), "hello").with_flags(Flags(1 << 16));
    let id = teller.send(&hello).unwrap();
    assert_eq!(teller.last_sent(), Ok(id));
    assert!(listener.wait_readable(SOON).unwrap());
    assert_eq!(listener.num_messages(), Ok(1));
    let heard = listener.next_message().unwrap().unwrap();
    assert_eq!(heard.kind(), Kind::Announcement);
    assert_eq!(heard.id(), id);
    assert_eq!(heard.from(), Some(teller.id().unwrap()));
    assert_eq!(heard.name(), hello.name());
    assert_eq!(heard.data(), b"hello");
    assert_eq!(heard.flags(), Flags(1 << 16));
    assert_eq!(listener.len_left(), Ok(0));
    assert_eq!(listener.next_message(), Ok(None));
    assert_eq!(listener.receive(Duration::from_millis(1)), Ok(None));
    assert!(!listener.wait_readable(NOW).unwrap());
    listener
        .unbind(Role::Listener, Pattern::new("$.Lib.Told.*").unwrap())
        .unwrap();
    teller.send(&hello).unwrap();
    assert_eq!(listener.num_messages(), Ok(0));
}

#[test]
#[ignore = "needs a bus"]
fn latin1_names_travel() {
    let bus = open(0);
    let cafe = name("$.Lib.Caf\u{e9}");
    bus.bind(Role::Listener, &cafe).unwrap();
    bus.send(&Message::announcement(&cafe, "")).unwrap();
    assert_eq!(
        bus.next_message().unwrap().unwrap().name(),
        &"$.Lib.Caf\u{e9}"
    );
}

#[test]
#[ignore = "needs a bus"]
fn requests_are_answered_in_any_order() {
    let (asker, replier) = (open(0), open(0));
    let add = name("$.Lib.Order");
    replier.bind(Role::Replier, &add).unwrap();
    assert_eq!(asker.replier_of(&add), Ok(Some(replier.id().unwrap())));
    assert_eq!(asker.replier_of(name("$.Lib.Nobody")), Ok(None));
    let first = asker.request(&add, "1").send().unwrap();
    let second = asker.request(&add, "2").urgent().send().unwrap();
    let urgent = asked(&replier);
    let other = asked(&replier);
    assert_eq!((urgent.id(), other.id()), (second, first));
    assert_eq!(replier.unreplied_to(), Ok(2));
    other.answer("one").unwrap();
    urgent.answer("").unwrap();
    assert_eq!(replier.unreplied_to(), Ok(0));
    let answers: Vec<Message> = asker.messages().take(2).map(Result::unwrap).collect();
    assert_eq!(answers[0].kind(), Kind::Reply);
    assert_eq!(answers[0].in_reply_to(), Some(first));
    assert_eq!(answers[0].data(), b"one");
    assert_eq!(answers[1].in_reply_to(), Some(second));
    assert_eq!(answers[1].data(), b"");
}

#[test]
#[ignore = "needs a bus"]
fn a_request_cannot_be_forgotten() {
    let replier = open(0);
    replier.bind(Role::Replier, name("$.Lib.Forget")).unwrap();
    thread::scope(|scope| {
        let asker = scope.spawn(|| open(0).request(&name("$.Lib.Forget"), "?").call(SOON));
        drop(asked(&replier));
        let error = asker.join().unwrap().unwrap_err();
        assert!(
            matches!(
                error,
                Error::Unanswered {
                    status: Status::Ignored,
                    ..
                }
            ),
            "{error}"
        );
    });
    assert_eq!(replier.unreplied_to(), Ok(0));
}

#[test]
#[ignore = "needs a bus"]
fn a_request_goes_into_another_thread() {
    let (asker, replier) = (open(0), open(0));
    replier.bind(Role::Replier, name("$.Lib.Thread")).unwrap();
    let id = asker.request(&name("$.Lib.Thread"), "?").send().unwrap();
    let request = asked(&replier);
    // It keeps the Ksock open, so that it can still be answered.
    drop(replier);
    thread::spawn(move || request.answer("here").unwrap())
        .join()
        .unwrap();
    let answer = asker.receive(SOON).unwrap().unwrap();
    assert_eq!(
        (answer.in_reply_to(), answer.data()),
        (Some(id), &b"here"[..])
    );
}

#[test]
#[ignore = "needs a bus"]
fn the_last_clone_closes() {
    let (asker, replier) = (open(0), open(0));
    replier.bind(Role::Replier, name("$.Lib.Clone")).unwrap();
    let clone = replier.clone();
    assert_eq!(clone.id(), replier.id());
    let id = asker.request(&name("$.Lib.Clone"), "?").send().unwrap();
    drop(replier);
    assert_eq!(asker.receive(Duration::from_millis(50)), Ok(None));
    drop(clone);
    let answer = asker.receive(SOON).unwrap().unwrap();
    assert_eq!(
        (answer.in_reply_to(), answer.status()),
        (Some(id), Some(Status::GoneAway))
    );
}

#[test]
#[ignore = "needs a bus"]
fn an_answer_that_cannot_be_sent_declines() {
    let (asker, replier) = (open(0), open(0));
    replier.bind(Role::Replier, name("$.Lib.TooMuch")).unwrap();
    let id = asker.request(&name("$.Lib.TooMuch"), "?").send().unwrap();
    let too_much = vec![0; replier.max_message_size().unwrap() as usize];
    let error = asked(&replier).answer(too_much).unwrap_err();
    assert_eq!(errno(error), (Call::Write, Errno::EMSGSIZE));
    let answer = asker.receive(SOON).unwrap().unwrap();
    assert_eq!(
        (answer.in_reply_to(), answer.status()),
        (Some(id), Some(Status::Ignored))
    );
}

#[test]
#[ignore = "needs a bus"]
fn a_panic_does_not_forget_either() {
    let asker = open(0);
    let replier = open(0);
    replier.bind(Role::Replier, name("$.Lib.Panic")).unwrap();
    let id = asker.request(&name("$.Lib.Panic"), "?").send().unwrap();
    let panicked = thread::spawn(move || {
        let _request = asked(&replier);
        panic!("this panic is part of the test");
    });
    assert!(panicked.join().is_err());
    let answer = asker.receive(SOON).unwrap().unwrap();
    assert_eq!(
        (answer.in_reply_to(), answer.status()),
        (Some(id), Some(Status::Ignored))
    );
    assert_eq!(asker.receive(Duration::from_millis(50)), Ok(None));
}

#[test]
#[ignore = "needs a bus"]
fn a_call_ends_in_time_and_a_late_answer_is_a_message() {
    let (asker, replier) = (open(0), open(0));
    replier.bind(Role::Replier, name("$.Lib.Late")).unwrap();
    let error = asker
        .request(&name("$.Lib.Late"), "?")
        .call(Duration::from_millis(20));
    let Err(Error::TimedOut { request }) = error else {
        panic!("{error:?}")
    };
    asked(&replier).answer("sorry").unwrap();
    let late = asker.receive(SOON).unwrap().unwrap();
    assert_eq!(late.in_reply_to(), Some(request));
}

#[test]
#[ignore = "needs a bus"]
fn a_call_defers_what_else_arrives_in_order() {
    let (asker, replier) = (open(0), open(0));
    let noise = name("$.Lib.Noise");
    asker.bind(Role::Listener, &noise).unwrap();
    replier.bind(Role::Replier, name("$.Lib.Among")).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let request = asked(&replier);
            for number in 0..5u8 {
                replier
                    .send(&Message::announcement(&noise, [number]))
                    .unwrap();
            }
            request.answer("x").unwrap();
            replier.send(&Message::announcement(&noise, [5])).unwrap();
        });
        let answer = asker.request(&name("$.Lib.Among"), "?").call(SOON).unwrap();
        assert_eq!(answer.data(), b"x");
        for number in 0..6u8 {
            assert_eq!(asker.receive(SOON).unwrap().unwrap().data(), [number]);
        }
    });
}

/// More comes before the answer than a call defers.
#[test]
#[ignore = "needs a bus"]
fn a_crowded_call_ends_and_loses_nothing() {
    let (asker, replier, teller) = (open(0), open(0), open(0));
    let (question, news) = (name("$.Lib.Crowded.Ask"), name("$.Lib.Crowded.News"));
    asker.bind(Role::Listener, &news).unwrap();
    replier.bind(Role::Replier, &question).unwrap();
    let telling = Message::announcement(&news, "").with_flags(Flags::ALL_OR_FAIL);
    let tell = || {
        let soon = Deadline::from(SOON);
        loop {
            match teller.send(&telling).map_err(errno) {
                Err((Call::Send, Errno::EBUSY)) if !soon.has_passed() => thread::yield_now(),
                sent => return sent.unwrap(),
            }
        }
    };
    let ask = || asker.request(&question, "").call(SOON);
    let (request, mut told) = thread::scope(|scope| {
        let calling = scope.spawn(ask);
        let request = asked(&replier);
        let told: Vec<_> = (0..1000).map(|_| tell()).collect();
        let crowded = Error::Crowded {
            request: request.id(),
        };
        assert_eq!(calling.join().unwrap(), Err(crowded));
        (request, told)
    });
    // There is no room for another answer: it is not even asked.
    assert_eq!(errno(ask().unwrap_err()), (Call::Ask, Errno::ENOLCK));
    assert_eq!(replier.num_messages(), Ok(0));
    told.push(tell());
    let answer = request.answer("late").unwrap();
    told.push(answer);
    let heard: Vec<_> = asker.messages_until(NOW).map(Result::unwrap).collect();
    let ids: Vec<_> = heard.iter().map(Message::id).collect();
    assert_eq!(ids, told);
    assert_eq!(
        (heard[1001].kind(), heard[1001].data()),
        (Kind::Reply, &b"late"[..])
    );
    thread::scope(|scope| {
        let calling = scope.spawn(ask);
        asked(&replier).answer("in time").unwrap();
        assert_eq!(calling.join().unwrap().unwrap().data(), b"in time");
    });
}

/// Threads that call, one that listens and one that announces, all on one
/// Ksock.
#[test]
#[ignore = "needs a bus"]
fn threads_share_a_ksock() {
    const CALLS: u32 = 200;
    let replier = open(0);
    replier.bind(Role::Replier, name("$.Lib.Echo")).unwrap();
    let shared = open(0);
    shared.set_max_messages(1000).unwrap();
    shared.bind(Role::Listener, name("$.Lib.Tick")).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..4 * CALLS {
                let request = asked(&replier);
                let data = request.data().to_vec();
                request.answer(data).unwrap();
            }
        });
        for thread in 0..4 {
            let shared = &shared;
            scope.spawn(move || {
                for call in 0..CALLS {
                    let data = format!("{thread} {call}");
                    let answer = shared
                        .request(&name("$.Lib.Echo"), &data)
                        .call(SOON)
                        .unwrap();
                    assert_eq!(answer.data(), data.as_bytes());
                }
            });
        }
        scope.spawn(|| {
            for number in 0..CALLS {
                let tick = Message::announcement(&name("$.Lib.Tick"), number.to_ne_bytes());
                shared.send(&tick).unwrap();
            }
        });
        for number in 0..CALLS {
            let tick = shared.receive(SOON).unwrap().unwrap();
            assert_eq!(tick.data(), number.to_ne_bytes());
        }
    });
    assert_eq!(shared.num_messages(), Ok(0));
}

#[test]
#[ignore = "needs a bus"]
fn the_bus_answers_for_repliers_that_leave() {
    let asker = open(0);
    let service = name("$.Lib.Leaving");
    let outcome = |leave: &dyn Fn(Ksock)| {
        let replier = open(0);
        replier.bind(Role::Replier, &service).unwrap();
        let id = asker.request(&service, "?").send().unwrap();
        leave(replier);
        let status = asker.receive(SOON).unwrap().unwrap();
        assert_eq!(status.in_reply_to(), Some(id));
        assert_eq!(status.kind(), Kind::Status);
        assert!(status.flags().contains(Flags::SYNTHETIC));
        status.status().unwrap()
    };
    assert_eq!(outcome(&|replier| drop(replier)), Status::GoneAway);
    assert_eq!(
        outcome(&|replier| drop(replier.next_message())),
        Status::Ignored
    );
    let (sender, kept) = mpsc::channel();
    let unbind = |replier: Ksock| {
        replier.unbind(Role::Replier, &service).unwrap();
        sender.send(replier).unwrap();
    };
    assert_eq!(outcome(&unbind), Status::Unbound);
    drop(kept);
}

#[test]
#[ignore = "needs a bus"]
fn a_conversation_is_with_one_partner() {
    let (asker, first, second) = (open(0), open(0), open(0));
    let coin = name("$.Lib.Coin");
    first.bind(Role::Replier, &coin).unwrap();
    let error = second.bind(Role::Replier, &coin).unwrap_err();
    assert_eq!(errno(error), (Call::Bind, Errno::EADDRINUSE));
    let game = thread::scope(|scope| {
        scope.spawn(|| asked(&first).answer("here").unwrap());
        asker.request(&coin, "?").call(SOON).unwrap()
    });
    first.unbind(Role::Replier, &coin).unwrap();
    second.bind(Role::Replier, &coin).unwrap();
    let toss = Message::stateful_request(&game, &coin, "toss").unwrap();
    assert_eq!(
        errno(asker.call(&toss, SOON).unwrap_err()),
        (Call::Ask, Errno::EPIPE)
    );
    assert_eq!(second.num_messages(), Ok(0));
    let to_second = asker.request(&coin, "toss").to(second.id().unwrap());
    let id = to_second.send().unwrap();
    let request = asked(&second);
    assert_eq!((request.id(), request.kind()), (id, Kind::StatefulRequest));
    let reply = Message::reply_to(&request, "heads").unwrap();
    request.answer_with(&reply).unwrap();
    assert_eq!(
        errno(second.send(&reply).unwrap_err()),
        (Call::Answer, Errno::ECONNREFUSED)
    );
    drop(asker);
    assert_eq!(
        errno(second.send(&reply).unwrap_err()),
        (Call::Answer, Errno::EADDRNOTAVAIL)
    );
}

#[test]
#[ignore = "needs a bus"]
fn nobody_there() {
    let bus = open(0);
    let error = bus
        .request(&name("$.Lib.Nobody"), "")
        .call(SOON)
        .unwrap_err();
    assert_eq!(errno(error), (Call::Ask, Errno::EADDRNOTAVAIL));
    bus.send(&Message::announcement(&name("$.Lib.Nobody"), ""))
        .unwrap();
    let error = bus
        .unbind(Role::Listener, name("$.Lib.Nobody"))
        .unwrap_err();
    assert_eq!(errno(error), (Call::Unbind, Errno::EINVAL));
}

#[test]
#[ignore = "needs a bus"]
fn sending_can_wait_for_room() {
    let (sender, slow) = (open(0), open(0));
    let news = name("$.Lib.News");
    slow.bind(Role::Listener, &news).unwrap();
    assert_eq!(slow.set_max_messages(1), Ok(1));
    let message = |data: &str| Message::announcement(&news, data);
    sender.send(&message("first")).unwrap();
    // Skipped silently, refused, or pending, as the flags say.
    sender.send(&message("lost")).unwrap();
    let all_or_fail = message("refused").with_flags(Flags::ALL_OR_FAIL);
    assert_eq!(
        errno(sender.send(&all_or_fail).unwrap_err()),
        (Call::Send, Errno::EBUSY)
    );
    let all_or_wait = message("second").with_flags(Flags::ALL_OR_WAIT);
    assert_eq!(
        errno(sender.send(&all_or_wait).unwrap_err()),
        (Call::Send, Errno::EAGAIN)
    );
    let pending = sender.last_sent().unwrap();
    assert_eq!(
        errno(sender.send(&message("no")).unwrap_err()),
        (Call::Write, Errno::EALREADY)
    );
    assert!(!sender.wait_writable(Duration::from_millis(10)).unwrap());
    assert_eq!(slow.next_message().unwrap().unwrap().data(), b"first");
    assert!(sender.wait_writable(SOON).unwrap());
    let second = slow.receive(SOON).unwrap().unwrap();
    assert_eq!((second.id(), second.data()), (pending, &b"second"[..]));
    // Given up this time.
    sender.send(&message("third")).unwrap();
    sender.send(&all_or_wait).unwrap_err();
    sender.discard().unwrap();
    assert!(sender.wait_writable(NOW).unwrap());
    assert_eq!(slow.next_message().unwrap().unwrap().data(), b"third");
    assert_eq!(slow.next_message(), Ok(None));
    let both = message("").with_flags(Flags::ALL_OR_WAIT | Flags::ALL_OR_FAIL);
    assert_eq!(
        errno(sender.send(&both).unwrap_err()),
        (Call::Write, Errno::EINVAL)
    );
}

#[test]
#[ignore = "needs a bus"]
fn a_full_queue_cannot_ask() {
    let (asker, replier) = (open(0), open(0));
    replier.bind(Role::Replier, name("$.Lib.Full")).unwrap();
    asker.set_max_messages(1).unwrap();
    asker.request(&name("$.Lib.Full"), "").send().unwrap();
    let error = asker.request(&name("$.Lib.Full"), "").send().unwrap_err();
    assert_eq!(errno(error), (Call::Ask, Errno::ENOLCK));
}

#[test]
#[ignore = "needs a bus"]
fn settings_are_told_and_changed() {
    let number = new_bus();
    let bus = open(number);
    assert_eq!(bus.max_messages(), Ok(100));
    assert_eq!(bus.set_max_messages(7), Ok(7));
    assert_eq!(bus.max_messages(), Ok(7));

    assert_eq!(bus.only_once(), Ok(false));
    assert_eq!(bus.set_only_once(true), Ok(false));
    assert_eq!(bus.only_once(), Ok(true));
    let twice = name("$.Lib.Twice");
    bus.bind(Role::Listener, &twice).unwrap();
    bus.bind(Role::Listener, &twice).unwrap();
    bus.send(&Message::announcement(&twice, "")).unwrap();
    assert_eq!(bus.num_messages(), Ok(1));

    let was = bus.set_verbose(true).unwrap();
    assert_eq!(bus.verbose(), Ok(true));
    assert_eq!(bus.set_verbose(was), Ok(true));

    let most = bus.absolute_max_message_size().unwrap();
    assert_eq!(bus.max_message_size(), Ok(most));
    assert_eq!(bus.set_max_message_size(100), Ok(100));
    let error = bus
        .send(&Message::announcement(&twice, [0; 100]))
        .unwrap_err();
    assert_eq!(errno(error), (Call::Write, Errno::EMSGSIZE));
    for wrong in [2, 99, most + 1] {
        let error = bus.set_max_message_size(wrong).unwrap_err();
        assert_eq!(errno(error), (Call::MaxMessageSize, Errno::EINVAL));
    }
    assert_eq!(bus.set_max_message_size(most), Ok(most));
    let room = most as usize - Message::announcement(&twice, "").as_bytes().len();
    bus.send(&Message::announcement(&twice, vec![7; room]))
        .unwrap();
    let _ = bus.next_message().unwrap();
    assert_eq!(bus.next_message().unwrap().unwrap().data(), vec![7; room]);
    // A bus of its own is another bus.
    assert_eq!(open(0).max_messages(), Ok(100));
}

#[test]
#[ignore = "needs a bus"]
fn repliers_come_and_go() {
    let number = new_bus();
    let (watcher, replier) = (open(number), open(number));
    let pattern = Pattern::new("$.Lib.Watched.*").unwrap();
    watcher
        .bind(Role::Listener, name("$.KBUS.ReplierBindEvent"))
        .unwrap();
    assert_eq!(watcher.report_replier_binds(), Ok(false));
    assert_eq!(watcher.set_report_replier_binds(true), Ok(false));
    replier.bind(Role::Replier, &pattern).unwrap();
    let id = replier.id().unwrap();
    let event = watcher.receive(SOON).unwrap().unwrap();
    assert_eq!((event.kind(), event.from()), (Kind::BindEvent, None));
    let event = event.bind_event().unwrap();
    assert!(
        event.bound && event.binder == id && event.name == pattern,
        "{event}"
    );
    drop(replier);
    let event = watcher
        .receive(SOON)
        .unwrap()
        .unwrap()
        .bind_event()
        .unwrap();
    assert!(
        !event.bound && event.binder == id && event.name == pattern,
        "{event}"
    );
    let error = watcher
        .bind(Role::Replier, name("$.KBUS.ReplierBindEvent"))
        .unwrap_err();
    assert_eq!(errno(error), (Call::Bind, Errno::EBADMSG));
}

#[test]
#[ignore = "needs a bus"]
fn access_is_what_was_asked_for() {
    let news = name("$.Lib.Access");
    let message = Message::announcement(&news, "");
    let reader = Ksock::open(0, Access::Read).unwrap();
    reader.bind(Role::Listener, &news).unwrap();
    assert_eq!(
        errno(reader.send(&message).unwrap_err()),
        (Call::Write, Errno::EBADF)
    );
    let writer = Ksock::open(0, Access::Write).unwrap();
    writer.bind(Role::Listener, &news).unwrap();
    writer.send(&message).unwrap();
    assert_eq!(reader.next_message().unwrap().unwrap().name(), &news);
    assert_eq!(
        errno(writer.next_message().unwrap_err()),
        (Call::Read, Errno::EBADF)
    );
}

#[test]
#[ignore = "needs a bus"]
fn a_ksock_outlives_its_wrapper() {
    use std::os::fd::OwnedFd;
    let bus = open(0);
    let id = bus.id().unwrap();
    let fd = OwnedFd::try_from(bus).unwrap();
    assert_eq!(Ksock::from(fd.try_clone().unwrap()).id(), Ok(id));
    assert_eq!(Ksock::from(fd).id(), Ok(id));
    assert_ne!(open(0).id(), Ok(id));
    let mut opened = Ksock::open_path("/dev/kbus0", Access::ReadWrite).unwrap();
    opened = Ksock::from(OwnedFd::try_from(opened).unwrap());
    assert_eq!(opened.receive(Deadline::from(NOW)), Ok(None));
}

#[test]
#[ignore = "needs a bus"]
fn serving_cannot_forget() {
    let echo = name("$.Lib.Serve");
    let (ready, is_ready) = mpsc::channel();
    let replier = thread::spawn({
        let echo = echo.clone();
        move || {
            let bus = open(0);
            bus.bind(Role::Replier, &echo).unwrap();
            bus.bind(Role::Listener, &echo).unwrap();
            ready.send(()).unwrap();
            let mut served = 0;
            let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                bus.serve(SOON, |request| {
                    served += 1;
                    match request.data() {
                        b"panic" => panic!("as asked"),
                        b"" => None,
                        data => Some(data.to_vec()),
                    }
                })
            }));
            assert!(end.is_err());
            // The bus keeps counting the request of the one who has gone, if
            // they went before they were answered.
            assert!(bus.unreplied_to().unwrap() <= 1);
            served
        }
    });
    is_ready.recv().unwrap();
    let bus = open(0);
    // An announcement under the same name is passed over.
    bus.send(&Message::announcement(&echo, "panic")).unwrap();
    assert_eq!(bus.request(&echo, "a").call(SOON).unwrap().data(), b"a");
    // Somebody who asks and goes.
    let gone = open(0);
    gone.request(&echo, "b").send().unwrap();
    drop(gone);
    for data in ["", "panic"] {
        let declined = bus.request(&echo, data).call(SOON).unwrap_err();
        assert!(
            matches!(
                declined,
                Error::Unanswered {
                    status: Status::Ignored,
                    ..
                }
            ),
            "{declined}"
        );
    }
    assert_eq!(replier.join().unwrap(), 4);
}

#[test]
#[ignore = "needs a bus"]
fn messages_end_at_a_deadline() {
    let bus = open(0);
    let drained = name("$.Lib.Drained");
    bus.bind(Role::Listener, &drained).unwrap();
    for _ in 0..3 {
        bus.send(&Message::announcement(&drained, "")).unwrap();
    }
    assert_eq!(bus.messages_until(NOW).count(), 3);
    assert_eq!(bus.messages_until(NOW).count(), 0);
}

#[test]
#[ignore = "needs a bus"]
fn a_decline_waits_for_a_message_that_waits() {
    let (asker, replier, full) = (open(0), open(0), open(0));
    let (ask, told) = (name("$.Lib.Refused"), name("$.Lib.Refused.Told"));
    replier.bind(Role::Replier, &ask).unwrap();
    full.bind(Role::Listener, &told).unwrap();
    full.set_max_messages(1).unwrap();
    for way in 0..4 {
        asker.request(&ask, "").send().unwrap();
        let request = asked(&replier);
        let wait = Message::announcement(&told, "").with_flags(Flags::ALL_OR_WAIT);
        replier.send(&wait).unwrap();
        assert_eq!(
            errno(replier.send(&wait).unwrap_err()),
            (Call::Send, Errno::EAGAIN)
        );
        drop(request);
        assert_eq!(asker.num_messages(), Ok(0));
        let make_room = || drop(full.next_message().unwrap().unwrap());
        match way {
            0 => {
                make_room();
                assert!(replier.wait_writable(SOON).unwrap());
            }
            1 => assert!(replier.discard().unwrap()),
            2 => {
                make_room();
                assert!(!replier.discard().unwrap(), "it was sent");
            }
            _ => {
                make_room();
                assert!(replier.wait_writable(SOON).unwrap());
                assert_eq!(replier.next_message(), Ok(None));
            }
        }
        let answer = asker.receive(SOON).unwrap().unwrap();
        assert_eq!(answer.status(), Some(Status::Ignored));
        assert_eq!(replier.unreplied_to(), Ok(0));
        while full.next_message().unwrap().is_some() {}
    }
}
