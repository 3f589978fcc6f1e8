# SPDX-License-Identifier: GPL-2.0-only
"""Messages: what is sent and received.

The names and what they do are those of the classic ``kbus.messages``, so that
programs written for it run unchanged. Beside them are :attr:`Message.text` and
:meth:`Message.json`. How messages lie in memory is in :mod:`kbus.layout`, how
they travel in :mod:`kbus.ksock`.
"""

from __future__ import annotations

import ctypes
import struct

from .layout import (
    _ENTIRE_HEADER,
    _GUARD,
    END_GUARD,
    MSG_HEADER_LEN,
    START_GUARD,
    MessageId,
    OrigFrom,
    _entire_struct,
    _pair,
    c_data_as_bytes,
    calc_entire_message_len,
    calc_padded_data_len,
    calc_padded_name_len,
)

# These are there because classic scripts take them from here.
from .layout import _MessageHeaderStruct as _MessageHeaderStruct
from .layout import _pointy_message_from_bytes as _pointy_message_from_bytes
from .layout import _struct_from_bytes as _struct_from_bytes
from .layout import _struct_to_bytes as _struct_to_bytes

# typing takes its time to import, and only type checkers need it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Dict, FrozenSet, Optional, Tuple, Type, TypeVar, Union

    IdLike = Union["MessageId", Tuple[int, int], int, None]
    OrigLike = Union["OrigFrom", Tuple[int, int], int, None]
    _M = TypeVar("_M", bound="Message")

__all__ = [
    "ALL_OR_FAIL",
    "ALL_OR_WAIT",
    "END_GUARD",
    "MSG_HEADER_LEN",
    "START_GUARD",
    "SYNTHETIC",
    "URGENT",
    "WANT_A_REPLY",
    "WANT_YOU_TO_REPLY",
    "Announcement",
    "Message",
    "MessageId",
    "OrigFrom",
    "Reply",
    "Request",
    "Status",
    "c_data_as_bytes",
    "calc_entire_message_len",
    "calc_padded_data_len",
    "calc_padded_name_len",
    "hexdata",
    "hexify",
    "message_from_parts",
    "reply_to",
    "split_replier_bind_event_data",
    "stateful_request",
]

WANT_A_REPLY = 0x001
WANT_YOU_TO_REPLY = 0x002
SYNTHETIC = 0x004
URGENT = 0x008
ALL_OR_WAIT = 0x100
ALL_OR_FAIL = 0x200

_FLAG_WORDS = (
    (WANT_A_REPLY, "REQ"),
    (WANT_YOU_TO_REPLY, "YOU"),
    (SYNTHETIC, "SYN"),
    (URGENT, "URG"),
    (ALL_OR_FAIL, "aFL"),
    (ALL_OR_WAIT, "aWT"),
)

_BIND_EVENT = b"$.KBUS.ReplierBindEvent"
_EVENT = struct.Struct("@III")
_FROM_KBUS = b"$.KBUS."

# Names are text outside the bus, and Latin-1 inside (specification 4.1): each
# character is one byte.
_NAMES = "latin-1"


# --- text --------------------------------------------------------------------


def _as_bytes(data: Union[str, bytes]) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else bytes(data)


def _name_as_bytes(name: Union[str, bytes]) -> bytes:
    """The name as the bus has it; ValueError when it cannot be a name."""
    try:
        raw = name.encode(_NAMES) if isinstance(name, str) else bytes(name)
    except UnicodeEncodeError as error:
        raise ValueError(
            "not a name: %r (character %d) is neither letter nor digit"
            % (error.object[error.start], error.start + 1)
        ) from None
    if not raw.startswith(b"$.") or len(raw) < 3:
        raise ValueError("A message name begins with '$.' and goes on, %r does not" % (name,))
    return raw


def hexdata(data: Union[str, bytes]) -> str:
    r"""Data for people: what is printable, and the rest as ``\xHH``.

    >>> print(hexdata(b'a b' + bytes([3])))
    a\x20b\x03
    """
    return "".join(chr(b) if 0x21 <= b <= 0x7E else "\\x%02x" % b for b in _as_bytes(data))


def hexify(data: Union[str, bytes]) -> str:
    """Data in hexadecimal.

    >>> hexify(b'1234')
    '31 32 33 34'
    """
    return " ".join("%02x" % b for b in _as_bytes(data))


# --- messages ----------------------------------------------------------------


class Message:
    """A message: a name, data if there is any, and what the bus says about it.

    Data given as text is encoded. All but the name may be left out:

    >>> Message('$.Lamp.Kitchen', 'on')
    Message('$.Lamp.Kitchen', data=b'on')

    The structure that is handed to the kernel is the attribute ``msg``
    (specification 2.3).

    Raises:
        ValueError: the name does not begin with ``$.``, ends there, or has a
            character that is not in Latin-1. All else that is wrong with a
            name (specification 4.1) the bus says when the message is sent.
        TypeError: the data is a number.
        UnicodeEncodeError: the data is text that the encoding does not have.
    """

    _PARTS = ("id", "in_reply_to", "to", "from_", "orig_from", "final_to", "flags", "name", "data")
    # Which of them a constructor lets one choose.
    _OWN: FrozenSet[str] = frozenset(_PARTS)

    _head: _MessageHeaderStruct
    _name: bytes
    _data: Optional[bytes]
    # Whether the message is in one piece, as those are that were read.
    _entire: bool

    def __init__(
        self,
        name: Union[str, bytes],
        data: Union[str, bytes, None] = None,
        to: Optional[int] = None,
        from_: Optional[int] = None,
        orig_from: OrigLike = None,
        final_to: OrigLike = None,
        in_reply_to: IdLike = None,
        flags: Optional[int] = None,
        id: IdLike = None,
        encoding: str = "utf-8",
        errors: str = "strict",
    ) -> None:
        self._set(
            name, data, to, from_, orig_from, final_to, in_reply_to, flags, id, encoding, errors
        )

    def _set(
        self,
        name: Union[str, bytes],
        data: Union[str, bytes, None] = None,
        to: Optional[int] = None,
        from_: Optional[int] = None,
        orig_from: OrigLike = None,
        final_to: OrigLike = None,
        in_reply_to: IdLike = None,
        flags: Optional[int] = None,
        id: IdLike = None,
        encoding: str = "utf-8",
        errors: str = "strict",
    ) -> None:
        raw_name = _name_as_bytes(name)
        if isinstance(data, str):
            raw_data = data.encode(encoding, errors)
        elif data is None:
            raw_data = b""
        elif isinstance(data, int):
            raise TypeError("the data of a message is bytes or str, not int")
        else:
            raw_data = bytes(data)
        self._name = raw_name
        self._data = raw_data or None
        self._entire = False
        # All zero at first, and mostly it stays so.
        self._head = head = _MessageHeaderStruct()
        head.start_guard, head.end_guard = START_GUARD, END_GUARD
        head.name_len, head.name = len(raw_name), raw_name
        if raw_data:
            head.data_len, head.data = len(raw_data), raw_data
        if to:
            head.to = to
        if from_:
            head.from_ = from_
        if flags:
            head.flags = flags
        if id:
            head.id = _pair(MessageId, id)
        if in_reply_to:
            head.in_reply_to = _pair(MessageId, in_reply_to)
        if orig_from:
            head.orig_from = _pair(OrigFrom, orig_from)
        if final_to:
            head.final_to = _pair(OrigFrom, final_to)
        self._conform()

    def _conform(self) -> None:
        """Makes the header one that this kind of message may have."""

    @property
    def msg(self) -> _MessageHeaderStruct:
        """The message as the kernel has it.

        For one that was made here: a header with pointers. For one that was
        read: a header and what follows it. ctypes rounds the size of that up,
        so its last four bytes may not be part of the message; to_bytes() has
        the message alone.
        """
        if self._entire and type(self._head) is _MessageHeaderStruct:
            kind = _entire_struct((self.total_length() - MSG_HEADER_LEN) // 4)
            whole = bytearray(ctypes.sizeof(kind))
            raw = self.to_bytes()
            whole[: len(raw)] = raw
            head = kind.from_buffer(whole)
            # As it came: the bus leaves nothing there, others may have.
            head.extra, head.start_guard, head.end_guard = (
                self._head.extra,
                self._head.start_guard,
                self._head.end_guard,
            )
            self._head = head
        return self._head

    # --- making them out of others

    @classmethod
    def _made(cls: Type[_M], parts: Dict[str, Any], overrides: Dict[str, Any]) -> _M:
        for what, value in overrides.items():
            if what not in cls._OWN:
                raise TypeError("%s takes no argument %r" % (cls.__name__, what))
            if value is not None:
                parts[what] = value
        message = cls.__new__(cls)
        message._set(**parts)
        return message

    @classmethod
    def from_message(cls: Type[_M], msg: Message, **overrides: Any) -> _M:
        """A copy, with some of its parts replaced.

        None replaces nothing, 0 does.

        Raises:
            TypeError: this kind of message has no such part.
            ValueError: as for the class itself.
        """
        return cls._made(dict(zip(cls._PARTS, msg.extract())), overrides)

    @classmethod
    def from_sequence(cls: Type[_M], seq: Sequence[Any], **overrides: Any) -> _M:
        """A message out of what extract() gives, with some parts replaced.

        Raises:
            TypeError: this kind of message has no such part.
            ValueError: those are not the parts of a message, or as for the
                class itself.
        """
        if len(seq) != len(cls._PARTS):
            raise ValueError("A message has %d parts, not %d" % (len(cls._PARTS), len(seq)))
        return cls._made(dict(zip(cls._PARTS, seq)), overrides)

    @classmethod
    def from_bytes(cls: Type[_M], b: Union[bytes, bytearray]) -> _M:
        """A message out of the bytes that a Ksock gives.

        Raises:
            ValueError: the bytes are too few, or do not begin as a message
                does.
        """
        if len(b) < MSG_HEADER_LEN:
            raise ValueError(
                "A message is %d bytes long at least, not %d" % (MSG_HEADER_LEN, len(b))
            )
        head = _MessageHeaderStruct.from_buffer_copy(b)
        if head.start_guard != START_GUARD:
            raise ValueError("A message begins with %#x, not %#x" % (START_GUARD, head.start_guard))
        name_len, data_len = head.name_len, head.data_len
        # Pointers mean nothing here, and must not be followed.
        head.name = head.data = None
        at = MSG_HEADER_LEN + calc_padded_name_len(name_len)
        if len(b) < at + calc_padded_data_len(data_len):
            raise ValueError("A message with %d bytes has an end missing" % len(b))
        message = cls.__new__(cls)
        message._head = head
        message._name = bytes(b[MSG_HEADER_LEN : MSG_HEADER_LEN + name_len])
        message._data = bytes(b[at : at + data_len]) if data_len else None
        message._entire = True
        message._conform()
        return message

    # --- what they say

    @property
    def id(self) -> Optional[MessageId]:
        """Its id, which the bus gives; None before."""
        value = self._head.id
        return MessageId(*value._pair()) if any(value._pair()) else None

    @property
    def in_reply_to(self) -> Optional[MessageId]:
        """The request that it answers."""
        value = self._head.in_reply_to
        return MessageId(*value._pair()) if any(value._pair()) else None

    @property
    def to(self) -> int:
        """The Ksock that it is for, 0 for any."""
        return self._head.to

    @property
    def from_(self) -> int:
        """The Ksock that sent it, 0 for the bus itself, or when it was not sent yet."""
        return self._head.from_

    @property
    def orig_from(self) -> Optional[OrigFrom]:
        """The Ksock that sent it, on the other side of a limpet."""
        value = self._head.orig_from
        return OrigFrom(*value._pair()) if any(value._pair()) else None

    @property
    def final_to(self) -> Optional[OrigFrom]:
        """The Ksock that it is for, on the other side of a limpet."""
        value = self._head.final_to
        return OrigFrom(*value._pair()) if any(value._pair()) else None

    @property
    def flags(self) -> int:
        """Its flags."""
        return self._head.flags

    @property
    def name(self) -> str:
        """Its name, as text: a byte of Latin-1 is a character."""
        return self._name.decode(_NAMES)

    @property
    def data(self) -> Optional[bytes]:
        """Its data, None when there is none."""
        return self._data

    @property
    def text(self) -> str:
        """Its data as UTF-8 text, empty when there is none.

        Raises:
            UnicodeDecodeError: the data is something else.
        """
        return (self._data or b"").decode("utf-8")

    def json(self) -> Any:
        """Its data as JSON, None when there is none.

        Raises:
            ValueError: the data is something else.
        """
        import json

        return json.loads(self._data) if self._data else None

    def extract(self) -> Tuple[Any, ...]:
        """All its parts, in the order that from_sequence() wants them."""
        return (
            self.id,
            self.in_reply_to,
            self.to,
            self.from_,
            self.orig_from,
            self.final_to,
            self.flags,
            self.name,
            self.data,
        )

    def to_bytes(self) -> bytes:
        """The message in one piece, as a Ksock takes and gives it."""
        name, data = self._name, self._data or b""
        head = self._head
        return b"".join(
            (
                _ENTIRE_HEADER.pack(
                    START_GUARD,
                    *head.id._pair(),
                    *head.in_reply_to._pair(),
                    head.to,
                    head.from_,
                    *head.orig_from._pair(),
                    *head.final_to._pair(),
                    head.extra,
                    head.flags,
                    len(name),
                    len(data),
                    0,
                    0,
                    END_GUARD,
                ),
                name,
                bytes(4 - len(name) % 4),
                data,
                bytes(-len(data) % 4),
                _GUARD.pack(END_GUARD),
            )
        )

    def total_length(self) -> int:
        """How long to_bytes() is, in bytes."""
        return calc_entire_message_len(len(self._name), len(self._data or b""))

    # --- comparing them

    def equivalent(self, other: Message) -> bool:
        """Whether it says the same: to, name and data."""
        return (self.to, self._name, self._data) == (other.to, other._name, other._data)

    def _all(self) -> Tuple[object, ...]:
        head = self._head
        return (
            head.id,
            head.in_reply_to,
            head.to,
            head.from_,
            head.orig_from,
            head.final_to,
            head.flags,
            self._name,
            self._data,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self._all() == other._all()

    __hash__ = None  # type: ignore[assignment]

    # --- flags and kinds

    def _set_flag(self, flag: int, on: bool) -> None:
        if on:
            self._head.flags |= flag
        else:
            self._head.flags &= ~flag

    def set_want_reply(self, value: bool = True) -> None:
        """Makes it a request, or not."""
        self._set_flag(WANT_A_REPLY, value)

    def set_urgent(self, value: bool = True) -> None:
        """Lets it overtake others, or not."""
        self._set_flag(URGENT, value)

    def wants_us_to_reply(self) -> bool:
        """Whether it is a request, and for us to answer."""
        both = WANT_A_REPLY | WANT_YOU_TO_REPLY
        return self._head.flags & both == both

    def is_synthetic(self) -> bool:
        """Whether the bus itself made it."""
        return bool(self._head.flags & SYNTHETIC)

    def is_urgent(self) -> bool:
        """Whether it overtakes others."""
        return bool(self._head.flags & URGENT)

    def is_reply(self) -> bool:
        """Whether it answers a request."""
        return any(self._head.in_reply_to._pair())

    def is_request(self) -> bool:
        """Whether it wants an answer."""
        return bool(self._head.flags & WANT_A_REPLY)

    def is_stateful_request(self) -> bool:
        """Whether it wants an answer of a certain Ksock."""
        return self.is_request() and self._head.to != 0

    def _kind(self) -> Type[Message]:
        if self.is_reply():
            is_status = self._name.startswith(_FROM_KBUS) and len(self._name) > len(_FROM_KBUS)
            return Status if is_status else Reply
        return Request if self.is_request() else Announcement

    def cast(self) -> Message:
        """The same message as a Status, Reply, Request or Announcement."""
        kind = self._kind()
        return Status.from_bytes(self.to_bytes()) if kind is Status else kind.from_message(self)

    # --- printing them

    def __repr__(self) -> str:
        items = [repr(self.name)]
        if self._data:
            items.append("data=%r" % self._data)
        for what in ("to", "from_", "orig_from", "final_to", "in_reply_to"):
            value = getattr(self, what)
            if value:
                items.append("%s=%r" % (what, value))
        if self.flags:
            items.append("flags=%#010x" % self.flags)
        if self.id:
            items.append("id=%r" % self.id)
        return "%s(%s)" % (type(self).__name__, ", ".join(items))

    def __str__(self) -> str:
        event = None
        if self._name == _BIND_EVENT and not self.is_reply() and self._data:
            try:
                event = split_replier_bind_event_data(self._data)
            except ValueError:
                pass
        if self._name == _BIND_EVENT and not self.is_reply() and not self.is_request():
            kind, items = "ReplierBindEvent ", []
        else:
            # One that was made an Announcement stays one, whatever its flags.
            word = type(self) if type(self) is Announcement else self._kind()
            kind, items = word.__name__ + " ", [repr(self.name)]
        if self.id:
            items.append("id=%s" % self.id)
        for what, label in (("to", "to"), ("from_", "from")):
            if getattr(self, what):
                items.append("%s=%d" % (label, getattr(self, what)))
        for what in ("orig_from", "final_to", "in_reply_to"):
            if getattr(self, what):
                items.append("%s=%s" % (what, getattr(self, what)))
        if self.flags:
            words = ",".join(word for flag, word in _FLAG_WORDS if self.flags & flag)
            items.append("flags=%#x" % self.flags + (" (%s)" % words if words else ""))
        if event:
            items.append("[%s %r for %d]" % ("Bind" if event[0] else "Unbind", event[2], event[1]))
        elif self._data:
            items.append("data=%r" % self._data)
        return "<%s%s>" % (kind, ", ".join(items))


class Announcement(Message):
    """A message to all that listen to its name."""

    _OWN = frozenset(("name", "data", "to", "from_", "flags", "id"))

    def __init__(
        self,
        name: Union[str, bytes],
        data: Union[str, bytes, None] = None,
        to: Optional[int] = None,
        from_: Optional[int] = None,
        flags: Optional[int] = None,
        id: IdLike = None,
        encoding: str = "utf-8",
        errors: str = "strict",
    ) -> None:
        self._set(
            name,
            data,
            to=to,
            from_=from_,
            flags=flags,
            id=id,
            encoding=encoding,
            errors=errors,
        )

    def _conform(self) -> None:
        self._head.in_reply_to = MessageId(0, 0)
        self._head.orig_from = OrigFrom(0, 0)
        self._head.final_to = OrigFrom(0, 0)

    def set_want_reply(self, value: bool = True) -> None:
        """Raises TypeError: that would make it a request."""
        raise TypeError("An Announcement does not want a reply, a Request does")


class Request(Message):
    """A message that wants an answer, from a certain Ksock if it says ``to``."""

    _OWN = frozenset(("name", "data", "to", "from_", "final_to", "flags", "id"))

    def __init__(
        self,
        name: Union[str, bytes],
        data: Union[str, bytes, None] = None,
        to: Optional[int] = None,
        from_: Optional[int] = None,
        final_to: OrigLike = None,
        flags: Optional[int] = None,
        id: IdLike = None,
        encoding: str = "utf-8",
        errors: str = "strict",
    ) -> None:
        self._set(
            name,
            data,
            to=to,
            from_=from_,
            final_to=final_to,
            flags=flags,
            id=id,
            encoding=encoding,
            errors=errors,
        )

    def _conform(self) -> None:
        self._head.in_reply_to = MessageId(0, 0)
        self._head.flags |= WANT_A_REPLY

    def set_want_reply(self, value: bool = True) -> None:
        """Raises TypeError: a request always wants a reply."""
        raise TypeError("A Request always wants a reply")


class Reply(Message):
    """The answer to a request. reply_to() makes one most easily.

    Raises:
        ValueError: it does not say what it is in reply to, or as for Message.
    """

    _OWN = frozenset(("name", "data", "to", "from_", "orig_from", "in_reply_to", "flags", "id"))

    def __init__(
        self,
        name: Union[str, bytes],
        data: Union[str, bytes, None] = None,
        to: Optional[int] = None,
        from_: Optional[int] = None,
        orig_from: OrigLike = None,
        in_reply_to: IdLike = None,
        flags: Optional[int] = None,
        id: IdLike = None,
        encoding: str = "utf-8",
        errors: str = "strict",
    ) -> None:
        self._set(
            name,
            data,
            to=to,
            from_=from_,
            orig_from=orig_from,
            in_reply_to=in_reply_to,
            flags=flags,
            id=id,
            encoding=encoding,
            errors=errors,
        )

    def _conform(self) -> None:
        if not self.is_reply():
            raise ValueError("A Reply says what it is in_reply_to")


class Status(Message):
    """The answer that the bus gives when a replier does not (specification 6.2).

    Raises:
        NotImplementedError: only from_bytes() makes one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("The bus makes a Status; see Status.from_bytes")

    @classmethod
    def from_message(cls: Type[_M], msg: Message, **overrides: Any) -> _M:
        """Raises NotImplementedError."""
        raise NotImplementedError("The bus makes a Status; see Status.from_bytes")

    @classmethod
    def from_sequence(cls: Type[_M], seq: Sequence[Any], **overrides: Any) -> _M:
        """Raises NotImplementedError."""
        raise NotImplementedError("The bus makes a Status; see Status.from_bytes")


def message_from_parts(
    id: IdLike,
    in_reply_to: IdLike,
    to: Optional[int],
    from_: Optional[int],
    orig_from: OrigLike,
    final_to: OrigLike,
    flags: Optional[int],
    name: Union[str, bytes],
    data: Union[str, bytes, None],
) -> _MessageHeaderStruct:
    """The structure of a message with pointers, out of what extract() gives."""
    return Message(name, data, to, from_, orig_from, final_to, in_reply_to, flags, id).msg


def reply_to(
    original: Message, data: Union[str, bytes, None] = None, flags: Optional[int] = 0
) -> Reply:
    """The answer to a request that is for us to answer.

    >>> reply_to(Message('$.Lamp', from_=3, id=MessageId(0, 8), flags=3), 'on')
    Reply('$.Lamp', data=b'on', to=3, in_reply_to=MessageId(0, 8))

    Raises:
        ValueError: it is no request, or for another replier to answer.
    """
    if not original.wants_us_to_reply():
        raise ValueError("This is not for us to answer: %s" % original)
    return Reply(original._name, data, to=original.from_, in_reply_to=original.id, flags=flags)


def stateful_request(
    earlier: Message,
    name: Union[str, bytes],
    data: Union[str, bytes, None] = None,
    from_: Optional[int] = None,
    flags: Optional[int] = None,
    id: IdLike = None,
) -> Request:
    """A request to the sender of an earlier reply, and to no other replier.

    The earlier message may also be such a request itself (specification 5.4).

    Raises:
        ValueError: the earlier message is neither.
    """
    if earlier.is_reply():
        final_to = earlier.orig_from
        to = earlier.from_
    elif earlier.is_stateful_request():
        final_to = earlier.final_to
        to = earlier.to
    else:
        raise ValueError("This is no part of a conversation: %s" % earlier)
    return Request(name, data, to=to, from_=from_, final_to=final_to, flags=flags, id=id)


def split_replier_bind_event_data(data: Optional[bytes]) -> Tuple[bool, int, str]:
    """What a ReplierBindEvent tells: whether it is a bind, which Ksock, which name.

    Raises:
        ValueError: the data is not that of such an event (specification 6.4).
    """
    if data is None or len(data) < _EVENT.size:
        raise ValueError("This is not the data of a ReplierBindEvent")
    is_bind, binder, name_len = _EVENT.unpack_from(data)
    name = data[_EVENT.size : _EVENT.size + name_len]
    if len(name) != name_len:
        raise ValueError("This is not the data of a ReplierBindEvent")
    return bool(is_bind), binder, name.decode(_NAMES)
