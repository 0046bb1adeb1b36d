"""Python's own asyncio streams as a peer.

    peer.py serve MODE [--unix PATH] [--cert FILE --key FILE] [--tls VERSION]
    peer.py talk MODE (--port PORT | --unix PATH) [--ca FILE] [--slow SECONDS] [--tls VERSION] [--drain]

A server prints `listening PORT`, and then what it sees; it ends with its input. A client prints `ok`, or fails.
`../lib/handlers.ts` and `../lib/talkers.ts` are the same in TypeScript.
"""

import argparse
import asyncio
import hashlib
import os
import random
import socket
import ssl
import struct
import sys

MEGABYTE = 1024 * 1024
ECHOED = 4 * MEGABYTE
BIG = 64 * MEGABYTE
CONNECTIONS = 300
LINES = "upper straße\r\n\nsum 1 2 39\nrepeat 3 ab c\nupper " + "x" * 60000 + "\nupper last"
ANSWERS = ["STRASSE", "", "42", "ab c", "ab c", "ab c", "X" * 60000, "LAST", "bye"]


def say(*words):
    print(*words, flush=True)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def answer(line):
    command, _, rest = line.partition(" ")
    if command == "upper":
        return [rest.upper()]
    if command == "sum":
        return [str(sum(map(int, rest.split())))]
    if command == "repeat":
        count, _, text = rest.partition(" ")
        return [text] * int(count)
    return [""]


# ---------------------------------------------------------------------------------------------- what servers do


async def serve_echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def serve_lines(reader, writer):
    async for line in reader:
        for text in answer(line.decode().rstrip("\r\n")):
            writer.write(text.encode() + b"\n")
        await writer.drain()
    writer.write(b"bye\n")


async def serve_collect(reader, writer):
    data = await reader.read()
    writer.write(f"{len(data)} {digest(data)}\n".encode())


async def serve_greet(reader, writer):
    writer.write(b"hello\n")
    writer.write_eof()
    data = await reader.read()
    say("got", len(data), digest(data))


async def absorb(reader, writer):
    """Reads late, so that the other side is closed before much of it has arrived."""
    await asyncio.sleep(options.slow)
    data = await reader.read()
    say("got", len(data), digest(data))


async def pour(reader, writer):
    data = os.urandom(ECHOED)
    writer.write(data)
    if options.drain:
        await writer.drain()
    say("sent", len(data), digest(data))


serve_absorb = talk_absorb = absorb
serve_pour = talk_pour = pour


async def serve_upload(reader, writer):
    (size,) = struct.unpack(">Q", await reader.readexactly(8))
    seen = hashlib.sha256()
    while size > 0:
        data = await reader.read(min(size, 65536))
        if not data:
            raise EOFError(f"{size} bytes are missing")
        seen.update(data)
        size -= len(data)
    writer.write(seen.hexdigest().encode() + b"\n")


async def serve_download(reader, writer):
    size = int(await reader.readline())
    chunk = os.urandom(MEGABYTE)
    sent = hashlib.sha256()
    for _ in range(size // MEGABYTE):
        writer.write(chunk)
        sent.update(chunk)
        await writer.drain()
    writer.write(sent.hexdigest().encode() + b"\n")


async def serve_starttls(reader, writer):
    assert await reader.readline() == b"STARTTLS\n"
    writer.write(b"GO\n")
    await writer.start_tls(server_context())
    await serve_echo(reader, writer)


async def serve_reset(reader, writer):
    await reader.readexactly(5)
    reset(writer)


# ---------------------------------------------------------------------------------------------- what clients do


async def talk_echo(reader, writer):
    data = os.urandom(ECHOED)
    await asyncio.gather(send_in_pieces(writer, data), expect(reader, data))
    if writer.can_write_eof():
        writer.write_eof()
        assert await reader.read() == b""


async def send_in_pieces(writer, data):
    at = 0
    while at < len(data):
        size = random.choice([1, 7, 500, 3_000, 70_000, 300_000])
        writer.write(data[at : at + size])
        at += size
        await writer.drain()
        if size == 7:
            await asyncio.sleep(0)


async def expect(reader, data):
    at = 0
    while at < len(data):
        got = await reader.readexactly(min(random.choice([1, 100, 9_000, 200_000]), len(data) - at))
        assert got == data[at : at + len(got)], f"different from byte {at} on"
        at += len(got)


async def talk_lines(reader, writer):
    data = LINES.encode()
    while data:
        size = random.choice([1, 3, 50, 30_000])
        writer.write(data[:size])
        data = data[size:]
        await writer.drain()
    writer.write_eof()
    got = [line.decode().rstrip("\n") async for line in reader]
    assert got == ANSWERS, got


async def talk_collect(reader, writer):
    data = os.urandom(ECHOED)
    writer.write(data)
    writer.write_eof()
    assert await reader.read() == f"{len(data)} {digest(data)}\n".encode()


async def talk_greet(reader, writer):
    assert await reader.read() == b"hello\n"
    data = os.urandom(ECHOED)
    writer.write(data)
    await writer.drain()
    writer.write_eof()
    say("sent", len(data), digest(data))


async def talk_upload(reader, writer):
    writer.write(struct.pack(">Q", BIG))
    chunk = os.urandom(MEGABYTE)
    sent = hashlib.sha256()
    for _ in range(BIG // MEGABYTE):
        writer.write(chunk)
        sent.update(chunk)
        await writer.drain()
    got = await reader.readline()
    assert got == sent.hexdigest().encode() + b"\n", got


async def talk_download(reader, writer):
    writer.write(f"{BIG}\n".encode())
    await asyncio.sleep(options.slow)
    left = BIG
    seen = hashlib.sha256()
    while left > 0:
        data = await reader.read(min(left, 65536))
        assert data, f"{left} bytes are missing"
        seen.update(data)
        left -= len(data)
    got = await reader.readline()
    assert got == seen.hexdigest().encode() + b"\n", got


async def talk_starttls(reader, writer):
    writer.write(b"STARTTLS\n")
    assert await reader.readline() == b"GO\n"
    await writer.start_tls(client_context(), server_hostname="localhost")
    data = os.urandom(50_000)
    writer.write(data)
    assert await reader.readexactly(len(data)) == data


async def talk_reset(reader, writer):
    await reader.readexactly(5)
    reset(writer)


async def talk_close(reader, writer):
    writer.write(b"bye\n")


def reset(writer):
    """Ends the connection without a farewell: the peer gets ECONNRESET."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# ---------------------------------------------------------------------------------------------- the program


def server_context():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(options.cert, options.key)
    return of_version(context)


def client_context():
    return of_version(ssl.create_default_context(cafile=options.ca))


def of_version(context):
    if options.tls:
        context.minimum_version = context.maximum_version = ssl.TLSVersion[f"TLSv{options.tls.replace('.', '_')}"]
    return context


async def serve():
    handler = globals()[f"serve_{options.mode}"]
    handlers = set()

    async def handle(reader, writer):
        handlers.add(asyncio.current_task())
        try:
            await handler(reader, writer)
            writer.close()
            await writer.wait_closed()
        except Exception as error:
            say("failed", type(error).__name__, error)
            writer.close()

    tls = server_context() if options.cert and options.mode != "starttls" else None
    if options.unix:
        server = await asyncio.start_unix_server(handle, options.unix, ssl=tls)
        say("listening", options.unix)
    else:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls, backlog=CONNECTIONS)
        say("listening", server.sockets[0].getsockname()[1])
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        server.close()
        await asyncio.gather(*handlers)


async def connect():
    tls = client_context() if options.ca and options.mode != "starttls" else None
    name = "localhost" if tls else None
    if options.unix:
        return await asyncio.open_unix_connection(options.unix, ssl=tls, server_hostname=name)
    return await asyncio.open_connection("127.0.0.1", options.port, ssl=tls, server_hostname=name)


async def talk():
    reader, writer = await connect()
    await globals()[f"talk_{options.mode}"](reader, writer)
    writer.close()
    await writer.wait_closed()
    say("ok")


async def talk_many():
    """All connections are open before any says a word."""
    pairs = await asyncio.gather(*(connect() for _ in range(CONNECTIONS)))

    async def one(number, reader, writer):
        writer.write(f"upper number {number}\n".encode())
        assert await reader.readline() == f"NUMBER {number}\n".encode()
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one(number, *pair) for number, pair in enumerate(pairs)))
    say("ok")


parser = argparse.ArgumentParser()
parser.add_argument("role")
parser.add_argument("mode")
parser.add_argument("--port", type=int)
parser.add_argument("--unix")
parser.add_argument("--cert")
parser.add_argument("--key")
parser.add_argument("--ca")
parser.add_argument("--tls")
parser.add_argument("--drain", action="store_true")
parser.add_argument("--slow", type=float, default=0)
options = parser.parse_args()
if options.role == "serve":
    asyncio.run(serve())
elif options.mode == "many":
    asyncio.run(talk_many())
else:
    asyncio.run(talk())
