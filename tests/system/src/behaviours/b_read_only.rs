// SPDX-License-Identifier: GPL-2.0-only
//! B. Read-only ksocks.

use crate::raw::*;
use crate::{eq, tests};

tests![
    b16_fresh_read_only_reads_end_of_file,
    b17_write_on_read_only_is_refused,
    b18_writing_a_message_on_read_only_is_refused,
    b19_sending_on_read_only_is_refused,
    b22_read_only_may_change_its_queue_limit,
];

fn b16_fresh_read_only_reads_end_of_file() {
    eq!(Ksock::read_only().bytes(1), b"");
}

fn b17_write_on_read_only_is_refused() {
    let k = Ksock::read_only();
    eq!(k.write(b"x"), Err(EBADF));
    eq!(k.write(b""), Err(EBADF));
}

fn b18_writing_a_message_on_read_only_is_refused() {
    let k = Ksock::read_only();
    eq!(k.put(&Msg::new("$.A")), Err(EBADF));
    eq!(k.put_pointy(&Msg::new("$.A").pointy()), Err(EBADF));
}

fn b19_sending_on_read_only_is_refused() {
    let k = Ksock::read_only();
    eq!(k.post(&Msg::new("$.A")), Err(EBADF));
    // The ioctl itself works in every mode (3.1): it finds nothing written.
    eq!(k.send(), Err(ENOMSG));
}

fn b22_read_only_may_change_its_queue_limit() {
    let k = Ksock::read_only();
    eq!(k.max(35), Ok(35));
    eq!(k.max(0), Ok(35));
}
