// SPDX-License-Identifier: GPL-2.0-only
//! The real bus along the same actions, beside the model (`tests/bus`: they are compared in all
//! that can be seen, woken are those who should be, and no memory is lost): all transitions of
//! each configuration, and long random walks.

use crate::checked::{tables, Checked, State};
use crate::faults::Spoiled;
use crate::play::{Action, Play};
use kbus_test_bus::world::World;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::HashMap;

/// What the checker would see.
fn seen(play: &Play<World>) -> State {
    let mut model = Spoiled {
        model: play.bus.model.clone(),
        fault: None,
    };
    // The bus has told it what goes on; the checker's finds out itself.
    model.model.led = false;
    let mut state = Play {
        bus: model,
        seats: play.seats.clone(),
        sent: play.sent,
        broken: play.broken,
    };
    state.renumber();
    state
}

/// All states, each with the one that it was first reached from and how; and the transitions that
/// lead to states that were reached before.
struct Graph {
    states: Vec<(State, Option<(usize, Action)>)>,
    others: Vec<(usize, Action, usize)>,
}

impl Graph {
    fn of(checked: &Checked, most: usize) -> Graph {
        let mut graph = Graph {
            states: vec![(checked.first(), None)],
            others: Vec::new(),
        };
        let mut numbers = HashMap::from([(checked.first(), 0)]);
        let mut at = 0;
        while at < graph.states.len().min(most) {
            let state = graph.states[at].0.clone();
            for action in state.actions(&checked.table) {
                let next = checked.after(&state, &action);
                let new = graph.states.len();
                match *numbers.entry(next.clone()).or_insert(new) {
                    number if number == new => graph.states.push((next, Some((at, action)))),
                    number => graph.others.push((at, action, number)),
                }
            }
            at += 1;
        }
        graph
    }

    /// The actions that lead to a state, and the states on the way.
    fn path(&self, mut to: usize) -> Vec<(Action, usize)> {
        let mut path = Vec::new();
        while let Some((from, action)) = &self.states[to].1 {
            path.push((action.clone(), to));
            to = *from;
        }
        path.reverse();
        path
    }
}

/// How many states of each configuration are walked from; the checker has no such limit.
const MOST: usize = 1000;

#[test]
fn the_bus_takes_every_step_of_the_model() {
    for (name, table) in tables() {
        let checked = Checked { table, fault: None };
        let graph = Graph::of(&checked, MOST);
        let mut is_passed = vec![false; graph.states.len()];
        for (from, ..) in &graph.others {
            is_passed[*from] = true;
        }
        for (_, reached) in &graph.states {
            if let Some((from, _)) = reached {
                is_passed[*from] = true;
            }
        }
        // A walk that ends in each transition that does not lead on, and in each dead end.
        let ends = graph.others.iter().map(|(from, action, to)| {
            let mut path = graph.path(*from);
            path.push((action.clone(), *to));
            path
        });
        let dead_ends = (0..graph.states.len()).filter(|&at| !is_passed[at]);
        let mut is_compared = vec![false; graph.states.len()];
        let (mut walks, mut steps) = (0, 0);
        for path in ends.chain(dead_ends.map(|at| graph.path(at))) {
            let mut play = Play::new(World::new(), &checked.table);
            let last = path.len() - 1;
            for (n, (action, state)) in path.iter().enumerate() {
                play.act(&checked.table, action);
                if n == last || !is_compared[*state] {
                    is_compared[*state] = true;
                    let (seen, expected) = (seen(&play), &graph.states[*state].0);
                    assert!(
                        seen == *expected,
                        "{name}: {path:#?}\nleads to {seen:#?}\nnot to {expected:#?}"
                    );
                }
            }
            play.bus.end();
            walks += 1;
            steps += path.len();
        }
        println!(
            "{name}: {walks} walks, {steps} steps, {} states",
            graph.states.len()
        );
        assert!(walks > 100, "{name}: that is not much");
    }
}

#[test]
fn the_bus_goes_on_as_the_model_does() {
    let config = Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    };
    for (name, mut table) in tables() {
        // Nothing ends these walks but their length.
        table.messages = None;
        table.owed = usize::MAX;
        for seat in &mut table.seats {
            seat.limit += 1;
        }
        let checked = Checked { table, fault: None };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let walks = prop::collection::vec(any::<usize>(), 1..200);
        let walked = TestRunner::new_with_rng(config.clone(), rng).run(&walks, |walk| {
            let mut play = Play::new(World::new(), &checked.table);
            let mut state = checked.first();
            for n in walk {
                let mut actions = state.actions(&checked.table);
                if actions.is_empty() {
                    break;
                }
                let action = actions.swap_remove(n % actions.len());
                play.act(&checked.table, &action);
                state = checked.after(&state, &action);
                prop_assert!(seen(&play) == state, "after {action:?}");
                prop_assert_eq!(play.broken, None);
            }
            play.bus.end();
            Ok(())
        });
        if let Err(why) = walked {
            panic!("{name}: {why}");
        }
    }
}
