// SPDX-License-Identifier: GPL-2.0-only
//! Message headers between limpets: sixteen words in network order, without
//! pointers (section 10.4).

use crate::message::Header;
use crate::uapi::{kbus_msg_id, kbus_orig_from};

/// As `KBUS_SERIALISED_HDR_LEN` in `kbus/limpet.h`.
pub(crate) const LEN: usize = 16;

pub(crate) fn serialise(header: &Header) -> [u32; LEN] {
    [
        header.start_guard,
        header.id.network_id,
        header.id.serial_num,
        header.in_reply_to.network_id,
        header.in_reply_to.serial_num,
        header.to,
        header.from,
        header.orig_from.network_id,
        header.orig_from.local_id,
        header.final_to.network_id,
        header.final_to.local_id,
        header.extra,
        header.flags,
        header.name_len,
        header.data_len,
        header.end_guard,
    ]
    .map(u32::to_be)
}

/// Words that are in host order already. No pointers yet: name and data follow
/// on the wire.
pub(crate) fn header(words: &[u32; LEN]) -> Header {
    let [start_guard, id_network, id, reply_network, reply, to, from, orig_network, orig_local, final_network, final_local, extra, flags, name_len, data_len, end_guard] =
        *words;
    Header {
        start_guard,
        id: kbus_msg_id {
            network_id: id_network,
            serial_num: id,
        },
        in_reply_to: kbus_msg_id {
            network_id: reply_network,
            serial_num: reply,
        },
        to,
        from,
        orig_from: kbus_orig_from {
            network_id: orig_network,
            local_id: orig_local,
        },
        final_to: kbus_orig_from {
            network_id: final_network,
            local_id: final_local,
        },
        extra,
        flags,
        name_len,
        data_len,
        name: std::ptr::null_mut(),
        data: std::ptr::null_mut(),
        end_guard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let words = std::array::from_fn(|at| at as u32 + 100);
        let wire = serialise(&header(&words));
        assert_eq!(wire.map(u32::from_be), words);
        assert_eq!(wire[0].to_ne_bytes(), [0, 0, 0, 100]);
    }
}
