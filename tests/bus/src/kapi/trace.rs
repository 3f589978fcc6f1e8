// SPDX-License-Identifier: GPL-2.0
//! What stands for the module's trace points on the host: they do nothing. What they say is
//! tested in `tests/system`.

pub(crate) fn bind(_bus: u32, _ksock: u32, _replier: bool, _name: &[u8]) {}

pub(crate) fn unbind(_bus: u32, _ksock: u32, _replier: bool, _name: &[u8]) {}

pub(crate) fn close(_bus: u32, _ksock: u32) {}

pub(crate) fn route(
    _bus: u32,
    _ksock: u32,
    _id: (u32, u32),
    _flags: u32,
    _to: u32,
    _verdict: u32,
    _name: &[u8],
) {
}

pub(crate) fn queue(_bus: u32, _ksock: u32, _id: (u32, u32), _queued: u32) {}

pub(crate) fn skip(_bus: u32, _ksock: u32, _why: u32, _name: &[u8]) {}

pub(crate) fn answer(_bus: u32, _ksock: u32, _requester: u32, _id: (u32, u32), _by_bus: bool) {}
