// The official Socket.IO server, playing one scenario. `node server.js <scenario>`.
// It prints one line, {"port":...,"version":...} or {"error":...}, and ends when its standard input does.

'use strict';

const crypto = require('node:crypto');
const http = require('node:http');
const { createRequire } = require('node:module');
const path = require('node:path');

// One npm install serves the tests and this comparison.
const requireFromTests = createRequire(path.resolve(__dirname, '../../tests/server/package.json'));

function say(value) {
    process.stdout.write(`${JSON.stringify(value)}\n`);
}

function load(name) {
    try {
        return requireFromTests(name);
    } catch (error) {
        if (error.code !== 'MODULE_NOT_FOUND') throw error;
        say({ error: 'socket.io is not installed: run `npm ci` in tests/server' });
        process.exit(1);
    }
}

const { Server } = load('socket.io');
const { version } = load('socket.io/package.json');

// Delivers the steps one by one. 'step' ends each; the next begins when the client says so, or when it comes back
// after a lost connection. The last event is 'done', with the number of connections it took and what else is known.
const deliver = (steps, facts = {}) => (io) => {
    let begun = 0;
    let connections = 0;
    const advance = (socket) => {
        if (begun < steps.length) {
            steps[begun](socket);
            begun += 1;
            socket.emit('step', begun);
        } else {
            socket.emit('done', { connections, ...facts });
        }
    };
    io.on('connection', (socket) => {
        connections += 1;
        socket.on('next', (step) => {
            if (step === begun) advance(socket);
        });
        advance(socket);
    });
};

const everyByte = () => {
    const buffers = [Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))];
    while (buffers.length < 101) buffers.push(crypto.randomBytes(1024));
    return deliver(
        buffers.map((buffer) => (socket) => socket.emit('bytes', buffer)),
        { sent: buffers.map((buffer) => buffer.toString('hex')) },
    );
};

const names = ['error', 'close', 'open', 'Message'];
const deep = '['.repeat(200) + ']'.repeat(200);

const scenarios = {
    ordinary: deliver([(socket) => socket.emit('hello', 'text', { list: [1, null, true] })]),
    every_byte: everyByte(),
    attachments: deliver([
        (socket) => {
            socket.emit('two', Buffer.from([1, 2]), Buffer.from([3, 4]));
            socket.emit('nested', { name: 'n', data: Buffer.from([5]), more: { deep: Buffer.from([6]) } });
        },
    ]),
    no_arguments: deliver([
        (socket) => {
            socket.emit('ready');
            socket.emit('message', 'ready');
        },
    ]),
    names: deliver([(socket) => names.forEach((name) => socket.emit(name, name))]),
    deep: deliver([(socket) => socket.emit('deep', JSON.parse(deep))]),
    large: deliver([(socket) => socket.emit('large', 'x'.repeat(17 * 1024 * 1024))]),

    server_asks: (io) =>
        io.on('connection', (socket) => {
            socket.timeout(2000).emit('question', 20, (error, answer) => {
                socket.emit('done', error ? { error: error.message } : { answer });
            });
        }),

    namespaces: (io) => {
        const joined = ['/', '/a', '/b'].map(
            (name) => new Promise((resolve) => io.of(name).once('connection', (socket) => resolve(socket))),
        );
        Promise.all(joined).then((sockets) => {
            sockets.forEach((socket) => socket.emit('here', socket.nsp.name));
            sockets[0].emit('done', { connections: io.engine.clientsCount });
        });
    },

    // Accepts for three seconds only to close at once, as a server does behind a proxy that is about to go.
    flapping: (io) => {
        let connections = 0;
        let until;
        io.on('connection', (socket) => {
            connections += 1;
            until ??= Date.now() + 3000;
            if (Date.now() < until) socket.conn.close();
            else socket.emit('done', { connections });
        });
    },
};

// What a client may ask in any scenario. 'silent' never answers; 'gather' answers all 200 at once.
function answers(socket) {
    const waiting = [];
    socket.on('ask', (number, answer) => answer(number));
    socket.on('ask_binary', (buffer, answer) => answer(buffer.length));
    socket.on('silent', () => {});
    socket.on('gather', (number, answer) => {
        waiting.push(() => answer(number));
        if (waiting.length === 200) waiting.forEach((reply) => reply());
    });
}

const server = http.createServer();
const io = new Server(server);
io.on('connection', answers);
scenarios[process.argv[2]](io);
server.listen(0, '127.0.0.1', () => say({ port: server.address().port, version }));
process.stdin.on('end', () => process.exit(0)).resume();
