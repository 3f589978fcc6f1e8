# SPDX-License-Identifier: GPL-2.0-only
"""The classic Ksock, against the module. Needs /dev/kbus0 to /dev/kbus2.

The numbers are those of section 11 of the specification.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import select
import stat
import unittest
from contextlib import contextmanager
from typing import Iterator

from kbus import (
    ALL_OR_FAIL,
    ALL_OR_WAIT,
    URGENT,
    Announcement,
    Ksock,
    Message,
    MessageId,
    Reply,
    Request,
    Status,
    calc_entire_message_len,
    read_bindings,
    reply_to,
    split_replier_bind_event_data,
    stateful_request,
)
from vectors import names, vectors

EVENT = "$.KBUS.ReplierBindEvent"


@unittest.skipUnless(os.path.exists("/dev/kbus0"), "there is no /dev/kbus0")
class Case(unittest.TestCase):
    def ksock(self, which: int = 0, mode: str = "rw") -> Ksock:
        ksock = Ksock(which, mode)
        self.addCleanup(ksock.close)
        return ksock

    def pair(self) -> tuple[Ksock, Ksock]:
        return self.ksock(), self.ksock()

    @contextmanager
    def refused(self, number: int) -> Iterator[None]:
        with self.assertRaises(OSError) as caught:
            yield
        self.assertEqual(caught.exception.errno, number)

    def next(self, ksock: Ksock) -> Message:
        message = ksock.read_next_msg()
        assert message is not None
        return message


class Opening(Case):
    def test_2_mode_of_the_node(self) -> None:
        self.assertEqual(os.stat("/dev/kbus0").st_mode, 0o20666)

    def test_5_6_10_devices_and_modes(self) -> None:
        for which in range(3):
            for mode, word in (("r", "read"), ("rw", "read/write")):
                ksock = Ksock(which, mode)
                self.assertEqual((ksock.which, ksock.name), (which, "/dev/kbus%d" % which))
                self.assertEqual(ksock.mode, word)
                self.assertEqual(ksock.fileno(), ksock.fd and ksock.fd.fileno())
                self.assertIsNone(ksock.close())  # type: ignore[func-returns-value]  # 12
                self.assertIsNone(ksock.fd)
                self.assertIsNone(ksock.mode)
                ksock.close()

    def test_7_8_9_no_such_device(self) -> None:
        count = next(n for n in range(256) if not os.path.exists("/dev/kbus%d" % n))
        for which in (count, -1):
            for mode in ("r", "rw"):
                with self.assertRaisesRegex(FileNotFoundError, "load the module"):
                    Ksock(which, mode)

    def test_11_no_such_mode(self) -> None:
        for mode in ("fred", "w+", "x"):
            for which in (0, 99):
                with self.assertRaises(ValueError):
                    Ksock(which, mode)

    def test_16_nothing_to_read(self) -> None:
        self.assertEqual(self.ksock(0, "r").read_data(1), b"")

    def test_17_18_19_read_only(self) -> None:
        ksock, message = self.ksock(0, "r"), Message("$.A", b"x")
        for write in (
            lambda: ksock.write_data(message.to_bytes()),
            lambda: ksock.write_msg(message),
            lambda: ksock.send_msg(message),
        ):
            with self.assertRaisesRegex(io.UnsupportedOperation, "File not open for writing"):
                write()

    def test_22_193_194_197_limit(self) -> None:
        ksock = self.ksock(0, "r")
        limit = ksock.max_messages()
        self.assertEqual(ksock.max_messages(), limit)
        self.assertEqual(ksock.set_max_messages(0), limit)
        self.assertEqual(ksock.set_max_messages(limit + 100), limit + 100)
        self.assertEqual(ksock.max_messages(), limit + 100)

    def test_42_with(self) -> None:
        with Ksock() as ksock:
            self.assertIsNotNone(ksock.fd)
        self.assertIsNone(ksock.fd)
        with self.assertRaises(ValueError):
            ksock.ksock_id()

    def test_text(self) -> None:
        ksock = self.ksock()
        number = ksock.ksock_id()
        self.assertEqual(str(ksock), "Ksock device 0, id %d, mode read/write" % number)
        self.assertEqual(repr(ksock), "<Ksock /dev/kbus0 open for read/write>")
        ksock.close()
        self.assertEqual(str(ksock), "Ksock device 0 (closed)")
        self.assertEqual(repr(ksock), "<Ksock /dev/kbus0 closed>")

    def test_246_new_device(self) -> None:
        ksock = self.ksock()
        number = ksock.new_device()
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/kbus%d" % number).st_mode))
        self.assertEqual(self.ksock(number).new_device(), number + 1)
        self.ksock(number + 1)

    def test_remove_device(self) -> None:
        ksock = self.ksock()
        number = ksock.new_device()
        other = self.ksock(number)
        with self.assertRaisesRegex(OSError, "somebody has the bus open"):
            ksock.remove_device(number)
        other.close()
        ksock.remove_device(number)
        with self.assertRaises(OSError) as caught:
            ksock.remove_device(number)
        self.assertEqual(caught.exception.errno, errno.ENXIO)
        self.assertEqual(ksock.new_device(), number)


class Sending(Case):
    def test_23_nothing(self) -> None:
        ksock = self.ksock()
        self.assertEqual(ksock.read_data(1), b"")
        self.assertIsNone(ksock.read_next_msg())
        self.assertEqual(ksock.last_msg_id(), MessageId(0, 0))
        self.assertEqual(ksock.next_msg(), 0)

    def test_24_26_27_33_35_43_own_messages(self) -> None:
        ksock = self.ksock()
        for kind in (Message, Announcement):
            message = kind("$.Fred", b"data")
            ksock.send_msg(message)  # nobody listens
            ksock.bind("$.Fred")
            sent = ksock.send_msg(message)
            self.assertEqual(ksock.last_msg_id(), sent)
            got = self.next(ksock)
            self.assertTrue(got.equivalent(message))
            self.assertEqual(got.id, sent)
            self.assertEqual(got.from_, ksock.ksock_id())
            self.assertIsNone(ksock.read_next_msg())  # 31
            self.assertIsNone(ksock.read_next_msg())
            ksock.unbind("$.Fred")

    def test_28_29_30_38_two(self) -> None:
        one, two = self.pair()
        for ksock in (one, two):
            ksock.bind("$.Fred")
        one.bind("$.William")
        for sender in (one, two):
            sender.send_msg(Message("$.Fred", b"data1234data5678data"))
            for ksock in (one, two):
                self.assertEqual(self.next(ksock).data, b"data1234data5678data")  # 32
        two.send_msg(Message("$.William"))
        self.assertEqual(self.next(one).name, "$.William")
        self.assertIsNone(two.read_next_msg())

    def test_36_37_length_and_copies(self) -> None:
        ksock = self.ksock()
        for _ in range(3):
            ksock.bind("$.Fred")
        sent = ksock.send_msg(Message("$.Fred", b"12345"))
        self.assertEqual(ksock.next_msg(), calc_entire_message_len(6, 5))
        for _ in range(2):
            self.assertEqual(self.next(ksock).id, sent)
        self.assertIsNone(ksock.read_next_msg())

    def test_40_41_iteration(self) -> None:
        ksock = self.ksock()
        ksock.bind("$.Fred")
        for _ in range(2):
            sent = [ksock.send_msg(Message("$.Fred")) for _ in range(5)]
            self.assertEqual([message.id for message in ksock], sent)
            self.assertEqual(list(ksock), [])

    def test_163_164_in_pieces(self) -> None:
        one, two = self.pair()
        two.bind("$.Fred")
        for message in (Message("$.Fred", b"abc"), Message("$.Fred", id=MessageId(9, 9))):
            for byte in message.to_bytes():
                one.write_data(bytes([byte]))
                self.assertEqual(two.num_messages(), 0)
            sent = one.send()
            self.assertTrue(self.next(two).equivalent(message))
            if message.id:
                self.assertEqual(sent, message.id)

    def test_166_write_then_send(self) -> None:
        ksock = self.ksock()
        ksock.bind("$.Fred")
        # Nobody but the Ksock has the message when it is sent.
        ksock.write_msg(Message("$.Fr" + "ed", b"x" * 100))
        ksock.send()
        self.assertEqual(self.next(ksock).data, b"x" * 100)
        ksock.write_msg(Message("$.Fred"))
        ksock.discard()
        with self.refused(errno.ENOMSG):
            ksock.send()

    def test_110_what_was_read_can_be_sent_again(self) -> None:
        one, two = self.pair()
        two.bind("$.Fred")
        for size in range(9):
            one.send_msg(Message("$.Fred", b"x" * size))
            message = self.next(two)
            two.send_msg(message)
            self.assertTrue(self.next(two).equivalent(message))
            # Also when its structure was looked at.
            self.assertEqual(message.msg.data_len, size)
            message.set_urgent()
            two.send_msg(message)
            again = self.next(two)
            self.assertTrue(again.equivalent(message))
            self.assertTrue(again.is_urgent())

    def test_228_229_large(self) -> None:
        ksock = self.ksock()
        ksock.bind("$.Fred")
        for size in (2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192, 8193, 65563):
            data = os.urandom(size)
            ksock.send_msg(Message("$.Fred", data))
            self.assertEqual(self.next(ksock).data, data)

    def test_87_to_100_sizes(self) -> None:
        ksock = self.ksock()
        before = ksock.max_message_size()
        self.addCleanup(lambda: Ksock().set_max_message_size(before))
        most = ksock.set_max_message_size(1)
        self.assertEqual(ksock.max_message_size(), before)
        self.assertEqual(ksock.set_max_message_size(most), most)
        self.assertEqual(ksock.set_max_message_size(100), 100)
        fits = Message("$.Fred", b"")
        self.assertEqual(fits.total_length(), 100)
        ksock.send_msg(fits)
        ksock.write_data(fits.to_bytes())
        ksock.send()
        with self.refused(errno.EMSGSIZE):
            ksock.write_msg(Message("$.Fred", b"1"))
        with self.refused(errno.EMSGSIZE):
            ksock.write_data(Message("$.Fred", b"1").to_bytes())
        with self.refused(errno.EINVAL):
            ksock.set_max_message_size(99)

    def test_153_to_161_ways_to_read(self) -> None:
        ksock = self.ksock()
        ksock.bind("$.Fred")
        for n in range(6):
            ksock.send_msg(Message("$.Fred", b"%d" % n))
        self.assertEqual(self.next(ksock).data, b"0")
        message = ksock.read_msg(ksock.next_msg())
        assert message is not None
        self.assertEqual(message.data, b"1")
        length = ksock.next_msg()
        self.assertEqual(ksock.len_left(), length)
        raw = b"".join(iter(lambda: ksock.read_data(1), b""))
        self.assertEqual(len(raw), length)
        self.assertEqual(ksock.len_left(), 0)
        self.assertEqual(Message.from_bytes(raw).data, b"2")
        ksock.next_msg()  # 159: and leaves it
        waited = ksock.wait_for_msg(1)
        assert waited is not None
        self.assertEqual(waited.data, b"4")
        self.assertEqual(next(ksock).data, b"5")
        self.assertEqual(ksock.next_msg(), 0)
        self.assertIsNone(ksock.read_msg(100))

    def test_wait_for_msg_times_out(self) -> None:
        self.assertIsNone(self.ksock().wait_for_msg(0))
        self.assertIsNone(self.ksock().wait_for_msg(0.01))


class Binding(Case):
    def test_45_null(self) -> None:
        with self.refused(errno.EFAULT):
            fcntl.ioctl(self.ksock().fileno(), Ksock.IOC_UNBIND, 0)

    def test_46_to_83_names(self) -> None:
        """Given as text or as bytes: the same names, and the same errnos."""
        ksock = self.ksock()
        for name, bind, send in names():
            for form in (name, name.encode("latin-1")):
                if bind is None:
                    ksock.bind(form, True)
                    ksock.unbind(form, True)
                else:
                    with self.refused(bind):
                        ksock.bind(form)
                    with self.refused(bind):
                        ksock.unbind(form)
                if not name.startswith("$.") or len(name) < 3:
                    with self.assertRaises(ValueError):
                        Message(form)
                elif send is None:
                    ksock.bind(form)
                    ksock.send_msg(Message(form, "x"))
                    self.assertEqual(self.next(ksock).name, name)
                    self.assertIn((ksock.ksock_id(), False, name), read_bindings({}))
                    ksock.unbind(form)
                else:
                    with self.refused(send):
                        ksock.send_msg(Message(form))
        for row in vectors("names")["not_latin1"]:
            with self.refused(errno.EBADMSG):
                ksock.bind(row["text"])
            self.assertIsNone(ksock.find_replier(row["text"]))

    def test_48_to_58_roles(self) -> None:
        one, two = self.pair()
        for _ in range(4):
            one.bind("$.Fred")
        one.bind("$.Fred", replier=True)
        with self.refused(errno.EADDRINUSE):
            two.bind("$.Fred", True)
        two.bind("$.Fred", False)
        for _ in range(4):
            one.unbind("$.Fred")
        with self.refused(errno.EINVAL):
            one.unbind("$.Fred")
        one.unbind("$.Fred", True)
        two.bind("$.Fred", True)
        two.bind("$.FRED", True)  # 79

    def test_59_to_63_bindings(self) -> None:
        one, two = self.pair()
        names = {one.ksock_id(): "one", two.ksock_id(): "two"}
        before = read_bindings(names)
        one.bind("$.Fred")
        one.bind("$.Fred")
        one.bind("$.Fred.Bob", True)
        two.bind("$.Fred.*")
        wanted = [("one", False, "$.Fred")] * 2 + [
            ("one", True, "$.Fred.Bob"),
            ("two", False, "$.Fred.*"),
        ]
        self.assertEqual(sorted(read_bindings(names)), sorted(before + wanted))
        self.assertIn((two.ksock_id(), False, "$.Fred.*"), read_bindings({}))
        one.close()
        two.close()
        self.assertEqual(read_bindings(names), before)

    def test_84_85_86_wildcards_are_not_sent(self) -> None:
        ksock = self.ksock()
        ksock.bind("$.Fred.*")
        for name in ("$.Fred.*", "$.Fred.%"):
            ksock.write_msg(Message(name))
            with self.refused(errno.EBADMSG):
                ksock.send()
        with self.refused(errno.EBADMSG):
            ksock.send_msg(Message("$.Fred.%"))

    def test_102_to_124_wildcards(self) -> None:
        a, b, c, asker = (self.ksock() for _ in range(4))
        a.bind("$.P.*", True)
        b.bind("$.P.%", True)
        c.bind("$.P.x", True)
        a.bind("$.P.%")
        for name, replier in (("$.P.x", c), ("$.P.y", b), ("$.P.y.z", a)):
            asker.send_msg(Request(name))
            for ksock in (a, b, c):
                got = list(ksock)
                marked = [m for m in got if m.wants_us_to_reply()]
                self.assertEqual(len(marked), int(ksock is replier), name)
                heard = [m for m in got if not m.wants_us_to_reply()]
                self.assertEqual(len(heard), int(ksock is a and name != "$.P.y.z"))

    def test_find_replier(self) -> None:
        one, two = self.pair()
        self.assertIsNone(two.find_replier("$.Fred"))
        one.bind("$.Fred", True)
        self.assertEqual(two.find_replier("$.Fred"), one.ksock_id())
        self.assertEqual(two.find_replier(b"$.Fred"), one.ksock_id())

    def test_289_to_292_unbinding_takes_messages_along(self) -> None:
        ksock = self.ksock()
        ksock.bind("$.*")
        ksock.bind("$.Fred")
        ksock.bind("$.Fred")
        for _ in range(2):
            ksock.send_msg(Message("$.Fred"))
        self.assertEqual(ksock.num_messages(), 6)
        ksock.unbind("$.Fred")
        self.assertEqual(ksock.num_messages(), 4)
        ksock.unbind("$.Fred")
        self.assertEqual(ksock.num_messages(), 2)
        ksock.unbind("$.*")
        self.assertEqual(ksock.num_messages(), 0)


class Asking(Case):
    def test_125_to_140_three_parties(self) -> None:
        asker, listener, replier = self.ksock(), self.ksock(), self.ksock()
        listener.bind("$.*")
        replier.bind("$.Fred", True)
        with self.refused(errno.EADDRNOTAVAIL):  # 129
            asker.send_msg(Request("$.Jim"))
        asker.send_msg(Announcement("$.Fred"))
        self.assertIsNone(replier.read_next_msg())  # 128
        sent = asker.send_msg(Request("$.Fred", b"question"))
        request = self.next(replier)
        self.assertTrue(request.wants_us_to_reply())
        self.assertIs(type(request.cast()), Request)
        reply = reply_to(request, b"answer")
        self.assertEqual(
            reply, Reply("$.Fred", b"answer", to=asker.ksock_id(), in_reply_to=sent)
        )  # 132
        replier.send_msg(reply)
        answer = self.next(asker)
        self.assertEqual((answer.from_, answer.in_reply_to), (replier.ksock_id(), sent))
        self.assertIs(type(answer.cast()), Reply)
        heard = list(listener)
        self.assertEqual([m.is_request() for m in heard], [False, True, False])
        self.assertEqual([m.is_reply() for m in heard], [False, False, True])
        self.assertFalse(any(m.wants_us_to_reply() for m in heard))  # 136
        for ksock in (asker, listener, replier):
            self.assertIsNone(ksock.read_next_msg())

    def test_133_asking_oneself(self) -> None:
        ksock = self.ksock()
        ksock.bind("$.Fred", True)
        ksock.send_msg(Request("$.Fred"))
        ksock.send_msg(reply_to(self.next(ksock)))
        self.assertTrue(self.next(ksock).is_reply())
        self.assertIsNone(ksock.read_next_msg())

    def test_144_145_146_unwanted_replies(self) -> None:
        asker, replier = self.pair()
        replier.bind("$.Fred", True)
        sent = asker.send_msg(Request("$.Fred"))
        request = self.next(replier)
        with self.refused(errno.ECONNREFUSED):
            replier.send_msg(Reply("$.Fred", to=asker.ksock_id(), in_reply_to=sent + 100))
        replier.send_msg(reply_to(request))
        with self.refused(errno.ECONNREFUSED):
            replier.send_msg(reply_to(request))

    def test_148_241_both_roles(self) -> None:
        asker, both = self.pair()
        both.bind("$.Fred", True)
        both.bind("$.Fred")
        asker.send_msg(Request("$.Fred"))
        self.assertEqual([m.wants_us_to_reply() for m in both], [True, False])

    def test_150_151_152_stateful(self) -> None:
        asker, one, two = self.ksock(), self.ksock(), self.ksock()
        one.bind("$.Fred", True)
        asker.send_msg(Request("$.Fred"))
        one.send_msg(reply_to(self.next(one)))
        request = stateful_request(self.next(asker), "$.Fred")
        asker.send_msg(request)
        self.assertTrue(self.next(one).is_stateful_request())
        one.unbind("$.Fred", True)
        with self.refused(errno.EADDRNOTAVAIL):
            asker.send_msg(request)
        two.bind("$.Fred", True)
        with self.refused(errno.EPIPE):
            asker.send_msg(request)

    def test_170_to_185_308_repliers_that_go(self) -> None:
        for how in ("$.KBUS.Replier.GoneAway", "$.KBUS.Replier.Unbound", "$.KBUS.Replier.Ignored"):
            asker, replier = self.pair()
            replier.bind("$.Fred", True)
            sent, number = asker.send_msg(Request("$.Fred")), replier.ksock_id()
            if how.endswith("Unbound"):
                replier.unbind("$.Fred", True)
                self.assertIsNone(replier.read_next_msg())
            elif how.endswith("Ignored"):
                self.next(replier)
            replier.close()
            status = self.next(asker).cast()
            self.assertIs(type(status), Status)
            self.assertEqual(status.name, how)
            self.assertEqual((status.to, status.from_), (asker.ksock_id(), number))
            self.assertEqual(status.in_reply_to, sent)
            self.assertTrue(status.is_synthetic())
            self.assertIsNone(status.data)

    def test_187_to_192_urgent(self) -> None:
        asker, replier = self.pair()
        replier.bind("$.Fred", True)
        replier.bind("$.Jim")
        first = asker.send_msg(Announcement("$.Jim"))
        second = asker.send_msg(Request("$.Fred", flags=URGENT))
        got = list(replier)
        self.assertEqual([m.id for m in got], [second, first])
        self.assertEqual([m.is_urgent() for m in got], [True, False])
        self.assertTrue(got[0].wants_us_to_reply())

    def test_232_to_236_owed(self) -> None:
        asker, replier = self.pair()
        replier.bind("$.Fred", True)
        replier.bind("$.Fred")
        asker.send_msg(Announcement("$.Fred"))
        self.next(replier)
        self.assertEqual(replier.num_unreplied_to(), 0)
        asker.send_msg(Request("$.Fred"))
        request = self.next(replier)
        self.assertEqual(replier.num_unreplied_to(), 1)
        replier.send_msg(reply_to(request))
        self.assertEqual(replier.num_unreplied_to(), 0)


class Limits(Case):
    def test_198_to_201_full(self) -> None:
        asker, full = self.pair()
        self.assertEqual(full.set_max_messages(1), 1)
        full.bind("$.Fred")
        for n in range(2):
            asker.send_msg(Announcement("$.Fred", b"%d" % n))
        self.assertEqual([m.data for m in full], [b"0"])
        full.bind("$.Jim", True)
        asker.send_msg(Request("$.Jim"))
        last = asker.last_msg_id()
        with self.refused(errno.EBUSY):
            asker.send_msg(Request("$.Jim"))
        self.assertGreater(asker.last_msg_id(), last)
        self.assertEqual(full.num_messages(), 1)

    def test_204_to_216_all_or(self) -> None:
        sender, full = self.pair()
        full.set_max_messages(1)
        full.bind("$.Fred")
        with self.refused(errno.EINVAL):
            sender.send_msg(Announcement("$.Fred", flags=ALL_OR_WAIT | ALL_OR_FAIL))
        sender.send_msg(Announcement("$.Fred", flags=ALL_OR_WAIT))
        with self.refused(errno.EBUSY):
            sender.send_msg(Announcement("$.Fred", flags=ALL_OR_FAIL))
        with self.assertRaises(BlockingIOError):
            sender.send_msg(Announcement("$.Fred", flags=ALL_OR_WAIT))
        with self.refused(errno.EALREADY):
            sender.write_msg(Message("$.Fred"))
        self.assertEqual(select.select([], [sender], [], 0)[1], [])
        self.next(full)
        self.assertEqual(select.select([], [sender], [], 1)[1], [sender])
        self.assertEqual(self.next(full).id, sender.last_msg_id())

    def test_212_to_215_room_for_answers(self) -> None:
        asker, replier = self.pair()
        replier.bind("$.Fred", True)
        asker.set_max_messages(1)
        asker.send_msg(Request("$.Fred"))
        with self.refused(errno.ENOLCK):
            asker.send_msg(Request("$.Fred"))
        asker.send_msg(Announcement("$.Fred"))
        replier.send_msg(reply_to(self.next(replier)))
        self.next(asker)
        asker.send_msg(Request("$.Fred"))

    def test_218_a_thousand(self) -> None:
        asker, replier = self.pair()
        for ksock in (asker, replier):
            ksock.set_max_messages(1050)
        replier.bind("$.Fred", True)
        sent = [asker.send_msg(Request("$.Fred")) for _ in range(1000)]
        for request in replier:
            replier.send_msg(reply_to(request))
        self.assertEqual([answer.in_reply_to for answer in asker], sent)

    def test_219_to_227_select(self) -> None:
        one, two = self.pair()
        for ksock in (one, two):
            ksock.bind("$.Fred")
        self.assertEqual(select.select([one, two], [], [], 0)[0], [])
        one.send_msg(Message("$.Fred"))
        readable, writable, _ = select.select([one, two], [one, two], [], 0)
        self.assertEqual((readable, writable), ([one, two], [one, two]))
        self.next(one)
        self.assertEqual(select.select([one, two], [], [], 0)[0], [two])
        self.assertEqual((one.num_messages(), two.num_messages()), (0, 1))

    def test_237_to_245_only_once(self) -> None:
        ksock = self.ksock()
        for _ in range(3):
            ksock.bind("$.Fred")
        self.assertEqual(ksock.want_messages_once(just_ask=True), 0)
        self.assertEqual(ksock.want_messages_once(True), 0)
        self.assertEqual(ksock.want_messages_once(True), 1)
        self.assertEqual(ksock.want_messages_once(just_ask=True), 1)
        ksock.send_msg(Message("$.Fred"))
        self.assertEqual(ksock.num_messages(), 1)
        self.assertEqual(ksock.want_messages_once(False), 1)
        self.assertEqual(ksock.want_messages_once(False, True), 0)
        ksock.send_msg(Message("$.Fred"))
        self.assertEqual(ksock.num_messages(), 4)

    def test_360_verbose(self) -> None:
        ksock = self.ksock(2)
        before = ksock.kernel_module_verbose(just_ask=True)
        self.assertEqual(ksock.kernel_module_verbose(True), before)
        self.assertEqual(ksock.kernel_module_verbose(False), 1)
        self.assertEqual(ksock.kernel_module_verbose(True, True), 0)
        ksock.kernel_module_verbose(bool(before))


class Events(Case):
    def setUp(self) -> None:
        self.switch = Ksock(1)
        self.addCleanup(self.switch.close)
        self.addCleanup(self.switch.report_replier_binds, False)

    def test_249_to_252_switch(self) -> None:
        ksock = self.ksock(1)
        self.assertEqual(ksock.report_replier_binds(True, True), 0)
        self.assertEqual(ksock.report_replier_binds(False, True), 0)
        self.assertEqual(ksock.report_replier_binds(True), 0)
        self.assertEqual(ksock.report_replier_binds(just_ask=True), 1)
        self.assertEqual(ksock.report_replier_binds(False), 1)

    def test_254_to_274_events(self) -> None:
        self.switch.report_replier_binds(True)
        ksock = self.ksock(1)
        ksock.bind(EVENT)
        for replier in (False, True):
            with self.refused(errno.EINVAL):
                ksock.unbind("$.Fred", replier)
        self.assertIsNone(ksock.read_next_msg())
        ksock.bind("$.Fred")
        ksock.bind("$.Fred", True)
        ksock.bind("$.Jim", True)
        ksock.unbind("$.Jim", True)
        number = ksock.ksock_id()
        told = [split_replier_bind_event_data(m.data) for m in ksock]
        self.assertEqual(
            told, [(True, number, "$.Fred"), (True, number, "$.Jim"), (False, number, "$.Jim")]
        )
        ksock.set_max_messages(1)
        ksock.bind("$.Jim", True)
        with self.refused(errno.EAGAIN):  # 257
            ksock.bind("$.Bob", True)
        with self.refused(errno.EADDRINUSE):  # 263
            ksock.bind("$.Jim", True)
        with self.refused(errno.EAGAIN):
            ksock.unbind("$.Jim", True)
        ksock.report_replier_binds(False)
        ksock.bind("$.Bob", True)
        self.assertIn("[Bind '$.Jim' for %d]>" % number, str(self.next(ksock)))
        self.assertIsNone(ksock.read_next_msg())

    def test_276_to_281_events_at_close(self) -> None:
        self.switch.report_replier_binds(True)
        listener, replier = self.ksock(1), self.ksock(1)
        listener.bind(EVENT)
        listener.set_max_messages(1)
        replier.bind("$.Fred", True)
        number = replier.ksock_id()
        replier.close()
        self.assertEqual(listener.num_messages(), 2)
        told = [split_replier_bind_event_data(m.data) for m in listener]
        self.assertEqual(told, [(True, number, "$.Fred"), (False, number, "$.Fred")])


if __name__ == "__main__":
    unittest.main()
