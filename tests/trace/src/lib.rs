// SPDX-License-Identifier: GPL-2.0-only
//! What processes did on a bus and saw of it, written down line by line; and
//! whether one bus that keeps its promises can explain it.
//!
//! # The format
//!
//! Plain text. A line is an event of one ksock; lines of several ksocks may
//! stand in one file, in any order, and the files of one trace are read
//! together. Lines that begin with `#` are comments.
//!
//! ```text
//! KSOCK N START-END EVENT...
//! 0:5   7 1000-1200 got request 0:17 $.A flags=0x3 from=6 to=0 re=0:0
//! ```
//!
//! `KSOCK` is bus and ksock id. `N` counts the lines of that ksock, from 1 on.
//! `START` and `END` are CLOCK_MONOTONIC in nanoseconds, before and after the
//! call. The events, each written when the call has returned, but for `send`:
//!
//! | event | what happened |
//! |---|---|
//! | `open` | the first line of each ksock |
//! | `limit N` | MAXMSGS, which is 100 otherwise |
//! | `once 0` or `once 1` | MSGONLYONCE |
//! | `bind listener NAME`, `bind replier NAME` | BIND that succeeded |
//! | `unbind listener NAME`, `unbind replier NAME` | UNBIND that succeeded |
//! | `send KIND NAME flags=F to=K re=ID` | SEND comes next; what became of it says the next line of these: |
//! | `sent ID` | it succeeded; also when SEND was repeated for one that waits |
//! | `waits ID` | EAGAIN: it waits for room |
//! | `refused ERRNO` | anything else |
//! | `went` | poll says that what waited waits no more: sent or given up |
//! | `dropped` | DISCARD of what waited |
//! | `got KIND ID NAME flags=F from=K to=K re=ID` | NEXTMSG, and what was read |
//! | `popped` | NEXTMSG, and nobody looked at what it was |
//! | `empty` | NEXTMSG said that there is nothing |
//! | `settled` | the program says: all answers that I am owed have come |
//! | `unrecorded` | what this ksock does from here on is not written down |
//! | `close` | the last line |
//!
//! `KIND` is `announcement`, `request`, `reply` or `status`. An `ID` is
//! `NETWORK:SERIAL`.
//!
//! KBUS would allow more than can be told apart afterwards. So programs that
//! choose ids themselves choose each once, answer only requests that they have
//! read, and every ksock of the bus writes a trace, if only one that says
//! `unrecorded`.
//!
//! A process writes each line with one write(2), so that what it wrote is there
//! when it is killed. The trace of one that was killed ends early: without
//! `close`, perhaps after `send`, never in a gap. Such a ksock is taken as dead
//! from there on: nothing that it had not read counts as lost, no answer as
//! missing; and what it was sending may have been sent, or not, also later, by
//! the bus, for which it waited.

mod answers;
pub mod check;
mod copies;
pub mod line;
mod order;
pub mod record;
mod story;
