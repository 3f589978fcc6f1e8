# SPDX-License-Identifier: GPL-2.0-only
"""Ksocks: how a program takes part in a bus.

The classic part has the names and the behaviour of the classic ``kbus.ksock``.
Beside it a Ksock can :meth:`~Ksock.call`, :meth:`~Ksock.announce` and
:meth:`~Ksock.serve`, and may be used by several threads. The same for asyncio
is in :mod:`kbus.aio`.

Messages are taken from the bus in one place, ``_fetch``. A call that waits for
its answer takes what comes before that, and puts it on the shelf, from which
everybody takes first: so the order of the bus is kept in whatever way messages
are taken.
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

from .errors import _BIND, _CROWDED, _OPEN, _SEND, _WRITE, NoAnswer, _in_words
from .messages import Message, MessageId, Request, Status
from .replier import Owed, Repliers, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Tuple, TypeVar, Union

    from .replier import Answer, Handler

    _Found = TypeVar("_Found")
    _Key = Tuple[int, int]

__all__ = ["BindStruct", "Ksock", "ReplierStruct", "SendResultStruct", "read_bindings"]


class BindStruct(ctypes.Structure):
    """What BIND and UNBIND are given."""

    _fields_ = [("is_replier", c_uint32), ("len", c_uint32), ("name", c_char_p)]


class ReplierStruct(ctypes.Structure):
    """What REPLIER is given, and gives."""

    _fields_ = [("return_id", c_uint32), ("len", c_uint32), ("name", c_char_p)]


class SendResultStruct(ctypes.Structure):
    """What SEND and LASTSENT give: the id of a message."""

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

# So many messages may be on the shelf, whatever may wait at the bus.
_SHELF = 1000


def _drop(message: Message) -> None:
    """Takes the answer to a call that was given up."""


class Ksock:
    """One open end of a bus.

    Mode 'r' is for those who only listen. Closed by close(), at the end of a
    with statement, or when nobody has it any more.
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
            raise _in_words(error, _OPEN, self.name) from None
        self.mode = "read" if mode == "r" else "read/write"
        self._shelf: Deque[Message] = deque()
        # Who is called with the answer to a request that was sent.
        self._expected: Dict[_Key, Callable[[Message], None]] = {}
        self._repliers = Repliers()
        self._begin()
        _open_ksocks.add(self)

    def _begin(self) -> None:
        """What a process that forks must not inherit."""
        # Whoever writes and sends; taken before the other when both are.
        self._sending = threading.Lock()
        # All that is about taking messages.
        self._changed = threading.Condition(threading.Lock())
        self._shelf.clear()
        self._expected.clear()
        # The thread that waits at the device, and how many wait for it.
        self._at_device: Optional[int] = None
        self._waiting = 0
        # With which it is woken. Made when somebody waits there first.
        self._bell: Optional[Tuple[int, int]] = None
        self._poll: Optional[select.poll] = None
        # Told, with the lock held, that something is on the shelf.
        self._watcher: Optional[Callable[[], None]] = None
        # A message from the shelf that is read in pieces.
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
        """Closes it. Whoever waits for it is told by a ValueError."""
        fd = self.fd
        if fd is None:
            return
        with self._changed:
            self.fd = self.mode = None
            # Not under the feet of who waits there: the number of the file
            # might be another one's by then.
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

        What call() has put aside does not make it readable: take messages
        until there are none before you wait.
        """
        return self._file().fileno()

    # --- asking the kernel

    def _ioctl(self, code: int, argument: Any = 0) -> int:
        file = self._file()
        while True:
            try:
                if argument == 0:
                    return int(fcntl.ioctl(file, code))
                return int(fcntl.ioctl(file, code, argument, True))
            except InterruptedError:
                pass  # while waiting for the device: nothing has happened

    def _number(self, code: int, value: int = 0) -> int:
        argument = c_uint32(value)
        self._ioctl(code, argument)
        return argument.value

    def _bind(self, code: int, name: Union[str, bytes], replier: bool) -> None:
        raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
        try:
            self._ioctl(code, BindStruct(int(replier), len(raw), raw))
        except OSError as error:
            raise _in_words(error, _BIND) from None

    def bind(self, name: Union[str, bytes], replier: bool = False) -> None:
        """Listens to a name, or to a pattern of names, or replies to it."""
        self._bind(self.IOC_BIND, name, replier)

    def unbind(self, name: Union[str, bytes], replier: bool = False) -> None:
        """Takes back a bind()."""
        self._bind(self.IOC_UNBIND, name, replier)

    def ksock_id(self) -> int:
        """Its number on the bus."""
        return self._number(self.IOC_KSOCKID)

    def find_replier(self, name: Union[str, bytes]) -> Optional[int]:
        """Who is bound as replier with exactly this name."""
        raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
        query = ReplierStruct(0, len(raw), raw)
        return query.return_id if self._ioctl(self.IOC_REPLIER, query) else None

    def num_unreplied_to(self) -> int:
        """How many requests were taken here and not answered yet."""
        return self._number(self.IOC_UNREPLIEDTO)

    def max_messages(self) -> int:
        """How many messages may wait for us."""
        return self._number(self.IOC_MAXMSGS)

    def set_max_messages(self, count: int) -> int:
        """Changes that."""
        return self._number(self.IOC_MAXMSGS, count)

    def want_messages_once(self, only_once: bool = False, just_ask: bool = False) -> int:
        """Whether a message comes once even if several bindings match it.

        Like the two below it gives the value that was there before.
        """
        return self._number(self.IOC_MSGONLYONCE, _ASK if just_ask else int(bool(only_once)))

    def kernel_module_verbose(self, verbose: bool = True, just_ask: bool = False) -> int:
        """Whether the kernel logs what happens on this bus."""
        return self._number(self.IOC_VERBOSE, _ASK if just_ask else int(bool(verbose)))

    def report_replier_binds(self, report_events: bool = True, just_ask: bool = False) -> int:
        """Whether the bus announces repliers that come and go."""
        value = _ASK if just_ask else int(bool(report_events))
        return self._number(self.IOC_REPORTREPLIERBINDS, value)

    def new_device(self) -> int:
        """Makes another bus and gives its number."""
        return self._number(self.IOC_NEWDEVICE)

    def max_message_size(self) -> int:
        """How long messages may be on this bus, in bytes."""
        return self._number(self.IOC_MAXMSGSIZE)

    def set_max_message_size(self, count: int) -> int:
        """Changes that."""
        return self._number(self.IOC_MAXMSGSIZE, count)

    # --- sending

    def write_msg(self, msg: Message) -> None:
        """Writes a message, which send() sends."""
        # Kept until it is sent, because the kernel has only pointers to it.
        self._written = msg
        try:
            self._file().write(msg.to_bytes() if msg._entire else msg.msg)
        except OSError as error:
            raise _in_words(error, _WRITE) from None

    def write_data(self, data: Union[bytes, bytearray, memoryview]) -> None:
        """Writes a piece of a message."""
        try:
            self._file().write(data)
        except OSError as error:
            raise _in_words(error, _WRITE) from None

    def send(self) -> MessageId:
        """Sends what was written and gives the id it got."""
        return self._send(SendResultStruct())

    def _send(self, result: SendResultStruct) -> MessageId:
        try:
            self._ioctl(self.IOC_SEND, result)
        except OSError as error:
            raise _in_words(error, _SEND) from None
        finally:
            self._written = None
        return MessageId(result.network_id, result.serial_num)

    def send_msg(self, msg: Message) -> MessageId:
        """Writes and sends a message, and gives the id it got."""
        with self._sending:
            return self._post(msg)

    def _post(
        self, msg: Message, answered: Optional[Callable[[Message], None]] = None
    ) -> MessageId:
        """Writes and sends; the lock is held. Whoever is to be called with the
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
            self._check_shelf(errno.ENOLCK)

    def discard(self) -> None:
        """Forgets what was written and not sent."""
        self._ioctl(self.IOC_DISCARD)
        self._written = None

    def last_msg_id(self) -> MessageId:
        """The id of the last message that was sent here, or tried to be."""
        result = SendResultStruct()
        self._ioctl(self.IOC_LASTSENT, result)
        return MessageId(result.network_id, result.serial_num)

    # --- taking messages; with the lock held

    def _fetch(self) -> Optional[Message]:
        """The next message of the device."""
        file, length = self._file(), self._length
        if length.value:
            # A signal's handler raised while we took a message. What has not
            # been read of it is still there.
            if self._number(self.IOC_LENLEFT) or self._buffer is None:
                self._buffer = bytearray(length.value)
                file.readinto(self._buffer)
        else:
            self._buffer = None
            self._ioctl(self.IOC_NEXTMSG, length)
            if not length.value:
                return None
            self._buffer = bytearray(length.value)
            file.readinto(self._buffer)
        message = Message.from_bytes(self._buffer)
        length.value = 0
        return message

    def _hand_over(self, message: Message) -> bool:
        """Gives an answer to who expects it, if somebody does."""
        if not self._expected or not message.is_reply():
            return False
        answered = self._expected.pop(message._head.in_reply_to._pair(), None)
        if answered is None:
            return False
        answered(message)
        self._stir()
        return True

    def _take(self, ask: bool = True) -> Optional[Message]:
        """The next message that nobody else expects."""
        if self._shelf:
            return self._shelf.popleft()
        while ask or self._length.value:
            message = self._fetch()
            if message is None or not self._hand_over(message):
                return message
        return None

    def _check_shelf(self, full: int) -> None:
        """Whether there is room on the shelf, for as many as may wait at the bus."""
        # The bus is asked last, and so hardly ever.
        kept = len(self._shelf)
        if kept >= _SHELF and kept >= self.max_messages():
            raise OSError(full, _CROWDED % kept)

    def _put_aside(self) -> bool:
        """Fetches one message for whoever wants it; False when there is none."""
        self._check_shelf(errno.ENOBUFS)
        message = self._fetch()
        if message is None:
            return False
        if not self._hand_over(message):
            self._shelf.append(message)
            self._stir()
            if self._watcher:
                self._watcher()
        return True

    def _stir(self) -> None:
        """Lets those who wait look again."""
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
                    # Somebody else waits at the device, and shares with us.
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
        """Turns to the next message and gives its length, 0 when there is none."""
        with self._changed:
            self._pieces = None
            if self._shelf or self._expected or self._length.value:
                message = self._take()
                raw = b"" if message is None else message.to_bytes()
                self._pieces = io.BytesIO(raw)
                return len(raw)
            return self._number(self.IOC_NEXTMSG)

    def len_left(self) -> int:
        """How much of that message has not been read yet."""
        if self._pieces is not None:
            return len(self._pieces.getbuffer()) - self._pieces.tell()
        return self._number(self.IOC_LENLEFT)

    def read_data(self, count: int) -> bytes:
        """Some bytes of that message, none when it is at its end."""
        if self._pieces is not None:
            return self._pieces.read(count)
        return self._file().read(count) or b""

    def read_msg(self, length: int) -> Optional[Message]:
        """That message, if this is its length."""
        data = self.read_data(length)
        return Message.from_bytes(data) if data else None

    def read_next_msg(self) -> Optional[Message]:
        """The next message, None when there is none."""
        with self._changed:
            self._pieces = None
            return self._take()

    def wait_for_msg(self, timeout: Optional[float] = None) -> Optional[Message]:
        """The next message, as soon as there is one; None after that many seconds."""
        self._pieces = None
        return self._wait(self._take, _deadline(timeout))

    def num_messages(self) -> int:
        """How many messages wait for us."""
        with self._changed:
            return len(self._shelf) + self._number(self.IOC_NUMMSGS)

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        message = self.read_next_msg()
        if message is None:
            raise StopIteration
        return message

    # --- asking and telling

    def announce(self, name: str, data: Answer = None) -> MessageId:
        """Tells whoever listens. Data may be bytes, text, or what JSON can say."""
        return self.send_msg(Message(name, encode(data)))

    def call(
        self, request: Union[str, Message], data: Answer = None, timeout: Optional[float] = None
    ) -> Message:
        """Sends a request and waits for the answer.

        The request is a message, or its name and data. NoAnswer is raised when
        the bus answers instead of the replier or the replier declines,
        TimeoutError after that many seconds. What else arrives meanwhile is
        kept, in order, for who takes messages: as many as may wait at the bus
        (max_messages), and 1000 in any case. When that is not enough, the call
        is given up with ENOBUFS, and with ENOLCK before anything is sent when
        so many are kept already. The answer to a call that was given up is
        dropped when it comes.

        A request with a network id has an id that we chose: ValueError when an
        earlier call with that id has no answer yet.
        """
        deadline = _deadline(timeout)
        answer: List[Message] = []

        def answered(ask: bool) -> Optional[Message]:
            while not answer and ask:
                ask = self._put_aside()
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
            raise TimeoutError("no answer in time to %s" % message)
        return _checked(found)

    def _give_up(self, key: _Key) -> None:
        with self._changed:
            if key in self._expected:
                self._expected[key] = _drop

    def _forget(self, key: _Key) -> None:
        """Sending was given up, so no answer will come."""
        self.discard()
        with self._changed:
            self._expected.pop(key, None)

    def _wait_for_room(self, key: _Key, deadline: Optional[float]) -> None:
        """Until the message that waits for room is sent, by the poll itself."""
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
        raises, the caller gets NoAnswer with the exception's text.
        """

        def bind(handler: Handler) -> Handler:
            self.bind(name, True)
            self._repliers.add(name, handler)
            return handler

        return bind

    def serve(self, otherwise: Optional[Callable[[Message], object]] = None) -> None:
        """Takes messages and answers requests, until the Ksock is closed.

        Several threads may serve at a time. Messages that are not for us to
        answer go to the function given.
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
        """Answers one request, as serve() does: always, somehow."""
        owed = Owed(self, request)
        try:
            owed.answer(self._repliers.handler(request)(request))
        except Exception as error:
            owed.failed(error)
        finally:
            owed.settle()


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
    """Who is bound to what, out of /proc/kbus/bindings.

    Ksocks are called by the names given, or by their numbers.
    """
    bindings = []
    with open("/proc/kbus/bindings", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            if line.startswith("#") or not line.strip():
                continue
            _device, ksock, _pid, role, name = line.split()
            bindings.append((names.get(int(ksock), int(ksock)), role == "R", name))
    return bindings


# A child shares the Ksock, not who waits for it here, nor what is on our
# shelf: that would be there twice.
_open_ksocks: weakref.WeakSet[Ksock] = weakref.WeakSet()


def _after_fork() -> None:
    for ksock in list(_open_ksocks):
        ksock._close_bell()
        ksock._begin()


os.register_at_fork(after_in_child=_after_fork)
