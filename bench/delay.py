"""A TCP forwarder that delays every byte, in both directions: a long way to a host that stands beside us.

The kernel of a container host often has no netem, and would delay everybody. Data is pipelined as on a real
line: a byte arrives ``one_way`` seconds after it was sent, however many are under way. The TCP handshake
itself is not delayed, which favours whoever connects most often.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def delayed(host: str, port: int, one_way: float) -> Iterator[int]:
    """Forward a fresh port of loopback to ``host``; yields the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(host, port)
            await asyncio.gather(_pump(reader, far_writer, one_way), _pump(far_reader, writer, one_way))

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(accept, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
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
