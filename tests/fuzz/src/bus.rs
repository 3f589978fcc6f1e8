// SPDX-License-Identifier: GPL-2.0-only
//! Plays on the bus: each step is done on bus and model, which are compared in all that can be
//! seen (`tests/bus`). The first byte says what sort of play it is: who only asks, and what users
//! may have. Then each step says whether, and where, it finds no memory. In the end the promises
//! of one answer and of one order are judged as well.

use arbitrary::{Result, Unstructured};
use kbus_test_bus::model::{Caps, ALL_OR_FAIL, ALL_OR_WAIT, URGENT};
use kbus_test_bus::play::{Play, Say, Step, To, NAMES, PATTERNS};

const FLAGS: [u32; 8] = [
    0,
    0,
    URGENT,
    ALL_OR_FAIL,
    ALL_OR_WAIT,
    ALL_OR_WAIT | URGENT,
    ALL_OR_FAIL | URGENT,
    // Bits that a user may not set, or that mean nothing.
    0x8000_40f6,
];

/// More than any input of a sensible length has.
const LONGEST: usize = 400;

pub fn run(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Ok(sort) = bytes.arbitrary::<u8>() else {
        return;
    };
    let few = |shift: u8| usize::from((sort >> shift) & 3);
    let caps = match sort & 4 {
        0 => Caps::NONE,
        _ => Caps {
            ksocks: 2 + few(3),
            bindings: 1 + 2 * few(5),
            bytes: 5000 * few(3) as u64,
            share: 1000 * few(5) as u64,
            copies: 1 + 3 * few(3),
        },
    };
    let mut play = Play::new(u32::from(sort) % 3, caps);
    play.world.bare_preallocs = sort & 0x80 != 0;
    for _ in 0..LONGEST {
        if bytes.is_empty() {
            break;
        }
        let Ok((step, fail)) = step(&mut bytes) else {
            break;
        };
        play.world.out_of_memory = fail;
        play.step(&step);
        play.world.out_of_memory = None;
    }
    if let Err(why) = play.each_request_got_one_answer() {
        panic!("{why}");
    }
    play.drain();
    if let Err(why) = play.everybody_heard_in_one_order() {
        panic!("{why}");
    }
    play.world.end();
}

/// A number below `end`, of one byte.
fn below(bytes: &mut Unstructured, end: usize) -> Result<usize> {
    Ok(usize::from(bytes.arbitrary::<u8>()?) % end)
}

fn say(bytes: &mut Unstructured) -> Result<Say> {
    let how = bytes.arbitrary::<u8>()?;
    let id = match how >> 6 {
        0..=1 => (0, 0),
        2 => (0, 99),
        _ => (1, 1 + u32::from((how >> 3) & 1)),
    };
    Ok(Say {
        name: below(bytes, NAMES.len())?,
        flags: FLAGS[usize::from(how & 7)],
        id,
        data: bytes.arbitrary()?,
    })
}

fn step(bytes: &mut Unstructured) -> Result<(Step, Option<u64>)> {
    const KINDS: u8 = 20;
    let what = bytes.arbitrary::<u8>()?;
    let fail = Some(u64::from(what / KINDS)).filter(|&n| n > 0 && n <= 6);
    // Half a byte is enough for a ksock, the rest is for whatever else is asked for.
    let more = bytes.arbitrary::<u8>()?;
    let (k, more) = (usize::from(more & 7), usize::from(more >> 3));
    let role = (more % 3) as u32;
    let on = [None, Some(false), Some(true)][more % 3];
    let step = match what % KINDS {
        0 => Step::Open,
        1 => Step::Close(k),
        2 | 19 => Step::Bind(k, role, below(bytes, PATTERNS.len())?),
        3 => Step::Unbind(k, more),
        4 => Step::UnbindAny(k, role, below(bytes, PATTERNS.len())?),
        5 => Step::Announce(k, say(bytes)?),
        6 => {
            let to = match more {
                0..=15 => To::Whoever,
                16..=23 => To::Ksock(more),
                _ => To::LastAnswerer,
            };
            Step::Request(k, say(bytes)?, to)
        }
        7 => Step::Reply(k, more, say(bytes)?),
        8 => Step::ReplyForAnother(k, more, say(bytes)?),
        9 => {
            let id = (below(bytes, 3)? as u32, below(bytes, 9)? as u32);
            Step::Odd(k, say(bytes)?, id, more)
        }
        10 => Step::SendAgain(k),
        11 => Step::Poll(k),
        12 => Step::PollForReading(k),
        13 => Step::Discard(k),
        14 | 15 => Step::Next(k),
        16 => Step::Limit(k, (more % 6) as u32),
        17 => Step::OnlyOnce(k, on),
        18 => match more % 2 {
            0 => Step::Report(k, on),
            _ => Step::Replier(more % PATTERNS.len()),
        },
        _ => unreachable!("less than KINDS"),
    };
    Ok((step, fail.map(|n| n - 1)))
}
