# SPDX-License-Identifier: GPL-2.0-only
"""Does the package say what the specification's tables say, for programs of 64
and of 32 bit? The tables are those that tests/abi compares the C header and
its Rust mirror with, read out of its source.
"""

from __future__ import annotations

import ast
import ctypes
import os
import re
import struct
import unittest
from ctypes import c_uint32, c_uint64
from pathlib import Path
from typing import Any, Dict, List, Tuple

from kbus import Ksock, layout, messages
from kbus.ksock import BindStruct, ReplierStruct, SendResultStruct, _ioc

SPEC = Path(
    os.environ.get("KBUS_ABI_TABLES")
    or Path(__file__).resolve().parents[3] / "tests" / "abi" / "src" / "spec.rs"
)

Both = Tuple[int, int]
NATIVE = 0 if ctypes.sizeof(ctypes.c_void_p) == 8 else 1


def table(name: str) -> List[Any]:
    """One of the tables, which are Rust and happen to be Python as well."""
    text = SPEC.read_text(encoding="utf-8")
    found = re.search(r"^const %s: [^=]*= &(\[.*?^\]);" % name, text, re.M | re.S)
    assert found, name
    return list(ast.literal_eval(found.group(1)))


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
        "kbus_message_header": of("header", layout._header_fields(pointer, pointer)),
    }


# Ours, where they are called otherwise.
OURS = {"from": "from_", "name_len": "len"}


class Tables(unittest.TestCase):
    def test_sizes(self) -> None:
        seen = 0
        for column, bits in ((0, 64), (1, 32)):
            ours = structures(bits)
            for name, size, align in table("STRUCTS"):
                if name in ours:
                    self.assertEqual(ctypes.sizeof(ours[name]), size[column], name)
                    self.assertEqual(ctypes.alignment(ours[name]), align[column], name)
                    seen += 1
        self.assertEqual(seen, 10)

    def test_offsets(self) -> None:
        seen = 0
        for column, bits in ((0, 64), (1, 32)):
            ours = structures(bits)
            for what, offset in table("FIELDS"):
                name, field = what.split(".")
                if name not in ours:
                    continue
                kind = ours[name]
                descriptor = getattr(kind, field, None) or getattr(kind, OURS.get(field, ""))
                self.assertEqual(descriptor.offset, offset[column], what)
                seen += 1
        self.assertEqual(seen, 2 * 24)

    def test_native_structures_are_those(self) -> None:
        native = structures(64 if NATIVE == 0 else 32)
        for ours, name in (
            (layout._MessageHeaderStruct, "kbus_message_header"),
            (BindStruct, "kbus_bind_request"),
            (ReplierStruct, "kbus_bind_query"),
            (SendResultStruct, "kbus_msg_id"),
        ):
            self.assertEqual(ctypes.sizeof(ours), ctypes.sizeof(native[name]))
            for field in native[name]._fields_:
                self.assertEqual(
                    getattr(ours, field[0]).offset, getattr(native[name], field[0]).offset
                )

    def test_numbers(self) -> None:
        numbers = dict(table("NUMBERS"))
        for name, both in numbers.items():
            if name.startswith("KBUS_BIT_") or name.endswith("_GUARD"):
                self.assertEqual(getattr(messages, name[9:]), both[NATIVE])
            elif name.startswith("KBUS_IOC_") and name != "KBUS_IOC_MAXNR":
                self.assertEqual(getattr(Ksock, name[5:]), both[NATIVE], name)
        # The codes of both word sizes come from one function.
        for column, pointer in ((0, 8), (1, 4)):
            for name, both in numbers.items():
                if not name.startswith("KBUS_IOC_") or name in ("KBUS_IOC_MAGIC", "KBUS_IOC_MAXNR"):
                    continue
                direction, number = both[column] >> 30, both[column] & 0xFF
                size = pointer if direction else 0
                self.assertEqual(_ioc(direction, number, size), both[column], name)

    def test_names(self) -> None:
        names = dict(table("NAMES"))
        self.assertEqual(messages._BIND_EVENT.decode(), names["KBUS_MSG_NAME_REPLIER_BIND_EVENT"])

    def test_lengths(self) -> None:
        header = {name: size for name, size, _ in table("STRUCTS")}["kbus_message_header"]
        for what, both in table("LENGTHS"):
            call, *arguments = re.findall(r"[A-Z_]+|\d+", what)
            one, two = [*(int(n) for n in arguments), 0][:2]
            for column in (0, 1):
                if call == "KBUS_PADDED_NAME_LEN":
                    ours = messages.calc_padded_name_len(one)
                elif call == "KBUS_PADDED_DATA_LEN":
                    ours = messages.calc_padded_data_len(one)
                elif call == "KBUS_ENTIRE_MSG_LEN":
                    ours = messages.calc_entire_message_len(one, two, header_len=header[column])
                elif call == "KBUS_ENTIRE_MSG_DATA_INDEX":
                    ours = messages.calc_padded_name_len(one) // 4
                else:
                    end = messages.calc_entire_message_len(one, two, header_len=0) - 4
                    ours = end // 4
                self.assertEqual(ours, both[column], what)


class Packing(unittest.TestCase):
    """to_bytes() puts each field where the table says it is."""

    def test_fields(self) -> None:
        message = messages.Message("$.ab", b"xyz", 1, 2, (3, 4), (5, 6), (7, 8), 0x11, (10, 11))
        raw = message.to_bytes()
        offsets = {what: both[NATIVE] for what, both in table("FIELDS")}

        def word(name: str, more: int = 0) -> int:
            at = offsets["kbus_message_header." + name] + more
            return int(struct.unpack_from("=I", raw, at)[0])

        self.assertEqual(word("start_guard"), messages.START_GUARD)
        self.assertEqual((word("id"), word("id", 4)), (10, 11))
        self.assertEqual((word("in_reply_to"), word("in_reply_to", 4)), (7, 8))
        self.assertEqual((word("to"), word("from")), (1, 2))
        self.assertEqual((word("orig_from"), word("orig_from", 4)), (3, 4))
        self.assertEqual((word("final_to"), word("final_to", 4)), (5, 6))
        self.assertEqual((word("extra"), word("flags")), (0, 0x11))
        self.assertEqual((word("name_len"), word("data_len")), (4, 3))
        self.assertEqual((word("name"), word("data")), (0, 0))
        self.assertEqual(word("end_guard"), messages.END_GUARD)
        helpers = dict(table("HELPERS"))
        at = helpers["kbus_msg_name_ptr(entire)"][NATIVE]
        self.assertEqual(raw[at : at + 8], b"$.ab\0\0\0\0")
        at = helpers["kbus_msg_data_ptr(entire)"][NATIVE]
        self.assertEqual(raw[at : at + 4], b"xyz\0")
        at = helpers["kbus_msg_end_ptr(entire)"][NATIVE]
        self.assertEqual(raw[at:], struct.pack("=I", messages.END_GUARD))
        self.assertEqual(messages.Message.from_bytes(raw), message)


if __name__ == "__main__":
    unittest.main()
