# SPDX-License-Identifier: GPL-2.0-only
"""Calls, repliers, threads, processes and signals, without asyncio. Needs
/dev/kbus0."""

from __future__ import annotations

import errno
import functools
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import unittest
from collections import Counter
from typing import Any, Callable, List

from kbus import ALL_OR_WAIT, Ksock, Message, MessageId, NoAnswer, Request, reply_to


def child(work: Callable[[], object]) -> int:
    """Forks, does that in the child, and gives its pid."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)
    return pid


@unittest.skipUnless(os.path.exists("/dev/kbus0"), "there is no /dev/kbus0")
class Case(unittest.TestCase):
    def setUp(self) -> None:
        logging.getLogger("kbus").setLevel(logging.CRITICAL)
        self.addCleanup(logging.getLogger("kbus").setLevel, logging.NOTSET)

    def ksock(self) -> Ksock:
        ksock = Ksock()
        self.addCleanup(ksock.close)
        return ksock

    def child(self, work: Callable[[], object]) -> int:
        pid = child(work)
        self.addCleanup(self.ended, pid)
        return pid

    def ended(self, pid: int) -> None:
        try:
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
        except ChildProcessError:
            pass  # somebody has waited for it

    def thread(self, work: Callable[[], object]) -> threading.Thread:
        failures: List[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)
                raise

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(lambda: self.assertEqual(failures, []))
        self.addCleanup(thread.join)
        return thread

    def server(self, name: str = "$.Serve") -> Ksock:
        """A Ksock that a thread serves; closing it ends that."""
        ksock = self.ksock()

        @ksock.replier(name)
        def echo(request: Message) -> Any:
            if request.text == "fail":
                raise RuntimeError("as asked")
            return request.data

        self.thread(ksock.serve)
        self.addCleanup(ksock.close)
        return ksock


class Calls(Case):
    def test_first_reply(self) -> None:
        self.server()
        answer = self.ksock().call("$.Serve", "hello")
        self.assertEqual(answer.text, "hello")
        self.assertTrue(answer.is_reply())

    def test_a_whole_request(self) -> None:
        replier = self.server()
        ksock = self.ksock()
        request = Request("$.Serve", b"x", to=replier.ksock_id())
        self.assertEqual(ksock.call(request).data, b"x")
        with self.assertRaises(ValueError):
            ksock.call(Message("$.Serve"))
        with self.assertRaises(TypeError):
            ksock.call(request, b"y")

    def test_nobody_replies(self) -> None:
        with self.assertRaisesRegex(OSError, "nobody replies") as caught:
            self.ksock().call("$.Serve")
        self.assertEqual(caught.exception.errno, errno.EADDRNOTAVAIL)

    def test_what_else_arrives_keeps_its_order(self) -> None:
        ksock, replier = self.ksock(), self.ksock()
        ksock.bind("$.Other")
        replier.bind("$.Serve", True)
        sent: List[Any] = []

        def reply() -> None:
            request = replier.wait_for_msg()
            assert request is not None
            sent.extend(replier.announce("$.Other", b"%d" % n) for n in range(3))
            replier.send_msg(reply_to(request))
            sent.extend(replier.announce("$.Other", b"%d" % n) for n in range(3, 6))

        sent.append(replier.announce("$.Other", "before"))
        thread = self.thread(reply)
        ksock.call("$.Serve")
        thread.join()
        self.assertEqual(ksock.num_messages(), 7)
        # All ways to take messages, those in pieces included.
        first = ksock.read_msg(ksock.next_msg())
        length = ksock.next_msg()
        self.assertEqual(ksock.len_left(), length)
        second = Message.from_bytes(b"".join(iter(lambda: ksock.read_data(7), b"")))
        self.assertEqual(ksock.len_left(), 0)
        third = ksock.wait_for_msg()
        assert first is not None
        assert third is not None
        ids = [first.id, second.id, third.id, *(message.id for message in ksock)]
        self.assertEqual(ids, sent)

    def test_what_else_arrives_is_kept_up_to_a_limit(self) -> None:
        """Then a call says so; nothing is lost, and the next one sends nothing."""
        self.server()
        ksock, teller = self.ksock(), self.ksock()
        ksock.bind("$.Other")
        sent: List[MessageId] = []

        def tell() -> None:
            sent.extend(teller.announce("$.Other") for _ in range(90))

        for _ in range(11):
            tell()
            ksock.call("$.Serve")
        tell()
        with self.assertRaisesRegex(OSError, "1000 messages") as caught:
            ksock.call("$.Serve")
        self.assertEqual(caught.exception.errno, errno.ENOBUFS)
        # They are at the bus, and so is the answer, in time or later.
        self.assertGreaterEqual(ksock._number(ksock.IOC_NUMMSGS, "NumMessages"), 80)
        last = ksock.last_msg_id()
        with self.assertRaisesRegex(OSError, "1000 messages") as caught:
            ksock.call("$.Serve")
        self.assertEqual(caught.exception.errno, errno.ENOLCK)
        self.assertEqual(ksock.last_msg_id(), last)
        # Whoever lets more wait at the bus lets more wait here.
        ksock.set_max_messages(1100)
        ksock.call("$.Serve")
        self.assertEqual([message.id for message in ksock], sent)
        self.assertEqual(ksock._expected, {})

    def test_an_id_that_is_in_use(self) -> None:
        """Answers to two requests with the same id are the same to everybody."""
        ksock, replier = self.ksock(), self.ksock()
        replier.bind("$.Serve", True)
        request = Request("$.Serve", id=MessageId(7, 1))
        answers: List[str] = []
        thread = self.thread(lambda: answers.append(ksock.call(request).text))
        first = replier.wait_for_msg()
        assert first is not None
        with self.assertRaisesRegex(ValueError, r"\[7:1\] has no answer yet"):
            ksock.call(request)
        self.assertIsNone(replier.read_next_msg())
        replier.send_msg(reply_to(first, "first"))
        thread.join()
        self.assertEqual(answers, ["first"])
        # Also when the call was given up, until its answer has come.
        with self.assertRaises(TimeoutError):
            ksock.call(request, timeout=0.01)
        with self.assertRaises(ValueError):
            ksock.call(request)
        late = replier.read_next_msg()
        assert late is not None
        replier.send_msg(reply_to(late, "late"))
        self.assertIsNone(ksock.read_next_msg())
        with self.assertRaises(TimeoutError):
            ksock.call(request, timeout=0.01)

    def test_timeout_drops_the_late_answer(self) -> None:
        ksock, replier = self.ksock(), self.ksock()
        replier.bind("$.Serve", True)
        with self.assertRaises(TimeoutError):
            ksock.call("$.Serve", timeout=0.01)
        late = replier.read_next_msg()
        assert late is not None
        replier.send_msg(reply_to(late, "late"))
        self.assertIsNone(ksock.read_next_msg())
        self.assertEqual(ksock._expected, {})
        self.assertIsNone(ksock.wait_for_msg(0))

    def test_status_is_no_answer(self) -> None:
        for name, words in (("GoneAway", "before it took"), ("Ignored", "did not answer")):
            replier = self.ksock()
            replier.bind("$.Serve", True)

            def leave(replier: Ksock = replier, name: str = name) -> None:
                select.select([replier], [], [])
                if name == "Ignored":
                    replier.read_next_msg()
                replier.close()

            self.thread(leave)
            with self.assertRaisesRegex(NoAnswer, words) as caught:
                self.ksock().call("$.Serve")
            self.assertEqual(caught.exception.status.name, "$.KBUS.Replier." + name)

    def test_waiting_for_room(self) -> None:
        ksock, replier, other = self.ksock(), self.ksock(), self.ksock()
        replier.bind("$.Serve", True)
        replier.set_max_messages(1)
        other.send_msg(Request("$.Serve"))
        with self.assertRaises(TimeoutError):
            ksock.call(Request("$.Serve", flags=ALL_OR_WAIT), timeout=0.01)
        self.assertEqual(ksock._expected, {})
        ksock.announce("$.Any")  # nothing is half sent

        def reply() -> None:
            for _ in range(2):
                request = replier.wait_for_msg()
                assert request is not None
                replier.send_msg(reply_to(request, request.data))

        thread = threading.Timer(0.05, reply)
        thread.start()
        answer = ksock.call(Request("$.Serve", b"x", flags=ALL_OR_WAIT), timeout=60)
        self.assertEqual(answer.data, b"x")
        thread.join()

    def test_closing_tells_who_waits(self) -> None:
        ksock = self.ksock()
        replier = self.ksock()
        replier.bind("$.Serve", True)
        threads = [
            self.thread(lambda: self.assertRaises(ValueError, ksock.wait_for_msg)),
            self.thread(lambda: self.assertRaises(ValueError, ksock.call, "$.Serve")),
        ]
        replier.wait_for_msg()
        ksock.close()
        for thread in threads:
            thread.join()


class Replying(Case):
    def test_values(self) -> None:
        ksock = self.ksock()
        values = {
            "$.V.Bytes": (b"\0\1", b"\0\1"),
            "$.V.Text": ("ü", "ü".encode()),
            "$.V.None": (None, None),
            "$.V.Json": ({"a": [1, 2]}, b'{"a":[1,2]}'),
            "$.V.Array": (bytearray(b"x"), b"x"),
        }
        for name, (value, _) in values.items():
            ksock.replier(name)(lambda request, value=value: value)
        ksock.replier("$.V.Message")(lambda request: reply_to(request, "own", flags=0x10000))
        self.thread(ksock.serve)
        self.addCleanup(ksock.close)
        asker = self.ksock()
        for name, (_, data) in values.items():
            self.assertEqual(asker.call(name).data, data)
        self.assertEqual(asker.call("$.V.Json").json(), {"a": [1, 2]})
        self.assertEqual(asker.call("$.V.Message").flags, 0x10000)

    def test_failures_are_seen_and_logged(self) -> None:
        ksock = self.server()
        ksock.replier("$.Wrong")(lambda request: Message("$.Other"))
        ksock.replier("$.Type")(lambda request: object())
        ksock.replier("$.Huge")(lambda request: bytes(1 << 20))
        asker = self.ksock()
        logging.getLogger("kbus").setLevel(logging.NOTSET)
        for name, words in (
            ("$.Serve", "did not answer it: RuntimeError: as asked"),
            ("$.Wrong", "ValueError"),
            ("$.Type", "TypeError"),
            ("$.Huge", "OSError"),
        ):
            with self.assertLogs("kbus", "ERROR") as logged:
                with self.assertRaisesRegex(NoAnswer, words) as caught:
                    asker.call(name, "fail")
                self.assertFalse(caught.exception.status.is_synthetic())
            self.assertIn("Traceback", logged.output[0])
        self.assertEqual(asker.call("$.Serve", "fine").text, "fine")
        self.assertEqual(ksock.num_unreplied_to(), 0)

    def test_which_function(self) -> None:
        ksock = self.ksock()
        for name in ("$.R.*", "$.R.%", "$.R.x", "$.*"):
            ksock.replier(name)(lambda request, name=name: name)
        self.thread(ksock.serve)
        self.addCleanup(ksock.close)
        asker = self.ksock()
        for asked, replier in (
            ("$.R.x", "$.R.x"),
            ("$.R.y", "$.R.%"),
            ("$.R.y.z", "$.*"),  # the newest, as the bus has it
            ("$.Q", "$.*"),
        ):
            self.assertEqual(asker.call(asked).text, replier)

    def test_bound_by_hand(self) -> None:
        ksock = self.server()
        ksock.bind("$.Byhand", True)
        with self.assertRaisesRegex(NoAnswer, "LookupError"):
            self.ksock().call("$.Byhand")

    def test_other_messages(self) -> None:
        ksock = self.ksock()
        heard: List[str] = []
        ksock.bind("$.Tell")
        ksock.replier("$.Ask")(lambda request: None)
        self.thread(lambda: ksock.serve(lambda message: heard.append(message.text)))
        self.addCleanup(ksock.close)
        asker = self.ksock()
        for n in range(10):
            asker.announce("$.Tell", str(n))
        asker.call("$.Ask")
        self.assertEqual(heard, [str(n) for n in range(10)])

    def test_who_asked_has_gone(self) -> None:
        ksock = self.ksock()
        ksock.replier("$.Ask")(lambda request: "too late")
        asker = Ksock()
        asker.send_msg(Request("$.Ask"))
        asker.close()
        request = ksock.wait_for_msg()
        assert request is not None
        ksock.handle(request)

    def test_interrupted_while_answering(self) -> None:
        ksock, asker = self.ksock(), self.ksock()

        @ksock.replier("$.Ask")
        def interrupt(request: Message) -> None:
            raise KeyboardInterrupt

        asker.send_msg(Request("$.Ask"))
        with self.assertRaises(KeyboardInterrupt):
            ksock.serve()
        answer = asker.read_next_msg()
        assert answer is not None
        self.assertEqual(answer.name, "$.KBUS.Replier.Ignored")


class Threads(Case):
    def test_many_callers_one_ksock(self) -> None:
        """Calls of several threads through one Ksock, served by several
        threads of another, while one more takes the announcements."""
        threads, calls = 6, 60
        server, ksock = self.server(), self.ksock()
        listened: List[int] = []
        self.thread(server.serve)
        self.addCleanup(server.close)
        ksock.set_max_messages(10000)
        ksock.bind("$.Tell")
        teller = self.ksock()

        def call(thread: int) -> None:
            for n in range(calls):
                text = "%d %d" % (thread, n)
                self.assertEqual(ksock.call("$.Serve", text).text, text)

        def listen() -> None:
            while len(listened) < threads * calls:
                message = ksock.wait_for_msg()
                assert message is not None
                self.assertFalse(message.is_reply())
                listened.append(int(message.text))

        running = [self.thread(functools.partial(call, n)) for n in range(threads)]
        running.append(self.thread(listen))
        for n in range(threads * calls):
            teller.announce("$.Tell", str(n))
        for thread in running:
            thread.join()
        self.assertEqual(listened, list(range(threads * calls)))
        self.assertEqual(ksock._expected, {})

    def test_a_reader_does_not_take_an_answer_from_a_call(self) -> None:
        """Whoever finds it, it is the call's, which is told so."""
        self.server()
        ksock = self.ksock()

        def call() -> None:
            for n in range(300):
                self.assertEqual(ksock.call("$.Serve", str(n), timeout=50).text, str(n))

        thread = self.thread(call)
        while thread.is_alive():
            self.assertIsNone(ksock.read_next_msg())

    def test_senders(self) -> None:
        """Messages of several threads through one Ksock stay whole, and those
        of one thread in order."""
        ksock, listener = self.ksock(), self.ksock()
        listener.set_max_messages(10000)
        listener.bind("$.Tell.*")

        def tell(thread: int) -> None:
            for n in range(200):
                ksock.announce("$.Tell.T%d" % thread, "%d" % n * (n % 50))

        for thread in [self.thread(functools.partial(tell, n)) for n in range(4)]:
            thread.join()
        count: Counter[str] = Counter()
        for message in listener:
            n = count[message.name]
            self.assertEqual(message.text, "%d" % n * (n % 50))
            count[message.name] += 1
        self.assertEqual(sum(count.values()), 800)


class Processes(Case):
    def test_a_child_shares_the_ksock(self) -> None:
        ksock, listener = self.ksock(), self.ksock()
        listener.bind("$.Tell")
        ksock.bind("$.Ask", True)
        number = ksock.ksock_id()

        def work() -> None:
            assert ksock.ksock_id() == number
            ksock.announce("$.Tell", "from the child")
            request = ksock.wait_for_msg()
            assert request is not None
            ksock.send_msg(reply_to(request, "answer"))

        pid = self.child(work)
        ksock.close()  # but the child has it
        message = listener.wait_for_msg()
        assert message is not None
        self.assertEqual((message.from_, message.text), (number, "from the child"))
        self.assertEqual(listener.call("$.Ask").text, "answer")
        self.ended(pid)
        self.assertIsNone(listener.find_replier("$.Ask"))

    def test_fork_while_threads_wait(self) -> None:
        """A child gets neither the locks that threads held nor their messages."""
        ksock = self.server()
        asker = self.ksock()
        asker.bind("$.Tell")
        asker.announce("$.Tell", "mine")
        asker.call("$.Serve")
        self.assertEqual(len(asker._deferred), 1)

        def work() -> None:
            assert ksock.num_unreplied_to() == 0
            assert asker.read_next_msg() is None
            with Ksock() as own:
                assert own.call("$.Serve", "child").text == "child"

        for _ in range(5):
            self.ended(self.child(work))
        self.assertEqual(len(list(asker)), 1)
        self.assertEqual(asker.call("$.Serve", "parent").text, "parent")

    def test_not_inherited_by_other_programs(self) -> None:
        ksock = self.ksock()
        code = "import os; os.fstat(%d)" % ksock.fileno()
        done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, close_fds=False)
        self.assertNotEqual(done.returncode, 0)

    def test_a_replier_is_killed(self) -> None:
        """Again and again, at any moment: every call has one outcome."""
        asker = self.ksock()
        outcomes: Counter[str] = Counter()
        for turn in range(12):
            ready, tell = socket.socketpair()

            def work(tell: socket.socket = tell) -> None:
                with Ksock() as ksock:
                    ksock.replier("$.Ask")(lambda request: "answer")
                    tell.send(b"!")
                    ksock.serve()

            pid = child(work)
            ready.recv(1)
            killer = threading.Timer(0.005 * turn, os.kill, (pid, signal.SIGKILL))
            killer.start()
            try:
                while True:
                    outcomes[asker.call("$.Ask", timeout=60).text] += 1
            except NoAnswer as error:
                outcomes[error.status.name] += 1
                self.assertTrue(error.status.is_synthetic())
            except OSError as error:
                self.assertEqual(error.errno, errno.EADDRNOTAVAIL)
                outcomes["EADDRNOTAVAIL"] += 1
            killer.join()
            os.waitpid(pid, 0)
            ready.close()
            tell.close()
            self.assertIsNone(asker.read_next_msg())
        self.assertEqual(asker._expected, {})
        self.assertEqual(sum(outcomes.values()) - outcomes["answer"], 12)


class Signals(Case):
    def test_ctrl_c_ends_waiting(self) -> None:
        ksock = self.ksock()
        main = threading.main_thread().ident
        assert main is not None
        for wait in (ksock.wait_for_msg, lambda: ksock.call("$.Ask")):
            replier = self.ksock()
            replier.bind("$.Ask", True)
            timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
            timer.start()
            with self.assertRaises(KeyboardInterrupt):
                wait()
            timer.join()
            replier.close()
        # The call was given up, so its answer is nobody's.
        self.assertIsNone(ksock.read_next_msg())
        self.assertEqual(ksock._expected, {})

    def test_other_signals_do_not(self) -> None:
        seen: List[int] = []
        before = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        ksock = self.ksock()
        ksock.bind("$.Tell")

        def disturb() -> None:
            for _ in range(5):
                os.kill(os.getpid(), signal.SIGUSR1)
            with Ksock() as teller:
                teller.announce("$.Tell")

        timer = threading.Timer(0.02, disturb)
        timer.start()
        self.assertIsNotNone(ksock.wait_for_msg())
        timer.join()
        self.assertGreater(len(seen), 0)

    def test_exceptions_at_any_moment_lose_and_double_nothing(self) -> None:
        """A handler that raises, while messages are taken as fast as can be."""

        class Now(Exception):
            pass

        def now(number: int, frame: Any) -> None:
            # Where the message is ours already, nobody can give it back. That
            # begins in _fetch: Python 3.9 looks for signals before it returns.
            name = frame.f_code.co_name
            if frame.f_code.co_filename.endswith("ksock.py") and (
                name in ("_ioctl", "_number", "_sleep")
                or (name == "_fetch" and ksock._length.value)
            ):
                interrupted.append(name)
                raise Now

        interrupted: List[str] = []
        count = 2000
        ksock, teller = self.ksock(), self.ksock()
        ksock.bind("$.Tell")
        ksock.set_max_messages(count + 1)
        for n in range(count):
            teller.announce("$.Tell", str(n))
        before = signal.signal(signal.SIGALRM, now)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        got: List[int] = []
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0007)
        try:
            while len(got) < count:
                try:
                    message = ksock.wait_for_msg(0)
                except Now:
                    continue
                assert message is not None
                got.append(int(message.text))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self.assertEqual(got, list(range(count)))
        self.assertGreater(len(interrupted), 0)
        self.assertIsNone(ksock.read_next_msg())


class SystemCalls(Case):
    @unittest.skipUnless(os.path.exists("/usr/bin/strace"), "there is no strace")
    def test_no_more_than_the_c_library(self) -> None:
        """A call is five: write, SEND, poll, NEXTMSG, read. So is answering."""
        self.server("$.Other")
        code = (
            "import kbus, os\n"
            "ksock = kbus.Ksock()\n"
            "ksock.call('$.Other', 'x')\n"
            "os.getppid()\n"
            "for n in range(100): ksock.call('$.Other', 'x')\n"
            "os.getppid()\n"
        )
        done = subprocess.run(
            ["strace", "-o", "/tmp/calls", sys.executable, "-c", code], check=False
        )
        self.assertEqual(done.returncode, 0)
        with open("/tmp/calls", encoding="utf-8") as file:
            lines = [line.split("(")[0] for line in file]
        first = lines.index("getppid")
        calls = Counter(lines[first + 1 : lines.index("getppid", first + 1)])
        # Memory is not of our doing.
        for other in ("brk", "mmap", "munmap", "madvise"):
            calls.pop(other, None)
        self.assertEqual(calls, {"write": 100, "ioctl": 200, "poll": 100, "read": 100})


class Importing(unittest.TestCase):
    def test_what_takes_its_time_is_not_imported(self) -> None:
        """How long it takes is in the bench."""
        code = (
            "import sys\n"
            "before = set(sys.modules)\n"
            "import kbus\n"
            "print(*set(sys.modules) - before)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
        modules = set(done.stdout.decode().split())
        self.assertIn("kbus.ksock", modules)
        slow = {"asyncio", "enum", "inspect", "json", "logging", "re", "socket", "typing"}
        self.assertEqual(modules & slow, set())


if __name__ == "__main__":
    unittest.main()
