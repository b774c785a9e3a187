"""A TCP forwarder that delays every byte, in both directions: a long way to a host that stands beside us.

The kernel of a container host often has no netem, and would delay everybody. Data is pipelined as on a real
line: a byte arrives ``one_way`` seconds after it was sent, however many are under way. The TCP handshake
itself is not delayed, which favours whoever connects most often.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress


@contextmanager
def delayed(host: str, port: int, one_way: float) -> Iterator[int]:
    """Forward a fresh port of loopback to ``host``; yields the port."""
    opened: Future[tuple[int, Callable[[], object]]] = Future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection(host, port)
            await asyncio.gather(_pump(reader, far_writer, one_way), _pump(far_reader, writer, one_way))

    async def serve() -> None:
        ended = asyncio.Event()
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        loop = asyncio.get_running_loop()
        opened.set_result((server.sockets[0].getsockname()[1], lambda: loop.call_soon_threadsafe(ended.set)))
        await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ours, end = opened.result()
    try:
        yield ours
    finally:
        end()
        thread.join()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one_way: float) -> None:
    """Read at once, write when the time of each block has come; an empty block is the end."""
    loop = asyncio.get_running_loop()
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, block = await line.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            with suppress(OSError):
                if not block:
                    writer.close()
                    return
                writer.write(block)
                await writer.drain()

    delivery = asyncio.create_task(deliver())
    with suppress(OSError):
        while block := await reader.read(65536):
            line.put_nowait((loop.time() + one_way, block))
    line.put_nowait((loop.time() + one_way, b""))
    await delivery
