// The server of chat.pd: what one says, everybody hears.
//
//     npm install socket.io && node chat.js [PORT]

'use strict';

const { Server } = require('socket.io');

const web = require('node:http').createServer();
const server = new Server(web);

server.on('connection', (socket) => {
    socket.on('chat', (text, reply) => {
        server.emit('chat', text);
        reply?.(`heard by ${server.engine.clientsCount}`);
    });
});

web.listen(Number(process.argv[2] ?? 3000), '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${web.address().port}`);
});
