"""python-socketio under load: its AsyncClient, over WebSocket.

    python client.py WORK PORT COUNT SIZE

../README.md says what the works are. What goes wrong ends the process at once.
"""

import asyncio
import json
import os
import resource
import sys
import time

import socketio

# Nothing comes for so long: something was lost.
STALL = 5
# How long nothing is done before memory is looked at.
QUIET = 2
# After as many emits the loop gets a turn: its queue has no limit, and this way it is faster.
EMITS_A_TURN = 100
TEXT_DIGITS = 10
ATTACHMENT_DIGITS = 8

came = 0
may_end = False


def fail(sentence):
    # A handler's exception would only be logged.
    sys.stderr.write(f"python-socketio: {sentence}\n")
    sys.stderr.flush()
    os._exit(1)


async def watch():
    before = -1
    while True:
        await asyncio.sleep(STALL)
        if came == before:
            fail(f"nothing comes any more, after {came} events")
        before = came


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory():
    with open("/proc/self/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return lambda name: int(fields[name].split()[0])


class Span:
    def __init__(self):
        self.cpu = cpu_seconds()
        self.start = time.perf_counter()

    def end(self, events):
        seconds = time.perf_counter() - self.start
        cpu = cpu_seconds() - self.cpu
        return {"events": events, "seconds": seconds, "cpu_seconds": cpu, "peak_rss_kib": memory()("VmHWM")}


def at(times, part):
    return sorted(times)[min(int(len(times) * part), len(times) - 1)]


def text_rest(size):
    return "".join(chr(97 + place % 26) for place in range(TEXT_DIGITS, size))


def check_text(text, rest):
    if len(text) != TEXT_DIGITS + len(rest):
        fail(f"event {came}: {len(text)} bytes in place of {TEXT_DIGITS + len(rest)}")
    if int(text[:TEXT_DIGITS]) != came:
        fail(f"event {text[:TEXT_DIGITS]} came in place of {came}")
    if not text.endswith(rest):
        fail(f"event {came}: a byte is another one")


def check_attachment(attachment, rest):
    if attachment != b"%08d" % came + rest:
        fail(f"{len(attachment)} bytes that begin with {attachment[:ATTACHMENT_DIGITS]} are not event {came}")


def make_client():
    client = socketio.AsyncClient(reconnection=False)
    client.on("wrong", lambda sentence: fail(f"the server says: {sentence}"))
    client.on("connect_error", lambda error: fail(f"connecting: {error}"))

    @client.event
    def disconnect(reason):
        if not may_end:
            fail(f"the connection was lost: {reason}")

    return client


async def join(client, port):
    await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
    return client


async def receive(work, port, count, size):
    client = make_client()
    done = asyncio.Event()
    report = None
    if work.startswith("binary"):
        event, check = "bin", check_attachment
        values = [0x1F if place % 256 == 0x1E and work != "binary" else place % 256 for place in range(size)]
        rest = bytes(values[ATTACHMENT_DIGITS:])
    else:
        event, check, rest = "tick", check_text, text_rest(size)

    def on_event(content):
        nonlocal report
        global came
        if came == count:
            fail(f"an event more than the {count} that were asked for")
        check(content, rest)
        came += 1
        if came == count:
            report = span.end(came)

    client.on(event, on_event)
    client.on("done", lambda _: done.set())
    await join(client, port)
    span = Span()
    await client.emit(work, (count, size))
    await done.wait()
    if came != count:
        fail(f"only {came} of {count} events came")
    return report


async def send(_work, port, count, size):
    global came
    client = make_client()
    answer = asyncio.get_running_loop().create_future()
    client.on("all", answer.set_result)
    rest = text_rest(size)
    await join(client, port)
    await client.emit("send", (count, size))
    span = Span()
    for number in range(count):
        await client.emit("tick", f"{number:0{TEXT_DIGITS}}{rest}")
        if number % EMITS_A_TURN == EMITS_A_TURN - 1:
            came = number
            await asyncio.sleep(0)
    returned = time.perf_counter() - span.start
    await client.emit("end")
    got = await answer
    report = span.end(count)
    report["returned_seconds"] = returned
    if got != {"right": count, "missing": 0, "twice": 0, "out_of_order": 0, "wrong": 0}:
        fail(f"the server got {got}")
    return report


async def trip(work, port, count, size):
    client = make_client()
    done = asyncio.Event()
    rest = text_rest(size)
    times = []
    start = 0

    async def set_out():
        nonlocal start
        text = f"{came:0{TEXT_DIGITS}}{rest}"
        start = time.perf_counter()
        if work == "pair":
            await client.emit("first", text)
            await client.emit("second", text)
        else:
            await client.emit("echo", text)

    async def on_echo(text):
        global came
        times.append((time.perf_counter() - start) * 1e6)
        check_text(text, rest)
        came += 1
        if came < count:
            await set_out()
        else:
            done.set()

    client.on("second" if work == "pair" else "echo", on_echo)
    await join(client, port)
    span = Span()
    await set_out()
    await done.wait()
    report = span.end(came)
    report |= {"p50_us": at(times, 0.5), "p99_us": at(times, 0.99), "max_us": max(times)}
    report["mean_us"] = sum(times) / len(times)
    return report


async def connect(_work, port, count, _size):
    global came, may_end
    times = []
    span = Span()
    while came < count:
        start = time.perf_counter()
        client = await join(make_client(), port)
        times.append((time.perf_counter() - start) * 1e6)
        may_end = True
        await client.disconnect()
        may_end = False
        came += 1
    return span.end(came) | {"first_us": times[0], "median_us": at(times, 0.5), "max_us": max(times)}


async def idle(_work, port, count, _size):
    global came
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    span = Span()
    await asyncio.sleep(QUIET)
    none = memory()
    clients = [await join(make_client(), port)]
    await asyncio.sleep(QUIET)
    one = memory()
    while len(clients) < count:
        clients.append(await join(make_client(), port))
    await asyncio.sleep(QUIET)
    every = memory()
    cpu = cpu_seconds()
    await asyncio.sleep(QUIET)
    idle_cpu = (cpu_seconds() - cpu) * 1e6 / QUIET
    return span.end(len(clients)) | {
        "rss_kib_0": none("VmRSS"),
        "rss_kib_1": one("VmRSS"),
        "rss_kib_n": every("VmRSS"),
        "anon_kib_1": one("RssAnon"),
        "anon_kib_n": every("RssAnon"),
        "threads_1": one("Threads"),
        "threads_n": every("Threads"),
        "idle_cpu_us_per_s": idle_cpu,
    }


WORKS = {
    "receive": receive,
    "large": receive,
    "binary": receive,
    "binary-no-1e": receive,
    "send": send,
    "trip": trip,
    "pair": trip,
    "connect": connect,
    "idle": idle,
}


async def main(work, port, count, size):
    watcher = asyncio.create_task(watch()) if work != "idle" else None
    report = await WORKS[work](work, port, int(count), int(size))
    print(json.dumps(report, separators=(",", ":")), flush=True)
    # The end of the process ends the connections, and the watcher.
    del watcher
    os._exit(0)


if len(sys.argv) != 5 or sys.argv[1] not in WORKS:
    fail("usage: python client.py WORK PORT COUNT SIZE")
try:
    asyncio.run(main(*sys.argv[1:]))
except Exception as error:
    fail(f"{type(error).__name__}: {error}")
