// SPDX-License-Identifier: GPL-2.0

//! From an ioctl's number and argument to one call (specification 3.7).

use crate::bus::id::{KsockId, MsgId};
use crate::bus::name::{Pattern, MAX_LEN as MAX_NAME_LEN};
use crate::bus::{BusError, Sent};
use crate::classic::header::Layout;
use crate::device::{MAX_MESSAGE, MIN_MESSAGE};
use crate::file::File;
use crate::kapi::caller::{is_plausible, Caller};
use crate::uapi;
use core::mem::{size_of, size_of_val};
use kernel::ioctl::{_IOC_DIR, _IOC_NR, _IOC_SIZE, _IOC_TYPE};
use kernel::prelude::*;
use kernel::sync::atomic::Relaxed;
use kernel::uaccess::{UserPtr, UserSlice, UserSliceReader};

/// Does what the number asks for. The result is 0, or what the call says.
pub(crate) fn ioctl(file: &File, code: u32, argument: usize, caller: Caller) -> Result<i32> {
    if _IOC_TYPE(code) != u32::from(uapi::KBUS_IOC_MAGIC) || _IOC_NR(code) > uapi::KBUS_IOC_MAXNR {
        return Err(ENOTTY);
    }
    // An address that no program can have is refused before anything is done; a bad one of its
    // own only when it is used.
    if _IOC_DIR(code) != 0 && !is_plausible(argument, _IOC_SIZE(code)) {
        return Err(EFAULT);
    }
    let layout = Layout::of_program(caller == Caller::Compat);
    let argument = Argument(argument);
    match layout.native_number(code) {
        uapi::KBUS_IOC_RESET => Ok(0),
        uapi::KBUS_IOC_BIND => {
            let (is_replier, name) = argument.bind_request(layout)?;
            file.bind(is_replier, name)?;
            Ok(0)
        }
        uapi::KBUS_IOC_UNBIND => {
            let (is_replier, name) = argument.bind_request(layout)?;
            file.unbind(is_replier, &name)?;
            Ok(0)
        }
        uapi::KBUS_IOC_KSOCKID => argument.put(file.id.get()),
        uapi::KBUS_IOC_REPLIER => replier(file, argument, layout),
        uapi::KBUS_IOC_NEXTMSG => {
            let length = file.next_message(layout)?;
            argument.put(length.unwrap_or(0))?;
            Ok(i32::from(length.is_some()))
        }
        uapi::KBUS_IOC_LENLEFT => argument.put(file.left_to_read()),
        uapi::KBUS_IOC_SEND => match file.send()? {
            Sent::Delivered(id) => argument.put_id(id),
            Sent::Waiting(id) => {
                argument.put_id(id)?;
                Err(EAGAIN)
            }
        },
        uapi::KBUS_IOC_DISCARD => {
            file.discard()?;
            Ok(0)
        }
        uapi::KBUS_IOC_LASTSENT => argument.put_id(file.last_sent()?),
        uapi::KBUS_IOC_MAXMSGS => {
            let limit = argument.get()?;
            argument.put(file.limit(limit)?)
        }
        uapi::KBUS_IOC_NUMMSGS => {
            let count = file.device.bus.lock().ksock(file.id)?.queue.len();
            argument.put(count)
        }
        uapi::KBUS_IOC_UNREPLIEDTO => {
            let count = file.device.bus.lock().ksock(file.id)?.owed.len();
            argument.put(count)
        }
        uapi::KBUS_IOC_MSGONLYONCE => {
            let set = argument.switch()?;
            let was = file.device.bus.lock().only_once(file.id, set)?;
            argument.put(u32::from(was))
        }
        uapi::KBUS_IOC_VERBOSE => {
            let set = argument.switch()?;
            let was = file.device.bus.lock().verbose(set);
            argument.put(u32::from(was))
        }
        uapi::KBUS_IOC_NEWDEVICE => {
            let member = &file.member;
            argument.put(member.devices.add(Some(&member.user))?)
        }
        uapi::KBUS_IOC_REPORTREPLIERBINDS => {
            let set = argument.switch()?;
            argument.put(u32::from(file.report_replier_binds(set)?))
        }
        uapi::KBUS_IOC_MAXMSGSIZE => {
            let size = argument.get()?;
            argument.put(max_message_size(file, size)?)
        }
        // Right type and number, wrong size or direction.
        _ => Err(ENOTTY),
    }
}

impl Layout {
    /// The number that a 64-bit program has for what this layout's programs number `code`.
    fn native_number(self, code: u32) -> u32 {
        match self {
            Layout::Long => code,
            Layout::Short => NUMBERS
                .into_iter()
                .find(|&number| uapi::number_for_32_bit(number) == code)
                .unwrap_or(u32::MAX),
        }
    }
}

/// All that a 32-bit program may ask for.
const NUMBERS: [u32; uapi::KBUS_IOC_MAXNR as usize] = [
    uapi::KBUS_IOC_RESET,
    uapi::KBUS_IOC_BIND,
    uapi::KBUS_IOC_UNBIND,
    uapi::KBUS_IOC_KSOCKID,
    uapi::KBUS_IOC_REPLIER,
    uapi::KBUS_IOC_NEXTMSG,
    uapi::KBUS_IOC_LENLEFT,
    uapi::KBUS_IOC_SEND,
    uapi::KBUS_IOC_DISCARD,
    uapi::KBUS_IOC_LASTSENT,
    uapi::KBUS_IOC_MAXMSGS,
    uapi::KBUS_IOC_NUMMSGS,
    uapi::KBUS_IOC_UNREPLIEDTO,
    uapi::KBUS_IOC_MSGONLYONCE,
    uapi::KBUS_IOC_VERBOSE,
    uapi::KBUS_IOC_NEWDEVICE,
    uapi::KBUS_IOC_REPORTREPLIERBINDS,
    uapi::KBUS_IOC_MAXMSGSIZE,
];

/// REPLIER: who is bound as replier to exactly this name.
fn replier(file: &File, argument: Argument, layout: Layout) -> Result<i32> {
    let query = argument.name_struct(layout)?;
    let len = query.name_len as usize;
    if len == 0 || len > MAX_NAME_LEN {
        return Err(BusError::NameTooLong.into());
    }
    let name = query.name()?;
    let pattern = Pattern::new(&name[..]).ok();
    let found = pattern.and_then(|pattern| file.device.bus.lock().replier(&pattern));
    argument.put(found.map_or(0, KsockId::get))?;
    Ok(i32::from(found.is_some()))
}

/// MAXMSGSIZE: 0 and 1 ask, the rest sets.
fn max_message_size(file: &File, size: u32) -> Result<u32> {
    match size {
        0 => Ok(file.device.max_message()),
        1 => Ok(MAX_MESSAGE),
        MIN_MESSAGE..=MAX_MESSAGE => {
            file.device.max_message.store(size, Relaxed);
            Ok(size)
        }
        _ => Err(BusError::BadValue.into()),
    }
}

/// The address that came with an ioctl. Where a number says 8 bytes, 4 are meant.
#[derive(Clone, Copy)]
struct Argument(usize);

impl Argument {
    fn get(self) -> Result<u32> {
        self.reader(size_of::<u32>()).read()
    }

    /// Stores a result; the answer of a call that has nothing more to say.
    fn put(self, value: u32) -> Result<i32> {
        let at = UserPtr::from_addr(self.0);
        UserSlice::new(at, size_of::<u32>())
            .writer()
            .write(&value)?;
        Ok(0)
    }

    fn put_id(self, id: MsgId) -> Result<i32> {
        let at = UserPtr::from_addr(self.0);
        let id = [id.network, id.serial];
        UserSlice::new(at, size_of_val(&id)).writer().write(&id)?;
        Ok(0)
    }

    /// 1 is on, 0 is off, all ones is a question.
    fn switch(self) -> Result<Option<bool>> {
        match self.get()? {
            0 => Ok(Some(false)),
            1 => Ok(Some(true)),
            u32::MAX => Ok(None),
            _ => Err(BusError::BadValue.into()),
        }
    }

    /// What BIND and UNBIND are given: the role, and a name that is neither empty nor too long.
    fn bind_request(self, layout: Layout) -> Result<(u32, KVec<u8>)> {
        let request = self.name_struct(layout)?;
        if request.name_len == 0 {
            return Err(BusError::BadName.into());
        }
        if request.name_len as usize > MAX_NAME_LEN {
            return Err(BusError::NameTooLong.into());
        }
        Ok((request.first, request.name()?))
    }

    /// `kbus_bind_request` and `kbus_bind_query` are laid out alike: a number, the name's
    /// length, and where the name is.
    fn name_struct(self, layout: Layout) -> Result<NameStruct> {
        let (len, wide) = match layout {
            Layout::Long => (size_of::<uapi::kbus_bind_request>(), true),
            Layout::Short => (uapi::BIND_32_SIZE, false),
        };
        let mut reader = self.reader(len);
        Ok(NameStruct {
            first: reader.read()?,
            name_len: reader.read()?,
            name: if wide {
                reader.read::<u64>()? as usize
            } else {
                reader.read::<u32>()? as usize
            },
        })
    }

    fn reader(self, len: usize) -> UserSliceReader {
        UserSlice::new(UserPtr::from_addr(self.0), len).reader()
    }
}

struct NameStruct {
    first: u32,
    name_len: u32,
    name: usize,
}

impl NameStruct {
    /// The name. Its length has been checked.
    fn name(&self) -> Result<KVec<u8>> {
        let mut name = KVec::new();
        let from = UserSlice::new(UserPtr::from_addr(self.name), self.name_len as usize);
        from.read_all(&mut name, GFP_KERNEL_ACCOUNT)?;
        Ok(name)
    }
}
