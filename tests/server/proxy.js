// Proxies of the tests, remote-controlled (control.js says how): what stands between client and server where the
// plugin is deployed, and how it misbehaves.
//
//     node proxy.js PORT [OPTIONS]
//
// OPTIONS is a JSON object:
//
//     user, password   what CONNECT and SOCKS5 want; without them everybody may
//     tls              as for server.js: the proxy itself is reached by https
//     ports            {"80":3000}: who asks for the port 80 is led to the port 3000
//     target           a port of this machine: then it is a reverse proxy that stands before this server
//     mode             how it misbehaves; it can be changed by the command `mode`
//
// Without `target` it takes HTTP CONNECT and SOCKS5 on the same port. Every host name is found on this machine, so that
// the tests can use names that no resolver knows. Modes:
//
//     {"status":503}       CONNECT is answered so; SOCKS5 by code 1; "reason" and "body" go with it
//     {"silent":true}      the connection is taken, and nothing is ever said
//     {"silent_tunnel":true}  the tunnel is opened, and nothing is said from then on
//     {"garbage":true}     the answer is no HTTP and no SOCKS
//     {"close":true}       the connection is closed when the request has come
//     {"slow":20}          the answer to CONNECT comes byte by byte, one every so many milliseconds
//
// and as reverse proxy, which passes everything else on:
//
//     {"upgrade":"drop"}   the header Upgrade is taken out, as by a proxy that knows HTTP/1.0 only
//     {"upgrade":502}      a request with Upgrade is answered by this status
//     {"upgrade":"hang"}   a request with Upgrade is never answered
//     {"upgrade":"silent"} the upgrade succeeds, and nothing of what follows is passed on
//     {"upgrade":"close"}  a request with Upgrade ends the connection
//     {"upgrade":"break"}  the upgrade succeeds, and ends the connection
//     {"session":[400,BODY]}  a long-polling request of a session is answered so
//     {"polling":404}      every long-polling request is answered by this status, or never with "hang"
//
// Reports: ready, tunnel, refused, closed (of a tunnel), request (reverse: method, url, upgrade).
// Commands: mode, tunnels (how many are open), cut (all of them end).

'use strict';

const http = require('node:http');
const net = require('node:net');
const { report, obey, tlsOptions } = require('./control.js');

const port = Number(process.argv[2]);
const options = JSON.parse(process.argv[3] || '{}');
const { user = null, password = '', tls = null, ports = {}, target = null } = options;
let mode = options.mode ?? {};

// Every connection of a client, and the tunnels among them.
const clients = new Set();
let tunnels = 0;

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1)$/;

// Nothing leaves this machine: a name is this machine, another machine's address is refused.
function local(host) {
    if (net.isIP(host) && !LOOPBACK.test(host)) {
        return null;
    }
    return net.isIP(host) ? host : '127.0.0.1';
}

// Connects the client with the place it asked for, once the answer that says so has gone out.
function tunnel(client, kind, host, toPort, rest, opened, refused) {
    const address = local(host);
    const upstream = address ? net.connect(ports[toPort] ?? toPort, address) : null;
    if (!upstream) {
        report('refused', { kind, host, port: toPort });
        refused();
        return;
    }
    let stands = false;
    upstream.setNoDelay(true);
    upstream.once('connect', async () => {
        stands = true;
        tunnels += 1;
        report('tunnel', { kind, host, port: toPort, ...(user !== null && { user }) });
        await opened();
        if (mode.silent_tunnel) {
            client.resume();
            return;
        }
        upstream.write(rest);
        client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => (stands ? client.destroy() : refused()));
    upstream.on('close', () => client.destroy());
    client.on('close', () => {
        upstream.destroy();
        if (stands) {
            tunnels -= 1;
            report('closed', { kind, host, port: toPort });
        }
    });
}

// Whether the client is treated as the mode says, whatever it wants.
function misbehaves(client) {
    if (mode.garbage) {
        client.end('\x00\x01 what is this? \xff\xfe\r\n\r\n', 'latin1');
    } else if (mode.close) {
        client.destroy();
    } else if (mode.silent) {
        // Its end is noticed.
        client.resume();
    }
    return mode.garbage || mode.close || mode.silent;
}

async function drip(client, text) {
    for (const byte of text) {
        client.write(byte);
        await new Promise((resolve) => setTimeout(resolve, mode.slow));
    }
}

function connect(client, head, rest) {
    const [, host, toPort] = /^CONNECT \[?([^\s\]]+?)\]?:(\d+) HTTP\/1\.[01]\r\n/i.exec(head) ?? [];
    const answer = (status, reason, headers = '', body = '') => {
        const length = Buffer.byteLength(body);
        client.end(`HTTP/1.1 ${status} ${reason}\r\n${headers}Content-Length: ${length}\r\n\r\n${body}`);
    };
    if (misbehaves(client)) {
        return;
    }
    if (!host) {
        answer(405, 'Method Not Allowed');
        return;
    }
    const [, given] = /\r\nProxy-Authorization: *Basic +(\S+)/i.exec(head) ?? [];
    const expected = Buffer.from(`${user}:${password}`).toString('base64');
    if (user !== null && given !== expected) {
        report('refused', { kind: 'connect', host, port: Number(toPort), ...(given && { given: true }) });
        answer(407, 'Proxy Authentication Required', 'Proxy-Authenticate: Basic realm="tests"\r\n');
        return;
    }
    if (mode.status) {
        report('refused', { kind: 'connect', host, port: Number(toPort) });
        answer(mode.status, mode.reason ?? 'Refused', '', mode.body ?? '');
        return;
    }
    const established = 'HTTP/1.1 200 Connection established\r\n\r\n';
    const opened = () => (mode.slow ? drip(client, established) : client.write(established));
    tunnel(client, 'connect', host, Number(toPort), rest, opened, () => answer(502, 'Bad Gateway'));
}

// Reads so many bytes of what comes, by `await take(n)`.
function reader(client, bytes) {
    let wanted = null;
    const look = () => {
        if (wanted && bytes.length >= wanted.count) {
            const taken = bytes.subarray(0, wanted.count);
            bytes = bytes.subarray(wanted.count);
            const { resolve } = wanted;
            wanted = null;
            resolve(taken);
        }
    };
    const more = (data) => {
        bytes = Buffer.concat([bytes, data]);
        look();
    };
    client.on('data', more);
    return {
        take: (count) => new Promise((resolve) => {
            wanted = { count, resolve };
            look();
        }),
        rest: () => {
            client.off('data', more).pause();
            return bytes;
        },
    };
}

// RFC 1928 and RFC 1929.
async function socks(client, bytes) {
    const { take, rest } = reader(client, bytes);
    const [, methodCount] = await take(2);
    const methods = await take(methodCount);
    if (misbehaves(client)) {
        return;
    }
    const method = user === null ? 0 : 2;
    if (!methods.includes(method)) {
        report('refused', { kind: 'socks5' });
        client.end(Buffer.from([5, 0xff]));
        return;
    }
    client.write(Buffer.from([5, method]));
    if (method === 2) {
        const text = async () => (await take((await take(1))[0])).toString();
        await take(1);
        const [givenUser, givenPassword] = [await text(), await text()];
        const right = givenUser === user && givenPassword === password;
        client.write(Buffer.from([1, right ? 0 : 1]));
        if (!right) {
            report('refused', { kind: 'socks5', given: true });
            client.end();
            return;
        }
    }
    const [, , , addressType] = await take(4);
    let host;
    if (addressType === 3) {
        host = (await take((await take(1))[0])).toString();
    } else if (addressType === 1) {
        host = (await take(4)).join('.');
    } else {
        const address = await take(16);
        host = Array.from({ length: 8 }, (_, i) => address.readUInt16BE(i * 2).toString(16)).join(':');
        host = host === '0:0:0:0:0:0:0:1' ? '::1' : host;
    }
    const toPort = (await take(2)).readUInt16BE();
    const reply = (code) => client.write(Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]));
    if (mode.status) {
        report('refused', { kind: 'socks5', host, port: toPort });
        reply(1);
        client.end();
        return;
    }
    const refused = () => {
        reply(5);
        client.end();
    };
    tunnel(client, 'socks5', host, toPort, rest(), () => reply(0), refused);
}

// The first byte tells SOCKS5 from HTTP.
function take(client) {
    let bytes = Buffer.alloc(0);
    client.on('error', () => {});
    client.on('data', function first(data) {
        bytes = Buffer.concat([bytes, data]);
        const end = bytes.indexOf('\r\n\r\n');
        if (bytes[0] === 5) {
            client.off('data', first);
            socks(client, bytes);
        } else if (end >= 0) {
            client.off('data', first).pause();
            connect(client, bytes.subarray(0, end + 2).toString('latin1'), bytes.subarray(end + 4));
        }
    });
}

function forward(request, response) {
    report('request', { method: request.method, url: request.url });
    const { headers, method, url } = request;
    if (mode.polling) {
        request.resume();
        if (typeof mode.polling === 'number') {
            response.writeHead(mode.polling).end();
        }
        return;
    }
    if (mode.session && url.includes('&sid=')) {
        const [status, body] = mode.session;
        request.resume().on('end', () => response.writeHead(status).end(body));
        return;
    }
    const upstream = http.request({ host: '127.0.0.1', port: target, method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
    });
    upstream.on('error', () => response.writableEnded || response.writeHead(502).end());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
}

function forwardUpgrade(request, client, head) {
    const { headers, method, url } = request;
    client.on('error', () => {});
    report('request', { method, url, upgrade: headers.upgrade });
    if (typeof mode.upgrade === 'number') {
        client.end(`HTTP/1.1 ${mode.upgrade} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    } else if (mode.upgrade === 'close') {
        client.destroy();
    } else if (mode.upgrade === 'hang') {
        client.resume();
    } else {
        // Of an answer that is no upgrade, nobody sees more than its beginning.
        const upstream = net.connect(target, '127.0.0.1', () => {
            const dropped = mode.upgrade === 'drop' ? ['upgrade', 'connection'] : [];
            const kept = Object.entries(headers).filter(([name]) => !dropped.includes(name));
            const connection = dropped.length > 0 ? 'Connection: close\r\n' : '';
            const lines = kept.map(([name, value]) => `${name}: ${value}\r\n`).join('');
            upstream.write(`${method} ${url} HTTP/1.1\r\n${lines}${connection}\r\n`);
            upstream.write(head);
            client.pipe(upstream);
        });
        if (mode.upgrade === 'silent' || mode.upgrade === 'break') {
            const isLast = mode.upgrade === 'break';
            upstream.once('data', (data) => {
                client.write(data.subarray(0, data.indexOf('\r\n\r\n') + 4), () => isLast && client.destroy());
            });
        } else {
            upstream.pipe(client);
        }
        upstream.on('error', () => client.destroy());
        upstream.on('close', () => client.destroy());
        client.on('close', () => upstream.destroy());
    }
}

function listener() {
    const secure = tls && tlsOptions(tls);
    if (target) {
        const server = secure ? require('node:https').createServer(secure, forward) : http.createServer(forward);
        return server.on('upgrade', forwardUpgrade);
    }
    return secure ? require('node:tls').createServer(secure, take) : net.createServer(take);
}

const server = listener();
server.on('connection', (client) => {
    clients.add(client);
    client.setNoDelay(true);
    client.on('error', () => {});
    client.on('close', () => clients.delete(client));
});

obey({
    mode(to) {
        mode = to;
    },
    tunnels() {
        return tunnels;
    },
    cut() {
        clients.forEach((client) => client.destroy());
    },
});
server.listen(port, '127.0.0.1', () => report('ready', { port: server.address().port }));
