// SPDX-License-Identifier: GPL-2.0-only
//! Section 3.7: the generic checks, and what each call does that section 11
//! does not say.

use crate::raw::*;
use crate::{eq, tests};

tests![
    ioctl_wrong_type,
    ioctl_number_out_of_range,
    ioctl_wrong_size_or_direction,
    ioctl_kernel_addresses,
    ioctl_order_of_generic_checks,
    ioctl_bad_pointers,
    ioctl_reset_and_discard_ignore_their_argument,
    ioctl_all_work_in_every_mode,
    ioctl_bind_checks_in_order,
    ioctl_bind_needs_no_terminator,
    ioctl_unbind_keeps_what_was_popped,
    ioctl_onoff_settings_share_a_pattern,
    ioctl_settings_belong_to_ksock_or_device,
    ioctl_max_size_values,
    ioctl_discard,
    ioctl_lastsent,
    ioctl_newdevice_with_a_bad_pointer.load("kbus_num_devices=3 kbus_mode=0666"),
];

fn at(k: &Ksock, request: u32, arg: usize) -> Result<i32> {
    ioctl(k.fd, request, arg as *mut libc::c_void)
}

fn ioctl_wrong_type() {
    let k = Ksock::new();
    let mut room = [0u64; 4];
    for request in ALL_IOCTLS {
        for ty in ['j', 'l', 'K', '\0', 'q'] {
            let other = (request & !0xff00) | ((ty as u32) << 8);
            eq!(
                ioctl(k.fd, other, room.as_mut_ptr().cast()),
                Err(ENOTTY),
                "{other:#x}"
            );
        }
    }
    eq!(
        ioctl(k.fd, 0x5401, room.as_mut_ptr().cast()),
        Err(ENOTTY),
        "TCGETS"
    );
}

fn ioctl_number_out_of_range() {
    let k = Ksock::new();
    let mut room = [0u64; 4];
    for direction in [0u32, 0x4008_0000, 0x8008_0000, 0xc008_0000] {
        // Above 18 there may be additions one day, with other sizes.
        for number in [0u32, 200, 255] {
            let request = direction | 0x6b00 | number;
            eq!(
                ioctl(k.fd, request, room.as_mut_ptr().cast()),
                Err(ENOTTY),
                "{request:#x}"
            );
        }
    }
}

fn ioctl_wrong_size_or_direction() {
    let k = Ksock::new();
    k.listen("$.A").say("$.A");
    let mut room = [0u64; 64];
    for request in ALL_IOCTLS {
        let number = request & 0xffff;
        for direction in 0..4u32 {
            for size in [0u32, 1, 4, 7, 8, 9, 12, 16, 72, 88, 255] {
                let other = (direction << 30) | (size << 16) | number;
                if other == request {
                    continue;
                }
                eq!(
                    ioctl(k.fd, other, room.as_mut_ptr().cast()),
                    Err(ENOTTY),
                    "{other:#x}"
                );
            }
        }
    }
    eq!(k.count(), 1, "none of them did anything");
    eq!(room, [0u64; 64]);
}

/// An address no process can have.
const KERNEL: usize = (0xffff_8000_0000_0000_u64 >> (64 - usize::BITS)) as usize;

fn ioctl_kernel_addresses() {
    let k = Ksock::new();
    k.listen("$.A").say("$.A");
    k.put(&Msg::new("$.A")).unwrap();
    for request in ALL_IOCTLS {
        if request == RESET || request == DISCARD {
            continue;
        }
        for address in [KERNEL, usize::MAX - 7, usize::MAX - 3] {
            eq!(
                at(&k, request, address),
                Err(EFAULT),
                "{request:#x} at {address:#x}"
            );
        }
    }
    // The range is checked before anything is done.
    eq!(k.count(), 1);
    assert!(k.send().is_ok());
    eq!(k.count(), 2);
}

fn ioctl_order_of_generic_checks() {
    let k = Ksock::new();
    eq!(
        at(&k, 0x8008_6c04, KERNEL),
        Err(ENOTTY),
        "type before range"
    );
    eq!(
        at(&k, 0x8008_6bff, KERNEL),
        Err(ENOTTY),
        "number before range"
    );
    eq!(
        at(&k, 0x8008_6b00, KERNEL),
        Err(EFAULT),
        "range before exact code: number 0"
    );
    eq!(
        at(&k, 0x8010_6b04, KERNEL),
        Err(EFAULT),
        "range before exact code: size"
    );
    eq!(
        at(&k, 0x0000_6b04, KERNEL),
        Err(ENOTTY),
        "no direction, no range check"
    );
}

fn ioctl_bad_pointers() {
    let k = Ksock::new();
    for request in ALL_IOCTLS {
        let want = match request {
            RESET | DISCARD => Ok(0),
            // Nothing written: said before the pointer is used.
            SEND => Err(ENOMSG),
            NEWDEVICE => continue,
            _ => Err(EFAULT),
        };
        eq!(at(&k, request, 0), want, "{request:#x} with NULL");
        eq!(at(&k, request, 0x10), want, "{request:#x} with 0x10");
    }
    // Readable, but not to be written.
    let page = super::Pages::new(1, libc::PROT_READ);
    for request in [
        KSOCKID,
        REPLIER_OF,
        NEXTMSG,
        LENLEFT,
        LASTSENT,
        NUMMSGS,
        UNREPLIEDTO,
        MAXMSGS,
    ] {
        let want = match request {
            // name_len 0 in that page
            REPLIER_OF => ENAMETOOLONG,
            _ => EFAULT,
        };
        eq!(
            at(&k, request, page.start as usize),
            Err(want),
            "{request:#x}"
        );
    }
    for request in [MSGONLYONCE, VERBOSE, REPORTREPLIERBINDS, MAXMSGSIZE] {
        eq!(
            at(&k, request, page.start as usize),
            Err(EFAULT),
            "{request:#x}"
        );
    }
    // A name that is not there.
    let arg = BindRequest {
        is_replier: 0,
        name_len: 3,
        name: 0x10 as *const u8,
    };
    for request in [BIND, UNBIND] {
        eq!(
            ioctl(k.fd, request, (&raw const arg).cast_mut().cast()),
            Err(EFAULT)
        );
    }
}

fn ioctl_reset_and_discard_ignore_their_argument() {
    let k = Ksock::new();
    k.listen("$.A").say("$.A");
    k.put(&Msg::new("$.A")).unwrap();
    for arg in [0, 0x10, KERNEL, usize::MAX] {
        eq!(at(&k, RESET, arg), Ok(0));
    }
    eq!(k.reset(), Ok(0));
    eq!(k.count(), 1, "RESET has no effect");
    assert!(k.send().is_ok(), "RESET has no effect");
    for arg in [0, 0x10, KERNEL, usize::MAX] {
        eq!(at(&k, DISCARD, arg), Ok(0));
    }
}

fn ioctl_all_work_in_every_mode() {
    for mode in [libc::O_RDONLY, libc::O_WRONLY] {
        let k = Ksock::open(0, mode).unwrap();
        let other = Ksock::new();
        assert!(k.id() > 0);
        k.serve("$.A").listen("$.B");
        eq!(k.replier("$.A"), Ok(Some(k.id())));
        let id = other.ask("$.A");
        other.say("$.B");
        eq!(k.count(), 2);
        let len = entire_len(3, 0) as u32;
        eq!(k.next(), Ok(Some(len)));
        eq!((k.left(), k.owed()), (len, 1));
        eq!(k.discard(), Ok(0));
        eq!(k.reset(), Ok(0));
        eq!(k.last(), NO_ID);
        eq!(k.max(5), Ok(5));
        eq!(k.only_once(1), Ok(0));
        eq!(k.verbose(1), Ok(0));
        eq!(k.verbose(0), Ok(1));
        eq!(k.report(ASK), Ok(0));
        eq!(k.max_size(0), Ok(ABS_MAX_SIZE));
        eq!(k.send(), Err(ENOMSG));
        if mode == libc::O_RDONLY {
            eq!(k.current(len).id, id);
        }
        eq!(k.unbind("$.B", LISTENER), Ok(()));
        eq!(k.unbind("$.A", REPLIER), Ok(()));
    }
}

fn ioctl_bind_checks_in_order() {
    let (k, other) = (Ksock::new(), Ksock::new());
    other.serve("$.A");
    let bind = |role: u32, len: u32, name: *const u8| {
        let arg = BindRequest {
            is_replier: role,
            name_len: len,
            name,
        };
        ioctl(k.fd, BIND, (&raw const arg).cast_mut().cast())
    };
    let nowhere = 0x10 as *const u8;
    eq!(
        bind(1, 0, nowhere),
        Err(EBADMSG),
        "length 0 before the pointer"
    );
    eq!(
        bind(1, 1001, nowhere),
        Err(ENAMETOOLONG),
        "length before the pointer"
    );
    eq!(bind(1, u32::MAX, nowhere), Err(ENAMETOOLONG));
    eq!(bind(1, 1000, nowhere), Err(EFAULT));
    eq!(bind(1, 3, std::ptr::null()), Err(EFAULT));
    eq!(k.bind("$.A_", REPLIER), Err(EBADMSG));
    eq!(k.bind("$.A", REPLIER), Err(EADDRINUSE));
}

fn ioctl_bind_needs_no_terminator() {
    let k = Ksock::new();
    let page = super::PageEnd::new();
    let name = page.put(b"$.End.Of.Page");
    let arg = BindRequest {
        is_replier: 0,
        name_len: 13,
        name,
    };
    eq!(ioctl(k.fd, BIND, (&raw const arg).cast_mut().cast()), Ok(0));
    k.say("$.End.Of.Page");
    eq!(k.count(), 1);
    eq!(
        ioctl(k.fd, UNBIND, (&raw const arg).cast_mut().cast()),
        Ok(0)
    );
    let mut query = BindQuery {
        return_id: 9,
        name_len: 13,
        name,
    };
    eq!(ioctl(k.fd, REPLIER_OF, (&raw mut query).cast()), Ok(0));
    eq!(query.return_id, 0);
    // The length counts, not a terminator.
    eq!(k.bind(b"$.A\0\0", LISTENER), Err(EBADMSG));
}

fn ioctl_unbind_keeps_what_was_popped() {
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    let id = b.ask("$.A");
    let len = a.next().unwrap().unwrap();
    a.unbind("$.A", REPLIER).unwrap();
    eq!(a.owed(), 1);
    b.nothing();
    let request = a.current(len);
    eq!(request.id, id);
    a.answer(&request);
    eq!(a.owed(), 0);
    eq!(b.take().in_reply_to, id, "answered after unbinding (5.6)");
}

fn ioctl_onoff_settings_share_a_pattern() {
    type Call = fn(&Ksock, u32) -> Result<u32>;
    let calls: [(&str, Call); 3] = [
        ("MSGONLYONCE", Ksock::only_once),
        ("VERBOSE", Ksock::verbose),
        ("REPORTREPLIERBINDS", Ksock::report),
    ];
    for (what, call) in calls {
        let k = Ksock::new();
        eq!(call(&k, ASK), Ok(0), "{what} is off at first");
        for (set, previous) in [(1, 0), (1, 1), (ASK, 1), (0, 1), (0, 0), (ASK, 0), (1, 0)] {
            eq!(call(&k, set), Ok(previous), "{what}({set})");
        }
        for bad in [2, 3, 100, 0x8000_0000, 0xffff_fffe] {
            eq!(call(&k, bad), Err(EINVAL), "{what}({bad})");
        }
        eq!(call(&k, ASK), Ok(1), "{what}: EINVAL changes nothing");
        call(&k, 0).unwrap();
    }
}

fn ioctl_settings_belong_to_ksock_or_device() {
    let (a, b, other_bus) = (Ksock::new(), Ksock::new(), Ksock::on(1));
    a.only_once(1).unwrap();
    a.limit(7);
    eq!((b.only_once(ASK), b.max(0)), (Ok(0), Ok(100)));
    a.verbose(1).unwrap();
    a.report(1).unwrap();
    a.max_size(200).unwrap();
    eq!(
        (b.verbose(ASK), b.report(ASK), b.max_size(0)),
        (Ok(1), Ok(1), Ok(200))
    );
    let far = &other_bus;
    eq!(
        (far.verbose(ASK), far.report(ASK), far.max_size(0)),
        (Ok(0), Ok(0), Ok(ABS_MAX_SIZE))
    );
    // They survive everybody's closing.
    drop((a, b));
    let c = Ksock::new();
    eq!(
        (c.verbose(ASK), c.report(ASK), c.max_size(0)),
        (Ok(1), Ok(1), Ok(200))
    );
    eq!((c.only_once(ASK), c.max(0)), (Ok(0), Ok(100)));
}

fn ioctl_max_size_values() {
    let k = Ksock::new();
    for bad in [2, 50, 99, ABS_MAX_SIZE + 1, u32::MAX] {
        eq!(k.max_size(bad), Err(EINVAL), "{bad}");
    }
    for good in [100, 101, 4096, ABS_MAX_SIZE] {
        eq!(k.max_size(good), Ok(good));
        eq!(k.max_size(0), Ok(good));
        eq!(k.max_size(1), Ok(ABS_MAX_SIZE));
        eq!(k.max_size(0), Ok(good), "asking changes nothing");
    }
    // Not for messages that KBUS makes itself.
    let (a, b) = (Ksock::new(), Ksock::new());
    a.serve("$.A");
    b.ask("$.A");
    k.max_size(100).unwrap();
    drop(a);
    assert!(b.take().len() > 100);
}

fn ioctl_discard() {
    let k = Ksock::new();
    k.listen("$.A");
    eq!(k.discard(), Ok(0), "nothing to drop");
    let bytes = Msg::new("$.A").entire();
    for n in [0, 1, 50, HEADER, bytes.len()] {
        k.write(&bytes[..n]).unwrap();
        eq!(k.discard(), Ok(0));
        eq!(k.send(), Err(ENOMSG), "after {n} bytes");
    }
    // The reading side is untouched.
    let id = k.say("$.A");
    let len = k.next().unwrap().unwrap();
    k.write(&bytes).unwrap();
    k.discard().unwrap();
    eq!(k.current(len).id, id);
    k.nothing();
}

fn ioctl_lastsent() {
    let (k, r) = (Ksock::new(), Ksock::new());
    eq!(k.last(), NO_ID);
    let first = k.say("$.A");
    eq!(k.last(), first);
    // Refused before an id is given: unchanged.
    eq!(k.send(), Err(ENOMSG));
    assert!(k.put(&Msg::new("$.#")).is_err());
    k.put_pointy(&Msg::new("$.A.*").pointy()).unwrap();
    eq!(k.send(), Err(EBADMSG));
    eq!(k.last(), first);
    // Refused by routing: changed (compat trap of the defects, section 7).
    let mut serial = first.serial;
    r.serve("$.R").limit(1);
    for (msg, why) in [
        (Msg::ask("$.Nobody"), EADDRNOTAVAIL),
        (Msg::new("$.A").re(id(0, 9999)), EADDRNOTAVAIL),
        (Msg::new("$.A").re(id(0, 9999)).to(r.id()), ECONNREFUSED),
        (Msg::ask("$.R").to(k.id()), EPIPE),
    ] {
        eq!(k.post(&msg), Err(why));
        serial += 1;
        eq!(k.last(), id(0, serial), "{why:?}");
    }
    eq!(k.post(&Msg::new("$.A").id(7, 8)), Ok(id(7, 8)));
    eq!(k.last(), id(7, 8));
    eq!(
        k.say("$.A"),
        id(0, serial + 1),
        "an id of one's own uses none up"
    );
    // Two ksocks do not share it, nor a serial.
    eq!(r.last(), NO_ID);
    eq!(r.say("$.A"), id(0, serial + 2));
    eq!(k.last(), id(0, serial + 1));
}

fn ioctl_newdevice_with_a_bad_pointer() {
    let k = Ksock::new();
    eq!(at(&k, NEWDEVICE, 0x10), Err(EFAULT));
    // The device was created.
    eq!(k.new_device(), Ok(4));
}
