// SPDX-License-Identifier: GPL-2.0-only

//! A pointy message: one whose name and data lie in the memory of the program that wrote its
//! header, until SEND (specification 2.3.1 and 3.8).

use crate::bus::message::{padded_data_len, padded_name_len, Header, Message, GUARD};
use crate::bus::name::Name;
use crate::classic::header::RawHeader;
use crate::kapi::bytes::Bytes;
use kernel::prelude::*;
use kernel::uaccess::{UserPtr, UserSlice};

/// Returns the message, with the name and data that the header points to.
///
/// # Errors
///
/// EFAULT where nothing can be read, EBADMSG for a name that cannot be sent, ENOMEM.
pub(crate) fn fetch(written: &RawHeader) -> Result<Message> {
    let Header {
        name_len, data_len, ..
    } = written.header;
    let body_len = written.header.body_len() as usize;
    let mut body = Bytes::with_capacity(body_len, GFP_KERNEL_ACCOUNT)?;
    // The byte behind the name must be there, but its value does not matter (3.8 step 4).
    append(
        &mut body,
        written.name,
        name_len,
        1,
        padded_name_len(name_len),
    )?;
    let name = Name::new(body.get(..name_len as usize).unwrap_or(&[]))?.checked();
    append(
        &mut body,
        written.data,
        data_len,
        0,
        padded_data_len(data_len),
    )?;
    body.extend_from_slice(&GUARD, GFP_KERNEL_ACCOUNT)?;
    Ok(Message::new(written.header, name, body, 0)?)
}

/// Appends `len` bytes at `from`, zero padded, of which `spare` more must be readable.
fn append(body: &mut Bytes, from: usize, len: u32, spare: usize, padded: u64) -> Result {
    let end = body.len() + padded as usize;
    let from = UserSlice::new(UserPtr::from_addr(from), len as usize + spare);
    from.read_all(body, GFP_KERNEL_ACCOUNT)?;
    body.resize(end, 0, GFP_KERNEL_ACCOUNT)?;
    Ok(())
}
