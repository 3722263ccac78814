// How the servers of the tests are remote-controlled.
//
// One command a line on stdin, `NAME JSON`; each gets one answer line on stdout, `= JSON` or `! REASON`. Reports are
// lines `KIND JSON` on stdout as things happen. The process ends when its stdin closes, so that nothing is left behind
// by a test that dies.

'use strict';

const fs = require('node:fs');
const path = require('node:path');

// Whoever started us may be gone; then our stdin ends too, and that is what we end by.
process.stdout.on('error', () => {});

function report(kind, value) {
    process.stdout.write(`${kind} ${JSON.stringify(value)}\n`);
}

// Answers come in the order of the commands, also if one takes its time. `end` is called when there are no more.
function obey(commands, end = () => process.exit(0)) {
    const answer = async (line) => {
        try {
            const [, name, argument] = /^(\w+) ?(.*)$/.exec(line);
            const result = await commands[name](JSON.parse(argument || '{}'));
            process.stdout.write(`= ${JSON.stringify(result ?? null)}\n`);
        } catch (error) {
            process.stdout.write(`! ${line}: ${error.message}\n`);
        }
    };
    let last = Promise.resolve();
    const lines = require('node:readline').createInterface({ input: process.stdin });
    lines.on('line', (line) => {
        last = last.then(() => answer(line));
    });
    lines.on('close', end);
}

// A file of the test certificates: NAME.pem, NAME.key.pem, ...
function certificate(name) {
    return fs.readFileSync(path.join(process.env.SOCKETIO_TEST_CERTIFICATES, name));
}

// The `tls` option as Node.js takes it: the name of a certificate, or {certificate, client_ca, ...}.
function tlsOptions(tls) {
    const { certificate: name, client_ca: clientCa, ...others } = typeof tls === 'string' ? { certificate: tls } : tls;
    return {
        cert: certificate(`${name}.pem`),
        key: certificate(`${name}.key.pem`),
        ...(clientCa && { ca: certificate(`${clientCa}.pem`), requestCert: true, rejectUnauthorized: true }),
        ...others,
    };
}

module.exports = { report, obey, tlsOptions };
