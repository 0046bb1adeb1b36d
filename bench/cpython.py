"""The benchmarks' workloads on CPython's asyncio, or on uvloop.

Prints one JSON object: {"loop": "CPython 3.13.0", "samples": {subject: [nanoseconds (or bytes) per operation, ...]}}
Run by `npm run bench -- --cpython`; alone: python3.13 bench/cpython.py [--loop uvloop] [--only a,b] [--rounds N] [--quick]
"""

import argparse
import asyncio
import gc
import json
import platform
import sys
import time
import tracemalloc

DEPTH = 50
TASKS = 100


def timed(clock=time.perf_counter_ns):
    begin = clock()
    return lambda: clock() - begin


async def trivial(n):
    return n


async def spawn_join(count):
    elapsed = timed()
    tasks = [asyncio.create_task(trivial(i)) for i in range(count)]
    total = 0
    for task in tasks:
        total += await task
    assert total == count * (count - 1) // 2
    return elapsed()


async def gather(count):
    elapsed = timed()
    results = await asyncio.gather(*[trivial(i) for i in range(count)])
    assert results[-1] == count - 1
    return elapsed()


async def switch_one(count):
    elapsed = timed()
    for _ in range(count):
        await asyncio.sleep(0)
    return elapsed()


async def switches(times):
    for _ in range(times):
        await asyncio.sleep(0)


async def switch_many(count):
    elapsed = timed()
    tasks = [asyncio.create_task(switches(count // TASKS)) for _ in range(TASKS)]
    for task in tasks:
        await task
    return elapsed()


async def produce(queue, count):
    for i in range(count):
        await queue.put(i)


async def queue(count):
    elapsed = timed()
    items = asyncio.Queue(100)
    producer = asyncio.create_task(produce(items, count))
    total = 0
    for _ in range(count):
        total += await items.get()
    await producer
    assert total == count * (count - 1) // 2
    return elapsed()


async def lock_free(count):
    elapsed = timed()
    lock = asyncio.Lock()
    for _ in range(count):
        await lock.acquire()
        try:
            pass
        finally:
            lock.release()
    return elapsed()


async def holds(lock, times):
    for _ in range(times):
        await lock.acquire()
        try:
            await asyncio.sleep(0)
        finally:
            lock.release()


async def lock_contended(count):
    elapsed = timed()
    lock = asyncio.Lock()
    tasks = [asyncio.create_task(holds(lock, count // TASKS)) for _ in range(TASKS)]
    for task in tasks:
        await task
    return elapsed()


async def cancel_sleepers(count):
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
    await asyncio.sleep(0)
    elapsed = timed()
    cancelled = 0
    for task in tasks:
        task.cancel()
    for task in tasks:
        try:
            await task
        except asyncio.CancelledError:
            cancelled += 1
    assert cancelled == count
    return elapsed()


async def sleeper(delay):
    await asyncio.sleep(delay)


async def sleepers(count):
    elapsed = timed(time.process_time_ns)
    # As long as 100,000 take to go to sleep here, so that all of them do sleep at the same time.
    tasks = [asyncio.create_task(sleeper(1.5 + i % 1000 / 1000)) for i in range(count)]
    for task in tasks:
        await task
    return elapsed()


async def timeout_done(count):
    elapsed = timed()
    total = 0
    for i in range(count):
        async with asyncio.timeout(10):
            total += await trivial(i)
    assert total == count * (count - 1) // 2
    return elapsed()


async def chain(depth):
    if depth > 0:
        return 1 + await chain(depth - 1)
    await asyncio.sleep(0)
    return 0


async def await_chain(count):
    elapsed = timed()
    for _ in range(0, count, DEPTH):
        assert await chain(DEPTH) == DEPTH
    return elapsed()


async def leaf(depth, times):
    if depth > 0:
        return await leaf(depth - 1, times)
    for _ in range(times):
        await asyncio.sleep(0)


async def deep_resume(count):
    elapsed = timed()
    await leaf(DEPTH, count)
    return elapsed()


async def wait(future):
    await future


async def memory(count):
    loop = asyncio.get_running_loop()
    futures = [None] * count
    waiting = [None] * count
    gc.collect()
    tracemalloc.start()
    for i in range(count):
        futures[i] = loop.create_future()
        waiting[i] = asyncio.create_task(wait(futures[i]))
    await asyncio.sleep(0)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    for future in futures:
        future.set_result(None)
    for task in waiting:
        await task
    return used


# By the subjects' names; how many operations and rounds the subjects have.
WORKLOADS = {
    "spawn-join": (spawn_join, 10_000, 15),
    "gather": (gather, 100_000, 7),
    "switch-one": (switch_one, 100_000, 7),
    "switch-many": (switch_many, 50_000, 15),
    "queue": (queue, 50_000, 15),
    "lock-free": (lock_free, 50_000, 15),
    "lock-contended": (lock_contended, 10_000, 15),
    "cancel-sleepers": (cancel_sleepers, 10_000, 15),
    "sleepers": (sleepers, 100_000, 3),
    "timeout-done": (timeout_done, 20_000, 15),
    "await-chain": (await_chain, 50_000, 15),
    "deep-resume": (deep_resume, 5_000, 15),
    "memory": (memory, 20_000, 3),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--only", default=",".join(WORKLOADS))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()

    name = f"CPython {platform.python_version()}"
    run = asyncio.run
    if options.loop == "uvloop":
        import uvloop

        name = f"uvloop {uvloop.__version__}"
        if sys.version_info[:2] != (3, 13):
            name += f" on Python {sys.version_info.major}.{sys.version_info.minor}"
        uvloop.install()

    samples = {}
    for subject in options.only.split(","):
        if subject not in WORKLOADS:
            continue
        workload, count, rounds = WORKLOADS[subject]
        if options.quick:
            count, rounds = count // 10, min(rounds, 3)
        run(workload(count))  # warm up
        samples[subject] = [run(workload(count)) / count for _ in range(options.rounds or rounds)]
    json.dump({"loop": name, "samples": samples}, sys.stdout)


main()
