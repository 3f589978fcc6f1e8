// SPDX-License-Identifier: GPL-2.0-only
//! Sections 2.1 and 9.2: loading, parameters, names, unloading.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use crate::behaviours::open_soon;
use crate::harness::{self, become_user, bounded, fork, insmod, module_loaded, rmmod, USUAL};
use crate::raw::*;
use crate::{eq, tests};

tests![
    module_names.load(USUAL),
    module_parameter_is_visible_and_current.load(USUAL),
    module_default_is_one_device_for_root.unloaded(),
    module_device_counts.unloaded(),
    module_node_modes.unloaded(),
    module_mode_keeps_others_out.unloaded(),
    module_minor_without_device.load(USUAL),
    module_is_pinned_while_open.load(USUAL),
    module_unload_takes_everything_with_it.load(USUAL),
    module_reload_restarts_all_counters.load(USUAL),
    module_newdevice_up_to_256.load(USUAL).limit(90),
    module_256_buses_at_load
        .load("kbus_num_devices=256 kbus_mode=0666")
        .limit(90),
    module_new_device_has_default_settings.load(USUAL),
    module_newdevice_from_several_at_once.load(USUAL),
    module_load_and_unload_10_times.unloaded(),
    module_load_and_unload_100_times.unloaded().limit(240),
];

fn parameter() -> String {
    std::fs::read_to_string("/sys/module/kbus/parameters/kbus_num_devices")
        .unwrap_or_else(|e| panic!("kbus_num_devices: {e}"))
        .trim()
        .to_string()
}

pub fn gone(path: &str) {
    assert!(
        bounded(|| !Path::new(path).exists()),
        "{path} is still there"
    );
}

pub fn load(parameters: &str) {
    eq!(insmod(parameters), Ok(()), "insmod {parameters}");
}

pub fn unload() {
    eq!(rmmod(), Ok(()));
}

fn module_names() {
    let devices = std::fs::read_to_string("/proc/devices").unwrap();
    let major: u32 = devices
        .lines()
        .find_map(|l| l.strip_suffix(" kbus")?.trim().parse().ok())
        .unwrap_or_else(|| panic!("no kbus in {devices}"));
    for n in 0..3u64 {
        let meta = std::fs::metadata(format!("/dev/kbus{n}")).unwrap();
        let rdev = meta.rdev();
        eq!((libc::major(rdev), libc::minor(rdev)), (major, n as u32));
        assert!(Path::new(&format!("/sys/class/kbus/kbus{n}/dev")).exists());
    }
    let text = std::fs::read_to_string("/proc/modules").unwrap();
    assert!(
        text.lines().any(|l| l.starts_with("kbus ")),
        "no kbus in {text}"
    );
}

fn module_parameter_is_visible_and_current() {
    eq!(parameter(), "3");
    let meta = std::fs::metadata("/sys/module/kbus/parameters/kbus_num_devices").unwrap();
    eq!(meta.mode(), 0o100444);
    let k = Ksock::new();
    k.new_device().unwrap();
    eq!(parameter(), "4", "2.1: NEWDEVICE increments it");
}

fn module_default_is_one_device_for_root() {
    load("");
    eq!(parameter(), "1");
    open_soon(0);
    eq!(std::fs::metadata("/dev/kbus0").unwrap().mode(), 0o20600);
    eq!(Ksock::open(1, libc::O_RDWR).err(), Some(ENOENT));
    unload();
}

fn module_device_counts() {
    for bad in ["0", "257", "-1", "100000", "fred", ""] {
        let parameters = format!("kbus_num_devices={bad}");
        eq!(insmod(&parameters), Err(EINVAL), "{parameters}");
        assert!(!module_loaded(), "{parameters}");
    }
    for good in [1, 2, 7] {
        load(&format!("kbus_num_devices={good}"));
        eq!(parameter(), good.to_string());
        for n in 0..good {
            open_soon(n);
        }
        eq!(Ksock::open(good, libc::O_RDWR).err(), Some(ENOENT));
        unload();
        gone("/dev/kbus0");
    }
}

fn module_node_modes() {
    for (mode, want) in [
        ("0600", 0o600),
        ("0666", 0o666),
        ("0660", 0o660),
        ("0640", 0o640),
    ] {
        load(&format!("kbus_num_devices=2 kbus_mode={mode}"));
        for n in 0..2 {
            open_soon(n);
            let got = std::fs::metadata(format!("/dev/kbus{n}")).unwrap().mode();
            eq!(got, 0o20000 | want, "kbus_mode={mode}");
        }
        // Devices made later are alike.
        let n = Ksock::new().new_device().unwrap();
        open_soon(n);
        eq!(
            std::fs::metadata(format!("/dev/kbus{n}")).unwrap().mode(),
            0o20000 | want
        );
        unload();
        gone("/dev/kbus0");
    }
}

fn module_mode_keeps_others_out() {
    let as_nobody = |want: Option<Errno>| {
        fork(move || {
            become_user(65534);
            eq!(Ksock::open(0, libc::O_RDWR).err(), want);
            eq!(Ksock::open(0, libc::O_RDONLY).err(), want);
        })
        .join();
    };
    load("");
    open_soon(0);
    as_nobody(Some(EACCES));
    unload();
    gone("/dev/kbus0");
    load(USUAL);
    open_soon(0);
    as_nobody(None);
    unload();
}

/// A device node, for root.
pub fn make_node(path: &str, major: u32, minor: u32) {
    use nix::sys::stat::{makedev, mknod, Mode, SFlag};
    let node = makedev(major.into(), minor.into());
    mknod(path, SFlag::S_IFCHR, Mode::S_IRUSR | Mode::S_IWUSR, node).unwrap();
}

fn module_minor_without_device() {
    let dev = std::fs::metadata("/dev/kbus0").unwrap().rdev();
    for minor in [3, 100, 255] {
        let path = format!("/dev/kbus-test-{minor}");
        make_node(&path, libc::major(dev), minor);
        let r = open_path(&path, libc::O_RDWR);
        std::fs::remove_file(&path).unwrap();
        eq!(r, Err(ENXIO), "minor {minor}");
    }
}

pub fn in_use(r: Result<()>) {
    assert!(
        r == Err(EAGAIN) || r == Err(EBUSY),
        "rmmod while open: expected Err(EAGAIN), got {r:?}"
    );
}

fn module_is_pinned_while_open() {
    let k = Ksock::new();
    in_use(rmmod());
    let other = Ksock::on(2);
    drop(k);
    in_use(rmmod());
    // A child's copy pins it too.
    let gate = harness::Gate::new();
    let child = fork(|| gate.pass());
    drop(other);
    in_use(rmmod());
    gate.open();
    child.join();
    eq!(rmmod(), Ok(()));
}

fn module_unload_takes_everything_with_it() {
    let k = Ksock::new();
    k.serve("$.A").listen("$.*");
    k.say("$.B");
    k.new_device().unwrap();
    open_soon(3);
    drop(k);
    eq!(rmmod(), Ok(()));
    for n in 0..4 {
        gone(&format!("/dev/kbus{n}"));
    }
    for path in ["/proc/kbus", "/sys/class/kbus", "/sys/module/kbus"] {
        gone(path);
    }
    let devices = std::fs::read_to_string("/proc/devices").unwrap();
    assert!(!devices.contains("kbus"), "{devices}");
}

fn module_reload_restarts_all_counters() {
    let k = Ksock::new();
    k.report(1).unwrap();
    k.verbose(1).unwrap();
    k.max_size(100).unwrap();
    for _ in 0..5 {
        k.say("$.A");
        Ksock::new();
    }
    drop(k);
    eq!(rmmod(), Ok(()));
    load(USUAL);
    let k = open_soon(0);
    eq!((k.id(), k.say("$.A")), (1, id(0, 1)));
    eq!(
        (k.report(ASK), k.verbose(ASK), k.max_size(0)),
        (Ok(0), Ok(0), Ok(ABS_MAX_SIZE))
    );
}

fn module_newdevice_up_to_256() {
    let k = Ksock::new();
    for n in 3..256 {
        eq!(k.new_device(), Ok(n));
    }
    eq!(k.new_device(), Err(EINVAL));
    eq!(k.new_device(), Err(EINVAL));
    eq!(parameter(), "256");
    let last = open_soon(255);
    eq!(last.new_device(), Err(EINVAL));
    last.listen("$.A").say("$.A");
    eq!(last.drain().len(), 1);
    let text = std::fs::read_to_string("/proc/kbus/bindings").unwrap();
    eq!(text.lines().filter(|l| l.starts_with('#')).count(), 256);
    let stats = std::fs::read_to_string("/proc/kbus/stats").unwrap();
    assert!(
        stats.contains("\ndev 255: next ksock 2 next msg 2 "),
        "{stats}"
    );
}

fn module_256_buses_at_load() {
    eq!(parameter(), "256");
    let all: Vec<Ksock> = (0..256).map(open_soon).collect();
    for k in &all {
        eq!(k.id(), 1);
        k.listen("$.A");
    }
    for (n, k) in all.iter().enumerate() {
        k.post(&Msg::new("$.A").data((n as u32).to_ne_bytes()))
            .unwrap();
    }
    for (n, k) in all.iter().enumerate() {
        let got = k.take();
        eq!((got.id, peek(&got.data, 0)), (id(0, 1), n as u32));
        k.nothing();
    }
    eq!(all[0].new_device(), Err(EINVAL));
}

fn module_new_device_has_default_settings() {
    let k = Ksock::new();
    k.report(1).unwrap();
    k.verbose(1).unwrap();
    k.max_size(100).unwrap();
    k.limit(3);
    let new = open_soon(k.new_device().unwrap());
    eq!((new.report(ASK), new.verbose(ASK)), (Ok(0), Ok(0)));
    eq!((new.max_size(0), new.max(0)), (Ok(ABS_MAX_SIZE), Ok(100)));
}

/// Defect 9: two at once may not make the same one.
pub fn module_newdevice_from_several_at_once() {
    let numbers: &'static [AtomicU32] = harness::shared(80);
    let children: Vec<_> = (0..4usize)
        .map(|c| {
            fork(move || {
                let k = Ksock::on(c as u32 % 3);
                for n in 0..20 {
                    numbers[c * 20 + n].store(k.new_device().unwrap(), SeqCst);
                }
            })
        })
        .collect();
    for c in children {
        c.join();
    }
    let mut got: Vec<u32> = numbers.iter().map(|n| n.load(SeqCst)).collect();
    got.sort_unstable();
    eq!(got, (3..83).collect::<Vec<u32>>());
    eq!(parameter(), "83");
    for n in 0..83 {
        open_soon(n);
    }
}

/// Something of everything.
pub fn exercise(rounds: u32) {
    for _ in 0..rounds {
        let (a, b, l) = (Ksock::new(), Ksock::new(), Ksock::new());
        l.listen(BIND_EVENT).listen("$.*").limit(3);
        // The replay is cut short where l is full.
        let _ = l.report(1);
        a.serve("$.A");
        let _ = a.bind("$.B.*", REPLIER);
        let _ = a.bind("$.C.%", REPLIER);
        for n in 0..5u32 {
            let _ = b.post(&Msg::ask("$.A").data(vec![1; 100 * n as usize]));
        }
        if let Some(request) = a.get() {
            let _ = a.post(&Msg::reply_to(&request));
        }
        let _ = a.next();
        b.put_pointy(&Msg::new("$.A").flags(ALL_OR_WAIT).pointy())
            .unwrap();
        // Its pointers dangle by now; whatever that gives.
        let _ = ioctl(b.fd, SEND, [0u32; 2].as_mut_ptr().cast());
        let _ = l.post(&Msg::new("$.A").flags(ALL_OR_WAIT));
        let _ = l.next();
        let _ = a.post(&Msg::new("$.A").data(vec![2; 9000]));
        a.write(&Msg::new("$.Half").data([0; 50]).entire()[..100])
            .ok();
        l.bytes(10);
        let _ = std::fs::read("/proc/kbus/stats");
        let _ = std::fs::read("/proc/kbus/bindings");
        let _ = l.report(0);
    }
}

fn load_and_unload(times: u32) {
    for n in 0..times {
        load(&format!("kbus_num_devices={} kbus_mode=0666", 1 + n % 4));
        let k = open_soon(0);
        eq!(k.id(), 1);
        drop(k);
        exercise(2);
        if n % 10 == 0 {
            in_use({
                let _open = Ksock::new();
                rmmod()
            });
        }
        unload();
    }
}

fn module_load_and_unload_10_times() {
    load_and_unload(10);
}

fn module_load_and_unload_100_times() {
    load_and_unload(100);
}
