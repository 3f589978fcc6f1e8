#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""An asyncio service with three methods.

    service.py serve            replies to $.Notes.Add, $.Notes.List and $.Notes.Wait
    service.py                  starts one, uses it, and ends it

Add takes text, List gives all notes as JSON, and Wait answers when there are as
many notes as it is given: meanwhile others are served.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys

import kbus
from kbus.aio import Ksock


async def serve() -> None:
    """The service."""
    notes: list[str] = []
    changed = asyncio.Condition()

    async with Ksock() as ksock:

        @ksock.replier("$.Notes.Add")
        async def add(request: kbus.Message) -> int:
            if not request.text:
                raise ValueError("an empty note")
            async with changed:
                notes.append(request.text)
                changed.notify_all()
            return len(notes)

        @ksock.replier("$.Notes.List")
        async def everything(request: kbus.Message) -> list[str]:
            return notes

        @ksock.replier("$.Notes.Wait")
        async def wait(request: kbus.Message) -> None:
            async with changed:
                await changed.wait_for(lambda: len(notes) >= request.json())

        print("serving", flush=True)
        await ksock.serve()


async def use() -> None:
    """Its client."""
    async with Ksock() as ksock:
        waiting = asyncio.ensure_future(ksock.call("$.Notes.Wait", 3))
        for note in ("buy a coin", "toss it", "write down the result"):
            answer = await ksock.call("$.Notes.Add", note)
            print("note number", answer.json())
        await waiting
        print("there are three:", (await ksock.call("$.Notes.List")).json())
        try:
            await ksock.call("$.Notes.Add", "")
        except kbus.NoAnswer as error:
            print("refused:", error)


def main() -> None:
    """Starts the service as another process, and uses it."""
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
        return
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as service:
        assert service.stdout
        assert service.stderr
        assert service.stdout.readline() == b"serving\n"
        asyncio.run(use())
        service.kill()
        logged = service.stderr.read().decode()
    print("and logged by the service:", logged.splitlines()[-1])


if __name__ == "__main__":
    main()
