# SPDX-License-Identifier: GPL-2.0-only
"""Does the package say what libkbus/vectors says, as the other languages do?"""

from __future__ import annotations

import ast
import ctypes
import errno
import unittest
from ctypes import c_uint32, c_uint64
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import kbus
from kbus import Ksock, Message, NoAnswer, layout, messages
from kbus._words import DOING, WORDS
from kbus.errors import _in_words
from kbus.ksock import (
    BindStruct,
    RemoveDeviceStruct,
    ReplierStruct,
    SendResultStruct,
    _bytes_of,
    _calls_for,
    _ioc,
)
from vectors import names, number, vectors

BITS = 8 * ctypes.sizeof(ctypes.c_void_p)
BYTES = "bytes%d" % BITS


class Names(unittest.TestCase):
    """What the bus says to them is in test_ksock."""

    def test_text_is_latin1(self) -> None:
        for name, bind, send in names():
            self.assertEqual(_bytes_of(name), name.encode("latin-1"))
            if bind is None and send is None:
                message = Message(name, "x")
                for same in (message, Message(name.encode("latin-1"), "x")):
                    self.assertEqual(same.name, name)
                    self.assertEqual(Message.from_bytes(same.to_bytes()).name, name)
                    self.assertEqual(same, message)
                self.assertIn("'%s'" % name, str(message))

    def test_other_letters(self) -> None:
        for row in vectors("names")["not_latin1"]:
            with self.assertRaises(ValueError) as caught:
                Message(row["text"])
            self.assertEqual(str(caught.exception), "not a name: " + row["why"])
            # The bus knows none of these letters, and this none as well.
            self.assertIn(b"?", _bytes_of(row["text"]))


class Messages(unittest.TestCase):
    def test_bytes(self) -> None:
        for row in vectors("messages")["messages"]:
            raw = bytes.fromhex(row[BYTES])
            data = bytes.fromhex(row["data"])
            message = Message.from_bytes(raw)
            self.assertEqual((message.name, message.data or b""), (row["name"], data))
            self.assertEqual((message.to, message.from_), (row["to"], row["from"]))
            self.assertEqual(message.flags, row["flags"])
            pairs: Dict[str, Any] = {}
            for what in ("id", "in_reply_to", "orig_from", "final_to"):
                pair = getattr(message, what)
                pairs[what] = pair._pair() if pair else (0, 0)
                self.assertEqual(list(pairs[what]), row[what])
            made = Message(row["name"], data, row["to"], row["from"], flags=row["flags"], **pairs)
            for same in (message, made):
                self.assertEqual(same, message)
                self.assertEqual(same.to_bytes(), raw)
                self.assertEqual(same.total_length(), len(raw))
            kind = {"StatefulRequest": "Request", "BindEvent": "Announcement"}
            self.assertEqual(message._kind().__name__, kind.get(row["kind"], row["kind"]))
            self.assertEqual(message.is_stateful_request(), row["kind"] == "StatefulRequest")
            # In a program of the other word size, too.
            for bits in (64, 32):
                length = messages.calc_entire_message_len(
                    len(row["name"]), len(data), header_len=header(bits)
                )
                self.assertEqual(length, len(bytes.fromhex(row["bytes%d" % bits])))

    def test_padding(self) -> None:
        """A name has a zero behind it, data need not."""
        for length in range(2000):
            name = messages.calc_padded_name_len(length)
            self.assertEqual((name % 4, 1 <= name - length <= 4), (0, True))
            data = messages.calc_padded_data_len(length)
            self.assertEqual((data % 4, 0 <= data - length <= 3), (0, True))

    def test_bind_events(self) -> None:
        for row in vectors("messages")["bind_events"]:
            told = messages.split_replier_bind_event_data(bytes.fromhex(row["data"]))
            self.assertEqual(told, (bool(row["is_bind"]), row["binder"], row["name"]))
        for row in vectors("messages")["malformed_bind_events"]:
            with self.assertRaises(ValueError, msg=row["what"]):
                messages.split_replier_bind_event_data(bytes.fromhex(row["data"]))

    def test_numbers(self) -> None:
        table = vectors("messages")
        for row in table["flags"]:
            self.assertEqual(getattr(messages, row["name"]), int(row["bit"], 16))
            self.assertIn("(%s)" % row["word"], str(Message("$.A", flags=int(row["bit"], 16))))
        self.assertEqual(messages.START_GUARD, int(table["start_guard"], 16))
        self.assertEqual(messages.END_GUARD, int(table["end_guard"], 16))


class Errnos(unittest.TestCase):
    def test_sentences(self) -> None:
        table = vectors("errnos")
        doing = {row["call"]: row["doing"] for row in table["calls"]}
        self.assertEqual(DOING, doing)
        rows = table["errnos"] + table["any_call"]
        pairs = {(call, row["errno"]) for row in rows for call in row.get("calls") or [""]}
        self.assertEqual(set(WORDS), pairs)
        for row in rows:
            for call in row.get("calls") or doing:
                error = _in_words(OSError(number(row["errno"]), "whatever"), call)
                sentence = "cannot %s: %s; %s" % (doing[call], row["meaning"], row["advice"])
                self.assertEqual(error.strerror, sentence)
                self.assertEqual(error.errno, number(row["errno"]))

    def test_all_others_stay(self) -> None:
        table = vectors("errnos")
        known = {(call, row["errno"]) for row in table["errnos"] for call in row["calls"]}
        for call in DOING:
            for code in errno.errorcode.values():
                error = OSError(number(code), "whatever")
                if (call, code) not in known and code not in {
                    row["errno"] for row in table["any_call"]
                }:
                    self.assertIs(_in_words(error, call), error)

    def test_a_message_of_unknown_kind(self) -> None:
        """When it was written in pieces."""
        calls = _calls_for(None)
        error = _in_words(OSError(errno.EADDRNOTAVAIL, ""), *calls)
        self.assertEqual(
            error.strerror, "cannot send: nobody replies to this name, or whoever asked has gone"
        )
        error = _in_words(OSError(errno.ENOMSG, ""), *calls)
        self.assertEqual(
            error.strerror,
            "cannot send: there is no message to send; use a Ksock in one program at a time",
        )
        self.assertEqual(_calls_for(messages.Request("$.A")), ("Ask",))
        self.assertEqual(_calls_for(messages.Reply("$.A", in_reply_to=(0, 1))), ("Answer",))
        self.assertEqual(_calls_for(Message("$.A")), ("Send",))

    def test_statuses(self) -> None:
        for row in vectors("errnos")["statuses"]:
            status = Message(row["name"], in_reply_to=(0, 1))
            self.assertEqual(str(NoAnswer(status)), "%(meaning)s; %(advice)s" % row)
            status = Message(row["name"], "why", in_reply_to=(0, 1))
            self.assertEqual(str(NoAnswer(status)), "%(meaning)s: why" % row)
        other = Message("$.KBUS.RemoteError.32", in_reply_to=(0, 1))
        self.assertEqual(str(NoAnswer(other)), "there is no reply: $.KBUS.RemoteError.32")


def structure(name: str, bits: int) -> int:
    return next(
        int(row["size%d" % bits]) for row in vectors("ioctls")["structs"] if row["name"] == name
    )


def header(bits: int) -> int:
    return structure("kbus_message_header", bits)


def structures(bits: int) -> Dict[str, Any]:
    """Our structures, as a program of that word size would have them."""
    pointer = c_uint64 if bits == 64 else c_uint32

    def of(name: str, fields: List[Tuple[str, Any]]) -> Any:
        plain = [(f, pointer if k is ctypes.c_char_p else k) for f, k in fields]
        return type(name, (ctypes.Structure,), {"_fields_": plain})

    return {
        "kbus_msg_id": of("id", layout.MessageId._fields_),  # type: ignore[arg-type]
        "kbus_orig_from": of("orig", layout.OrigFrom._fields_),  # type: ignore[arg-type]
        "kbus_bind_request": of("bind", BindStruct._fields_),  # type: ignore[arg-type]
        "kbus_bind_query": of("query", ReplierStruct._fields_),  # type: ignore[arg-type]
        "kbus_remove_device": of("remove", RemoveDeviceStruct._fields_),  # type: ignore[arg-type]
        "kbus_message_header": of("header", layout._header_fields(pointer, pointer)),
    }


# Ours, where they are called otherwise.
OURS = {"from": "from_", "name_len": "len"}


class Ioctls(unittest.TestCase):
    def test_numbers(self) -> None:
        rows = vectors("ioctls")["ioctls"]
        for row in rows:
            self.assertEqual(getattr(Ksock, "IOC_" + row["name"]), int(row["code%d" % BITS], 16))
            direction = ("none", "in", "out", "inout").index(row["direction"])
            for bits in (64, 32):
                size = bits // 8 if direction else 0
                if row["number"] > 18:
                    # An addition: its number has the size of its structure.
                    size = structure(str(row["argument"]), bits)
                code = int(row["code%d" % bits], 16)
                self.assertEqual(_ioc(direction, row["number"], size), code, row["name"])
        ours = {name for name in vars(Ksock) if name.startswith("IOC_")} - {"IOC_MAGIC"}
        self.assertEqual(ours, {"IOC_" + row["name"] for row in rows})

    def test_structures(self) -> None:
        for bits in (64, 32):
            ours = structures(bits)
            for row in vectors("ioctls")["structs"]:
                if row["name"] not in ours:
                    self.assertEqual(row["name"], "kbus_replier_bind_event_data")
                    self.assertEqual(messages._EVENT.size, row["size%d" % bits])
                    continue
                kind = ours.pop(row["name"])
                self.assertEqual(ctypes.sizeof(kind), row["size%d" % bits], row["name"])
                for field in row["fields"]:
                    name = field["name"]
                    ours_is = getattr(kind, name, None) or getattr(kind, OURS.get(name, ""))
                    self.assertEqual(ours_is.offset, field["at%d" % bits], name)
            self.assertEqual(ours, {})

    def test_native_structures_are_those(self) -> None:
        native = structures(BITS)
        for ours, name in (
            (layout._MessageHeaderStruct, "kbus_message_header"),
            (BindStruct, "kbus_bind_request"),
            (ReplierStruct, "kbus_bind_query"),
            (SendResultStruct, "kbus_msg_id"),
        ):
            self.assertEqual(ctypes.sizeof(ours), ctypes.sizeof(native[name]))
            self.assertEqual(ctypes.alignment(ours), ctypes.alignment(native[name]))
            for field in native[name]._fields_:
                self.assertEqual(
                    getattr(ours, field[0]).offset, getattr(native[name], field[0]).offset
                )


class Modules(unittest.TestCase):
    """No module imports one that imports it, not even for its types."""

    def test_no_circles(self) -> None:
        folder = Path(kbus.__file__).parent
        imports: Dict[str, Set[str]] = {}
        for path in folder.glob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            imports[path.stem] = {
                module
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.level == 1
                for module in ([node.module] if node.module else [a.name for a in node.names])
            }
        self.assertIn("ksock", imports)
        while imports:
            leaves = [name for name, of in imports.items() if not of & set(imports)]
            self.assertTrue(leaves, "a circle in %s" % sorted(imports))
            for name in leaves:
                del imports[name]


if __name__ == "__main__":
    unittest.main()
