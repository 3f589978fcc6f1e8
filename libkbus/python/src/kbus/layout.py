# SPDX-License-Identifier: GPL-2.0-only
"""The layout that a message has in memory (specification 2.2 and 2.3): ids,
header, and what follows it.

What one does with messages is in :mod:`kbus.messages`, which has these names,
too.
"""

from __future__ import annotations

import ctypes
import functools
import struct
from ctypes import c_char_p, c_uint32, c_void_p

# typing takes its time to import, and only type checkers need it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple, Type, TypeVar

    _P = TypeVar("_P", "MessageId", "OrigFrom")

START_GUARD = 0x7375624B
END_GUARD = 0x4B627573


# --- ids ---------------------------------------------------------------------


class _Pair(ctypes.Structure):
    """Two numbers that are compared in their order."""

    # Not in a base class of the fields' names: the two ids name them
    # differently, and scripts use those names.
    def _pair(self) -> Tuple[int, int]:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._pair() == other._pair()

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._pair() < other._pair()

    def __gt__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._pair() > other._pair()

    def __le__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._pair() <= other._pair()

    def __ge__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._pair() >= other._pair()

    def __hash__(self) -> int:
        return hash(self._pair())

    def __repr__(self) -> str:
        return "%s(%d, %d)" % (type(self).__name__, *self._pair())


class MessageId(_Pair):
    """What makes a message unique: a network, 0 being this bus, and a number.

    >>> MessageId(0, 7) < MessageId(1, 2)
    True
    >>> print(MessageId(0, 7) + 1)
    [0:8]
    """

    network_id: int
    serial_num: int
    _fields_ = [("network_id", c_uint32), ("serial_num", c_uint32)]

    def _pair(self) -> Tuple[int, int]:
        return self.network_id, self.serial_num

    def __add__(self, more: int) -> MessageId:
        if not isinstance(more, int):
            return NotImplemented
        return MessageId(self.network_id, self.serial_num + more)

    def __str__(self) -> str:
        return "[%d:%d]" % self._pair()


class OrigFrom(_Pair):
    """A Ksock behind a limpet: the network it is in, and its number there."""

    network_id: int
    local_id: int
    _fields_ = [("network_id", c_uint32), ("local_id", c_uint32)]

    def _pair(self) -> Tuple[int, int]:
        return self.network_id, self.local_id

    def __str__(self) -> str:
        return "(%d,%d)" % self._pair()


def _pair(kind: Type[_P], value: Any) -> _P:
    if not value:
        return kind(0, 0)
    if isinstance(value, kind):
        return kind(*value._pair())
    first, second = value
    return kind(first, second)


# --- layout ------------------------------------------------------------------


def _header_fields(text_pointer: Any, data_pointer: Any) -> Any:
    """The fields of the header, for programs with such pointers."""
    return [
        ("start_guard", c_uint32),
        ("id", MessageId),
        ("in_reply_to", MessageId),
        ("to", c_uint32),
        ("from_", c_uint32),
        ("orig_from", OrigFrom),
        ("final_to", OrigFrom),
        ("extra", c_uint32),
        ("flags", c_uint32),
        ("name_len", c_uint32),
        ("data_len", c_uint32),
        ("name", text_pointer),
        ("data", data_pointer),
        ("end_guard", c_uint32),
    ]


class _MessageHeaderStruct(ctypes.Structure):
    """The header of a message, as the kernel sees it.

    It is equal to another one that says the same; what pointers point to
    counts, not where it lies.
    """

    start_guard: int
    id: MessageId
    in_reply_to: MessageId
    to: int
    from_: int
    orig_from: OrigFrom
    final_to: OrigFrom
    extra: int
    flags: int
    name_len: int
    data_len: int
    name: Optional[bytes]
    data: Optional[bytes]
    end_guard: int
    # Both as c_char_p, which can be given bytes and keeps them alive. Where
    # the data lies is asked of _data_address, since data may hold zeros.
    _fields_ = _header_fields(c_char_p, c_char_p)

    def _data_address(self) -> Optional[int]:
        return c_void_p.from_buffer(self, _DATA_AT).value

    def _content(self) -> Tuple[object, ...]:
        address = self._data_address()
        return (
            self.start_guard,
            self.id,
            self.in_reply_to,
            self.to,
            self.from_,
            self.orig_from,
            self.final_to,
            self.extra,
            self.flags,
            self.name_len,
            self.data_len,
            self.name,
            None if address is None else ctypes.string_at(address, self.data_len),
            self.end_guard,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _MessageHeaderStruct):
            return NotImplemented
        return self._content() == other._content() and self._rest() == other._rest()

    __hash__ = None  # type: ignore[assignment]

    def _rest(self) -> bytes:
        return bytes(self)[MSG_HEADER_LEN:]


_DATA_AT: int = vars(_MessageHeaderStruct)["data"].offset

MSG_HEADER_LEN = ctypes.sizeof(_MessageHeaderStruct)

# The same header without pointers, for the form that is one piece of memory.
_ENTIRE_HEADER = struct.Struct("@15IPPI0P")
_GUARD = struct.Struct("@I")


@functools.lru_cache(maxsize=64)
def _entire_struct(words: int) -> Type[_MessageHeaderStruct]:
    """A header and what follows it, in one piece."""

    class _EntireMessageStruct(_MessageHeaderStruct):
        _fields_ = [("rest", c_uint32 * words)]

    return _EntireMessageStruct


def calc_padded_name_len(name_len: int) -> int:
    """How many bytes a name takes in an entire message, zeros included."""
    return 4 * ((name_len + 4) // 4)


def calc_padded_data_len(data_len: int) -> int:
    """How many bytes data takes in an entire message, zeros included."""
    return 4 * ((data_len + 3) // 4)


def calc_entire_message_len(name_len: int, data_len: int, header_len: int = MSG_HEADER_LEN) -> int:
    """How long an entire message is, in bytes."""
    return header_len + calc_padded_name_len(name_len) + calc_padded_data_len(data_len) + 4


def c_data_as_bytes(data: Any, data_len: int) -> Optional[bytes]:
    """The bytes that a pointer of ctypes points to."""
    return ctypes.string_at(data, data_len) if data and data_len else None


def _struct_to_bytes(structure: ctypes.Structure) -> bytes:
    """The memory of a structure."""
    return bytes(structure)


def _struct_from_bytes(kind: Any, data: Any) -> Any:
    """A structure out of its memory; the two arguments in any order."""
    if isinstance(kind, (bytes, bytearray, memoryview)):
        kind, data = data, kind
    return kind.from_buffer_copy(data)


def _pointy_message_from_bytes(data: bytes) -> _MessageHeaderStruct:
    """The header of a message with pointers, out of its memory."""
    return _MessageHeaderStruct.from_buffer_copy(data)
