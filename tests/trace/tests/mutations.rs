// SPDX-License-Identifier: GPL-2.0-only
//! The checker accepts what a good bus does, and nothing that is one swap, one
//! loss, one duplicate, one answer too many or too few away from it. The good
//! bus is a small model here, which knows of no file and no kernel.

use std::collections::VecDeque;

use kbus_test_trace::check::check;
use kbus_test_trace::line::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

struct Socket {
    open: bool,
    lines: Vec<Line>,
    bindings: Vec<(Role, &'static str)>,
    queue: VecDeque<(Pair, Head)>,
    /// Read and to be answered.
    owed: Vec<(Pair, Head)>,
    last: u64,
}

struct Bus {
    dice: Dice,
    sockets: Vec<Socket>,
    time: u64,
    serial: u32,
    /// Requests without an answer: id, who asked, who was asked.
    asked: Vec<(Pair, usize, usize)>,
    /// Bindings are made before anything is sent.
    steady: bool,
    steps: u32,
}

const NAMES: [&str; 3] = ["$.a", "$.b", "$.a.c"];
const BINDINGS: [&str; 6] = ["$.a", "$.b", "$.a.c", "$.a.*", "$.%", "$.*"];

fn hit(binding: &str, name: &str) -> bool {
    match binding {
        "$.*" => true,
        "$.%" => name != "$.a.c",
        "$.a.*" => name == "$.a.c",
        exact => exact == name,
    }
}

impl Bus {
    fn new(seed: u64, sockets: usize) -> Bus {
        let mut bus = Bus {
            dice: Dice(seed),
            sockets: Vec::new(),
            time: 1000,
            serial: 0,
            asked: Vec::new(),
            steady: false,
            steps: 0,
        };
        for at in 0..sockets {
            bus.sockets.push(Socket {
                open: true,
                lines: Vec::new(),
                bindings: Vec::new(),
                queue: VecDeque::new(),
                owed: Vec::new(),
                last: 0,
            });
            bus.add(at, Event::Open, 0);
            bus.add(at, Event::Limit(100_000), 0);
        }
        bus
    }

    /// A moment that lies in no call of this one, and nobody else's.
    fn moment(&mut self, at: usize) -> u64 {
        self.time = self.time.max(self.sockets[at].last) + 10;
        self.time
    }

    /// `event`, seen to happen up to `width` earlier or later than now.
    fn add(&mut self, at: usize, event: Event, width: u64) {
        let now = self.moment(at);
        let (before, after) = (self.dice.below(width + 1), self.dice.below(width + 1));
        let s = &mut self.sockets[at];
        let start = (now - before).max(s.last);
        let n = s.lines.len() as u32 + 1;
        s.last = now + after;
        s.lines.push(Line {
            ksock: Pair(0, at as u32 + 1),
            n,
            start,
            end: now + after,
            event,
        });
    }

    fn fresh(&mut self) -> Pair {
        self.serial += 1;
        Pair(0, self.serial)
    }

    fn queue(&mut self, at: usize, id: Pair, head: Head) {
        let queue = &mut self.sockets[at].queue;
        match head.urgent() {
            true => queue.push_front((id, head)),
            false => queue.push_back((id, head)),
        }
    }

    fn replier(&self, name: &str) -> Option<usize> {
        let serves = |s: &Socket| {
            s.open
                && s.bindings
                    .iter()
                    .any(|(r, b)| *r == Role::Replier && hit(b, name))
        };
        self.sockets.iter().position(serves)
    }

    /// SEND at the moment that comes: `killed` in it or not.
    fn send(&mut self, at: usize, mut head: Head, killed: bool) {
        self.add(at, Event::Send(head.clone()), 0);
        let replier = self.replier(&head.name);
        if head.is_request() && replier.is_none() {
            return self.add(at, Event::Refused("EADDRNOTAVAIL".into()), 20);
        }
        if head.is_reply() && !self.sockets[head.to as usize - 1].open {
            return self.add(at, Event::Refused("EADDRNOTAVAIL".into()), 20);
        }
        let id = self.fresh();
        head.from = at as u32 + 1;
        if head.is_reply() {
            self.asked.retain(|(asked, ..)| *asked != head.re);
            self.queue(head.to as usize - 1, id, head.clone());
        }
        if let (true, Some(replier)) = (head.is_request(), replier) {
            self.asked.push((id, at, replier));
            let mut marked = head.clone();
            marked.flags |= WANT_YOU_TO_REPLY;
            self.queue(replier, id, marked);
        }
        for to in 0..self.sockets.len() {
            let s = &self.sockets[to];
            let hears = |b: &&(Role, &str)| b.0 == Role::Listener && hit(b.1, &head.name);
            for _ in 0..s.bindings.iter().filter(hears).count() * s.open as usize {
                self.queue(to, id, head.clone());
            }
        }
        if killed {
            self.time += 10;
        } else {
            self.add(at, Event::Sent(id), 20);
        }
    }

    fn get(&mut self, at: usize) -> bool {
        let Some((id, head)) = self.sockets[at].queue.pop_front() else {
            self.add(at, Event::Empty, 0);
            return false;
        };
        if head.marked() {
            self.sockets[at].owed.push((id, head.clone()));
        }
        self.add(at, Event::Got(id, head), 20);
        true
    }

    fn answer(&mut self, at: usize) {
        let (id, request) = self.sockets[at].owed.remove(0);
        let reply = Head {
            name: request.name,
            flags: 0,
            from: 0,
            to: request.from,
            re: id,
        };
        self.send(at, reply, false);
    }

    fn status(&mut self, at: usize, what: &str, re: Pair) {
        let Some(n) = self.asked.iter().position(|(id, ..)| *id == re) else {
            return;
        };
        let (_, asker, _) = self.asked.remove(n);
        let head = Head {
            name: format!("$.KBUS.Replier.{what}"),
            flags: SYNTHETIC,
            from: at as u32 + 1,
            to: asker as u32 + 1,
            re,
        };
        let id = self.fresh();
        self.queue(asker, id, head);
    }

    fn close(&mut self, at: usize, killed: bool) {
        let s = &mut self.sockets[at];
        s.open = false;
        let queue = std::mem::take(&mut s.queue);
        let owed = std::mem::take(&mut s.owed);
        self.asked.retain(|(_, asker, _)| *asker != at);
        for (id, _) in queue.iter().filter(|(_, h)| h.marked()) {
            self.status(at, "GoneAway", *id);
        }
        for (id, _) in owed.iter().rev() {
            self.status(at, "Ignored", *id);
        }
        if killed {
            self.time += 10;
        } else {
            self.add(at, Event::Close, 20);
        }
    }

    fn step(&mut self) {
        let at = self.dice.below(self.sockets.len() as u64) as usize;
        if !self.sockets[at].open {
            return;
        }
        let name = self.dice.pick(&NAMES).to_string();
        let flags = [0, 0, 0, URGENT][self.dice.below(4) as usize];
        let mut head = Head {
            name,
            flags,
            from: 0,
            to: 0,
            re: NONE,
        };
        self.steps += 1;
        let what = match (self.steady, self.steps) {
            (true, ..30) => self.dice.below(3),
            (true, _) => 3 + self.dice.below(37),
            _ => self.dice.below(40),
        };
        match what {
            0..3 => {
                let name = *self.dice.pick(&BINDINGS);
                let role = *self.dice.pick(&[Role::Listener, Role::Replier]);
                let taken = self
                    .sockets
                    .iter()
                    .any(|s| s.open && s.bindings.contains(&(role, name)));
                if role == Role::Listener || !taken {
                    self.sockets[at].bindings.push((role, name));
                    self.add(at, Event::Bind(role, name.into()), 0);
                }
            }
            3..10 => self.send(at, head, false),
            10..18 => {
                head.flags |= WANT_A_REPLY;
                self.send(at, head, false);
            }
            18..34 => {
                self.get(at);
            }
            34..39 if !self.sockets[at].owed.is_empty() => self.answer(at),
            // The first always lives.
            39 if at != 0 && self.dice.below(3) == 0 => match self.dice.below(3) {
                0 => self.close(at, false),
                1 => self.close(at, true),
                _ => {
                    self.send(at, head, true);
                    self.close(at, true);
                }
            },
            _ => {}
        }
    }

    /// Lets all who live read and answer all there is, and close.
    fn end(mut self) -> Vec<Line> {
        let mut busy = true;
        while busy {
            busy = false;
            for at in 0..self.sockets.len() {
                while self.sockets[at].open && self.get(at) {
                    busy = true;
                }
                while !self.sockets[at].owed.is_empty() {
                    self.answer(at);
                    busy = true;
                }
            }
        }
        assert_eq!(self.asked, [], "the model itself is wrong");
        for at in 0..self.sockets.len() {
            if self.sockets[at].open {
                self.add(at, Event::Empty, 0);
                self.add(at, Event::Settled, 0);
                self.close(at, false);
            }
        }
        self.sockets.into_iter().flat_map(|s| s.lines).collect()
    }
}

fn good(seed: u64) -> Vec<Line> {
    played(seed, false)
}

/// As above, but for what cannot be told when somebody binds and sends at once.
fn steady(seed: u64) -> Vec<Line> {
    played(seed, true)
}

fn played(seed: u64, steady: bool) -> Vec<Line> {
    let mut bus = Bus::new(seed, 3 + (seed % 4) as usize);
    bus.steady = steady;
    for _ in 0..400 {
        bus.step();
    }
    bus.end()
}

fn closed(lines: &[Line], ksock: Pair) -> bool {
    lines
        .iter()
        .any(|l| l.ksock == ksock && l.event == Event::Close)
}

/// Those that came to their own end.
fn alive(lines: &[Line], ksock: Pair) -> bool {
    closed(lines, ksock)
        && lines
            .iter()
            .any(|l| l.ksock == ksock && l.event == Event::Settled)
}

/// One of the lines for which `which` holds.
fn one(lines: &[Line], dice: &mut Dice, which: impl Fn(&Line) -> bool) -> Option<usize> {
    let all: Vec<usize> = (0..lines.len()).filter(|at| which(&lines[*at])).collect();
    (!all.is_empty()).then(|| *dice.pick(&all))
}

fn got(line: &Line) -> Option<(Pair, &Head)> {
    match &line.event {
        Event::Got(id, head) => Some((*id, head)),
        _ => None,
    }
}

/// Takes a line away so that nobody sees that there was one.
fn remove(lines: &mut Vec<Line>, at: usize) {
    let gone = lines.remove(at);
    for l in lines
        .iter_mut()
        .filter(|l| l.ksock == gone.ksock && l.n > gone.n)
    {
        l.n -= 1;
    }
}

/// Puts one behind another, at the same time.
fn insert(lines: &mut Vec<Line>, at: usize, event: Event) {
    let before = lines[at].clone();
    for l in lines
        .iter_mut()
        .filter(|l| l.ksock == before.ksock && l.n > before.n)
    {
        l.n += 1;
    }
    let line = Line {
        n: before.n + 1,
        start: before.end,
        event,
        ..before
    };
    lines.insert(at + 1, line);
}

fn problems(lines: &[Line]) -> Vec<String> {
    check(lines).problems
}

/// Like `prop_assert!`, with what the checker said.
fn rejected(lines: &[Line], why: &str) -> Result<(), TestCaseError> {
    let found = problems(lines);
    prop_assert!(!found.is_empty(), "accepted, with {}", why);
    Ok(())
}

/// The same traces in each run. A few losses in ten thousand are not noticed: those that another
/// story explains as well. With another seed (PROPTEST_CASES for more) one can look for them.
const SEED: u64 = 7;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(SEED), ..ProptestConfig::with_cases(300) })]

    #[test]
    fn what_a_good_bus_does_is_accepted(seed: u64) {
        let lines = good(seed);
        prop_assert_eq!(problems(&lines), Vec::<String>::new());
    }

    #[test]
    fn it_is_the_same_when_written_and_read(seed: u64) {
        let lines = good(seed);
        let text: Vec<String> = lines.iter().map(Line::to_string).collect();
        prop_assert_eq!(parse(&text.join("\n")), Ok(lines));
    }

    #[test]
    fn it_may_end_anywhere_for_one_who_is_killed(seed: u64, at: u64) {
        let mut lines = good(seed);
        let mut dice = Dice(at);
        // One who was killed may have been slower to write than we think: the
        // last line, if nobody saw what it did.
        let killed: Vec<Pair> = lines
            .iter()
            .map(|l| l.ksock)
            .filter(|k| !lines.iter().any(|l| l.ksock == *k && l.event == Event::Close))
            .collect();
        if killed.is_empty() { return Ok(()); }
        let ksock = *dice.pick(&killed);
        let last = lines.iter().rposition(|l| l.ksock == ksock).unwrap();
        if matches!(lines[last].event, Event::Sent(_)) {
            lines.remove(last);
        }
        prop_assert_eq!(problems(&lines), Vec::<String>::new());
    }

    #[test]
    fn a_swap_is_found(seed: u64, at: u64) {
        let mut lines = good(seed);
        let ordinary = |l: &Line| got(l).is_some_and(|(_, h)| !h.urgent());
        let next = |lines: &[Line], at: usize| {
            (at + 1..lines.len()).find(|n| lines[*n].ksock == lines[at].ksock && ordinary(&lines[*n]))
        };
        let pick = |lines: &[Line], at: usize| ordinary(&lines[at])
            && next(lines, at).is_some_and(|n| got(&lines[n]).map(|g| g.0) != got(&lines[at]).map(|g| g.0));
        let all: Vec<usize> = (0..lines.len()).filter(|n| pick(&lines, *n)).collect();
        if all.is_empty() { return Ok(()); }
        let a = *Dice(at).pick(&all);
        let b = next(&lines, a).unwrap();
        let event = lines[a].event.clone();
        lines[a].event = std::mem::replace(&mut lines[b].event, event);
        rejected(&lines, &format!("{} and {} swapped", lines[a], lines[b]))?;
    }

    #[test]
    fn a_loss_is_found(seed: u64, at: u64) {
        let mut lines = steady(seed);
        // A request that its replier never got, and whose asker is gone, could
        // have gone to one who was killed, or closed with it in his queue.
        let gone = lines.iter().any(|l| !alive(&lines, l.ksock));
        let picked = one(&lines, &mut Dice(at), |l| {
            alive(&lines, l.ksock) && got(l).is_some_and(|(_, h)| !(gone && h.marked()))
        });
        let Some(at) = picked else { return Ok(()); };
        let line = lines[at].clone();
        remove(&mut lines, at);
        rejected(&lines, &format!("{line} lost"))?;
    }

    #[test]
    fn a_duplicate_is_found(seed: u64, at: u64) {
        let mut lines = steady(seed);
        let Some(at) = one(&lines, &mut Dice(at), |l| got(l).is_some() && alive(&lines, l.ksock)) else { return Ok(()); };
        let event = lines[at].event.clone();
        insert(&mut lines, at, event);
        rejected(&lines, &format!("{} twice", lines[at]))?;
    }

    #[test]
    fn a_second_answer_is_found(seed: u64, at: u64, status: bool) {
        let mut lines = good(seed);
        let answer = |l: &Line| got(l).is_some_and(|(_, h)| h.is_reply() && h.to == l.ksock.1);
        let Some(at) = one(&lines, &mut Dice(at), answer) else { return Ok(()); };
        let (_, head) = got(&lines[at]).unwrap();
        let mut head = head.clone();
        if status {
            head.flags = SYNTHETIC;
            head.name = "$.KBUS.Replier.GoneAway".into();
        }
        insert(&mut lines, at, Event::Got(Pair(0, 1_000_000), head));
        rejected(&lines, &format!("two answers after {}", lines[at]))?;
    }

    #[test]
    fn a_missing_answer_is_found(seed: u64, at: u64) {
        let mut lines = good(seed);
        let answer = |l: &Line| alive(&lines, l.ksock)
            && got(l).is_some_and(|(_, h)| h.is_reply() && h.to == l.ksock.1);
        let Some(at) = one(&lines, &mut Dice(at), answer) else { return Ok(()); };
        let (line, id) = (lines[at].clone(), got(&lines[at]).unwrap().0);
        // A listener's copy of it as well.
        while let Some(at) = lines.iter().position(|l| l.ksock == line.ksock && got(l).is_some_and(|g| g.0 == id)) {
            remove(&mut lines, at);
        }
        rejected(&lines, &format!("{line} missing"))?;
    }

    #[test]
    fn a_refused_message_reaches_nobody(seed: u64, at: u64) {
        let mut lines = good(seed);
        let read = |id: Pair| lines.iter().any(|l| got(l).is_some_and(|g| g.0 == id));
        let sent = |l: &Line| matches!(l.event, Event::Sent(id) if read(id));
        let Some(at) = one(&lines, &mut Dice(at), sent) else { return Ok(()); };
        lines[at].event = Event::Refused("EBUSY".into());
        rejected(&lines, "a message refused and read")?;
    }

    #[test]
    fn a_reply_that_nobody_asked_for_is_found(seed: u64, at: u64) {
        let mut lines = good(seed);
        let answer = |l: &Line| got(l).is_some_and(|(_, h)| h.is_reply() && h.to == l.ksock.1);
        let Some(at) = one(&lines, &mut Dice(at), answer) else { return Ok(()); };
        let Event::Got(_, head) = &mut lines[at].event else { return Ok(()); };
        head.re = Pair(0, 1_000_000);
        rejected(&lines, "an answer to nothing")?;
    }

    #[test]
    fn a_line_that_is_not_there_is_missed(seed: u64, at: u64) {
        let mut lines = good(seed);
        let Some(at) = one(&lines, &mut Dice(at), |l| l.event != Event::Close && alive(&lines, l.ksock)) else {
            return Ok(());
        };
        lines.remove(at);
        rejected(&lines, "a line left out")?;
    }

    #[test]
    fn two_who_are_told_to_answer_are_found(seed: u64, at: u64) {
        let mut lines = good(seed);
        let marked = |l: &Line| got(l).is_some_and(|(_, h)| h.marked());
        let Some(from) = one(&lines, &mut Dice(at), marked) else { return Ok(()); };
        let event = lines[from].event.clone();
        let me = lines[from].ksock;
        let Some(to) = one(&lines, &mut Dice(at), |l| l.ksock != me && l.event == Event::Settled) else {
            return Ok(());
        };
        insert(&mut lines, to - 1, event);
        rejected(&lines, "a request at two repliers")?;
    }
}

/// Sequences decide, not ids alone: two listeners who disagree about messages
/// that brought their own ids.
#[test]
fn two_listeners_who_disagree_are_found_without_serials() {
    let trace = |second: [&str; 2]| {
        format!(
            "0:1 1 1-2 open\n0:1 2 10-20 send announcement $.a flags=0x0 to=0 re=0:0\n0:1 3 20-90 sent 7:1\n\
             0:2 1 1-2 open\n0:2 2 10-20 send announcement $.a flags=0x0 to=0 re=0:0\n0:2 3 20-90 sent 8:1\n\
             0:3 1 1-2 open\n0:3 2 3-4 bind listener $.a\n\
             0:3 3 91-92 got announcement 7:1 $.a flags=0x0 from=1 to=0 re=0:0\n\
             0:3 4 93-94 got announcement 8:1 $.a flags=0x0 from=2 to=0 re=0:0\n\
             0:4 1 1-2 open\n0:4 2 3-4 bind listener $.a\n\
             0:4 3 91-92 got announcement {} to=0 re=0:0\n\
             0:4 4 93-94 got announcement {} to=0 re=0:0\n",
            second[0], second[1]
        )
    };
    let (a, b) = ("7:1 $.a flags=0x0 from=1", "8:1 $.a flags=0x0 from=2");
    assert_eq!(
        problems(&parse(&trace([a, b])).unwrap()),
        Vec::<String>::new()
    );
    let found = problems(&parse(&trace([b, a])).unwrap());
    assert!(found[0].starts_with("no total order"), "{found:?}");
}

/// Whoever is killed in a SEND that waits leaves a message to the bus, with an
/// id that is older than its place in the order.
#[test]
fn what_a_killed_sender_left_may_be_late() {
    let trace = |flags| {
        format!(
            "0:1 1 1-2 open\n0:1 2 10-20 send announcement $.a flags={flags} to=0 re=0:0\n\
             0:2 1 1-2 open\n0:2 2 30-40 send announcement $.a flags=0x0 to=0 re=0:0\n0:2 3 40-50 sent 0:2\n\
             0:3 1 1-2 open\n0:3 2 3-4 bind listener $.a\n\
             0:3 3 51-52 got announcement 0:2 $.a flags=0x0 from=2 to=0 re=0:0\n\
             0:3 4 53-54 got announcement 0:1 $.a flags={flags} from=1 to=0 re=0:0\n"
        )
    };
    assert_eq!(
        problems(&parse(&trace("0x100")).unwrap()),
        Vec::<String>::new()
    );
    let found = problems(&parse(&trace("0x0")).unwrap());
    assert!(found[0].contains("before"), "{found:?}");
}
