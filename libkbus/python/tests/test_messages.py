# SPDX-License-Identifier: GPL-2.0-only
"""Message objects. The numbers are those of section 11 of the specification."""

from __future__ import annotations

import doctest
import subprocess
import sys
import unittest

import kbus
from kbus import layout, messages
from kbus.messages import (
    ALL_OR_FAIL,
    ALL_OR_WAIT,
    END_GUARD,
    MSG_HEADER_LEN,
    START_GUARD,
    SYNTHETIC,
    URGENT,
    WANT_A_REPLY,
    WANT_YOU_TO_REPLY,
    Announcement,
    Message,
    MessageId,
    OrigFrom,
    Reply,
    Request,
    Status,
    _MessageHeaderStruct,
    _pointy_message_from_bytes,
    _struct_from_bytes,
    _struct_to_bytes,
    hexdata,
    hexify,
    message_from_parts,
    reply_to,
    split_replier_bind_event_data,
    stateful_request,
)


def received(*args: object, **kwargs: object) -> Message:
    """A message as if it had been read."""
    return Message.from_bytes(Message(*args, **kwargs).to_bytes())  # type: ignore[arg-type]


class Ids(unittest.TestCase):
    def test_309_network_before_serial(self) -> None:
        self.assertLess(MessageId(0, 9), MessageId(1, 1))
        self.assertLess(MessageId(1, 1), MessageId(1, 2))
        self.assertGreater(MessageId(2, 0), MessageId(1, 2))
        self.assertEqual(MessageId(1, 2), MessageId(1, 2))
        self.assertNotEqual(MessageId(1, 2), MessageId(1, 3))
        self.assertNotEqual(MessageId(1, 2), MessageId(2, 2))
        self.assertNotEqual(MessageId(1, 2), (1, 2))
        self.assertNotEqual(MessageId(1, 2), OrigFrom(1, 2))
        self.assertLessEqual(MessageId(1, 2), MessageId(1, 2))
        self.assertGreaterEqual(MessageId(1, 2), MessageId(1, 2))
        with self.assertRaises(TypeError):
            MessageId(1, 2) < 3  # noqa: B015

    def test_310_addition_makes_a_new_one(self) -> None:
        first = MessageId(3, 4)
        self.assertEqual(first + 5, MessageId(3, 9))
        self.assertEqual(first, MessageId(3, 4))

    def test_text(self) -> None:
        self.assertEqual(str(MessageId(1, 2)), "[1:2]")
        self.assertEqual(repr(MessageId(1, 2)), "MessageId(1, 2)")

    def test_312_orig_from(self) -> None:
        self.assertEqual(repr(OrigFrom(1, 2)), "OrigFrom(1, 2)")
        self.assertEqual(str(OrigFrom(1, 2)), "(1,2)")
        self.assertLess(OrigFrom(0, 9), OrigFrom(1, 1))
        self.assertEqual(OrigFrom(1, 2), OrigFrom(1, 2))
        self.assertNotEqual(OrigFrom(1, 2), OrigFrom(1, 3))

    def test_as_keys(self) -> None:
        self.assertEqual({MessageId(0, 1): "x"}[MessageId(0, 1)], "x")


class Words(unittest.TestCase):
    def test_313_hexdata(self) -> None:
        self.assertEqual(hexdata(b"ab c\x03\xff~"), "ab\\x20c\\x03\\xff~")
        self.assertEqual(hexdata("ab"), "ab")

    def test_314_hexify(self) -> None:
        self.assertEqual(hexify(b"1234"), "31 32 33 34")
        self.assertEqual(hexify("1234"), "31 32 33 34")
        self.assertEqual(hexify(b""), "")

    def test_doctests(self) -> None:
        for module in (kbus, layout, messages):
            failed, tried = doctest.testmod(module)
            self.assertGreater(tried, 0)
            self.assertEqual(failed, 0)


class Structures(unittest.TestCase):
    def header(self) -> _MessageHeaderStruct:
        return _MessageHeaderStruct(
            START_GUARD,
            MessageId(1, 2),
            MessageId(3, 4),
            5,
            6,
            OrigFrom(7, 8),
            OrigFrom(9, 10),
            0,
            11,
            6,
            3,
            b"$.Fred",
            b"a\0b",
            END_GUARD,
        )

    def test_300_fields(self) -> None:
        header = self.header()
        self.assertEqual(header.start_guard, START_GUARD)
        self.assertEqual(header.id, MessageId(1, 2))
        self.assertEqual(header.in_reply_to, MessageId(3, 4))
        self.assertEqual((header.to, header.from_), (5, 6))
        self.assertEqual((header.orig_from, header.final_to), (OrigFrom(7, 8), OrigFrom(9, 10)))
        self.assertEqual((header.extra, header.flags), (0, 11))
        self.assertEqual((header.name_len, header.data_len), (6, 3))
        self.assertEqual(header.name, b"$.Fred")
        self.assertEqual(header.end_guard, END_GUARD)

    def test_301_bytes_and_back(self) -> None:
        header = self.header()
        raw = _struct_to_bytes(header)
        self.assertEqual(len(raw), MSG_HEADER_LEN)
        self.assertEqual(_struct_from_bytes(_MessageHeaderStruct, raw), header)
        self.assertEqual(_pointy_message_from_bytes(raw), header)

    def test_302_default_is_zero(self) -> None:
        header = _MessageHeaderStruct()
        self.assertEqual(_struct_to_bytes(header), bytes(MSG_HEADER_LEN))
        self.assertIsNone(header.name)

    def test_303_equal_structures(self) -> None:
        one, two = Message("$.Fred", b"12345678"), Message("$.Fred", b"12345678")
        self.assertEqual(one, two)
        self.assertEqual(one.msg, two.msg)
        self.assertEqual(one.msg.name, two.msg.name)
        self.assertNotEqual(one.msg, Message("$.Fred", b"12345679").msg)
        self.assertNotEqual(one.msg, Message("$.Fret", b"12345678").msg)
        read = Message.from_bytes(one.to_bytes())
        self.assertEqual(read.msg, Message.from_bytes(two.to_bytes()).msg)
        self.assertNotEqual(
            read.msg, Message.from_bytes(Message("$.Fred", b"1234567x").to_bytes()).msg
        )

    def test_structure_of_what_was_read(self) -> None:
        message = received("$.ab", b"xyz", id=(0, 4))
        structure = message.msg
        self.assertEqual(structure.id, MessageId(0, 4))
        self.assertIsNone(structure.name)
        raw = _struct_to_bytes(structure)
        self.assertEqual(raw[: message.total_length()], message.to_bytes())
        # What is changed there is changed in the message.
        structure.flags |= URGENT
        self.assertTrue(message.is_urgent())

    def test_message_from_parts(self) -> None:
        message = Message("$.A", b"x", to=3, id=(0, 2))
        self.assertEqual(message_from_parts(*message.extract()), message.msg)


class Construction(unittest.TestCase):
    def test_295_equality(self) -> None:
        self.assertEqual(Message("$.Fred", b"1234"), Message("$.Fred", b"1234"))
        self.assertNotEqual(Message("$.Fred", b"1234"), Message("$.Jim", b"1234"))
        self.assertNotEqual(Message("$.Fred"), "$.Fred")

    def test_equality_looks_at_everything_but_the_class(self) -> None:
        base = Message("$.A", b"x", 1, 2, (3, 4), (5, 6), (7, 8), 9, (10, 11))
        self.assertEqual(base, Reply.from_message(base))
        self.assertEqual(Message("$.A", flags=1), Request("$.A"))
        for what, value in (
            ("name", "$.B"),
            ("data", b"y"),
            ("to", 0),
            ("from_", 0),
            ("orig_from", 0),
            ("final_to", 0),
            ("in_reply_to", 0),
            ("flags", 0),
            ("id", 0),
        ):
            self.assertNotEqual(base, Message.from_message(base, **{what: value}), what)
        self.assertTrue(base.equivalent(Message("$.A", b"x", to=1, from_=99)))
        self.assertFalse(base.equivalent(Message("$.A", b"x", to=2)))

    def test_304_data(self) -> None:
        for data in (b"1234", b"12345678", b"123456781234567812345678", b"\0\1\0"):
            message = Message("$.Fred", data)
            self.assertEqual(message.data, data)
            self.assertEqual(Message.from_bytes(message.to_bytes()).data, data)
            self.assertEqual(len(message.to_bytes()), message.total_length())

    def test_315_repr_of_a_name(self) -> None:
        self.assertEqual(repr(Message("$.Fred")), "Message('$.Fred')")

    def test_316_repr_of_data(self) -> None:
        self.assertEqual(repr(Message("$.Fred", "1234")), "Message('$.Fred', data=b'1234')")

    def test_repr_of_all(self) -> None:
        message = Message("$.A", b"12", 9, 8, (1, 2), (3, 4), (0, 3), 1, (0, 33))
        self.assertEqual(
            repr(message),
            "Message('$.A', data=b'12', to=9, from_=8, orig_from=OrigFrom(1, 2), "
            "final_to=OrigFrom(3, 4), in_reply_to=MessageId(0, 3), flags=0x00000001, "
            "id=MessageId(0, 33))",
        )
        self.assertEqual(eval(repr(message)), message)

    def test_317_copies(self) -> None:
        for message in (
            Message("$.Fred", b"1234"),
            received("$.Fred", b"12345", flags=1, id=(0, 2)),
        ):
            self.assertEqual(Message.from_message(message), message)
            self.assertEqual(Message.from_sequence(message.extract()), message)
            self.assertEqual(Message.from_sequence(list(message.extract())), message)
            self.assertEqual(Message.from_bytes(message.to_bytes()), message)
        with self.assertRaises(ValueError):
            Message.from_sequence((1, 2, 3))

    def test_319_too_short(self) -> None:
        with self.assertRaises(ValueError):
            Message.from_bytes(b"12345678")
        whole = Message("$.Fred", b"1234").to_bytes()
        with self.assertRaises(ValueError):
            Message.from_bytes(whole[:-8])

    def test_320_no_guard(self) -> None:
        with self.assertRaises(ValueError):
            Message.from_bytes(b"1234" + Message("$.Fred").to_bytes()[4:])

    def test_pointers_in_bytes_are_not_followed(self) -> None:
        pointy = _struct_to_bytes(Message("$.Fred", b"1234").msg) + bytes(32)
        self.assertEqual(Message.from_bytes(pointy).data, bytes(4))

    def test_322_zero_overrides(self) -> None:
        self.assertEqual(Message.from_message(Message("$.A", to=3), to=0).to, 0)

    def test_323_none_does_not(self) -> None:
        message = Message("$.A", in_reply_to=MessageId(0, 3))
        copy = Message.from_message(message, in_reply_to=None)
        self.assertEqual(copy.in_reply_to, MessageId(0, 3))

    def test_324_clearing_through_extract(self) -> None:
        parts = list(Message("$.A", in_reply_to=MessageId(0, 3)).extract())
        parts[1] = None
        self.assertIsNone(Message.from_sequence(parts).in_reply_to)

    def test_325_unset(self) -> None:
        message = Message("$.A")
        self.assertIsNone(message.id)
        self.assertIsNone(message.in_reply_to)
        self.assertIsNone(message.orig_from)
        self.assertIsNone(message.final_to)
        self.assertIsNone(message.data)
        self.assertEqual((message.to, message.from_, message.flags), (0, 0, 0))
        with self.assertRaises(AttributeError):
            message.to = 3  # type: ignore[misc]

    def test_327_override_flags(self) -> None:
        message = Message.from_message(Message("$.Fred", b"1"), flags=1)
        self.assertEqual(repr(message), "Message('$.Fred', data=b'1', flags=0x00000001)")

    def test_names(self) -> None:
        for name in ("", "$", "$.", "Fred", "x.Fred"):
            with self.assertRaises(ValueError):
                Message(name)
        # Letters are those of Latin-1, each one byte; see test_vectors, too.
        self.assertEqual(Message("$.é").to_bytes()[MSG_HEADER_LEN:][:4], b"$.\xe9\0")
        self.assertEqual(Message(b"$.\xe9").name, "$.é")
        latin = Message(b"$.\xe9")
        self.assertEqual(Message.from_message(latin).to_bytes(), latin.to_bytes())

    def test_to_bytes_counts_bytes_not_characters(self) -> None:
        message = Message("$.ééé")
        self.assertEqual(len(message.to_bytes()), message.total_length())
        self.assertEqual(Message.from_bytes(message.to_bytes()).name, "$.ééé")

    def test_encoding(self) -> None:
        self.assertEqual(Message("$.A", "é").data, b"\xc3\xa9")
        self.assertEqual(Message("$.A", "é", encoding="latin-1").data, b"\xe9")
        self.assertEqual(Message("$.A", "é", encoding="ascii", errors="replace").data, b"?")
        with self.assertRaises(UnicodeEncodeError):
            Message("$.A", "é", encoding="ascii")
        with self.assertRaises(TypeError):
            Message("$.A", 3)  # type: ignore[arg-type]

    def test_text_and_json(self) -> None:
        self.assertEqual(Message("$.A", "Grüße").text, "Grüße")
        self.assertEqual(Message("$.A").text, "")
        self.assertEqual(Message("$.A", '{"a": [1, null]}').json(), {"a": [1, None]})
        self.assertIsNone(Message("$.A").json())
        self.assertEqual(kbus.encode({"a": "ü"}), '{"a":"ü"}')
        self.assertEqual(kbus.encode(b"x"), b"x")
        self.assertEqual(kbus.encode("x"), "x")
        self.assertIsNone(kbus.encode(None))
        self.assertEqual(kbus.encode(0), "0")


class Kinds(unittest.TestCase):
    def test_announcement(self) -> None:
        self.assertEqual(Announcement("$.A", b"x"), Message("$.A", b"x"))
        for what in ("in_reply_to", "orig_from", "final_to"):
            with self.assertRaises(TypeError):  # 328
                Announcement("$.A", **{what: MessageId(0, 1)})  # type: ignore[arg-type]
        other = Message("$.A", b"x", 0, 3, (1, 2), (3, 4), (5, 6))
        self.assertEqual(Announcement.from_message(other), Message("$.A", b"x", from_=3))
        self.assertEqual(Announcement.from_bytes(other.to_bytes()), Message("$.A", b"x", from_=3))
        with self.assertRaises(TypeError):
            Announcement("$.A").set_want_reply()

    def test_request(self) -> None:
        with self.assertRaises(TypeError):  # 330
            Request("$.A", in_reply_to=MessageId(0, 1))  # type: ignore[call-arg]
        self.assertEqual(Request("$.A", flags=2).flags, 3)  # 332
        plain = Message("$.A", b"x")
        self.assertTrue(Request.from_bytes(plain.to_bytes()).is_request())  # 333
        self.assertTrue(Request.from_message(plain).is_request())
        with self.assertRaises(TypeError):
            Request("$.A").set_want_reply(False)

    def test_334_stateful_request(self) -> None:
        request = Request("$.A", b"x", to=5, final_to=OrigFrom(2, 3))
        self.assertEqual((request.to, request.final_to), (5, OrigFrom(2, 3)))
        self.assertTrue(request.is_stateful_request())
        self.assertEqual(
            repr(request),
            "Request('$.A', data=b'x', to=5, final_to=OrigFrom(2, 3), flags=0x00000001)",
        )

    def test_reply(self) -> None:
        with self.assertRaises(ValueError):  # 335
            Reply.from_message(Message("$.A"))
        with self.assertRaises(ValueError):
            Reply("$.A")
        reply = Reply("$.A", b"x", to=3, orig_from=OrigFrom(1, 2), in_reply_to=MessageId(0, 7))
        self.assertEqual(reply.orig_from, OrigFrom(1, 2))  # 337
        self.assertEqual(Reply.from_bytes(reply.to_bytes()), reply)  # 338
        self.assertEqual(Reply.from_sequence(reply.extract()), reply)

    def test_339_status(self) -> None:
        raw = Message("$.KBUS.Replier.GoneAway", in_reply_to=(0, 3), flags=SYNTHETIC)
        status = Status.from_bytes(raw.to_bytes())
        self.assertIsInstance(status, Status)
        self.assertEqual(status, raw)
        with self.assertRaises(NotImplementedError):
            Status("$.KBUS.Replier.GoneAway")
        with self.assertRaises(NotImplementedError):
            Status.from_message(raw)
        with self.assertRaises(NotImplementedError):
            Status.from_sequence(raw.extract())

    def test_cast(self) -> None:
        self.assertIs(type(received("$.A", id=(0, 3)).cast()), Announcement)
        self.assertEqual(received("$.A", id=(0, 3)).cast().id, MessageId(0, 3))
        self.assertIs(type(received("$.A", flags=1).cast()), Request)
        self.assertIs(type(received("$.A", in_reply_to=(0, 3)).cast()), Reply)
        status = received("$.KBUS.Replier.GoneAway", in_reply_to=(0, 3)).cast()
        self.assertIs(type(status), Status)
        self.assertEqual(status.in_reply_to, MessageId(0, 3))
        for message in (Request("$.A", to=2), Reply("$.A", in_reply_to=(0, 2))):
            self.assertEqual(message.cast(), message)

    def test_flags(self) -> None:
        message = Message("$.A")
        message.set_want_reply()
        self.assertTrue(message.is_request())
        self.assertFalse(message.wants_us_to_reply())
        message.set_want_reply(False)
        self.assertFalse(message.is_request())
        message.set_urgent()
        self.assertTrue(message.is_urgent())
        message.set_urgent(False)
        self.assertEqual(message.flags, 0)
        self.assertTrue(Message("$.A", flags=3).wants_us_to_reply())
        self.assertTrue(Message("$.A", flags=4).is_synthetic())
        self.assertEqual(
            (ALL_OR_WAIT, ALL_OR_FAIL, WANT_A_REPLY, WANT_YOU_TO_REPLY), (0x100, 0x200, 1, 2)
        )


class Answers(unittest.TestCase):
    request = Message("$.Fred", b"1", from_=27, id=MessageId(0, 132), flags=3)

    def test_297_reply_to(self) -> None:
        reply = reply_to(self.request)
        self.assertEqual(reply, Reply("$.Fred", to=27, in_reply_to=MessageId(0, 132)))  # 340
        self.assertIs(type(reply), Reply)
        self.assertIsNone(reply.data)
        self.assertEqual(reply.flags, 0)

    def test_298_not_a_request(self) -> None:
        with self.assertRaises(ValueError):
            reply_to(Message("$.Fred", id=(0, 1), from_=2))

    def test_299_not_for_us(self) -> None:
        with self.assertRaises(ValueError):
            reply_to(Message("$.Fred", id=(0, 1), from_=2, flags=1))

    def test_341_flags_and_data(self) -> None:
        reply = reply_to(self.request, b"x", flags=8)
        self.assertEqual((reply.data, reply.flags), (b"x", 8))

    def test_342_stateful_from_reply(self) -> None:
        reply = Reply("$.Fred", from_=27, to=99, in_reply_to=(0, 132), id=(0, 133))
        request = stateful_request(reply, "$.Fred", b"more")
        self.assertEqual(request, Request("$.Fred", b"more", to=27))
        self.assertIs(type(request), Request)

    def test_343_with_orig_from(self) -> None:
        reply = Reply("$.Fred", from_=27, orig_from=(19, 23), in_reply_to=(0, 132))
        request = stateful_request(reply, "$.Fred")
        self.assertEqual((request.to, request.final_to), (27, OrigFrom(19, 23)))
        again = stateful_request(request, "$.Fred")
        self.assertEqual((again.to, again.final_to), (27, OrigFrom(19, 23)))

    def test_stateful_from_the_wrong_kind(self) -> None:
        for wrong in (Message("$.A"), Request("$.A")):
            with self.assertRaises(ValueError):
                stateful_request(wrong, "$.A")


class Strings(unittest.TestCase):
    def test_kinds(self) -> None:
        for message, text in (
            (
                Announcement("$.A", b"x", from_=1, flags=3, id=(0, 2)),
                "<Announcement '$.A', id=[0:2], from=1, flags=0x3 (REQ,YOU), data=b'x'>",
            ),
            (Message("$.A"), "<Announcement '$.A'>"),
            (Message("$.A", flags=1), "<Request '$.A', flags=0x1 (REQ)>"),
            (
                Message("$.A", to=3, orig_from=(1, 2), final_to=(3, 4), in_reply_to=(0, 5)),
                "<Reply '$.A', to=3, orig_from=(1,2), final_to=(3,4), in_reply_to=[0:5]>",
            ),
            (
                Message("$.KBUS.Replier.GoneAway", in_reply_to=(0, 5), flags=4),
                "<Status '$.KBUS.Replier.GoneAway', in_reply_to=[0:5], flags=0x4 (SYN)>",
            ),
            (
                Message("$.A", flags=0x10000 | 0x308),
                "<Announcement '$.A', flags=0x10308 (URG,aFL,aWT)>",
            ),
            (Message("$.A", flags=0x10000), "<Announcement '$.A', flags=0x10000>"),
        ):
            self.assertEqual(str(message), text)

    def test_bind_event(self) -> None:
        data = bytes.fromhex("00000000 15000000 04000000 242E7233 00000000")
        self.assertEqual(split_replier_bind_event_data(data), (False, 21, "$.r3"))
        event = Message("$.KBUS.ReplierBindEvent", data, flags=0x204, id=(0, 9))
        self.assertEqual(
            str(event),
            "<ReplierBindEvent id=[0:9], flags=0x204 (SYN,aFL), [Unbind '$.r3' for 21]>",
        )
        with self.assertRaises(ValueError):  # and what test_vectors has
            split_replier_bind_event_data(None)


class Importing(unittest.TestCase):
    def test_star(self) -> None:
        scope: dict[str, object] = {}
        exec("from kbus import *", scope)
        for name in [
            "Ksock",
            "Message",
            "MessageId",
            "OrigFrom",
            "Announcement",
            "Request",
            "Reply",
            "Status",
            "reply_to",
            "stateful_request",
            "split_replier_bind_event_data",
            "read_bindings",
            "BindStruct",
            "ReplierStruct",
            "SendResultStruct",
            "WANT_A_REPLY",
            "MSG_HEADER_LEN",
            "hexdata",
            "hexify",
            "calc_padded_name_len",
            "calc_padded_data_len",
            "calc_entire_message_len",
            "message_from_parts",
            "c_data_as_bytes",
            "START_GUARD",
            "END_GUARD",
        ]:
            self.assertIn(name, scope)

    def test_asyncio_is_not_imported_before_it_is_wanted(self) -> None:
        code = (
            "import sys, kbus; assert 'asyncio' not in sys.modules and 'json' not in sys.modules;"
            "kbus.aio.Ksock"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    unittest.main()
