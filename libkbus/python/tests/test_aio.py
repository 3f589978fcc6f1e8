# SPDX-License-Identifier: GPL-2.0-only
"""Ksocks for asyncio. Needs /dev/kbus0."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import random
import signal
import socket
import unittest
from collections import Counter
from typing import Any, Awaitable, Callable, Dict, List

import kbus
from kbus import ALL_OR_WAIT, Message, MessageId, NoAnswer, Request, reply_to
from kbus.aio import Ksock


@unittest.skipUnless(os.path.exists("/dev/kbus0"), "there is no /dev/kbus0")
class Case(unittest.TestCase):
    def setUp(self) -> None:
        logging.getLogger("kbus").setLevel(logging.CRITICAL)
        self.addCleanup(logging.getLogger("kbus").setLevel, logging.NOTSET)

    def run_it(self, main: Callable[[], Awaitable[object]]) -> None:
        """In a loop that has nothing to complain about."""
        complaints: List[Dict[str, Any]] = []

        async def watched() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda loop, context: complaints.append(context))
            await main()

        asyncio.run(watched())
        self.assertEqual(complaints, [])

    def ksock(self) -> Ksock:
        ksock = Ksock()
        self.addCleanup(ksock.close)
        return ksock

    def plain(self) -> kbus.Ksock:
        ksock = kbus.Ksock()
        self.addCleanup(ksock.close)
        return ksock


class Taking(Case):
    def test_async_for(self) -> None:
        async def main() -> None:
            async with Ksock() as ksock:
                ksock.bind("$.Tell")
                teller = self.plain()
                asyncio.get_running_loop().call_later(0.01, self.tell, teller, 0, 100)
                got = []
                async for message in ksock:
                    got.append(int(message.text))
                    if len(got) == 100:
                        break
                self.assertEqual(got, list(range(100)))

        self.run_it(main)

    def tell(self, teller: kbus.Ksock, first: int, last: int) -> None:
        for n in range(first, last):
            teller.announce("$.Tell", str(n))

    def test_timeout(self) -> None:
        async def main() -> None:
            ksock = self.ksock()
            self.assertIsNone(await ksock.wait_for_msg(0))
            self.assertIsNone(await ksock.wait_for_msg(0.01))
            self.assertEqual(list(ksock._getters), [])

        self.run_it(main)

    def test_cancelling_takes_nothing(self) -> None:
        """A task that takes messages is cancelled again and again, at moments
        when one is there; none is lost, none comes twice."""

        async def main() -> None:
            ksock, teller = self.ksock(), self.plain()
            ksock.bind("$.Tell")
            got: List[int] = []

            async def take() -> None:
                async for message in ksock:
                    got.append(int(message.text))

            for n in range(300):
                task = asyncio.ensure_future(take())
                for _ in range(random.randrange(3)):
                    await asyncio.sleep(0)
                teller.announce("$.Tell", str(n))
                for _ in range(random.randrange(4)):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
            task = asyncio.ensure_future(take())
            while len(got) < 300:
                await asyncio.sleep(0)
            task.cancel()
            self.assertEqual(got, list(range(300)))

        self.run_it(main)

    def test_cancelled_when_it_was_its_turn(self) -> None:
        """What a call has deferred for the first goes to the second."""

        async def main() -> None:
            ksock, other = self.ksock(), self.plain()
            ksock.bind("$.Tell")
            other.bind("$.Ask", True)
            call = asyncio.ensure_future(ksock.call("$.Ask"))
            takers = [asyncio.ensure_future(ksock.wait_for_msg()) for _ in range(2)]
            while len(ksock._getters) < 2:
                await asyncio.sleep(0)
            other.announce("$.Tell")
            ksock._readable()
            takers[0].cancel()
            self.assertIsNotNone(await takers[1])
            call.cancel()

        self.run_it(main)

    def test_several_tasks(self) -> None:
        async def main() -> None:
            ksock, teller = self.ksock(), self.plain()
            ksock.bind("$.Tell")
            ksock.sync.set_max_messages(1000)
            got: List[int] = []

            async def take() -> None:
                for _ in range(50):
                    message = await ksock.wait_for_msg()
                    assert message is not None
                    got.append(int(message.text))

            tasks = [asyncio.ensure_future(take()) for _ in range(4)]
            for n in range(0, 200, 10):
                self.tell(teller, n, n + 10)
                await asyncio.sleep(0)
            await asyncio.gather(*tasks)
            self.assertEqual(got, list(range(200)))

        self.run_it(main)

    def test_the_bus_keeps_what_nobody_wants(self) -> None:
        async def main() -> None:
            ksock, teller = self.ksock(), self.plain()
            ksock.bind("$.Tell")
            ksock.sync.set_max_messages(5)
            await ksock.wait_for_msg(0)
            self.tell(teller, 0, 10)
            await asyncio.sleep(0.01)
            self.assertEqual(ksock.sync._number(ksock.sync.IOC_NUMMSGS, "NumMessages"), 5)
            with self.assertRaises(BlockingIOError):
                teller.send_msg(Message("$.Tell", flags=ALL_OR_WAIT))
            teller.discard()

        self.run_it(main)

    def test_others_run(self) -> None:
        """Messages that come as fast as they are taken let other tasks run."""

        async def main() -> None:
            ksock = self.ksock()
            ksock.bind("$.Tell")
            await ksock.announce("$.Tell")
            ran = False

            async def other() -> None:
                nonlocal ran
                ran = True

            task = asyncio.ensure_future(other())
            async for _ in ksock:
                await ksock.announce("$.Tell")
                if ran:
                    break
            await task

        self.run_it(main)

    def test_closing(self) -> None:
        async def main() -> None:
            ksock, replier = self.ksock(), self.plain()
            replier.bind("$.Ask", True)
            call = asyncio.ensure_future(ksock.call("$.Ask"))

            async def take() -> int:
                return len([message async for message in ksock])

            tasks = [asyncio.ensure_future(take()) for _ in range(3)]
            await asyncio.sleep(0.01)
            ksock.close()
            self.assertEqual(await asyncio.gather(*tasks), [0, 0, 0])
            with self.assertRaises(ValueError):
                await call

        self.run_it(main)

    def test_another_loop(self) -> None:
        ksock = self.ksock()

        async def main() -> None:
            ksock.bind("$.Tell")
            await ksock.announce("$.Tell")
            self.assertIsNotNone(await ksock.wait_for_msg())

        for _ in range(3):
            asyncio.run(main())
            ksock.unbind("$.Tell")


class Calling(Case):
    def serving(self, ksock: Ksock) -> asyncio.Task[None]:
        return asyncio.ensure_future(ksock.serve())

    def test_calls(self) -> None:
        async def main() -> None:
            server, ksock = self.ksock(), self.ksock()

            @server.replier("$.Ask")
            async def ask(request: Message) -> Any:
                await asyncio.sleep(random.random() * 0.01)
                if request.text == "fail":
                    raise RuntimeError("as asked")
                return {"got": request.text}

            task = self.serving(server)
            self.assertEqual((await ksock.call("$.Ask", "x")).json(), {"got": "x"})
            with self.assertRaisesRegex(NoAnswer, "RuntimeError: as asked"):
                await ksock.call("$.Ask", "fail")
            texts = [str(n) for n in range(90)]
            answers = await asyncio.gather(*(ksock.call("$.Ask", text) for text in texts))
            self.assertEqual([answer.json()["got"] for answer in answers], texts)
            with self.assertRaises(OSError) as caught:
                await ksock.call("$.Nobody")
            self.assertEqual(caught.exception.errno, errno.EADDRNOTAVAIL)
            with self.assertRaises(ValueError):
                await ksock.call(Message("$.Ask"))
            self.assertEqual((ksock._awaited, ksock.sync._expected), (set(), {}))
            task.cancel()

        self.run_it(main)

    def test_order_beside_calls(self) -> None:
        """What arrives while calls wait comes in its order to who takes it."""

        async def main() -> None:
            server, ksock, teller = self.ksock(), self.ksock(), self.plain()
            ksock.bind("$.Tell")
            server.replier("$.Ask")(lambda request: request.data)
            task = self.serving(server)
            got: List[int] = []

            async def take() -> None:
                async for message in ksock:
                    got.append(int(message.text))

            async def call() -> None:
                for n in range(100):
                    teller.announce("$.Tell", str(n))
                    await ksock.call("$.Ask")

            taking = asyncio.ensure_future(take())
            await call()
            await asyncio.sleep(0.01)
            taking.cancel()
            # And with nobody there meanwhile: they are kept.
            for n in range(100, 110):
                teller.announce("$.Tell", str(n))
                await ksock.call("$.Ask")
            got.extend(int(message.text) for message in ksock.sync)
            self.assertEqual(got, list(range(110)))
            task.cancel()

        self.run_it(main)

    def test_what_else_arrives_is_kept_up_to_a_limit(self) -> None:
        """Then all calls say so; nothing is lost."""

        async def main() -> None:
            server, ksock, teller = self.ksock(), self.ksock(), self.plain()
            ksock.bind("$.Tell")
            server.replier("$.Ask")(lambda request: None)
            serving = self.serving(server)
            sent: List[MessageId] = []

            def tell() -> None:
                sent.extend(teller.announce("$.Tell") for _ in range(90))

            for _ in range(11):
                tell()
                await ksock.call("$.Ask")
            tell()
            for outcome in await asyncio.gather(
                *(ksock.call("$.Ask") for _ in range(3)), return_exceptions=True
            ):
                assert isinstance(outcome, OSError)
                self.assertEqual(outcome.errno, errno.ENOBUFS)
            got: List[Any] = []
            while len(got) < len(sent):
                message = await ksock.wait_for_msg()
                assert message is not None
                got.append(message.id)
            self.assertEqual(got, sent)
            await ksock.call("$.Ask")
            self.assertEqual((ksock._awaited, ksock.sync._expected), (set(), {}))
            serving.cancel()

        self.run_it(main)

    def test_an_id_that_is_in_use(self) -> None:
        async def main() -> None:
            server, ksock = self.ksock(), self.ksock()
            server.replier("$.Ask")(lambda request: request.data)
            serving = self.serving(server)
            calls = [Request("$.Ask", data, id=MessageId(7, 1)) for data in ("first", "second")]
            first, second = await asyncio.gather(
                *(ksock.call(request) for request in calls), return_exceptions=True
            )
            assert isinstance(first, Message)
            self.assertEqual(first.text, "first")
            self.assertIsInstance(second, ValueError)
            self.assertEqual((await ksock.call(calls[1])).text, "second")
            serving.cancel()

        self.run_it(main)

    def test_giving_up(self) -> None:
        async def main() -> None:
            ksock, replier = self.ksock(), self.plain()
            replier.bind("$.Ask", True)
            with self.assertRaises(TimeoutError):
                await ksock.call("$.Ask", timeout=0.01)
            task = asyncio.ensure_future(ksock.call("$.Ask"))
            await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            for request in replier:
                replier.send_msg(reply_to(request, "late"))
            # Their answers go to nobody.
            self.assertIsNone(await ksock.wait_for_msg(0.01))
            self.assertEqual((ksock._awaited, ksock.sync._expected), (set(), {}))

        self.run_it(main)

    def test_cancelling_at_any_moment(self) -> None:
        async def main() -> None:
            server, ksock = self.ksock(), self.ksock()
            server.sync.set_max_messages(1000)
            ksock.sync.set_max_messages(1000)
            server.replier("$.Ask")(lambda request: request.data)
            serving = self.serving(server)
            outcomes: Counter[str] = Counter()
            for n in range(300):
                task = asyncio.ensure_future(ksock.call("$.Ask", str(n)))
                for _ in range(random.randrange(8)):
                    await asyncio.sleep(0)
                task.cancel()
                try:
                    self.assertEqual((await task).text, str(n))
                    outcomes["answered"] += 1
                except asyncio.CancelledError:
                    outcomes["cancelled"] += 1
            self.assertEqual((await ksock.call("$.Ask", "last")).text, "last")
            self.assertIsNone(await ksock.wait_for_msg(0))
            self.assertEqual((ksock._awaited, ksock.sync._expected), (set(), {}))
            self.assertEqual(outcomes["answered"] + outcomes["cancelled"], 300)
            serving.cancel()

        self.run_it(main)

    def test_waiting_for_room(self) -> None:
        async def main() -> None:
            ksock, full = self.ksock(), self.plain()
            full.bind("$.Ask", True)
            full.bind("$.Tell")
            full.set_max_messages(1)
            await ksock.announce("$.Tell", "first")
            wait = asyncio.ensure_future(
                ksock.send_msg(Message("$.Tell", "second", flags=ALL_OR_WAIT))
            )
            behind = asyncio.ensure_future(ksock.announce("$.Elsewhere"))
            await asyncio.sleep(0.01)
            self.assertFalse(wait.done())
            self.assertFalse(behind.done())
            first = full.read_next_msg()
            assert first is not None
            sent = await wait
            await behind
            second = full.read_next_msg()
            assert second is not None
            self.assertEqual((second.id, second.text), (sent, "second"))
            # Cancelled while it waits: not sent, and the way is free.
            await ksock.announce("$.Tell", "third")
            for waiting in (
                ksock.send_msg(Message("$.Tell", "never", flags=ALL_OR_WAIT)),
                ksock.call(Request("$.Ask", "never", flags=ALL_OR_WAIT)),
            ):
                task = asyncio.ensure_future(waiting)
                await asyncio.sleep(0.01)
                task.cancel()
                await asyncio.wait([task])
                self.assertTrue(task.cancelled())
            with self.assertRaises(TimeoutError):
                await ksock.call(Request("$.Ask", "never", flags=ALL_OR_WAIT), timeout=0.01)
            self.assertEqual([message.text for message in full], ["third"])
            self.assertEqual(ksock.sync._expected, {})
            await ksock.announce("$.Tell", "fourth")
            # A request that waits, and is answered in the end.
            call = asyncio.ensure_future(ksock.call(Request("$.Ask", flags=ALL_OR_WAIT)))
            await asyncio.sleep(0.01)
            full.read_next_msg()
            await asyncio.sleep(0.01)
            request = full.read_next_msg()
            assert request is not None
            full.send_msg(reply_to(request, "answer"))
            self.assertEqual((await call).text, "answer")

        self.run_it(main)

    def test_a_replier_is_killed(self) -> None:
        """With SIGKILL, while its callers await."""

        async def main() -> None:
            for number in range(3):
                ready, tell = socket.socketpair()
                pid = os.fork()
                if pid == 0:
                    try:
                        replier = kbus.Ksock()
                        replier.bind("$.Ask", True)
                        tell.send(b"!")
                        for _ in range(number):
                            replier.wait_for_msg()
                        tell.send(b"!")
                        signal.pause()
                    finally:
                        os._exit(1)
                ready.recv(1)
                async with Ksock() as ksock:
                    calls = [asyncio.ensure_future(ksock.call("$.Ask")) for _ in range(2)]
                    await asyncio.sleep(0)
                    self.assertFalse(any(call.done() for call in calls))
                    await asyncio.get_running_loop().run_in_executor(None, ready.recv, 1)
                    os.kill(pid, signal.SIGKILL)
                    outcomes = await asyncio.gather(*calls, return_exceptions=True)
                    names = []
                    for outcome in outcomes:
                        assert isinstance(outcome, NoAnswer)
                        names.append(outcome.status.name.split(".")[-1])
                    self.assertEqual(names, ["Ignored"] * number + ["GoneAway"] * (2 - number))
                os.waitpid(pid, 0)
                ready.close()
                tell.close()

        self.run_it(main)

    def test_threads_beside_the_loop(self) -> None:
        """Coroutines and threads call and take through one Ksock."""

        async def main() -> None:
            server, ksock, teller = self.ksock(), self.ksock(), self.plain()
            server.replier("$.Ask")(lambda request: request.data)
            serving = self.serving(server)
            ksock.bind("$.Tell")
            got: List[int] = []

            def thread(number: int) -> None:
                for n in range(50):
                    text = "%d %d" % (number, n)
                    assert ksock.sync.call("$.Ask", text).text == text

            async def take() -> None:
                async for message in ksock:
                    got.append(int(message.text))
                    if len(got) == 50:
                        break

            loop = asyncio.get_running_loop()
            work = [loop.run_in_executor(None, thread, n) for n in range(3)]
            taking = asyncio.ensure_future(take())
            for n in range(50):
                teller.announce("$.Tell", str(n))
                self.assertEqual((await ksock.call("$.Ask", str(n))).text, str(n))
            await asyncio.gather(*work)
            await taking
            self.assertEqual(got, list(range(50)))
            serving.cancel()

        self.run_it(main)


class Serving(Case):
    def test_side_by_side_in_order(self) -> None:
        async def main() -> None:
            server, ksock = self.ksock(), self.ksock()
            started: List[str] = []
            go = asyncio.Event()

            @server.replier("$.Ask")
            async def ask(request: Message) -> Any:
                started.append(request.text)
                await go.wait()

            serving = asyncio.ensure_future(server.serve(concurrency=3))
            calls = [asyncio.ensure_future(ksock.call("$.Ask", str(n))) for n in range(5)]
            while len(started) < 3:
                await asyncio.sleep(0)
            await asyncio.sleep(0.01)
            self.assertEqual(started, ["0", "1", "2"])
            self.assertEqual(server.sync.num_messages(), 2)
            go.set()
            await asyncio.gather(*calls)
            self.assertEqual(started, ["0", "1", "2", "3", "4"])
            serving.cancel()

        self.run_it(main)

    def test_cancelled_and_answered(self) -> None:
        """Also those whose function had not begun."""

        async def main() -> None:
            server, ksock = self.ksock(), self.ksock()

            @server.replier("$.Ask")
            async def ask(request: Message) -> Any:
                await asyncio.Event().wait()

            for turns in range(8):
                serving = asyncio.ensure_future(server.serve())
                calls = [asyncio.ensure_future(ksock.call("$.Ask", timeout=60)) for _ in range(3)]
                for _ in range(turns):
                    await asyncio.sleep(0)
                serving.cancel()
                await asyncio.wait([serving])
                self.assertTrue(serving.cancelled())
                # Those that were not taken are at the bus, and there for others.
                for request in server.sync:
                    server.sync.send_msg(reply_to(request))
                for outcome in await asyncio.gather(*calls, return_exceptions=True):
                    if not isinstance(outcome, Message):
                        self.assertRegex(str(outcome), "interrupted")
                self.assertEqual(server.sync.num_unreplied_to(), 0)

        self.run_it(main)

    def test_other_messages(self) -> None:
        async def main() -> None:
            server, ksock = self.ksock(), self.ksock()
            heard: List[int] = []

            async def hear(message: Message) -> None:
                await asyncio.sleep(0)
                heard.append(int(message.text))

            server.bind("$.Tell")
            server.replier("$.Ask")(lambda request: None)
            serving = asyncio.ensure_future(server.serve(hear))
            for n in range(20):
                await ksock.announce("$.Tell", str(n))
            await ksock.call("$.Ask")
            self.assertEqual(heard, list(range(20)))
            serving.cancel()

        self.run_it(main)


class Load(Case):
    """16 processes: 4 of them serve, 4 listen, 8 call and tell."""

    CALLS = 150

    def test_sixteen(self) -> None:
        work = [self.server] * 4 + [self.listener] * 4 + [self.caller] * 8
        ends, pids = [], []
        for number, role in enumerate(work):
            ours, theirs = socket.socketpair()
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    asyncio.run(role(number, theirs))
                    status = 0
                finally:
                    os._exit(status)
            theirs.close()
            ends.append(ours)
            pids.append(pid)
            if role != self.caller:
                self.assertEqual(ours.recv(1), b"!")
        for end in ends[8:]:
            end.send(b"!")
        for pid in pids[8:]:
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
        answered = 0
        for end, pid in zip(ends[:4], pids[:4]):
            end.send(b"!")
            answered += int(end.recv(100))
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(answered, 8 * self.CALLS)
        heard = set()
        for end, pid in zip(ends[4:8], pids[4:8]):
            heard.add(end.recv(100))
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
        # All have heard the same in the same order, as far as it goes.
        self.assertEqual(len(heard), 1)
        for end in ends:
            end.close()

    async def server(self, number: int, parent: socket.socket) -> None:
        async with Ksock() as ksock:
            ksock.sync.set_max_messages(10000)
            last: Counter[int] = Counter()
            answered = 0

            @ksock.replier("$.Ask.S%d" % number)
            async def ask(request: Message) -> str:
                nonlocal answered
                answered += 1
                caller, n = map(int, request.text.split())
                assert n > last[caller], "out of order"
                last[caller] = n
                await asyncio.sleep(random.random() * 0.002)
                return request.text

            serving = asyncio.ensure_future(ksock.serve())
            parent.send(b"!")
            await asyncio.get_running_loop().run_in_executor(None, parent.recv, 1)
            serving.cancel()
            parent.send(b"%d" % answered)

    async def listener(self, number: int, parent: socket.socket) -> None:
        async with Ksock() as ksock:
            ksock.sync.set_max_messages(100000)
            ksock.bind("$.Tell.*")
            parent.send(b"!")
            last: Counter[str] = Counter()
            order = []
            async for message in ksock:
                n = int(message.text)
                assert n == last[message.name], "%s: %d after %d" % (message, n, last[message.name])
                last[message.name] += 1
                order.append((message.name, n))
                if len(order) == 8 * self.CALLS:
                    break
            parent.send(b"%d" % hash(tuple(order)))

    async def caller(self, number: int, parent: socket.socket) -> None:
        async with Ksock() as ksock:
            parent.recv(1)

            async def some(server: int) -> None:
                for n in range(server, self.CALLS, 4):
                    text = "%d %d" % (number, n + 1)
                    answer = await ksock.call("$.Ask.S%d" % server, text, timeout=100)
                    assert answer.text == text

            async def tell() -> None:
                for n in range(self.CALLS):
                    await ksock.send_msg(
                        Message("$.Tell.C%d" % number, str(n), flags=kbus.ALL_OR_WAIT)
                    )

            await asyncio.gather(tell(), *(some(server) for server in range(4)))
            assert await ksock.wait_for_msg(0) is None
            assert ksock.sync._expected == {}


if __name__ == "__main__":
    unittest.main()
