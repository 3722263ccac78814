// The official Socket.IO server, remote-controlled by the C tests.
//
//     node server.js PORT [OPTIONS]
//
// OPTIONS is a JSON object. `mode`, `token` and `refuse` are ours (see below), the rest goes to socket.io as it is.
//
// Control: one command a line on stdin, `NAME JSON`; each gets one answer line on stdout, `= JSON` or `! REASON`.
// Reports: lines `KIND JSON` on stdout as things happen: ready, connected, disconnected, got, answer, packet; in mode
// `scripted` opened and said.
// The process ends when its stdin closes, so that nothing is left behind by a test that dies.

'use strict';

const http = require('node:http');
const { Server } = require('socket.io');
const { WebSocketServer } = require('ws');

const port = Number(process.argv[2]);
const { mode = 'socket.io', token = 'secret', refuse = {}, ...serverOptions } = JSON.parse(process.argv[3] || '{}');

// Longer texts and byte strings are reported by length and checksum, so that a report line stays short.
const REPORT_LIMIT = 1024;

const web = http.createServer();
const refusals = new Map(Object.entries(refuse));
const numbered = new Map();
let io = null;
let script = null;
let reportPackets = false;

function report(kind, value) {
    process.stdout.write(`${kind} ${JSON.stringify(value)}\n`);
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
        if (event !== 'barrier') {
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
    } else if (socket.nsp.name === '/admin' && socket.handshake.auth.token !== token) {
        next(Object.assign(new Error('invalid token'), { data: { code: 42 } }));
    } else {
        next();
    }
}

function engineSockets() {
    return Object.values(io.engine.clients);
}

function webSockets() {
    return script ? [...script.clients] : engineSockets().map((socket) => socket.transport.socket);
}

const COMMANDS = {
    emit({ nsp = '/', event, args = [] }) {
        io.of(nsp).emit(event, ...args.map(build));
    },
    // Emits with an ack, reports what the clients answered.
    ask({ nsp = '/', event, args = [], timeout = 5000 }) {
        for (const socket of io.of(nsp).sockets.values()) {
            socket.timeout(timeout).emit(event, ...args.map(build), (error, ...answer) => {
                const outcome = error ? { error: error.message } : { args: answer.map(describe) };
                report('answer', { nsp, event, ...outcome });
            });
        }
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
    // Many equal, short WebSocket messages in one write, as fast as the network takes them.
    storm({ text, times, opcode = 1 }) {
        const frame = Buffer.concat([Buffer.from([0x80 | opcode, text.length]), Buffer.from(text)]);
        const frames = Buffer.alloc(frame.length * times, frame);
        webSockets().forEach((socket) => socket.tcp.write(frames));
    },
    disconnect({ nsp = '/', close = false }) {
        io.of(nsp).disconnectSockets(close);
    },
    // Ends the transport without a word.
    cut() {
        webSockets().forEach((socket) => socket.terminate());
    },
    // Ends the transport by an Engine.IO close.
    close() {
        engineSockets().forEach((socket) => socket.close());
    },
    // Stops reading from the clients, so that their writes pile up.
    pause() {
        webSockets().forEach((socket) => socket.pause());
    },
    resume() {
        webSockets().forEach((socket) => socket.resume());
    },
    refuse({ nsp, ...refusal }) {
        refusals.set(nsp, build(refusal));
    },
    admit({ nsp }) {
        refusals.delete(nsp);
    },
    packets({ on }) {
        reportPackets = on;
    },
    sockets() {
        const counts = Array.from(io._nsps.values(), (nsp) => [nsp.name, nsp.sockets.size]).sort();
        return { engine: io.engine.clientsCount, ...Object.fromEntries(counts.filter(([, size]) => size > 0)) };
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

function obey(line) {
    try {
        const [, name, argument] = /^(\w+) ?(.*)$/.exec(line);
        process.stdout.write(`= ${JSON.stringify(COMMANDS[name](JSON.parse(argument || '{}')) ?? null)}\n`);
    } catch (error) {
        process.stdout.write(`! ${line}: ${error.message}\n`);
    }
}

const MODES = {
    'socket.io'() {
        io = new Server(web, { serveClient: false, ...serverOptions });
        for (const nsp of ['/', '/chat', '/admin', /^\/dynamic-\w+$/]) {
            io.of(nsp).use(admit).on('connection', serve);
        }
        io.engine.on('connection', (socket) => {
            socket.on('packet', ({ type, data }) => {
                if (reportPackets && type === 'message') {
                    report('packet', describe(data));
                }
            });
        });
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
};

MODES[mode]();
require('node:readline').createInterface({ input: process.stdin }).on('line', obey);
process.stdin.on('end', () => process.exit(0));
web.listen(port, '127.0.0.1', () => report('ready', { port: web.address().port }));
