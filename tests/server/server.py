"""A python-socketio server (ASGI, by uvicorn) that understands the portable part of what server.js does.

    python server.py PORT [OPTIONS]

OPTIONS is a JSON object: pingInterval, pingTimeout (milliseconds), token. Commands come on stdin and are answered on
stdout, with reports between the answers, as control.js describes it. The process ends when its stdin closes.
"""

import asyncio
import json
import os
import sys
import threading

import socketio
import uvicorn

port = int(sys.argv[1])
options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}

# Longer texts and byte strings are reported by length and checksum.
REPORT_LIMIT = 1024

# The reasons of a disconnect, as the official server names them.
REASONS = {
    "client disconnect": "client namespace disconnect",
    "server disconnect": "server namespace disconnect",
}

sio = socketio.AsyncServer(
    async_mode="asgi",
    namespaces="*",
    # The next message of a client is looked at when the one before is done with.
    async_handlers=False,
    ping_interval=options.get("pingInterval", 25000) / 1000,
    ping_timeout=options.get("pingTimeout", 20000) / 1000,
)
numbered = {}


def as_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(kind, value):
    write(f"{kind} {as_json(value)}")


def checksum(data):
    """FNV-1a, 32 bits; the harness has the same."""
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def container(value, each):
    if isinstance(value, dict):
        return {key: each(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [each(item) for item in value]
    return value


def describe(value):
    if isinstance(value, (bytes, bytearray)):
        if len(value) > REPORT_LIMIT:
            return {"_bytes": len(value), "_checksum": checksum(value)}
        return {"_bytes": value.hex()}
    if isinstance(value, str) and len(value) > REPORT_LIMIT:
        data = value.encode()
        return {"_text": len(data), "_checksum": checksum(data)}
    return container(value, describe)


def build(value):
    """What stands for something that JSON can't hold, as in server.js."""
    if isinstance(value, dict):
        if "_bytes" in value:
            return bytes.fromhex(value["_bytes"])
        if "_fill" in value:
            return bytes(i & 0xFF for i in range(value["_fill"]))
        if "_repeat" in value:
            text, times = value["_repeat"]
            return text * times
    return container(value, build)


async def on_connect(namespace, sid, _environ, auth=None):
    known = namespace in ("/", "/chat", "/admin") or namespace.startswith("/dynamic-")
    if not known:
        raise socketio.exceptions.ConnectionRefusedError("Invalid namespace")
    if namespace == "/admin" and (auth or {}).get("token") != options.get("token", "secret"):
        raise socketio.exceptions.ConnectionRefusedError("invalid token", {"code": 42})
    report("connected", {"nsp": namespace, "sid": sid})


async def on_disconnect(namespace, _sid, reason):
    report("disconnected", {"nsp": namespace, "reason": REASONS.get(reason, reason)})


async def on_event(event, namespace, sid, *args):
    """Gives what a client that waits for an ack gets."""
    if event == "numbered":
        key, number = args
        seen = numbered.setdefault(key, {"count": 0, "ordered": True})
        seen["ordered"] = seen["ordered"] and number == seen["count"]
        seen["count"] += 1
    elif event == "exact":
        write("exact " + as_json(list(args))[1:-1])
    elif event != "barrier":
        report("got", {"nsp": namespace, "event": event, "args": describe(args)})
    if event == "echo":
        await sio.emit("echo", args, to=sid, namespace=namespace)
    return args if event in ("ack", "barrier") else sio.not_handled


sio.on("connect", on_connect, namespace="*")
sio.on("disconnect", on_disconnect, namespace="*")
sio.on("*", on_event, namespace="*")


def clients(namespace):
    """Those that are in a namespace: (sid, id of the engine's session)."""
    return list(sio.manager.get_participants(namespace, None))


async def emit(nsp="/", event="", args=()):
    await sio.emit(event, tuple(build(list(args))), namespace=nsp)


async def emit_exact(event, json):
    await sio.emit(event, sio.packet_class.json.loads(json))


async def ask(nsp="/", event="", args=(), timeout=None):
    def told(*answer):
        report("answer", {"nsp": nsp, "event": event, "args": describe(answer)})

    for sid, _ in clients(nsp):
        await sio.emit(event, tuple(build(list(args))), to=sid, namespace=nsp, callback=told)


async def flood(nsp="/", event="", count=0):
    for number in range(count):
        await sio.emit(event, number, namespace=nsp)


async def disconnect(nsp="/", close=False):
    for sid, session in clients(nsp):
        await sio.disconnect(sid, namespace=nsp)
        if close:
            await sio.eio.disconnect(session)


async def cut():
    """Ends the transport without a word. A client on polling may have no connection just now: its session goes too."""
    polling = [session for session in sio.eio.sockets.values() if not session.upgraded]
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    for session in polling:
        await session.close(wait=False, abort=True, reason=sio.reason.TRANSPORT_ERROR)


async def sockets():
    engine = [session for session in sio.eio.sockets.values() if not session.closed]
    counts = {nsp: len(clients(nsp)) for nsp in sorted(sio.manager.get_namespaces())}
    return {"engine": len(engine), **{nsp: count for nsp, count in counts.items() if count > 0}}


async def transports():
    return [sio.eio.transport(sid) for sid, session in sio.eio.sockets.items() if not session.closed]


async def numbers():
    return dict(sorted(numbered.items()))


COMMANDS = {
    command.__name__: command
    for command in (emit, emit_exact, ask, flood, disconnect, cut, sockets, transports, numbers)
}


async def obey(line):
    try:
        name, _, argument = line.partition(" ")
        answer = await COMMANDS[name](**json.loads(argument or "{}"))
        write("= " + as_json(answer))
    except Exception as error:
        write(f"! {line}: {error!r}")


async def take_commands(lines):
    while True:
        await obey(await lines.get())


def read_commands(loop, lines):
    for line in sys.stdin:
        loop.call_soon_threadsafe(lines.put_nowait, line.strip())
    os._exit(0)


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        lines = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self.commands = asyncio.create_task(take_commands(lines))
        threading.Thread(target=read_commands, args=(loop, lines), daemon=True).start()
        await super().startup(sockets)
        report("ready", {"port": self.servers[0].sockets[0].getsockname()[1]})


server = Server(
    uvicorn.Config(
        socketio.ASGIApp(sio),
        host="127.0.0.1",
        port=port,
        ws="wsproto",
        lifespan="off",
        log_level="critical",
    )
)
server.run()
