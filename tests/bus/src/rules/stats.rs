// SPDX-License-Identifier: GPL-2.0-only
//! What /proc/kbus/stats says of the bus (8.2).

use super::waiting::waiting;
use super::{announcement, reply_to, request, REPLIER};
use crate::world::World;

#[test]
fn s8_2_the_example_of_the_statistics() {
    let mut world = World::with(2);
    let text = world.stats();
    assert!(text.starts_with("dev  7: next ksock 3 next msg 0 unsent unbindings 0\n    ksock 2 "));
    world.bind(2, REPLIER, b"$.A").unwrap();
    for _ in 0..3 {
        world.send(1, &request("$.A")).unwrap();
    }
    for _ in 0..2 {
        let asked = world.next(2).unwrap();
        world.send(2, &reply_to(&asked)).unwrap();
    }
    world.max_msgs(2, 1);
    let expected = "\
dev  7: next ksock 3 next msg 6 unsent unbindings 0
    ksock 2 last msg 0:5 queue 1 of 1
      read byte 0 of 0, wrote byte 0 of HDR (not finished), not sending
      outstanding requests 0 (size 16, max 0), unsent replies 0 (max 1)
    ksock 1 last msg 0:3 queue 2 of 100
      read byte 0 of 0, wrote byte 0 of HDR (not finished), not sending
      outstanding requests 1 (size 16, max 3), unsent replies 0 (max 0)
";
    assert_eq!(world.stats(), expected);
    world.end();
}

#[test]
fn s8_2_how_far_files_have_got() {
    use crate::bus::progress::{Part, Progress};
    let parts = [
        (Part::Header, "HDR"),
        (Part::Name, "NAME"),
        (Part::NamePadding, "NPAD"),
        (Part::Data, "DATA"),
        (Part::DataPadding, "DPAD"),
        (Part::Guard, "FINAL"),
        (Part::End, "???"),
    ];
    let mut world = waiting(&announcement("$.A"));
    for (part, label) in parts {
        for (finished, not) in [(true, ""), (false, "not ")] {
            let progress = Progress {
                read: 40,
                read_of: 100,
                wrote: 3,
                part,
                finished,
            };
            world.progress(1, progress);
            let line = format!(
                "\n      read byte 40 of 100, wrote byte 3 of {label} ({not}finished), sending\n"
            );
            assert!(world.stats().contains(&line), "{}", world.stats());
        }
    }
    world.progress(1, Progress::default());
    world.end();
}
