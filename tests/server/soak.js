// The server of the soak (tests/soak): the official one, which keeps a record of all that arrived.
//
// The record is a file, so that it outlives the SIGKILLs: what stands in it was written before the server answered. Its
// lines, where KEY is the number of a client, from its query:
//
//     open KEY SID                   a client came
//     ask|tell|pose KEY SID NUMBER   it sent this; with `!` behind it, its attachment was not as it was sent
//     answer KEY SID NUMBER          it answered this question; with `!` behind it, by something else
//
// An `ask` is answered by its number. Each client gets numbered events as long as the server is not quiet: `news`,
// `question`, which wants an answer, and `position` in bursts.

'use strict';

const fs = require('node:fs');
const { Server } = require('socket.io');

// Byte i of the attachment of a message; the host has the same.
const filler = (number, length) => Buffer.from(Uint8Array.from({ length }, (_, i) => (number + i) & 0xff));
const asSent = (number, bytes) => bytes === undefined || bytes.equals(filler(number, bytes.length));

// A small random generator (mulberry32): the choices of a run are those of its seed.
function dice(seed) {
    let state = seed >>> 0;
    return (sides) => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = Math.imul(state ^ (state >>> 15), state | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) % sides;
    };
}

// Returns the server and its commands.
module.exports = function soak(web, { record, seed = 1, ...options }) {
    const io = new Server(web, { serveClient: false, ...options });
    const file = fs.openSync(record, 'a');
    const note = (...words) => fs.writeSync(file, `${words.join(' ')}\n`);
    const roll = dice(seed);
    let quiet = false;

    io.on('connection', (socket) => {
        const { key } = socket.handshake.query;
        const sent = { news: 0, questions: 0, answered: 0, positions: 0 };
        socket.data.sent = sent;
        note('open', key, socket.id);

        const take = (kind) => (number, bytes, ack) => {
            const attachment = Buffer.isBuffer(bytes) ? bytes : undefined;
            note(kind, key, socket.id, number, ...(asSent(number, attachment) ? [] : ['!']));
            const answer = ack ?? bytes;
            if (typeof answer === 'function') {
                answer(number);
            }
        };
        ['ask', 'tell', 'pose'].forEach((kind) => socket.on(kind, take(kind)));

        const news = () => {
            const number = sent.news;
            sent.news += 1;
            const attachments = roll(5) === 0 ? [filler(number, roll(8) === 0 ? 60000 : roll(2000))] : [];
            socket.emit('news', socket.id, number, ...attachments);
        };
        const question = () => {
            const number = sent.questions;
            sent.questions += 1;
            socket.emit('question', socket.id, number, (answer) => {
                sent.answered += 1;
                note('answer', key, socket.id, number, ...(answer === number ? [] : ['!']));
            });
        };
        const position = () => {
            socket.emit('position', socket.id, sent.positions);
            sent.positions += 1;
        };
        const turn = () => {
            if (!quiet && socket.connected) {
                Array.from({ length: roll(4) }, news);
                Array.from({ length: roll(2) }, question);
                Array.from({ length: roll(6) }, position);
            }
        };
        let timer = null;
        const again = () => {
            turn();
            timer = setTimeout(again, 10 + roll(50));
        };
        again();
        socket.on('disconnect', () => clearTimeout(timer));
    });

    const commands = {
        // Emits no more, and tells what each client was sent.
        quiet() {
            quiet = true;
            return [...io.sockets.sockets.values()].map((socket) => {
                const { news, questions, positions } = socket.data.sent;
                return `${socket.handshake.query.key} ${socket.id} ${news} ${questions} ${positions}`;
            });
        },
        // Ends in good order, but soon: a client that comes back by a connection which is kept alive would hold it up.
        quit() {
            io.close();
            setTimeout(() => process.exit(0), 100);
        },
        // How many questions were answered, by client.
        answered() {
            return [...io.sockets.sockets.values()].map((socket) => {
                return `${socket.handshake.query.key} ${socket.id} ${socket.data.sent.answered}`;
            });
        },
    };
    return { io, commands };
};
