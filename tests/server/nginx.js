// nginx before two processes of server.js, which share their namespaces through a Redis server: remote-controlled as if
// they were one server (control.js says how).
//
//     node nginx.js PORT [OPTIONS]
//
// OPTIONS is a JSON object: `tls` is the name of a certificate for nginx, the rest goes to server.js. All files lie in a
// temporary folder; all that was started ends with this process.

'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { report, obey } = require('./control.js');

const port = Number(process.argv[2]);
const { tls = null, ...serverOptions } = JSON.parse(process.argv[3] || '{}');

// What one process does for all clients, wherever they are connected.
const FOR_ALL = ['emit', 'flood'];
const FOR_EACH = [
    'ask', 'emit_exact', 'disconnect', 'cut', 'cut_tcp', 'close', 'pause', 'resume', 'refuse', 'admit', 'packets',
    'sockets', 'transports', 'handshakes', 'numbers',
];

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'socketio-nginx-'));
const children = [];
let ending = false;
// Debian keeps nginx and redis-server where only root looks.
const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

// Ends when all children have: nothing is left behind, not even their exit codes.
function end(code) {
    if (!ending) {
        ending = true;
        const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
        const ends = running.map((child) => new Promise((resolve) => child.on('exit', resolve)));
        running.forEach((child) => child.kill('SIGKILL'));
        Promise.all(ends).then(() => {
            fs.rmSync(folder, { recursive: true, force: true });
            process.exit(code);
        });
    }
}

function start(program, args, stdio) {
    // It is killed if this process dies without a word.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { env: environment, stdio });
    child.on('spawn', () => children.push(child));
    child.on('error', (error) => fail(`${program}: ${error.message}`));
    child.on('exit', (code, signal) => fail(`${program} ended: ${code ?? signal}`));
    return child;
}

function fail(reason) {
    if (!ending) {
        process.stderr.write(`nginx.js: ${reason}\n`);
        end(1);
    }
}

// Waits until somebody listens there.
async function listens(where) {
    for (;;) {
        const connected = await new Promise((resolve) => {
            const socket = net.connect(where, () => socket.end(() => resolve(true)));
            socket.on('error', () => resolve(false));
        });
        if (connected) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

// A process of server.js: its reports are ours, its answers are for who asked.
function startServer(options) {
    const script = path.join(__dirname, 'server.js');
    const child = start(process.execPath, [script, '0', JSON.stringify(options)], ['pipe', 'pipe', 'inherit']);
    const waiting = [];
    const ready = new Promise((resolve) => {
        require('node:readline').createInterface({ input: child.stdout }).on('line', (line) => {
            if (line.startsWith('ready ')) {
                resolve(JSON.parse(line.slice(6)).port);
            } else if (line.startsWith('= ')) {
                waiting.shift().resolve(JSON.parse(line.slice(2)));
            } else if (line.startsWith('! ')) {
                waiting.shift().reject(new Error(line.slice(2)));
            } else {
                process.stdout.write(`${line}\n`);
            }
        });
    });
    const command = (name, argument) => new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${name} ${JSON.stringify(argument)}\n`);
    });
    return { ready, command };
}

// The answers of several processes as one: lists follow one another, counts are added.
function merge(answers) {
    if (answers.every(Array.isArray)) {
        return answers.flat();
    }
    if (answers.every((answer) => typeof answer === 'number')) {
        return answers.reduce((sum, answer) => sum + answer, 0);
    }
    if (answers.every((answer) => typeof answer === 'object' && answer !== null)) {
        const keys = [...new Set(answers.flatMap(Object.keys))];
        return Object.fromEntries(keys.map((key) => [key, merge(answers.flatMap((answer) => answer[key] ?? []))]));
    }
    return answers.length > 0 && answers.every((answer) => answer === answers[0]) ? answers[0] : null;
}

function configuration(ports) {
    const certificates = process.env.SOCKETIO_TEST_CERTIFICATES;
    const lines = [
        `ssl_certificate "${certificates}/${tls}.pem";`,
        `ssl_certificate_key "${certificates}/${tls}.key.pem";`,
    ];
    const values = {
        folder,
        port,
        a: ports[0],
        b: ports[1],
        tls: tls ? ' ssl' : '',
        certificate: tls ? lines.map((line) => `        ${line}`).join('\n') : '',
    };
    const template = fs.readFileSync(path.join(__dirname, 'nginx.conf'), 'utf8');
    return template.replace(/@(\w+)@/g, (_, name) => values[name]);
}

async function run() {
    const redis = path.join(folder, 'redis.sock');
    start('redis-server', ['--port', '0', '--unixsocket', redis, '--save', '', '--dir', folder], 'ignore');
    await listens({ path: redis });
    const servers = [1, 2].map(() => startServer({ ...serverOptions, redis }));
    const ports = await Promise.all(servers.map((server) => server.ready));
    const file = path.join(folder, 'nginx.conf');
    fs.writeFileSync(file, configuration(ports));
    start('nginx', ['-p', folder, '-e', 'stderr', '-c', file], ['ignore', 'ignore', 'inherit']);
    await listens({ port, host: '127.0.0.1' });

    const commands = {};
    FOR_ALL.forEach((name) => {
        commands[name] = (argument) => servers[0].command(name, argument);
    });
    FOR_EACH.forEach((name) => {
        commands[name] = async (argument) => merge(
            await Promise.all(servers.map((server) => server.command(name, argument))),
        );
    });
    obey(commands, () => end(0));
    report('ready', { port });
}

run().catch((error) => fail(error.stack));
