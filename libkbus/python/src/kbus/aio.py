# SPDX-License-Identifier: GPL-2.0-only
"""Ksocks for asyncio.

    async with kbus.aio.Ksock() as ksock:
        ksock.bind('$.Lamp.*')
        async for message in ksock:
            print(message)

A thin layer over :class:`kbus.Ksock`, which is the attribute ``sync``: the same
messages, and the same errors. Nothing is taken from the bus before it is
wanted, so a program that is slow fills its queue at the bus, where senders
notice. Belongs to one event loop; other threads use ``sync``.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Deque, Optional, Set, Union

from .ksock import Ksock as SyncKsock
from .ksock import _as_request, _checked
from .messages import Message
from .replier import Owed, encode

if TYPE_CHECKING:
    from .ksock import _Key
    from .messages import MessageId
    from .replier import Answer, Handler

    _Future = asyncio.Future[Any]

__all__ = ["Ksock"]

# How many messages in a row may be taken without letting others run.
_TURN = 32


class Ksock:
    """One open end of a bus, for coroutines; or for them, a Ksock that is open.

    Raises:
        OSError, ValueError: as kbus.Ksock.
    """

    def __init__(
        self, which: int = 0, mode: str = "rw", *, ksock: Optional[SyncKsock] = None
    ) -> None:
        self.sync = SyncKsock(which, mode) if ksock is None else ksock
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        # The loop calls us when there are messages.
        self._watching = False
        # Coroutines that want the next message, in their order.
        self._getters: Deque[_Future] = deque()
        # The requests whose answers are awaited.
        self._awaited: Set[_Future] = set()
        self._sending: Optional[asyncio.Lock] = None
        self._taken = 0

    def __repr__(self) -> str:
        return repr(self.sync).replace("<", "<aio.", 1)

    async def __aenter__(self) -> Ksock:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes it. Loops over its messages end, calls raise ValueError."""
        if self.sync.fd is None:
            return
        if self._loop and not self._loop.is_closed():
            self._loop.remove_reader(self.sync.fileno())
            self._loop.remove_writer(self.sync.fileno())
        self.sync.close()
        self._watching = False
        for future in self._awaited:
            _fail(future, ValueError("I/O operation on closed Ksock"))
        self._wake(len(self._getters))

    # --- what does not wait

    def fileno(self) -> int:
        """The number of its file."""
        return self.sync.fileno()

    def bind(self, name: Union[str, bytes], replier: bool = False) -> None:
        """Listens to a name, or to a pattern of names, or replies to it.

        Raises:
            OSError: as kbus.Ksock.bind.
        """
        self.sync.bind(name, replier)

    def unbind(self, name: Union[str, bytes], replier: bool = False) -> None:
        """Takes back a bind().

        Raises:
            OSError: as kbus.Ksock.unbind.
        """
        self.sync.unbind(name, replier)

    def ksock_id(self) -> int:
        """Its number on the bus."""
        return self.sync.ksock_id()

    def replier(self, name: str) -> Callable[[Handler], Handler]:
        """Makes a function, or a coroutine function, the replier for a name.

        It is called by serve() with each request, and what it returns is the
        answer; when it raises, the request is declined (kbus.Ksock.replier).

        Raises:
            OSError: as bind().
        """
        return self.sync.replier(name)

    # --- the loop

    def _attach(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop and not self._loop.is_closed():
                raise RuntimeError("%r belongs to another event loop" % self)
            self._loop, self._watching, self._sending = loop, False, asyncio.Lock()
            self._getters.clear()
            self._awaited.clear()
            # Called with the lock of the Ksock held, in any thread.
            self.sync._watcher = partial(_in_loop, loop, partial(self._wake, 1))
        return loop

    def _watch(self) -> None:
        if self._loop and not self._watching:
            self._loop.add_reader(self.sync.fileno(), self._readable)
            self._watching = True

    def _readable(self) -> None:
        """There is a message, or there was: another one may have taken it."""
        if self._awaited:
            # Answers are behind what came before them.
            with self.sync._changed:
                watcher, self.sync._watcher = self.sync._watcher, None
                try:
                    for _ in range(_TURN):
                        if not self._awaited or not self.sync._defer():
                            break
                except OSError as error:
                    # None of the answers can be got at.
                    for future in self._awaited:
                        _fail(future, OSError(*error.args))
                finally:
                    self.sync._watcher = watcher
                deferred = len(self.sync._deferred)
            self._wake(deferred)
        elif self._getters:
            # They take messages themselves, when they run: one that is
            # cancelled instead has taken none.
            self._wake(1)
        elif self._loop:
            self._loop.remove_reader(self.sync.fileno())
            self._watching = False

    def _wake(self, count: int) -> None:
        while count > 0 and self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                count -= 1

    # --- taking messages

    async def wait_for_msg(self, timeout: Optional[float] = None) -> Optional[Message]:
        """The next message, as soon as there is one; None after the timeout, in seconds.

        Raises:
            ValueError: the Ksock is closed.
            RuntimeError: it belongs to another event loop.
        """
        loop = self._attach()
        self._taken += 1
        if self._taken % _TURN == 0:
            # Others may run, even if messages come faster than we take them.
            await asyncio.sleep(0)
        deadline = None if timeout is None else loop.time() + timeout
        first = True
        while True:
            # Not before those that wait already, unless it was our turn.
            if not self._getters or not first:
                message = self.sync.read_next_msg()
                if message is not None:
                    if self.sync._deferred:
                        self._wake(1)
                    return message
            if deadline is not None and loop.time() >= deadline:
                return None
            first = False
            getter = loop.create_future()
            self._getters.append(getter)
            timer = None if deadline is None else loop.call_at(deadline, _set, getter, None)
            self._watch()
            try:
                await getter
            except BaseException:
                # It was our turn, which the next one gets.
                if getter.done() and not getter.cancelled():
                    self._wake(1)
                raise
            finally:
                if timer:
                    timer.cancel()
                if getter in self._getters:
                    self._getters.remove(getter)

    def __aiter__(self) -> Ksock:
        return self

    async def __anext__(self) -> Message:
        try:
            while True:
                message = await self.wait_for_msg()
                if message is not None:
                    return message
        except ValueError:
            if self.sync.fd is None:
                raise StopAsyncIteration from None
            raise

    # --- sending

    async def send_msg(self, msg: Message) -> MessageId:
        """Sends a message and returns the id it got.

        One with ALL_OR_WAIT is waited for until there is room.

        Raises:
            OSError: as kbus.Ksock.send_msg.
        """
        loop = self._attach()
        assert self._sending is not None
        async with self._sending:
            try:
                return self.sync.send_msg(msg)
            except BlockingIOError:
                key = self.sync.last_msg_id()
                await self._room(loop, key._pair())
                return key

    async def announce(self, name: str, data: Answer = None) -> MessageId:
        """Announces something. Data may be bytes, text, or what JSON can say.

        Raises:
            OSError, TypeError, ValueError: as kbus.Ksock.announce.
        """
        return await self.send_msg(Message(name, encode(data)))

    async def _room(self, loop: asyncio.AbstractEventLoop, key: _Key) -> None:
        """Until the message that waits is sent, by the bus itself."""
        writable = loop.create_future()
        loop.add_writer(self.sync.fileno(), _set, writable, None)
        try:
            await writable
        except BaseException:
            self.sync._forget(key)
            raise
        finally:
            if self.sync.fd is not None:
                loop.remove_writer(self.sync.fileno())

    async def call(
        self, request: Union[str, Message], data: Answer = None, timeout: Optional[float] = None
    ) -> Message:
        """Sends a request and waits for the answer.

        When it is cancelled, or time is over (in seconds), the answer is taken
        and dropped when it comes. What else arrives is deferred.

        Raises:
            NoAnswer, OSError, TimeoutError, TypeError, ValueError: as
                kbus.Ksock.call.
        """
        message = _as_request(request, data)
        loop = self._attach()
        answer = loop.create_future()
        timer = None if timeout is None else loop.call_later(timeout, _late, answer, message)
        key = None
        self._awaited.add(answer)
        answer.add_done_callback(self._awaited.discard)
        try:
            key = await self._ask(loop, message, answer)
            self._watch()
            return _checked(await answer)
        finally:
            if timer:
                timer.cancel()
            self._awaited.discard(answer)
            if key and (answer.cancelled() or not answer.done() or answer.exception()):
                self.sync._give_up(key)
            answer.cancel()

    async def _ask(
        self, loop: asyncio.AbstractEventLoop, message: Message, answer: _Future
    ) -> _Key:
        assert self._sending is not None
        async with self._sending:
            with self.sync._sending:
                try:
                    return self.sync._post(message, partial(self._deliver, loop, answer))._pair()
                except BlockingIOError:
                    key = self.sync.last_msg_id()._pair()
            room = asyncio.ensure_future(self._room(loop, key))
            try:
                # Time may be over before there is room.
                await asyncio.wait({room, answer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not room.done():
                    room.cancel()
                    await asyncio.wait({room})
            return key

    def _deliver(self, loop: asyncio.AbstractEventLoop, answer: _Future, message: Message) -> None:
        if _running_loop() is loop:
            self._awaited.discard(answer)
            _set(answer, message)
        else:
            _in_loop(loop, partial(_set, answer, message))

    # --- replying

    async def serve(
        self,
        otherwise: Optional[Callable[[Message], Any]] = None,
        concurrency: int = 100,
    ) -> None:
        """Answers requests with the functions that replier() was given.

        They are started in the order of the bus and run side by side, up to so
        many at a time; then requests wait at the bus. Other messages go to the
        function given, one after the other. When this is cancelled, so are
        they, and every request that was taken is answered or declined.
        """
        self._attach()
        places = asyncio.Semaphore(concurrency)
        tasks: Set[asyncio.Task[None]] = set()

        def done(owed: Owed, task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            places.release()
            # One that was cancelled before it began has not said anything.
            owed.settle()
            if not task.cancelled() and task.exception():
                raise task.exception()  # type: ignore[misc]

        try:
            while True:
                await places.acquire()
                try:
                    message = await self.__anext__()
                except StopAsyncIteration:
                    return
                if message.wants_us_to_reply():
                    owed = Owed(self.sync, message)
                    task = asyncio.ensure_future(self._handle(owed, message))
                    tasks.add(task)
                    task.add_done_callback(partial(done, owed))
                    continue
                places.release()
                if otherwise:
                    await _result(otherwise(message))
        finally:
            for task in list(tasks):
                task.cancel()
            if tasks:
                await asyncio.wait(set(tasks))

    async def _handle(self, owed: Owed, request: Message) -> None:
        try:
            owed.answer(await _result(self.sync._repliers.handler(request)(request)))
        except Exception as error:
            owed.failed(error)


async def _result(value: Union[Any, Awaitable[Any]]) -> Any:
    return await value if inspect.isawaitable(value) else value


def _set(future: _Future, value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: _Future, error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _late(future: _Future, request: Message) -> None:
    _fail(future, TimeoutError("no answer came in time to %s" % request))


def _running_loop() -> Optional[asyncio.AbstractEventLoop]:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _in_loop(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        pass  # the loop is closed: nothing waits in it
