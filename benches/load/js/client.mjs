// socket.io-client under load, over WebSocket.
//
//     node client.mjs WORK PORT COUNT SIZE
//
// ../README.md says what the works are. What goes wrong ends the process at once.

import { readFileSync } from "node:fs";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { io } from "socket.io-client";

// Nothing comes for so long: something was lost.
const STALL_MS = 5000;
// How long nothing is done before memory is looked at.
const QUIET_MS = 2000;
// After as many emits the loop gets a turn: its queue has no limit, and this way it is faster.
const EMITS_A_TURN = 1000;
const TEXT_DIGITS = 10;
const ATTACHMENT_DIGITS = 8;

const [work, port, ...numbers] = process.argv.slice(2);
const [count, size] = numbers.map(Number);
const url = `http://127.0.0.1:${port}`;

let came = 0;
let mayEnd = false;

function fail(sentence) {
  console.error(`socket.io-client: ${sentence}`);
  process.exit(1);
}

function watch() {
  let before = -1;
  setInterval(() => {
    if (came === before) {
      fail(`nothing comes any more, after ${came} events`);
    }
    before = came;
  }, STALL_MS);
}

// What was used

const micros = () => Number(process.hrtime.bigint()) / 1e3;

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function memory() {
  const status = readFileSync("/proc/self/status", "utf8");
  return (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)[1]);
}

function begin() {
  return { cpu: cpuSeconds(), micros: micros() };
}

function end(began, events) {
  const seconds = (micros() - began.micros) / 1e6;
  const cpu_seconds = cpuSeconds() - began.cpu;
  return { events, seconds, cpu_seconds, peak_rss_kib: memory()("VmHWM") };
}

function finish(report) {
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
}

function figures(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part) => sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)];
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

// Numbered content

const rest = (digits, byte) => Buffer.from(Array.from({ length: size - digits }, (_, at) => byte(at + digits)));
const textRest = () => rest(TEXT_DIGITS, (at) => 97 + (at % 26)).toString("latin1");
const textOf = (number, tail) => String(number).padStart(TEXT_DIGITS, "0") + tail;

function checkedText(text, tail) {
  if (text.length !== size) {
    fail(`event ${came}: ${text.length} bytes in place of ${size}`);
  }
  if (Number(text.slice(0, TEXT_DIGITS)) !== came) {
    fail(`event ${text.slice(0, TEXT_DIGITS)} came in place of ${came}`);
  }
  // Unlike endsWith, this compares memory with memory.
  if (text.slice(TEXT_DIGITS) !== tail) {
    fail(`event ${came}: a byte is another one`);
  }
}

function attachmentCheck() {
  const with1e = work === "binary";
  const tail = rest(ATTACHMENT_DIGITS, (at) => (at % 256 === 0x1e && !with1e ? 0x1f : at % 256));
  const expected = Buffer.concat([Buffer.alloc(ATTACHMENT_DIGITS, "0"), tail]);
  return (attachment) => {
    if (!expected.equals(attachment)) {
      const number = attachment.toString("latin1", 0, ATTACHMENT_DIGITS);
      fail(`event ${number}, ${attachment.length} bytes, is not what is due: event ${came}`);
    }
    // One number more.
    let digit = ATTACHMENT_DIGITS - 1;
    while (digit > 0 && expected[digit] === 57) {
      expected[digit--] = 48;
    }
    expected[digit]++;
  };
}

// The client

function client() {
  const socket = io(url, { transports: ["websocket"], reconnection: false, forceNew: true });
  socket.on("connect_error", (error) => fail(`connecting: ${error.message}`));
  socket.on("disconnect", (reason) => mayEnd || fail(`the connection was lost: ${reason}`));
  socket.on("wrong", (sentence) => fail(`the server says: ${sentence}`));
  return socket;
}

const word = (socket, event) => new Promise((resolve) => socket.once(event, resolve));

async function connected() {
  const socket = client();
  await word(socket, "connect");
  return socket;
}

// The works

async function receive() {
  const socket = await connected();
  const isBinary = work.startsWith("binary");
  const tail = isBinary ? "" : textRest();
  const check = isBinary ? attachmentCheck() : (text) => checkedText(text, tail);
  let report;
  let began;
  socket.on(isBinary ? "bin" : "tick", (content) => {
    if (came === count) {
      fail(`an event more than the ${count} that were asked for`);
    }
    check(content);
    if (++came === count) {
      report = end(began, came);
    }
  });
  const done = word(socket, "done");
  began = begin();
  socket.emit(work, count, size);
  await done;
  if (came !== count) {
    fail(`only ${came} of ${count} events came`);
  }
  finish(report);
}

async function send() {
  const socket = await connected();
  const tail = textRest();
  const all = word(socket, "all");
  socket.emit("send", count, size);
  const began = begin();
  for (let number = 0; number < count; number++) {
    socket.emit("tick", textOf(number, tail));
    if (number % EMITS_A_TURN === EMITS_A_TURN - 1) {
      came = number;
      await setImmediate();
    }
  }
  const returned_seconds = (micros() - began.micros) / 1e6;
  socket.emit("end");
  const answer = JSON.stringify(await all);
  const report = { ...end(began, count), returned_seconds };
  if (answer !== `{"right":${count},"missing":0,"twice":0,"out_of_order":0,"wrong":0}`) {
    fail(`the server got ${answer}`);
  }
  finish(report);
}

async function trip() {
  const socket = await connected();
  const tail = textRest();
  const event = work === "pair" ? "second" : "echo";
  const times = [];
  let start;
  const next = () => {
    const text = textOf(came, tail);
    start = micros();
    if (work === "pair") {
      socket.emit("first", text);
    }
    socket.emit(event, text);
  };
  const began = begin();
  socket.on(event, (text) => {
    times.push(micros() - start);
    checkedText(text, tail);
    if (++came < count) {
      return next();
    }
    const report = end(began, came);
    const { p50, p99, max } = figures(times);
    const mean_us = times.reduce((sum, time) => sum + time, 0) / times.length;
    finish({ ...report, p50_us: p50, p99_us: p99, max_us: max, mean_us });
  });
  next();
}

async function connect() {
  const times = [];
  const began = begin();
  for (; came < count; came++) {
    const start = micros();
    const socket = await connected();
    times.push(micros() - start);
    mayEnd = true;
    const closed = word(socket.io, "close");
    socket.disconnect();
    await closed;
    mayEnd = false;
  }
  const { p50, max } = figures(times);
  finish({ ...end(began, count), first_us: times[0], median_us: p50, max_us: max });
}

async function idle() {
  const began = begin();
  await sleep(QUIET_MS);
  const none = memory();
  const sockets = [await connected()];
  await sleep(QUIET_MS);
  const one = memory();
  while (sockets.length < count) {
    sockets.push(await connected());
    came = sockets.length;
  }
  await sleep(QUIET_MS);
  const all = memory();
  const cpu = cpuSeconds();
  await sleep(QUIET_MS);
  const idle_cpu_us_per_s = ((cpuSeconds() - cpu) * 1e6) / (QUIET_MS / 1e3);
  finish({
    ...end(began, sockets.length),
    rss_kib_0: none("VmRSS"),
    rss_kib_1: one("VmRSS"),
    rss_kib_n: all("VmRSS"),
    anon_kib_1: one("RssAnon"),
    anon_kib_n: all("RssAnon"),
    threads_1: one("Threads"),
    threads_n: all("Threads"),
    idle_cpu_us_per_s,
  });
}

const floods = { receive, large: receive, binary: receive, "binary-no-1e": receive };
const works = { ...floods, send, trip, pair: trip, connect, idle };
if (!works[work] || !Number.isInteger(count) || !Number.isInteger(size)) {
  fail("usage: node client.mjs WORK PORT COUNT SIZE");
}
if (work !== "idle") {
  watch();
}
works[work]().catch((error) => fail(error.stack));
