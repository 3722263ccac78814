// The official Socket.IO server, remote-controlled by the C tests (control.js says how).
//
//     node server.js PORT [OPTIONS]
//
// OPTIONS is a JSON object. These are ours, the rest goes to socket.io as it is:
//
//     mode      what to be, see MODES; socket.io if it is not given
//     version   of socket.io: 4 (if not given), 3 or 2
//     host      the address to listen at; 127.0.0.1 if it is not given
//     tls       the name of a certificate of the tests, or {certificate, client_ca, ...}, the rest as in Node.js
//     redis     the path of a Redis server's socket: the namespaces are shared with other processes
//     token     what the namespace `locked` (/admin if it is not given) wants in auth.token
//     refuse    refusals by namespace, see `admit`
//     answers, posts, upgrades   in mode `answers`: what is answered
//
// Reports: ready, transport, upgraded, connected, disconnected, got, exact, answer, packet; in mode `scripted` opened
// and said; in mode `answers` request.

'use strict';

const { WebSocketServer } = require('ws');
const { report, obey, tlsOptions } = require('./control.js');

const port = Number(process.argv[2]);
const {
    mode = 'socket.io',
    version = 4,
    host = '127.0.0.1',
    tls = null,
    redis = null,
    token: firstToken = 'secret',
    locked = '/admin',
    refuse = {},
    answers = [],
    posts = answers,
    upgrades = answers,
    ...serverOptions
} = JSON.parse(process.argv[3] || '{}');

// Longer texts and byte strings are reported by length and checksum, so that a report line stays short.
const REPORT_LIMIT = 1024;

const web = listener();
// Every TCP connection that stands; none of them is read while `paused`.
const connections = new Set();
let paused = false;
let token = firstToken;
const refusals = new Map(Object.entries(refuse));
const numbered = new Map();
let io = null;
let script = null;
let reportPackets = false;

function listener() {
    const [plain, secure] = mode === 'answers' ? ['node:net', 'node:tls'] : ['node:http', 'node:https'];
    return tls ? require(secure).createServer(tlsOptions(tls)) : require(plain).createServer();
}

// FNV-1a, 32 bits; the harness has the same.
function checksum(bytes) {
    let hash = 0x811c9dc5;
    for (const byte of bytes) {
        hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
    return hash;
}

// What arrived, as JSON: a function is an ack that the client waits for.
function describe(value) {
    if (Buffer.isBuffer(value)) {
        return value.length > REPORT_LIMIT
            ? { _bytes: value.length, _checksum: checksum(value) }
            : { _bytes: value.toString('hex') };
    }
    if (typeof value === 'string' && value.length > REPORT_LIMIT) {
        const bytes = Buffer.from(value);
        return { _text: bytes.length, _checksum: checksum(bytes) };
    }
    return container(value, describe);
}

// What a command wants to be sent: {"_bytes":"00ff"}, {"_fill":COUNT} for 0, 1, ... 255, 0, ..., and
// {"_repeat":[TEXT,COUNT]} stand for what JSON can't hold or a line shouldn't.
function build(value) {
    if (typeof value === 'object' && value !== null) {
        if ('_bytes' in value) {
            return Buffer.from(value._bytes, 'hex');
        }
        if ('_fill' in value) {
            return Buffer.from(Uint8Array.from({ length: value._fill }, (_, i) => i & 0xff));
        }
        if ('_repeat' in value) {
            return value._repeat[0].repeat(value._repeat[1]);
        }
    }
    return container(value, build);
}

function container(value, each) {
    if (Array.isArray(value)) {
        return value.map(each);
    }
    if (typeof value === 'object' && value !== null) {
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, each(item)]));
    }
    return value;
}

// `numbered KEY N` is counted, not reported: floods are checked by the command `numbers`.
function countNumbered(key, number) {
    const seen = numbered.get(key) || { count: 0, ordered: true };
    seen.ordered = seen.ordered && number === seen.count;
    seen.count += 1;
    numbered.set(key, seen);
}

function serve(socket) {
    const nsp = socket.nsp.name;
    report('connected', { nsp, sid: socket.id, recovered: socket.recovered });
    socket.on('disconnect', (reason) => report('disconnected', { nsp, reason }));
    // Without a listener, a client's event of this name would end the process.
    socket.on('error', () => {});

    socket.onAny((event, ...args) => {
        if (event === 'numbered') {
            countNumbered(...args);
            return;
        }
        const ack = typeof args.at(-1) === 'function' ? args.pop() : null;
        if (event !== 'barrier' && event !== 'exact') {
            report('got', { nsp, event, args: args.map(describe), ...(ack && { ack: true }) });
        }
        if (event === 'ack' || event === 'barrier') {
            ack?.(...args);
        } else if (event === 'ack_late') {
            setTimeout(() => ack?.('late'), args[0]);
        } else if (event === 'echo') {
            socket.emit('echo', ...args);
        }
    });
}

// A refusal is {message, data}, or {hold: true}: then CONNECT is never answered.
function admit(socket, next) {
    const refusal = refusals.get(socket.nsp.name);
    if (refusal?.hold) {
        return;
    }
    if (refusal) {
        next(Object.assign(new Error(refusal.message), { data: refusal.data }));
    } else if (socket.nsp.name === locked && socket.handshake.auth.token !== token) {
        next(Object.assign(new Error('invalid token'), { data: { code: 42 } }));
    } else {
        next();
    }
}

function engineSockets() {
    return Object.values(io.engine.clients);
}

// Those of clients that are on polling are not among them.
function webSockets() {
    return script ? [...script.clients] : engineSockets().flatMap((socket) => socket.transport.socket ?? []);
}

const COMMANDS = {
    emit({ nsp = '/', event, args = [] }) {
        io.of(nsp).emit(event, ...args.map(build));
    },
    // Emits with an ack, reports what the clients answered.
    ask({ nsp = '/', event, args = [], timeout = 5000 }) {
        for (const socket of io.of(nsp).sockets.values()) {
            const told = (outcome) => report('answer', { nsp, event, ...outcome });
            if (version < 4) {
                socket.emit(event, ...args.map(build), (...answer) => told({ args: answer.map(describe) }));
                continue;
            }
            socket.timeout(timeout).emit(event, ...args.map(build), (error, ...answer) => {
                told(error ? { error: error.message } : { args: answer.map(describe) });
            });
        }
    },
    // Emits one argument to the default namespace, a JSON text that arrives as it is written.
    emit_exact({ event, json }) {
        engineSockets().forEach((socket) => socket.write(`2${JSON.stringify([event]).slice(0, -1)},${json}]`));
    },
    flood({ nsp = '/', event, count }) {
        for (let i = 0; i < count; i += 1) {
            io.of(nsp).emit(event, i);
        }
    },
    // Socket.IO packets as they stand on the wire, for what socket.io itself would never send.
    raw({ parts }) {
        engineSockets().forEach((socket) => parts.map(build).forEach((part) => socket.write(part)));
    },
    // WebSocket messages as they stand on the wire, below Engine.IO.
    frame({ parts }) {
        webSockets().forEach((socket) => parts.map(build).forEach((part) => socket.send(part)));
    },
    // Bytes below WebSocket, each part in a write of its own: frames that `ws` would never send, or not yet.
    bytes({ parts }) {
        webSockets().forEach((socket) => parts.map(build).forEach((part) => socket.tcp.write(part)));
    },
    // Many equal, short WebSocket messages in one write, as fast as the network takes them.
    storm({ text, times, opcode = 1 }) {
        const frame = Buffer.concat([Buffer.from([0x80 | opcode, text.length]), Buffer.from(text)]);
        const frames = Buffer.alloc(frame.length * times, frame);
        webSockets().forEach((socket) => socket.tcp.write(frames));
    },
    disconnect({ nsp = '/', close = false }) {
        [...io.of(nsp).sockets.values()].forEach((socket) => socket.disconnect(close));
    },
    // Ends the transport without a word. A client on polling may have no connection just now: its session goes too.
    cut() {
        const polling = script ? [] : engineSockets().filter((socket) => socket.transport.name === 'polling');
        webSockets().forEach((socket) => socket.terminate());
        connections.forEach((connection) => connection.destroy());
        polling.forEach((socket) => socket.readyState === 'open' && socket.transport.onError('cut'));
    },
    // Ends every TCP connection, and nothing else.
    cut_tcp() {
        connections.forEach((connection) => connection.destroy());
    },
    // Ends the transport by an Engine.IO close.
    close() {
        engineSockets().forEach((socket) => socket.close());
    },
    // Stops reading from the clients, so that their writes pile up.
    pause() {
        paused = true;
        connections.forEach((connection) => connection._handle?.readStop());
    },
    resume() {
        paused = false;
        connections.forEach((connection) => connection._handle?.readStart());
    },
    refuse({ nsp, ...refusal }) {
        refusals.set(nsp, build(refusal));
    },
    admit({ nsp }) {
        refusals.delete(nsp);
    },
    // Another token is wanted from now on.
    token({ is }) {
        token = is;
    },
    packets({ on }) {
        reportPackets = on;
    },
    sockets() {
        const counts = Array.from(io._nsps.values(), (nsp) => [nsp.name, nsp.sockets.size]).sort();
        return { engine: io.engine.clientsCount, ...Object.fromEntries(counts.filter(([, size]) => size > 0)) };
    },
    // What each client is on.
    transports() {
        return engineSockets().map((socket) => socket.transport.name);
    },
    handshakes({ nsp = '/' }) {
        return Array.from(io.of(nsp).sockets.values(), ({ handshake: { headers, query, auth, url } }) => {
            return { headers, query, auth, url };
        });
    },
    numbers() {
        return Object.fromEntries([...numbered].sort());
    },
    quit() {
        io.close(() => process.exit(0));
    },
};

// Shares the namespaces with the processes at the same Redis server.
async function share() {
    const { createClient } = require('@redis/client');
    const publisher = createClient({ socket: { path: redis } });
    const subscriber = publisher.duplicate();
    await Promise.all([publisher.connect(), subscriber.connect()]);
    io.adapter(require('@socket.io/redis-adapter').createAdapter(publisher, subscriber));
    return subscriber;
}

function reportTransports(socket) {
    report('transport', { name: socket.transport.name });
    socket.on('upgrade', (transport) => report('upgraded', { name: transport.name }));
}

// A number that JavaScript can't hold is reported as it stands on the wire.
const EXACT = '2["exact",';

// Where the first HTTP request of this text ends; 0 if it has no end yet.
function requestEnd(text) {
    const head = text.indexOf('\r\n\r\n') + 4;
    const [, length] = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head)) ?? [null, 0];
    return head > 3 && text.length >= head + Number(length) ? head + Number(length) : 0;
}

// An answer of mode `answers`: {parts, gzip, drip, endless, end}. `parts` are texts, or as `build` has them; those of
// `gzip` follow compressed. With `drip`, a byte every so many milliseconds; with `endless`, the last part comes again
// as long as it is read. Then the connection is closed, or kept if `end` is false.
async function give(socket, { parts = [], gzip = null, drip = 0, endless = false, end = true }) {
    const all = parts.map(build);
    if (gzip) {
        all.push(require('node:zlib').gzipSync(Buffer.concat(gzip.map((part) => Buffer.from(build(part))))));
    }
    if (drip > 0) {
        for (const byte of Buffer.concat(all.map((part) => Buffer.from(part)))) {
            socket.write(Buffer.from([byte]));
            await new Promise((resolve) => setTimeout(resolve, drip));
        }
    } else {
        all.forEach((part) => socket.write(part));
    }
    while (endless && !socket.destroyed) {
        if (!socket.write(all.at(-1))) {
            await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
        }
    }
    if (end) {
        socket.end();
    }
}

const MODES = {
    async 'socket.io'() {
        const library = require({ 2: 'socket.io-2', 3: 'socket.io-3', 4: 'socket.io' }[version]);
        io = new (library.Server ?? library)(web, { serveClient: false, ...serverOptions });
        const subscriber = redis && (await share());
        if (version === 2) {
            // There to be recognised, not to be used.
            io.on('connection', (socket) => report('connected', { nsp: socket.nsp.name, sid: socket.id }));
            return;
        }
        for (const nsp of ['/', '/chat', '/admin', /^\/dynamic-\w+$/]) {
            io.of(nsp).use(admit).on('connection', serve);
        }
        io.engine.on('connection', (socket) => {
            reportTransports(socket);
            socket.on('packet', ({ type, data }) => {
                if (reportPackets && type === 'message') {
                    report('packet', describe(data));
                }
                if (typeof data === 'string' && data.startsWith(EXACT)) {
                    process.stdout.write(`exact ${data.slice(EXACT.length, -1)}\n`);
                }
            });
        });
        // Subscriptions are taken in order: with this one, those of the namespaces stand.
        await subscriber?.subscribe('ready', () => {});
    },
    // The official server for the soak, see soak.js.
    soak() {
        const soak = require('./soak.js')(web, serverOptions);
        io = soak.io;
        Object.assign(COMMANDS, soak.commands);
    },
    // A WebSocket server that knows nothing of Engine.IO.
    websocket() {
        new WebSocketServer({ server: web });
    },
    // A WebSocket server that says what the test tells it to (`frame`, `storm`), and reports what it hears.
    scripted() {
        script = new WebSocketServer({ server: web });
        script.on('connection', (socket, request) => {
            socket.tcp = request.socket;
            socket.on('message', (data, isBinary) => report('said', describe(isBinary ? data : data.toString())));
            report('opened', {});
        });
    },
    // A WebSocket server whose first words are no Engine.IO open packet.
    chatter() {
        new WebSocketServer({ server: web }).on('connection', (socket) => socket.send('hello, who are you?'));
    },
    // Answers each HTTP request by the next of `answers`, byte for byte, and the last one again and again. POST requests
    // and those with Upgrade may have lists of their own.
    answers() {
        const taken = new Map();
        web.on(tls ? 'secureConnection' : 'connection', (socket) => {
            let request = '';
            socket.on('error', () => {});
            socket.on('data', (data) => {
                request += data.toString('latin1');
                for (let end; (end = requestEnd(request)) > 0; request = request.slice(end)) {
                    const [head, body] = request.slice(0, end).split('\r\n\r\n', 2);
                    report('request', { head: head.split('\r\n'), body });
                    const list = /\r\nupgrade:/i.test(head) ? upgrades : head.startsWith('POST') ? posts : answers;
                    const next = taken.get(list) ?? 0;
                    taken.set(list, next + 1);
                    give(socket, list[Math.min(next, list.length - 1)]);
                }
            });
        });
    },
};

web.on('connection', (connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => {});
    if (paused) {
        connection._handle?.readStop();
    }
});
// A client that does not like our certificate is part of the tests.
web.on('tlsClientError', ({ code, message }) => report('tls_error', { code, message }));
obey(COMMANDS);
(async () => {
    await MODES[mode]();
    web.listen(port, host, () => report('ready', { port: web.address().port }));
})();
