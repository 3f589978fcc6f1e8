// SPDX-License-Identifier: GPL-2.0-only
//! The checker's view: a table is a model, a play a state. Every configuration is checked in all
//! of its states, and each fault breaks the promise that it should.

use crate::faults::{Fault, Spoiled};
use crate::play::{Action, Play, ALL_OR_NOBODY, ANSWER_FITS, ONLY_WHO_ASKS};
use crate::promises::{self, ALL_ANSWERED, GOES_ON, NO_LEAK, ONE_ANSWER, ONE_ORDER, ROOM_KEPT};
use crate::table::{Say, Seat, Table};
use kbus_test_bus::model::{
    Caps, Errno, Model, Msg, ALL_OR_FAIL, ALL_OR_WAIT, URGENT, WANT_A_REPLY,
};
use stateright::{Checker, HasDiscoveries, Model as _, Property};

pub type State = Play<Spoiled>;

#[derive(Clone)]
pub struct Checked {
    pub table: Table,
    pub fault: Option<Fault>,
}

impl Checked {
    pub fn first(&self) -> State {
        let new = match self.fault {
            // It waits for somebody to tell it.
            Some(Fault::NeverGoesOn) => Model::led,
            _ => Model::new,
        };
        let model = Spoiled {
            model: new(Caps::NONE),
            fault: self.fault,
        };
        let mut play = Play::new(model, &self.table);
        play.renumber();
        play
    }

    pub fn after(&self, state: &State, action: &Action) -> State {
        let mut play = state.clone();
        play.act(&self.table, action);
        play.renumber();
        play
    }
}

impl stateright::Model for Checked {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.first()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // What comes after a promise was broken is of no interest.
        if state.broken.is_none() {
            actions.extend(state.actions(&self.table));
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.after(state, &action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_ANSWER, |_, play| promises::one_answer(play)),
            Property::always(ROOM_KEPT, |it: &Self, play| {
                promises::room_kept(&it.table, play)
            }),
            Property::always(NO_LEAK, |_, play| promises::no_leak(play)),
            Property::always(ONE_ORDER, |_, play| promises::one_order(play)),
            Property::always(GOES_ON, |_, play| promises::goes_on(play)),
            Property::always(ALL_ANSWERED, |_, play| promises::all_answered(play)),
            Property::always(ONLY_WHO_ASKS, |_, play: &State| {
                play.broken != Some(ONLY_WHO_ASKS)
            }),
            Property::always(ALL_OR_NOBODY, |_, play: &State| {
                play.broken != Some(ALL_OR_NOBODY)
            }),
            Property::always(ANSWER_FITS, |_, play: &State| {
                play.broken != Some(ANSWER_FITS)
            }),
        ]
    }
}

// ---- The configurations -----------------------------------------------------

const A: &[u8] = b"$.A";
const B: &[u8] = b"$.B";
const ALL: &[u8] = b"$.*";

/// One asks, two take turns in answering: they unbind, die and come back.
fn answers() -> Table {
    let replier = Seat {
        binds: vec![(1, A)],
        rebinds: true,
        mortal: true,
        limit: 1,
        ..Seat::default()
    };
    Table {
        seats: vec![
            Seat {
                says: vec![
                    Say::of(A, WANT_A_REPLY),
                    Say::of(A, WANT_A_REPLY | ALL_OR_WAIT),
                ],
                impatient: true,
                limit: 2,
                ..Seat::default()
            },
            replier.clone(),
            replier,
        ],
        owed: 2,
        ..Table::default()
    }
}

/// Two say and ask, and wait; one replies and one listens, whose queues are short.
fn waiting() -> Table {
    Table {
        seats: vec![
            Seat {
                says: vec![Say::of(A, ALL_OR_FAIL), Say::of(A, ALL_OR_WAIT)],
                limit: 1,
                ..Seat::default()
            },
            Seat {
                says: vec![
                    Say::of(A, WANT_A_REPLY | ALL_OR_FAIL),
                    Say::of(A, WANT_A_REPLY | ALL_OR_WAIT),
                ],
                impatient: true,
                limit: 2,
                ..Seat::default()
            },
            Seat {
                binds: vec![(1, A)],
                rebinds: true,
                limit: 1,
                ..Seat::default()
            },
            Seat {
                binds: vec![(0, ALL)],
                mortal: true,
                limit: 2,
                ..Seat::default()
            },
        ],
        owed: 2,
        ..Table::default()
    }
}

/// Two say all sorts of things, two hear them through different bindings.
fn order() -> Table {
    Table {
        seats: vec![
            Seat {
                says: vec![Say::of(A, 0), Say::of(B, ALL_OR_WAIT)],
                limit: 1,
                ..Seat::default()
            },
            Seat {
                says: vec![
                    Say::of(A, ALL_OR_WAIT),
                    Say::of(A, URGENT),
                    Say::of(B, ALL_OR_FAIL),
                ],
                limit: 1,
                ..Seat::default()
            },
            Seat {
                binds: vec![(0, ALL)],
                limit: 2,
                ..Seat::default()
            },
            Seat {
                binds: vec![(0, A), (0, B)],
                rebinds: true,
                limit: 2,
                ..Seat::default()
            },
        ],
        hearing: true,
        messages: Some(4),
        owed: 1,
    }
}

/// One asks whoever replies, or the one in a particular seat, and dies now and then. One of the
/// repliers says everything twice.
fn conversation() -> Table {
    let replier = Seat {
        binds: vec![(1, A)],
        rebinds: true,
        limit: 1,
        ..Seat::default()
    };
    Table {
        seats: vec![
            Seat {
                says: vec![
                    Say::of(A, WANT_A_REPLY),
                    Say::of(A, WANT_A_REPLY | ALL_OR_WAIT).to(1),
                ],
                mortal: true,
                limit: 2,
                ..Seat::default()
            },
            Seat {
                stubborn: true,
                ..replier.clone()
            },
            replier,
        ],
        owed: 1,
        ..Table::default()
    }
}

/// Two who ask each other: room for answers on both sides, and for what is asked.
fn neighbours() -> Table {
    let seat = |mine, other| Seat {
        binds: vec![(1, mine)],
        says: vec![
            Say::of(other, WANT_A_REPLY),
            Say::of(other, WANT_A_REPLY | ALL_OR_WAIT),
        ],
        ..Seat::default()
    };
    Table {
        seats: vec![
            Seat {
                impatient: true,
                limit: 2,
                ..seat(A, B)
            },
            Seat {
                mortal: true,
                limit: 1,
                ..seat(B, A)
            },
        ],
        owed: 2,
        ..Table::default()
    }
}

/// One asks somebody who has asked, and whose room is short.
fn crowded() -> Table {
    let asks = |name, flags| Seat {
        says: vec![Say::of(name, WANT_A_REPLY | flags)],
        ..Seat::default()
    };
    Table {
        seats: vec![
            Seat {
                limit: 1,
                ..asks(B, ALL_OR_WAIT)
            },
            Seat {
                binds: vec![(1, B)],
                limit: 1,
                ..asks(A, 0)
            },
            Seat {
                binds: vec![(1, A)],
                rebinds: true,
                mortal: true,
                limit: 1,
                ..Seat::default()
            },
        ],
        owed: 1,
        ..Table::default()
    }
}

pub fn tables() -> [(&'static str, Table); 6] {
    [
        ("answers", answers()),
        ("waiting", waiting()),
        ("order", order()),
        ("conversation", conversation()),
        ("neighbours", neighbours()),
        ("crowded", crowded()),
    ]
}

#[test]
fn promises_are_kept_in_every_state() {
    for (name, table) in tables() {
        let checked = Checked { table, fault: None };
        let checker = checked.checker().threads(2).spawn_bfs().join();
        println!(
            "{name}: {} states, {} transitions, depth {}",
            checker.unique_state_count(),
            checker.state_count(),
            checker.max_depth()
        );
        if let Some((promise, path)) = checker.discoveries().into_iter().next() {
            let state = path.last_state().clone();
            panic!("{name}: {promise}\n{:#?}\n{state:#?}", path.into_actions());
        }
    }
}

/// Two who ask each other can wait for ever: the room of one is kept for the answers of the other,
/// who waits for room there and can send no answer meanwhile. That is how the bus is meant to be;
/// one of them has to give up (DISCARD). The checker found it; the promise leaves it out.
#[test]
fn who_owes_an_answer_and_waits_may_wait_for_ever() {
    let mut bus = Model::new(Caps::NONE);
    let [one, other] = [0, 0].map(|user| bus.open(user).unwrap());
    bus.max_msgs(one, 1);
    bus.bind(one, 1, A).unwrap();
    bus.bind(other, 1, B).unwrap();
    let asking = |name: &[u8], flags| Msg {
        name: name.to_vec(),
        flags,
        ..Msg::default()
    };
    bus.send(one, asking(B, WANT_A_REPLY)).unwrap();
    bus.next(other).unwrap();
    let waiting = bus.send(other, asking(A, WANT_A_REPLY | ALL_OR_WAIT));
    assert_eq!(waiting, Err(Errno::EAGAIN));
    assert_eq!(bus.next(one), None);
    assert!(!bus.poll(other).1);
    // It cannot write an answer while it is sending.
    bus.discard(other);
    assert!(bus.poll(other).1);
}

#[test]
fn each_fault_breaks_its_promise() {
    let faults = [
        (Fault::ForgetsDebts, answers(), ALL_ANSWERED),
        (Fault::ForgetsDebts, answers(), NO_LEAK),
        (Fault::AnswersTwice, answers(), ONE_ANSWER),
        (Fault::AnswersTwice, answers(), ONLY_WHO_ASKS),
        (Fault::ReservesAnswer, answers(), NO_LEAK),
        (Fault::ReservesAnswer, crowded(), GOES_ON),
        (Fault::LosesAnswer, answers(), ONE_ANSWER),
        (Fault::SetsNothingAside, answers(), ANSWER_FITS),
        (Fault::LetsOneMoreIn, waiting(), ROOM_KEPT),
        (Fault::Overtakes, order(), ONE_ORDER),
        (Fault::SendsHalf, waiting(), ALL_OR_NOBODY),
        (Fault::NeverGoesOn, waiting(), GOES_ON),
    ];
    for (fault, table, promise) in faults {
        let checked = Checked {
            table,
            fault: Some(fault),
        };
        let found = HasDiscoveries::AnyOf([promise].into());
        let checker = checked.checker().finish_when(found).spawn_bfs().join();
        let path = checker.discovery(promise);
        let path = path.unwrap_or_else(|| panic!("{fault:?} was not noticed: {promise}"));
        println!(
            "{fault:?}: not {promise:?}, after {:?}",
            path.into_actions()
        );
    }
}
