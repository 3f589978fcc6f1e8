// SPDX-License-Identifier: GPL-2.0-only

//! An ioctl's number and argument as a value, and what goes back (specification 3.7). This is
//! where an ioctl is added; what it does is elsewhere.

use crate::bus::id::MsgId;
use crate::bus::name::{Pattern, MAX_LEN as MAX_NAME_LEN};
use crate::bus::{BusError, Sent};
use crate::classic::header::Layout;
use crate::kapi::caller::{access_ok, Abi};
use crate::uapi;
use core::mem::{size_of, size_of_val};
use kernel::ioctl::{_IOC_DIR, _IOC_NR, _IOC_SIZE, _IOC_TYPE};
use kernel::prelude::*;
use kernel::uaccess::{UserPtr, UserSlice, UserSliceReader};

/// Declares [`Request`] and how one is read: `NUMBER => Request` for an ioctl that is given
/// nothing, `NUMBER => Request(what: method of Argument that reads it)`.
macro_rules! requests {
    ($($number:ident => $request:ident $(($given:ty: $read:ident))?,)*) => {
        /// What a program asks for by an ioctl.
        pub(crate) enum Request {
            $($request $(($given))?,)*
        }

        impl Request {
            /// Reads what belongs to the request that a 64-bit program numbers `number`.
            fn read(number: u32, argument: Argument) -> Result<Request> {
                Ok(match number {
                    $(uapi::$number => Request::$request $((argument.$read()?))?,)*
                    // Right type and number, wrong size or direction.
                    _ => return Err(ENOTTY),
                })
            }
        }
    };
}

requests! {
    KBUS_IOC_RESET => Reset,
    KBUS_IOC_BIND => Bind(BindRequest: bind_request),
    KBUS_IOC_UNBIND => Unbind(BindRequest: bind_request),
    KBUS_IOC_KSOCKID => KsockId,
    KBUS_IOC_REPLIER => Replier(Option<Pattern>: query),
    KBUS_IOC_NEXTMSG => NextMessage(Layout: layout),
    KBUS_IOC_LENLEFT => LeftToRead,
    KBUS_IOC_SEND => Send,
    KBUS_IOC_DISCARD => Discard,
    KBUS_IOC_LASTSENT => LastSent,
    KBUS_IOC_MAXMSGS => MaxMessages(u32: number),
    KBUS_IOC_NUMMSGS => Queued,
    KBUS_IOC_UNREPLIEDTO => Owed,
    KBUS_IOC_MSGONLYONCE => OnlyOnce(Option<bool>: switch),
    KBUS_IOC_VERBOSE => Verbose(Option<bool>: switch),
    KBUS_IOC_NEWDEVICE => NewDevice,
    KBUS_IOC_REPORTREPLIERBINDS => ReportReplierBinds(Option<bool>: switch),
    KBUS_IOC_MAXMSGSIZE => MaxMessageSize(u32: number),
}

/// What BIND and UNBIND are given.
pub(crate) struct BindRequest {
    /// 0 for a listener.
    pub(crate) is_replier: u32,
    /// What to bind to.
    pub(crate) pattern: Pattern,
}

/// What a program gets back when its request was done.
pub(crate) enum Reply {
    /// Nothing.
    Nothing,
    /// A number.
    Number(u32),
    /// A number, and 1 as the call's result; or 0, and 0.
    Found(Option<u32>),
    /// A message id.
    Id(MsgId),
    /// A message id, and EAGAIN.
    Again(MsgId),
}

impl From<Sent> for Reply {
    fn from(sent: Sent) -> Reply {
        match sent {
            Sent::Delivered(id) => Reply::Id(id),
            Sent::Waiting(id) => Reply::Again(id),
        }
    }
}

/// Reads a request of a program of this kind, and returns it with where its reply goes.
///
/// # Errors
///
/// ENOTTY for a number that is none of ours, EFAULT where there is no argument, EBADMSG,
/// ENAMETOOLONG and EINVAL for one that cannot be, ENOMEM.
pub(crate) fn decode(code: u32, argument: usize, abi: Abi) -> Result<(Request, Argument)> {
    if _IOC_TYPE(code) != u32::from(uapi::KBUS_IOC_MAGIC) || _IOC_NR(code) > uapi::KBUS_IOC_MAXNR {
        return Err(ENOTTY);
    }
    // An address that no program can have is refused before anything is done; a bad one of its
    // own only when it is used.
    if _IOC_DIR(code) != 0 && !access_ok(argument, _IOC_SIZE(code)) {
        return Err(EFAULT);
    }
    let layout = Layout::of_program(abi == Abi::Compat);
    let number = match layout {
        Layout::Long => code,
        Layout::Short => uapi::number_of_32_bit(code).ok_or(ENOTTY)?,
    };
    let argument = Argument {
        address: argument,
        layout,
    };
    Ok((Request::read(number, argument)?, argument))
}

/// What a program asks for by an ioctl that was added to the contract (12).
pub(crate) enum Added {
    /// To take the bus of this number away.
    RemoveDevice(u32),
}

/// Whether it is one that was added, if it is one of ours at all.
#[inline(always)]
pub(crate) fn is_added(code: u32) -> bool {
    _IOC_NR(code) > uapi::KBUS_IOC_MAXNR
}

/// Reads a request that was added. It is known by type and number alone, since the size is that of
/// the program's structure, which all programs lay out alike (12.1).
///
/// # Errors
///
/// ENOTTY for a number that is none of ours, EFAULT where there is no argument, E2BIG and EINVAL
/// for one that cannot be.
#[cold]
pub(crate) fn decode_added(code: u32, argument: usize) -> Result<Added> {
    const REMOVE_DEVICE: u32 = _IOC_NR(uapi::KBUS_IOC_REMOVEDEVICE);

    if _IOC_TYPE(code) != u32::from(uapi::KBUS_IOC_MAGIC) {
        return Err(ENOTTY);
    }
    let given = UserSlice::new(UserPtr::from_addr(argument), _IOC_SIZE(code));
    match _IOC_NR(code) {
        // There are no options yet.
        REMOVE_DEVICE => match growing(given)? {
            [device, 0] => Ok(Added::RemoveDevice(device)),
            [_, _] => Err(EINVAL),
        },
        _ => Err(ENOTTY),
    }
}

/// Reads a structure that was added. A program's may be longer than the one that we know, if there
/// is nothing in what we do not know.
fn growing<const N: usize>(given: UserSlice) -> Result<[u32; N]> {
    let mut reader = given.reader();
    if reader.len() < size_of::<[u32; N]>() {
        return Err(EINVAL);
    }
    let known = reader.read()?;
    while !reader.is_empty() {
        if reader.read::<u8>()? != 0 {
            return Err(E2BIG);
        }
    }
    Ok(known)
}

/// The argument of an ioctl: an address, and how the program lays out what is there. Where a
/// number says 8 bytes, 4 are meant.
#[derive(Clone, Copy)]
pub(crate) struct Argument {
    address: usize,
    layout: Layout,
}

impl Argument {
    /// Stores what goes back, and returns the result of the call.
    ///
    /// # Errors
    ///
    /// EFAULT where nothing can be stored, EAGAIN for a send that waits.
    pub(crate) fn store(self, reply: Reply) -> Result<i32> {
        match reply {
            Reply::Nothing => Ok(0),
            Reply::Number(number) => self.put(number),
            Reply::Found(number) => {
                self.put(number.unwrap_or(0))?;
                Ok(i32::from(number.is_some()))
            }
            Reply::Id(id) => self.put_id(id),
            Reply::Again(id) => {
                self.put_id(id)?;
                Err(EAGAIN)
            }
        }
    }

    fn put(self, number: u32) -> Result<i32> {
        let at = UserPtr::from_addr(self.address);
        let mut writer = UserSlice::new(at, size_of::<u32>()).writer();
        writer.write(&number)?;
        Ok(0)
    }

    fn put_id(self, id: MsgId) -> Result<i32> {
        let at = UserPtr::from_addr(self.address);
        let id = [id.network, id.serial];
        UserSlice::new(at, size_of_val(&id)).writer().write(&id)?;
        Ok(0)
    }

    fn layout(self) -> Result<Layout> {
        Ok(self.layout)
    }

    fn number(self) -> Result<u32> {
        self.reader(size_of::<u32>()).read()
    }

    /// 1 is on, 0 is off, all ones is a question.
    fn switch(self) -> Result<Option<bool>> {
        match self.number()? {
            0 => Ok(Some(false)),
            1 => Ok(Some(true)),
            u32::MAX => Ok(None),
            _ => Err(BusError::BadValue.into()),
        }
    }

    fn bind_request(self) -> Result<BindRequest> {
        let request = self.named()?;
        if request.name_len == 0 {
            return Err(BusError::BadName.into());
        }
        Ok(BindRequest {
            is_replier: request.first,
            pattern: Pattern::new(request.name()?)?,
        })
    }

    /// The name in question. It need not be a valid one, but then nothing is bound to it.
    fn query(self) -> Result<Option<Pattern>> {
        let query = self.named()?;
        if query.name_len == 0 {
            return Err(BusError::NameTooLong.into());
        }
        Ok(Pattern::new(query.name()?).ok())
    }

    /// `kbus_bind_request` and `kbus_bind_query` are laid out alike: a number, the name's
    /// length, and where the name is. Read at once, for each copy from a program costs as much
    /// as a descent of the index.
    fn named(self) -> Result<Named> {
        Ok(match self.layout {
            Layout::Long => {
                let len = size_of::<uapi::kbus_bind_request>();
                let [first, name_len, name @ ..] = self.reader(len).read::<[u32; 4]>()?;
                Named {
                    first,
                    name_len,
                    name: long(name) as usize,
                }
            }
            Layout::Short => {
                let words = self.reader(uapi::BIND_32_SIZE).read::<[u32; 3]>()?;
                let [first, name_len, name] = words;
                Named {
                    first,
                    name_len,
                    name: name as usize,
                }
            }
        })
    }

    fn reader(self, len: usize) -> UserSliceReader {
        UserSlice::new(UserPtr::from_addr(self.address), len).reader()
    }
}

/// Returns the number of 64 bits that lies where these two lie.
fn long([one, two]: [u32; 2]) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (one.to_ne_bytes(), two.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// A structure with a name in it.
struct Named {
    first: u32,
    name_len: u32,
    name: usize,
}

impl Named {
    /// Reads the name, which may have any bytes.
    fn name(&self) -> Result<KVec<u8>> {
        let len = self.name_len as usize;
        if len > MAX_NAME_LEN {
            return Err(BusError::NameTooLong.into());
        }
        let mut name = KVec::new();
        let from = UserSlice::new(UserPtr::from_addr(self.name), len);
        from.read_all(&mut name, GFP_KERNEL_ACCOUNT)?;
        Ok(name)
    }
}
