"""A constant load that keeps an account of every request: when it was answered, by which version, or that it was lost."""

import asyncio
import json
import threading
import time

CONNECTIONS = 4
TIMEOUT_S = 10


class Load:
    """Requests to one address until `stop`; `answers` has (time, version or None, status or None)."""

    def __init__(self, host, port, name=None, per_second=100):
        self.host, self.port, self.name = host, port, name or f"{host}:{port}"
        self.pause = CONNECTIONS / per_second
        self.answers = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def wait(self, holds, limit_s):
        """Whether `holds(answers)` came true within the limit."""
        begun = time.monotonic()
        while not holds(self.answers):
            if limit_s < time.monotonic() - begun:
                return False
            time.sleep(0.05)
        return True

    async def _run(self):
        await asyncio.gather(*(self._ask(number) for number in range(CONNECTIONS)))

    async def _ask(self, number):
        streams = None
        due = time.monotonic() + self.pause * number / CONNECTIONS
        while not self.ended.is_set():
            await asyncio.sleep(max(0, due - time.monotonic()))
            due = max(due + self.pause, time.monotonic())
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    streams, version, status = await self._exchange(streams)
            except (OSError, EOFError, ValueError, TimeoutError):
                streams, version, status = None, None, None
            self.answers.append((time.monotonic(), version, status))
        if streams:
            streams[1].close()

    async def _exchange(self, streams):
        # A server may close a connection that is idle; whatever fails after the request is sent is a loss.
        if streams is None or streams[0].at_eof():
            streams = await asyncio.open_connection(self.host, self.port)
        reader, writer = streams
        writer.write(f"GET /work HTTP/1.1\r\nHost: {self.name}\r\n\r\n".encode())
        status = int((await reader.readuntil(b"\r\n")).split()[1])
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        fields = dict(line.split(": ", 1) for line in head.strip().split("\r\n") if ": " in line)
        if "chunked" in fields.get("transfer-encoding", ""):
            body = await chunks(reader)
        else:
            body = await reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection") == "close":
            writer.close()
            streams = None
        else:
            streams = (reader, writer)
        try:
            version = json.loads(body).get("version")
        except (ValueError, AttributeError):
            version = None
        return streams, version, status


async def chunks(reader):
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


def lost(answers):
    """Requests that no instance answered: cut off, refused, timed out, or answered by something in between."""
    return sum(1 for _, version, _ in answers if version is None)


def failed(answers):
    """Requests that an instance answered with an error."""
    return sum(1 for _, version, status in answers if version is not None and 500 <= status)
