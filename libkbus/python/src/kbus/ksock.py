# SPDX-License-Identifier: GPL-2.0-only
"""Ksocks: how a program takes part in a bus.

The classic part has the names and the behaviour of the classic ``kbus.ksock``.
Beside it a Ksock can :meth:`~Ksock.call`, :meth:`~Ksock.announce` and
:meth:`~Ksock.serve`, and may be used by several threads. For asyncio there is
:mod:`kbus.aio`.

What the bus refuses is raised as OSError, with the errno of the call
(specification 3.3 to 3.8) and a sentence that says what it means. A Ksock that
was closed raises ValueError.

Messages are taken from the bus in one place, ``_fetch``. A call that waits for
its answer takes what comes before that, and defers it: deferred messages are
taken before those of the bus, so the order of the bus is kept in whatever way
messages are taken.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import io
import os
import select
import threading
import time
import weakref
from collections import deque
from ctypes import c_char_p, c_uint32

from .errors import NoAnswer, _crowded, _in_words
from .messages import _NAMES, Message, MessageId, Request, Status
from .replier import Owed, Repliers, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Tuple, TypeVar, Union

    from .replier import Answer, Handler

    _Found = TypeVar("_Found")
    _Key = Tuple[int, int]

__all__ = [
    "BindStruct",
    "Ksock",
    "RemoveDeviceStruct",
    "ReplierStruct",
    "SendResultStruct",
    "read_bindings",
]


class BindStruct(ctypes.Structure):
    """What BIND and UNBIND are given (specification 2.2)."""

    _fields_ = [("is_replier", c_uint32), ("len", c_uint32), ("name", c_char_p)]


class ReplierStruct(ctypes.Structure):
    """What REPLIER is given, and gives (specification 2.2)."""

    _fields_ = [("return_id", c_uint32), ("len", c_uint32), ("name", c_char_p)]


class RemoveDeviceStruct(ctypes.Structure):
    """What REMOVEDEVICE is given (specification 12.2)."""

    _fields_ = [("device", c_uint32), ("options", c_uint32)]


class SendResultStruct(ctypes.Structure):
    """What SEND and LASTSENT give: the id of a message (specification 2.2)."""

    network_id: int
    serial_num: int
    _fields_ = [("network_id", c_uint32), ("serial_num", c_uint32)]


def _ioc(direction: int, number: int, size: int) -> int:
    """The number of an ioctl, as <asm-generic/ioctl.h> composes it."""
    return direction << 30 | size << 16 | _MAGIC << 8 | number


_MAGIC = ord("k")
_NONE, _W, _R, _WR = 0, 1, 2, 3
# All are said to transfer a pointer, whatever they transfer.
_POINTER = ctypes.sizeof(c_char_p)

_ASK = 0xFFFFFFFF

# So many messages may be deferred, whatever may wait at the bus.
_MAX_DEFERRED = 1000


def _drop(message: Message) -> None:
    """Takes the answer to a call that was given up."""


def _bytes_of(name: Union[str, bytes]) -> bytes:
    """A name or pattern as the bus has it.

    What is not in Latin-1 is no letter, and becomes ?, which is none either:
    the bus refuses it.
    """
    return name.encode(_NAMES, "replace") if isinstance(name, str) else name


class Ksock:
    """One open end of a bus: ``which`` is the number of the bus.

    Mode 'r' is for programs that only listen. Closed by close(), at the end of
    a with statement, or with its last reference.

    Raises:
        OSError: FileNotFoundError when there is no such bus, PermissionError
            when we may not use it, EDQUOT when the user has as many Ksocks as
            it may (specification 3.1).
        ValueError: the mode is neither 'r' nor 'rw'.
    """

    IOC_MAGIC = _MAGIC
    IOC_RESET = _ioc(_NONE, 1, 0)
    IOC_BIND = _ioc(_W, 2, _POINTER)
    IOC_UNBIND = _ioc(_W, 3, _POINTER)
    IOC_KSOCKID = _ioc(_R, 4, _POINTER)
    IOC_REPLIER = _ioc(_WR, 5, _POINTER)
    IOC_NEXTMSG = _ioc(_R, 6, _POINTER)
    IOC_LENLEFT = _ioc(_R, 7, _POINTER)
    IOC_SEND = _ioc(_R, 8, _POINTER)
    IOC_DISCARD = _ioc(_NONE, 9, 0)
    IOC_LASTSENT = _ioc(_R, 10, _POINTER)
    IOC_MAXMSGS = _ioc(_WR, 11, _POINTER)
    IOC_NUMMSGS = _ioc(_R, 12, _POINTER)
    IOC_UNREPLIEDTO = _ioc(_R, 13, _POINTER)
    IOC_MSGONLYONCE = _ioc(_WR, 14, _POINTER)
    IOC_VERBOSE = _ioc(_WR, 15, _POINTER)
    IOC_NEWDEVICE = _ioc(_R, 16, _POINTER)
    IOC_REPORTREPLIERBINDS = _ioc(_WR, 17, _POINTER)
    IOC_MAXMSGSIZE = _ioc(_WR, 18, _POINTER)
    IOC_REMOVEDEVICE = _ioc(_W, 27, ctypes.sizeof(RemoveDeviceStruct))

    which: int
    name: str
    mode: Optional[str]
    fd: Optional[io.FileIO]

    def __init__(self, which: int = 0, mode: str = "rw") -> None:
        self.which = which
        self.name = "/dev/kbus%d" % which
        self.mode = self.fd = None
        if mode not in ("r", "rw"):
            raise ValueError("The mode of a Ksock is 'r' or 'rw', not %r" % (mode,))
        try:
            self.fd = io.FileIO(self.name, "r" if mode == "r" else "r+")
        except OSError as error:
            raise _in_words(error, "Open", name=self.name) from None
        self.mode = "read" if mode == "r" else "read/write"
        # What calls have taken from the bus before their answer came.
        self._deferred: Deque[Message] = deque()
        # What is called with the answer to a request that was sent.
        self._expected: Dict[_Key, Callable[[Message], None]] = {}
        self._repliers = Repliers()
        self._begin()
        _open_ksocks.add(self)

    def _begin(self) -> None:
        """What a process that forks must not inherit."""
        # Held to write and send; taken before the other when both are.
        self._sending = threading.Lock()
        # All that is about taking messages.
        self._changed = threading.Condition(threading.Lock())
        self._deferred.clear()
        self._expected.clear()
        # The thread that waits at the device, and how many wait for it.
        self._at_device: Optional[int] = None
        self._waiting = 0
        # With which it is woken. Made when a thread first waits there.
        self._bell: Optional[Tuple[int, int]] = None
        self._poll: Optional[select.poll] = None
        # Called, with the lock held, when a message was deferred.
        self._watcher: Optional[Callable[[], None]] = None
        # A deferred message that is read in pieces.
        self._pieces: Optional[io.BytesIO] = None
        # The message that the device is about to give us. All of it is stored
        # where a signal's handler that raises cannot make us lose it.
        self._length = c_uint32(0)
        self._buffer: Optional[bytearray] = None
        # The kernel follows its pointers when it is sent.
        self._written: Optional[Message] = None

    def __str__(self) -> str:
        if self.fd is None:
            return "Ksock device %d (closed)" % self.which
        return "Ksock device %d, id %d, mode %s" % (self.which, self.ksock_id(), self.mode)

    def __repr__(self) -> str:
        state = "closed" if self.fd is None else "open for %s" % self.mode
        return "<Ksock %s %s>" % (self.name, state)

    # --- opening and closing

    def close(self) -> None:
        """Closes it. Callers that wait for it get a ValueError."""
        fd = self.fd
        if fd is None:
            return
        with self._changed:
            self.fd = self.mode = None
            # Not while a thread waits there: the number of the file might be
            # another one's by then.
            while self._at_device not in (None, threading.get_ident()):
                self._stir()
                self._waiting += 1
                self._changed.wait()
                self._waiting -= 1
            self._stir()
            fd.close()
            self._close_bell()

    def _close_bell(self) -> None:
        bell, self._bell, self._poll = self._bell, None, None
        for end in bell or ():
            os.close(end)

    def __del__(self) -> None:
        # FileIO would warn that it was left open. Scripts always did that.
        try:
            if self.fd is not None:
                self.fd.close()
                self._close_bell()
        except (AttributeError, OSError):
            pass

    def __enter__(self) -> Ksock:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _file(self) -> io.FileIO:
        if self.fd is None:
            raise ValueError("I/O operation on closed Ksock")
        return self.fd

    def fileno(self) -> int:
        """The number of its file, for select and its kin.

        What call() has deferred does not make it readable: take messages until
        there are none before you wait.

        Raises:
            ValueError: it is closed.
        """
        return self._file().fileno()

    # --- asking the kernel

    def _ioctl(self, code: int, argument: Any, *calls: str) -> int:
        """One ioctl. The calls name it where errors have words."""
        file = self._file()
        while True:
            try:
                if argument is None:
                    return int(fcntl.ioctl(file, code))
                return int(fcntl.ioctl(file, code, argument, True))
            except InterruptedError:
                pass  # while waiting for the device: nothing has happened
            except OSError as error:
                raise _in_words(error, *calls) from None

    def _number(self, code: int, call: str, value: int = 0) -> int:
        argument = c_uint32(value)
        self._ioctl(code, argument, call)
        return argument.value

    def bind(self, name: Union[str, bytes], replier: bool = False) -> None:
        """Listens to a name, or to a pattern of names, or replies to it.

        Raises:
            OSError: EADDRINUSE when this name has a replier; EBADMSG or
                ENAMETOOLONG when there is no such name or pattern; EDQUOT when
                the user has as many bindings as it may; EAGAIN when a program
                that is to be told of it has a full queue (specification 3.7).
        """
        raw = _bytes_of(name)
        self._ioctl(self.IOC_BIND, BindStruct(int(replier), len(raw), raw), "Bind")

    def unbind(self, name: Union[str, bytes], replier: bool = False) -> None:
        """Takes back a bind(), and what is in the queue because of it.

        Raises:
            OSError: EINVAL when there is no such binding; EAGAIN when a program
                that is to be told of it has a full queue (specification 3.7).
        """
        raw = _bytes_of(name)
        self._ioctl(self.IOC_UNBIND, BindStruct(int(replier), len(raw), raw), "Unbind")

    def ksock_id(self) -> int:
        """Its number on the bus."""
        return self._number(self.IOC_KSOCKID, "KsockId")

    def find_replier(self, name: Union[str, bytes]) -> Optional[int]:
        """The Ksock that is bound as replier with exactly this name, or None.

        Patterns are not looked into.

        Raises:
            OSError: ENAMETOOLONG when the name is empty or too long.
        """
        raw = _bytes_of(name)
        query = ReplierStruct(0, len(raw), raw)
        return query.return_id if self._ioctl(self.IOC_REPLIER, query, "Replier") else None

    def num_unreplied_to(self) -> int:
        """How many requests were taken here and not answered yet."""
        return self._number(self.IOC_UNREPLIEDTO, "UnrepliedTo")

    def max_messages(self) -> int:
        """How many messages may wait in our queue at the bus."""
        return self._number(self.IOC_MAXMSGS, "MaxMessages")

    def set_max_messages(self, count: int) -> int:
        """Sets how many messages may wait in our queue; 0 changes nothing.

        Returns how many may wait now. What waits already stays.
        """
        return self._number(self.IOC_MAXMSGS, "MaxMessages", count)

    def want_messages_once(self, only_once: bool = False, just_ask: bool = False) -> int:
        """Sets whether a message comes once even if several bindings match it.

        Returns the value before, 0 or 1; with just_ask nothing changes.
        """
        value = _ASK if just_ask else int(bool(only_once))
        return self._number(self.IOC_MSGONLYONCE, "OnlyOnce", value)

    def kernel_module_verbose(self, verbose: bool = True, just_ask: bool = False) -> int:
        """Sets whether the kernel logs what happens on this bus.

        Returns the value before, 0 or 1; with just_ask nothing changes.
        """
        value = _ASK if just_ask else int(bool(verbose))
        return self._number(self.IOC_VERBOSE, "Verbose", value)

    def report_replier_binds(self, report_events: bool = True, just_ask: bool = False) -> int:
        """Sets whether the bus announces repliers that come and go.

        Returns the value before, 0 or 1; with just_ask nothing changes. When
        set, an event for each replier that there is comes to this Ksock.

        Raises:
            OSError: EBUSY when our queue is too small for these events. Those
                for which there was room come, and reporting is on.
        """
        value = _ASK if just_ask else int(bool(report_events))
        return self._number(self.IOC_REPORTREPLIERBINDS, "ReportReplierBinds", value)

    def new_device(self) -> int:
        """Makes another bus and returns its number.

        Raises:
            OSError: EINVAL when there are 256, EDQUOT when the user has made as
                many as it may.
        """
        return self._number(self.IOC_NEWDEVICE, "NewDevice")

    def remove_device(self, number: int) -> None:
        """Takes a bus away that new_device() has made.

        Raises:
            OSError: EPERM when another user made it, or the module began with
                it; EBUSY while somebody has it open; ENXIO when there is none.
        """
        self._ioctl(self.IOC_REMOVEDEVICE, RemoveDeviceStruct(number, 0), "RemoveDevice")

    def max_message_size(self) -> int:
        """How long messages may be on this bus, in bytes."""
        return self._number(self.IOC_MAXMSGSIZE, "MaxMessageSize")

    def set_max_message_size(self, count: int) -> int:
        """Sets how long messages may be on this bus, in bytes, and returns that.

        Raises:
            OSError: EINVAL when that is under 100, or more than the module
                allows.
        """
        return self._number(self.IOC_MAXMSGSIZE, "MaxMessageSize", count)

    # --- sending

    def write_msg(self, msg: Message) -> None:
        """Writes a message, which send() sends.

        Raises:
            OSError: EALREADY when an earlier message waits for room; EINVAL,
                ENAMETOOLONG, EBADMSG or EMSGSIZE when it is none that the bus
                takes (specification 3.4).
            io.UnsupportedOperation: this Ksock only listens.
        """
        # Kept until it is sent, because the kernel has only pointers to it.
        self._written = msg
        try:
            self._file().write(msg.to_bytes() if msg._entire else msg.msg)
        except OSError as error:
            raise _in_words(error, "Write") from None

    def write_data(self, data: Union[bytes, bytearray, memoryview]) -> None:
        """Writes a piece of a message; errors are those of write_msg()."""
        try:
            self._file().write(data)
        except OSError as error:
            raise _in_words(error, "Write") from None

    def send(self) -> MessageId:
        """Sends what was written and returns the id it got.

        Raises:
            OSError: as the bus decides (specification 3.8, 5.7). EADDRNOTAVAIL:
                the name has no replier, or the asker has gone. EPIPE: it has
                another replier now. ECONNREFUSED: this reply is not expected.
                EBUSY: a queue is full. BlockingIOError: likewise, and the
                message waits. ENOLCK: our queue has no room for the answer.
                ENOMSG: nothing was written.
        """
        return self._send(SendResultStruct())

    def _send(self, result: SendResultStruct) -> MessageId:
        try:
            self._ioctl(self.IOC_SEND, result, *_calls_for(self._written))
        finally:
            self._written = None
        return MessageId(result.network_id, result.serial_num)

    def send_msg(self, msg: Message) -> MessageId:
        """Writes and sends a message, and returns the id it got.

        Raises:
            OSError: as write_msg() and send().
        """
        with self._sending:
            return self._post(msg)

    def _post(
        self, msg: Message, answered: Optional[Callable[[Message], None]] = None
    ) -> MessageId:
        """Writes and sends; the lock is held. What is to be called with the
        answer is so from the first moment on."""
        result = SendResultStruct()
        if answered is not None:
            self._check_expectable(msg)
        try:
            self.write_msg(msg)
            if answered is None:
                return self._send(result)
            with self._changed:
                try:
                    self._send(result)
                finally:
                    # Also when it waits for room.
                    key = (result.network_id, result.serial_num)
                    if any(key):
                        self._expected[key] = answered
                return MessageId(*key)
        except OSError:
            raise  # the bus keeps nothing then, or else what waits for room
        except BaseException:
            # A signal came in between, and its handler raised.
            self.discard()
            raise

    def _check_expectable(self, request: Message) -> None:
        """Whether its answer could be told from others, and got at."""
        key = request._head.id._pair()
        with self._changed:
            # Ids that the bus gives are never the same.
            if key[0] and key in self._expected:
                raise ValueError(
                    "A call with the id %s has no answer yet: which of the two is answered "
                    "could not be told" % request.id
                )
            # As the bus does when our queue there has no room for it.
            self._check_deferred(errno.ENOLCK)

    def discard(self) -> None:
        """Forgets what was written and not sent."""
        self._ioctl(self.IOC_DISCARD, None, "Discard")
        self._written = None

    def last_msg_id(self) -> MessageId:
        """The id of the last message that was sent here, or tried to be."""
        result = SendResultStruct()
        self._ioctl(self.IOC_LASTSENT, result, "LastSent")
        return MessageId(result.network_id, result.serial_num)

    # --- taking messages; with the lock held

    def _fetch(self) -> Optional[Message]:
        """The next message of the device."""
        file, length = self._file(), self._length
        if length.value:
            # A signal's handler raised while we took a message. What has not
            # been read of it is still there.
            unread = self._number(self.IOC_LENLEFT, "LenLeft") or self._buffer is None
        else:
            self._buffer = None
            self._ioctl(self.IOC_NEXTMSG, length, "NextMessage")
            if not length.value:
                return None
            unread = True
        if unread:
            self._buffer = bytearray(length.value)
            try:
                file.readinto(self._buffer)
            except OSError as error:
                raise _in_words(error, "Read") from None
        assert self._buffer is not None
        message = Message.from_bytes(self._buffer)
        length.value = 0
        return message

    def _hand_over(self, message: Message) -> bool:
        """Gives an answer to the call that expects it, if there is one."""
        if not self._expected or not message.is_reply():
            return False
        answered = self._expected.pop(message._head.in_reply_to._pair(), None)
        if answered is None:
            return False
        answered(message)
        self._stir()
        return True

    def _take(self, ask: bool = True) -> Optional[Message]:
        """The next message that no call expects."""
        if self._deferred:
            return self._deferred.popleft()
        while ask or self._length.value:
            message = self._fetch()
            if message is None or not self._hand_over(message):
                return message
        return None

    def _check_deferred(self, full: int) -> None:
        """Raises when as many messages are deferred as may wait at the bus."""
        # The bus is asked last, and so hardly ever.
        count = len(self._deferred)
        if count >= _MAX_DEFERRED and count >= self.max_messages():
            raise _crowded(full, count)

    def _defer(self) -> bool:
        """Fetches one message for later, or an answer; False when there is none."""
        self._check_deferred(errno.ENOBUFS)
        message = self._fetch()
        if message is None:
            return False
        if not self._hand_over(message):
            self._deferred.append(message)
            self._stir()
            if self._watcher:
                self._watcher()
        return True

    def _stir(self) -> None:
        """Lets threads that wait look again."""
        if self._waiting:
            self._changed.notify_all()
        if self._at_device not in (None, threading.get_ident()) and self._bell:
            try:
                os.write(self._bell[1], b"!")
            except BlockingIOError:
                pass  # it has been rung enough

    def _wait(
        self, find: Callable[[bool], Optional[_Found]], deadline: Optional[float]
    ) -> Optional[_Found]:
        """What find() finds, as soon as it does; None when time is over."""
        # The device is asked when it has said that there is something, or when
        # time is over: a message costs three system calls, always.
        ask = _over(deadline)
        with self._changed:
            while True:
                # First, so that what comes at the last moment counts.
                left = None if deadline is None else deadline - time.monotonic()
                found = find(ask)
                if found is not None or (left is not None and left <= 0):
                    return found
                self._file()
                if self._at_device is not None:
                    # Another thread waits at the device, and shares with us.
                    self._waiting += 1
                    try:
                        self._changed.wait(left)
                    finally:
                        self._waiting -= 1
                    # Not when it is still there: it has something to do then.
                    ask = self._at_device is None or _over(deadline)
                    continue
                poll = self._prepare_poll()
                try:
                    self._at_device = threading.get_ident()
                    self._changed.release()
                    self._sleep(poll, left)
                    ask = True
                finally:
                    self._changed.acquire()
                    self._at_device = None
                    # Another one may have to go there now.
                    if self._waiting:
                        self._changed.notify_all()

    def _prepare_poll(self) -> select.poll:
        if self._bell is None or self._poll is None:
            self._bell = os.pipe()
            for end in self._bell:
                os.set_blocking(end, False)
            self._poll = select.poll()
            self._poll.register(self._file(), select.POLLIN)
            self._poll.register(self._bell[0], select.POLLIN)
        return self._poll

    def _sleep(self, poll: select.poll, left: Optional[float]) -> None:
        events = poll.poll(_milliseconds(left))
        if self._bell and any(fd == self._bell[0] for fd, _ in events):
            os.read(self._bell[0], 512)

    # --- reading

    def next_msg(self) -> int:
        """Turns to the next message and returns its length in bytes, 0 for none."""
        with self._changed:
            self._pieces = None
            if self._deferred or self._expected or self._length.value:
                message = self._take()
                raw = b"" if message is None else message.to_bytes()
                self._pieces = io.BytesIO(raw)
                return len(raw)
            return self._number(self.IOC_NEXTMSG, "NextMessage")

    def len_left(self) -> int:
        """How many bytes of the message of next_msg() have not been read yet."""
        if self._pieces is not None:
            return len(self._pieces.getbuffer()) - self._pieces.tell()
        return self._number(self.IOC_LENLEFT, "LenLeft")

    def read_data(self, count: int) -> bytes:
        """Up to so many bytes of the message of next_msg(), none at its end."""
        if self._pieces is not None:
            return self._pieces.read(count)
        try:
            return self._file().read(count) or b""
        except OSError as error:
            raise _in_words(error, "Read") from None

    def read_msg(self, length: int) -> Optional[Message]:
        """The message of next_msg(), if this is its length in bytes.

        Raises:
            ValueError: it is not.
        """
        data = self.read_data(length)
        return Message.from_bytes(data) if data else None

    def read_next_msg(self) -> Optional[Message]:
        """The next message, None when there is none."""
        with self._changed:
            self._pieces = None
            return self._take()

    def wait_for_msg(self, timeout: Optional[float] = None) -> Optional[Message]:
        """The next message, as soon as there is one; None after the timeout, in seconds.

        Raises:
            ValueError: the Ksock is closed, or was meanwhile.
        """
        self._pieces = None
        return self._wait(self._take, _deadline(timeout))

    def num_messages(self) -> int:
        """How many messages wait for us, deferred ones included."""
        with self._changed:
            return len(self._deferred) + self._number(self.IOC_NUMMSGS, "NumMessages")

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        message = self.read_next_msg()
        if message is None:
            raise StopIteration
        return message

    # --- asking and telling

    def announce(self, name: str, data: Answer = None) -> MessageId:
        """Announces something. Data may be bytes, text, or what JSON can say.

        Raises:
            OSError: as send_msg(); no listener is no error.
            TypeError: JSON cannot say it.
            ValueError: the name cannot be one, as for Message.
        """
        return self.send_msg(Message(name, encode(data)))

    def call(
        self, request: Union[str, Message], data: Answer = None, timeout: Optional[float] = None
    ) -> Message:
        """Sends a request and waits for the answer.

        The request is a message, or its name and data. What else arrives
        meanwhile is deferred, in order, until messages are taken: as many as
        may wait at the bus (max_messages), and 1000 in any case. The answer to
        a call that was given up is dropped when it comes.

        Raises:
            NoAnswer: the bus answers instead of the replier, or the replier
                declines.
            TimeoutError: there was no answer after so many seconds.
            OSError: as send_msg(); ENOLCK also when too many messages are
                deferred already. ENOBUFS: more would have to be deferred than
                may be; the request was sent.
            ValueError: the message is no request; or we chose its id (one with
                a network id), and an earlier call with that id has no answer
                yet; or the Ksock is closed, or was meanwhile.
            TypeError: there is data beside a whole message, or JSON cannot say
                it.
        """
        deadline = _deadline(timeout)
        answer: List[Message] = []

        def answered(ask: bool) -> Optional[Message]:
            while not answer and ask:
                ask = self._defer()
            return answer[0] if answer else None

        message = _as_request(request, data)
        with self._sending:
            try:
                key = self._post(message, answer.append)._pair()
            except BlockingIOError:
                key = self.last_msg_id()._pair()
                self._wait_for_room(key, deadline)
        try:
            found = self._wait(answered, deadline)
        finally:
            if not answer:
                self._give_up(key)
        if found is None:
            raise TimeoutError("no answer came in time to %s" % message)
        return _checked(found)

    def _give_up(self, key: _Key) -> None:
        with self._changed:
            if key in self._expected:
                self._expected[key] = _drop

    def _forget(self, key: _Key) -> None:
        """Sending is given up, so no answer will come, unless that is too late."""
        self.discard()
        try:
            # What the bus has sent meanwhile this tells, once; else there is nothing to send.
            self._ioctl(self.IOC_SEND, SendResultStruct(), "Send")
        except OSError:
            with self._changed:
                self._expected.pop(key, None)
        else:
            self._give_up(key)

    def _wait_for_room(self, key: _Key, deadline: Optional[float]) -> None:
        """Until the message that waits for room is sent, by the bus itself."""
        poll = select.poll()
        poll.register(self._file(), select.POLLOUT)
        try:
            left = None if deadline is None else deadline - time.monotonic()
            sent = poll.poll(_milliseconds(left))
        except BaseException:
            self._forget(key)
            raise
        if not sent:
            self._forget(key)
            raise TimeoutError("there was no room for the request")

    # --- replying

    def replier(self, name: str) -> Callable[[Handler], Handler]:
        """Makes a function the replier for a name, or for a pattern of names.

        It is called by serve() with each request, and what it returns is the
        answer: bytes, text, None, what JSON can say, or a Reply. When it
        raises, the request is declined: the caller gets NoAnswer with the
        exception's text.

        Raises:
            OSError: as bind().
        """

        def bind(handler: Handler) -> Handler:
            self.bind(name, True)
            self._repliers.add(name, handler)
            return handler

        return bind

    def serve(self, otherwise: Optional[Callable[[Message], object]] = None) -> None:
        """Takes messages and answers requests, until the Ksock is closed.

        Several threads may serve at a time. Messages that are not for us to
        answer go to the function given, and what that raises ends this.
        """
        while True:
            try:
                message = self.wait_for_msg()
            except ValueError:
                if self.fd is None:
                    return
                raise
            if message is None:
                continue
            if message.wants_us_to_reply():
                self.handle(message)
            elif otherwise:
                otherwise(message)

    def handle(self, request: Message) -> None:
        """Answers one request, as serve() does, or declines it."""
        owed = Owed(self, request)
        try:
            owed.answer(self._repliers.handler(request)(request))
        except Exception as error:
            owed.failed(error)
        finally:
            owed.settle()


def _calls_for(message: Optional[Message]) -> Tuple[str, ...]:
    """What sending a message is called where errors have words."""
    if message is None:
        return "Send", "Ask", "Answer"
    return ("Answer" if message.is_reply() else "Ask" if message.is_request() else "Send",)


def _as_request(request: Union[str, Message], data: Answer) -> Message:
    if isinstance(request, str):
        return Request(request, encode(data))
    if not request.is_request():
        raise ValueError("This is no request: %s" % request)
    if data is not None:
        raise TypeError("data goes with the name of a request, not with a whole one")
    return request


def _checked(answer: Message) -> Message:
    if answer._kind() is Status:
        raise NoAnswer(answer)
    return answer


def _deadline(timeout: Optional[float]) -> Optional[float]:
    return None if timeout is None else time.monotonic() + timeout


def _over(deadline: Optional[float]) -> bool:
    return deadline is not None and deadline <= time.monotonic()


def _milliseconds(left: Optional[float]) -> Optional[int]:
    # Rounded up, or the last millisecond would be spent in circles; and no
    # more than poll can count.
    return None if left is None else min(max(0, int(left * 1000) + 1), 2**31 - 1)


def read_bindings(names: Dict[int, Any]) -> List[Tuple[Any, bool, str]]:
    """The bindings of all buses, out of /proc/kbus/bindings (specification 8.1).

    For each the Ksock, by the names given or by its number, whether it is
    bound as replier, and to what.

    Raises:
        FileNotFoundError: the module is not loaded.
    """
    bindings = []
    with open("/proc/kbus/bindings", encoding=_NAMES) as file:
        for line in file:
            if line.startswith("#") or not line.strip():
                continue
            _device, ksock, _pid, role, name = line.split()
            bindings.append((names.get(int(ksock), int(ksock)), role == "R", name))
    return bindings


# A child shares the Ksock, not the threads that wait for it here, nor what is
# deferred: that would be there twice.
_open_ksocks: weakref.WeakSet[Ksock] = weakref.WeakSet()


def _after_fork() -> None:
    for ksock in list(_open_ksocks):
        ksock._close_bell()
        ksock._begin()


os.register_at_fork(after_in_child=_after_fork)
