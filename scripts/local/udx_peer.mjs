/**
 * One end of UDX streams, driven by lines of JSON: `{"number": 1, "call": "bind", ...}` is answered with
 * `{"number": 1, ...}`, or with an `error`. Runs with Node (udx-native) and with Deno (ours).
 *
 *     node udx_peer.mjs <folder with udx-native in its node_modules>
 *     deno run -A udx_peer.mjs
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const CHUNK = Buffer.alloc(65_536, "not all the same bytes, ");

async function load() {
  const folder = process.argv[2];
  if (folder) return createRequire(join(folder, "peer.js"))("udx-native");
  const { openDgram, UDX } = await import("@gtr/udx");
  if (process.env.UDX_BACKEND !== "dgram") return UDX;
  return class extends UDX {
    constructor() {
      super({ backend: openDgram });
    }
  };
}

const UDX = await load();
const udx = new UDX();
const sockets = [];
const streams = new Map();

/** What a stream received, what became of it, and who waits for that. */
class Watched {
  constructor(stream, checked) {
    this.stream = stream;
    this.bytes = 0;
    this.messages = [];
    this.hash = checked ? createHash("sha1") : null;
    this.error = null;
    this.ended = new Promise((resolve) => stream.once("end", resolve));
    this.closed = new Promise((resolve) => stream.once("close", resolve));
    stream.on("message", (message) => {
      this.messages.push(message.toString());
      stream.emit("told");
    });
    stream.on("error", (error) => this.error = error.code ?? error.message);
  }

  read() {
    this.stream.on("data", (data) => {
      this.began ??= performance.now();
      this.bytes += data.length;
      this.hash?.update(data);
    });
  }
}

const actions = {
  bind({ host }) {
    const socket = udx.createSocket();
    socket.bind(0, host);
    sockets.push(socket);
    return { port: socket.address().port };
  },
  /** Makes a stream; without `port` it is connected by the first packet that comes. `unchecked`: without hashing. */
  stream({ id, remote, port, host, socket = 0, seq, ack, hold, unchecked }) {
    const firewall = (from, port, host) => {
      stream.connect(from, remote, port, host);
      return false;
    };
    const stream = udx.createStream(id, { seq, firewall });
    const watched = new Watched(stream, !unchecked);
    streams.set(id, watched);
    if (!hold) watched.read();
    if (port) stream.connect(sockets[socket], remote, port, host, { ack });
    return {};
  },
  /** Writes so many bytes, then ends. Answers when they are acknowledged. */
  async write({ id, bytes, open }) {
    const { stream, hash: checked } = streams.get(id);
    const hash = checked && createHash("sha1");
    const began = performance.now();
    for (let left = bytes; left > 0; left -= CHUNK.length) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
      hash?.update(chunk);
      if (!stream.write(chunk)) await new Promise((resolve) => stream.once("drain", resolve));
    }
    const flushed = bytes === 0 || await stream.flush();
    if (!open) stream.end();
    return { flushed, sha1: hash?.digest("hex"), ms: performance.now() - began };
  },
  end({ id }) {
    streams.get(id).stream.end();
    return {};
  },
  echo({ id }) {
    const { stream } = streams.get(id);
    stream.pipe(stream);
    return {};
  },
  /** Answers when the other side has ended. */
  async ended({ id }) {
    const watched = streams.get(id);
    await watched.ended;
    const ms = performance.now() - (watched.began ?? performance.now());
    return { bytes: watched.bytes, sha1: watched.hash?.digest("hex"), ms };
  },
  async closed({ id }) {
    await streams.get(id).closed;
    return { error: null, reason: streams.get(id).error };
  },
  message({ id, text }) {
    streams.get(id).stream.trySend(Buffer.from(text));
    return {};
  },
  async nextMessage({ id }) {
    const { messages, stream } = streams.get(id);
    if (messages.length === 0) await new Promise((resolve) => stream.once("told", resolve));
    return { text: messages.shift() };
  },
  relay({ from, to }) {
    streams.get(from).stream.relayTo(streams.get(to).stream);
    return {};
  },
  async change({ id, remote, port, host, socket = 0 }) {
    await streams.get(id).stream.changeRemote(sockets[socket], remote, port, host);
    return {};
  },
  destroy({ id }) {
    streams.get(id).stream.destroy();
    return {};
  },
  stats({ id }) {
    const { mtu, rtt, retransmits, remotePort } = streams.get(id).stream;
    return { mtu, rtt, retransmits, remotePort, rss: process.memoryUsage().rss };
  },
};

const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

for await (const line of createInterface({ input: process.stdin })) {
  const { number, call, ...args } = JSON.parse(line);
  Promise.resolve().then(() => actions[call](args)).then(
    (answer) => say({ number, ...answer }),
    (error) => say({ number, error: error.message }),
  );
}
process.exit(0);
