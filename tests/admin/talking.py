"""Plain connections to a console, byte by byte."""

import trio


async def connect(port: int) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", port)


async def whole(stream: trio.SocketStream) -> bytes:
    """Everything until the console closes."""
    return b"".join([bytes(data) async for data in stream])


async def exchange(port: int, data: bytes) -> bytes:
    """What comes back to someone who sends `data` and then nothing more, as nc does."""
    async with await connect(port) as stream:
        await stream.send_all(data)
        await stream.send_eof()
        return await whole(stream)


async def answered(stream: trio.SocketStream, data: bytes, reply: bytes) -> None:
    """Send `data` and read exactly `reply`."""
    await stream.send_all(data)
    got = b""
    while len(got) < len(reply):
        more = await stream.receive_some()
        assert more, f"closed after {got!r}"
        got += more
    assert got == reply
