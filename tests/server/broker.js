// Starts the servers of the tests for programs that can't: those under Wine, which have no pipes to a process outside.
//
// It listens on 127.0.0.1, prints `ready PORT SECRET`, and ends when its stdin closes, with all that it started. Each
// connection begins with one line, and that with the secret, since others on this machine reach the port too:
//
//     SECRET start PROGRAM SCRIPT PORT dies|ends OPTIONS
//
// starts the program that the environment variable PROGRAM names, with the SCRIPT beside this one (-: none), PORT and
// OPTIONS. The answer is a line with its number; from then on the connection is its stdin and its stdout, and closes
// when it has ended. When the other end closes, so does its stdin, and it is killed if it does not end by that; "ends":
// it is not, since it has processes of its own to end.
//
//     SECRET signal NUMBER SIGKILL|SIGSTOP|SIGCONT
//
// signals one that was started here; the answer is `done`. What can't be done is answered by `! REASON`.

'use strict';

const { spawn } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const net = require('node:net');
const path = require('node:path');

const PROGRAMS = ['SOCKETIO_TEST_NODE', 'SOCKETIO_TEST_PYTHON', 'SOCKETIO_TEST_SOCKETIOXIDE', 'SOCKETIO_TEST_HOSTILE'];
const SIGNALS = ['SIGKILL', 'SIGSTOP', 'SIGCONT'];
// How long a server may take to end by its stdin.
const END_LIMIT_MS = 3000;

const SECRET = randomBytes(16).toString('hex');
// By their numbers, which stay when they have ended.
const started = new Map();

function start(connection, [program, script, port, end, ...options]) {
    const executable = PROGRAMS.includes(program) && process.env[program];
    if (!executable) throw new Error(`${program} is not set`);
    if (!/^\d+$/.test(port)) throw new Error(`${port} is no port`);
    const scripts = script === '-' ? [] : [path.join(__dirname, path.basename(script))];
    const given = options.join(' ');
    const words = [...scripts, port, ...(given ? [given] : [])];
    const child = spawn(executable, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.on('error', (error) => connection.end(`! ${error.message}\n`));
    // A server that died, or a test that did, no longer reads.
    for (const stream of [child.stdin, child.stdout, connection]) stream.on('error', () => {});
    child.on('spawn', () => {
        started.set(child.pid, child);
        connection.write(`${child.pid}\n`);
        connection.pipe(child.stdin);
        child.stdout.pipe(connection, { end: false });
        connection.on('close', () => child.stdin.end());
    });
    let limit;
    if (end === 'dies') {
        // It may be frozen.
        const kill = () => {
            limit ??= setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
        };
        connection.on('end', kill).on('close', kill);
    }
    child.on('close', () => {
        clearTimeout(limit);
        connection.end();
    });
}

function signal(connection, [number, name]) {
    const child = started.get(Number(number));
    if (!child || !SIGNALS.includes(name)) throw new Error(`signal ${number} ${name}`);
    child.kill(name);
    connection.end('done\n');
}

const commands = new Map(Object.entries({ start, signal }));

function serve(connection) {
    let head = Buffer.alloc(0);
    connection.on('error', () => {});
    const read = (bytes) => {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf('\n');
        if (end < 0) return;
        connection.off('data', read);
        connection.pause();
        const [secret, name, ...words] = head.subarray(0, end).toString().split(' ');
        // What follows is for the program.
        if (end + 1 < head.length) connection.unshift(head.subarray(end + 1));
        try {
            if (secret !== SECRET || !commands.has(name)) throw new Error('that is no command');
            commands.get(name)(connection, words);
        } catch (error) {
            connection.end(`! ${error.message}\n`);
        }
    };
    connection.on('data', read);
}

function quit() {
    const left = [...started.values()].filter((child) => child.exitCode === null && child.signalCode === null);
    const ended = left.map((child) => new Promise((resolve) => child.on('close', resolve)));
    for (const child of left) child.stdin.end();
    setTimeout(() => left.forEach((child) => child.kill('SIGKILL')), END_LIMIT_MS).unref();
    Promise.all(ended).then(() => process.exit(0));
}

const server = net.createServer({ allowHalfOpen: true }, serve);
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready ${server.address().port} ${SECRET}\n`));
process.stdin.resume().on('close', quit);
