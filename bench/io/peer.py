"""The programs of the I/O benchmarks on CPython's asyncio, or on uvloop: what child.ts and its programs are in Node.

python3.13 bench/io/peer.py LOOP-STYLE serve|connect WORK [PORT], where LOOP is asyncio or uvloop, STYLE streams or protocols.
"""

import asyncio
import gc
import json
import os
import sys
import time

HOST = "127.0.0.1"
CONNECTIONS = 100
MESSAGE = 1024
CHUNK = 65536
BACKLOG = 512
PATTERN = bytes((at * 31 + (at >> 8) * 7) & 0xFF for at in range(CHUNK))


def message_of(connection):
    return bytes([connection + 1]) * MESSAGE


def check_echo(part, message):
    if part[0] != message[0] or part[-1] != message[0]:
        raise AssertionError("an echo came back with bytes of another message")


def check_answer(answer, chunks):
    if answer != b"%d" % (chunks * CHUNK):
        raise AssertionError(f"{chunks * CHUNK} bytes were sent, and the server took {answer}")


class Tally:
    def __init__(self):
        self.bytes = 0
        self.in_place = True

    def add(self, chunk):
        if not chunk:
            return
        if chunk[0] != PATTERN[self.bytes % CHUNK]:
            self.in_place = False
        self.bytes += len(chunk)
        if chunk[-1] != PATTERN[(self.bytes - 1) % CHUNK]:
            self.in_place = False

    def answer(self):
        return b"%d" % (self.bytes if self.in_place else -1)


# ------------------------------------------------------------------------------------------------ streams


async def echo(reader, writer):
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


async def bulk(reader, writer):
    tally = Tally()
    while data := await reader.read(CHUNK):
        tally.add(data)
    writer.write(tally.answer())
    writer.close()


async def idle(reader, writer):
    await reader.read(CHUNK)
    writer.close()


async def exchange(reader, writer, message, times):
    for _ in range(times):
        writer.write(message)
        await writer.drain()
        check_echo(await reader.readexactly(MESSAGE), message)


class Streams:
    async def serve(self, work):
        handler = {"echo": echo, "bulk": bulk, "idle": idle}[work]
        return await asyncio.start_server(handler, HOST, 0, backlog=BACKLOG)

    async def connect(self, port):
        return [await asyncio.open_connection(HOST, port) for _ in range(CONNECTIONS)]

    async def exchange_all(self, pairs, count):
        begin = time.perf_counter_ns()
        await asyncio.gather(
            *[exchange(*pair, message_of(i), count // CONNECTIONS) for i, pair in enumerate(pairs)]
        )
        return time.perf_counter_ns() - begin

    async def send_bulk(self, port, chunks):
        reader, writer = await asyncio.open_connection(HOST, port)
        begin = time.perf_counter_ns()
        for _ in range(chunks):
            writer.write(PATTERN)
            await writer.drain()
        writer.write_eof()
        check_answer(await reader.read(), chunks)
        end = time.perf_counter_ns()
        writer.close()
        await writer.wait_closed()
        return end - begin


# ------------------------------------------------------------------------------------------------ protocols


class Connected(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport


class Echo(Connected):
    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


class Sink(Connected):
    def __init__(self):
        self.tally = Tally()

    def data_received(self, data):
        self.tally.add(data)

    def eof_received(self):
        self.transport.write(self.tally.answer())
        self.transport.close()
        return True


class EchoClient(Connected):
    def __init__(self, message):
        self.message = message
        self.received = 0

    def exchange(self, times):
        self.left = times
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(self.message)
        return self.done

    def data_received(self, data):
        check_echo(data, self.message)
        self.received += len(data)
        if self.received < MESSAGE:
            return
        self.received = 0
        self.left -= 1
        if self.left == 0:
            self.done.set_result(None)
        else:
            self.transport.write(self.message)


class Source(Connected):
    def __init__(self, chunks):
        self.left = chunks
        self.paused = False
        self.answer = b""
        self.answered = asyncio.get_running_loop().create_future()

    def send(self):
        while self.left > 0 and not self.paused:
            self.left -= 1
            self.transport.write(PATTERN)
        if self.left == 0:
            self.transport.write_eof()

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False
        if self.left > 0:
            self.send()

    def data_received(self, data):
        self.answer += data

    def eof_received(self):
        self.answered.set_result(self.answer)


class Protocols:
    async def serve(self, work):
        factory = {"echo": Echo, "bulk": Sink, "idle": Connected}[work]
        return await asyncio.get_running_loop().create_server(factory, HOST, 0, backlog=BACKLOG)

    async def connect(self, port):
        clients = []
        for i in range(CONNECTIONS):
            _, client = await asyncio.get_running_loop().create_connection(
                lambda: EchoClient(message_of(i)), HOST, port
            )
            clients.append(client)
        return clients

    async def exchange_all(self, clients, count):
        begin = time.perf_counter_ns()
        await asyncio.gather(*[client.exchange(count // CONNECTIONS) for client in clients])
        return time.perf_counter_ns() - begin

    async def send_bulk(self, port, chunks):
        _, source = await asyncio.get_running_loop().create_connection(lambda: Source(chunks), HOST, port)
        begin = time.perf_counter_ns()
        source.send()
        check_answer(await source.answered, chunks)
        return time.perf_counter_ns() - begin


# ------------------------------------------------------------------------------------------------ commands


def memory():
    gc.collect()
    with open("/proc/self/statm") as file:
        rss = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {"rss": rss}


def say(answer):
    print(json.dumps(answer), flush=True)


async def main(program, role, work, port):
    if role == "serve":
        server = await program.serve(work)
        say({"port": server.sockets[0].getsockname()[1]})
    else:
        connected = await program.connect(port) if work == "echo" else None
        say({})
    read_line = asyncio.get_running_loop().run_in_executor
    while line := await read_line(None, sys.stdin.readline):
        command, *count = line.split()
        if command == "cpu":
            say({"cpu": time.process_time_ns()})
        elif command == "memory":
            say(memory())
        elif work == "echo":
            say({"ns": await program.exchange_all(connected, int(count[0]))})
        else:
            say({"ns": await program.send_bulk(port, int(count[0]))})
    os._exit(0)


if __name__ == "__main__":
    name, role, work, *port = sys.argv[1:]
    loop, style = name.split("-")
    factory = None
    if loop == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        program = Streams() if style == "streams" else Protocols()
        runner.run(main(program, role, work, int(port[0]) if port else None))
