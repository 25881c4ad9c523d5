/**
 * A process with HyperDHT: with its native stack on Node, or on our UDX in Deno. It is
 * driven as {@link ./line_peer.ts} says.
 *
 *     node hyperdht_peer.mjs <folder with hyperdht in its node_modules>
 *     deno run -A hyperdht_peer.mjs
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const folder = process.argv[2];
const require = folder && createRequire(`${folder}/node.js`);
const DHT = require ? require("hyperdht") : (await import("../../lib/hyperdht/mod.ts")).default;
const ours = require ? undefined : await import("@gtr/udx");

const packages = require
  ? { hyperswarm: () => require("hyperswarm"), hypercore: () => require("hypercore") }
  : await import("./hyperdht_packages.ts");

let node;
let met;
const folders = [];

function open(options) {
  return new DHT({ ...options, ...(ours && { udx: new ours.UDX() }) });
}

async function openCore(key) {
  const Hypercore = await packages.hypercore();
  if (!require) return new Hypercore(await packages.memory(), key);
  folders.push(await mkdtemp(join(tmpdir(), "hypercore-")));
  return new Hypercore(folders.at(-1), key);
}

/** Reads n bytes; the way they came. */
function readAll(stream, bytes) {
  return new Promise((resolve, reject) => {
    let received = 0;
    stream.on("error", reject);
    stream.on("data", (chunk) => {
      if ((received += chunk.length) >= bytes) resolve(received);
    });
    stream.on("close", () => reject(new Error("the stream was closed")));
  });
}

const calls = {
  /** Nodes that anybody can reach: the first is the others' bootstrap, the last a blind relay. */
  async network({ hosts }) {
    const nodes = [];
    let bootstrap = [];
    for (const host of hosts) {
      const made = open({ host, bootstrap, ephemeral: false, firewalled: false });
      await made.fullyBootstrapped();
      nodes.push(made);
      if (bootstrap.length === 0) bootstrap = [{ host, port: made.address().port }];
    }
    if (!require) return { bootstrap };
    const { Server } = require("blind-relay");
    const last = nodes.at(-1);
    const relay = new Server({
      createStream: (options) => last.createRawStream({ ...options, framed: true }),
    });
    const server = last.createServer((stream) => {
      stream.on("error", () => {}); // peers may go without a word
      relay.accept(stream, { id: stream.remotePublicKey });
    });
    const keys = DHT.keyPair();
    await server.listen(keys);
    return { bootstrap, relay: keys.publicKey.toString("hex") };
  },

  async open(options) {
    node = open(options);
    await node.fullyBootstrapped();
    return { port: node.address()?.port };
  },

  /** Echoes what comes. */
  async serve({ relay }) {
    const relayThrough = relay ? Buffer.from(relay, "hex") : null;
    const server = node.createServer({ relayThrough }, (stream) => {
      stream.on("error", () => {}); // clients may go without a word
      stream.pipe(stream);
    });
    const keys = DHT.keyPair();
    await server.listen(keys);
    return { key: keys.publicKey.toString("hex") };
  },

  /** Takes what comes, and answers with how much it was. */
  async take() {
    const server = node.createServer((stream) => {
      let received = 0;
      stream.on("error", () => {});
      stream.on("data", (chunk) => received += chunk.length);
      stream.on("end", () => stream.end(Buffer.from(String(received))));
    });
    const keys = DHT.keyPair();
    await server.listen(keys);
    return { key: keys.publicKey.toString("hex") };
  },

  /** Sends so many bytes, at the pace of the other side. */
  async send({ key, bytes }) {
    const stream = node.connect(Buffer.from(key, "hex"));
    const failed = once(stream, "close").then(() => Promise.reject(new Error("it was closed")));
    failed.catch(() => {});
    stream.on("error", () => {}); // it is closed then
    const chunk = Buffer.alloc(64 * 1024, "bytes of ");
    const begun = performance.now();
    for (let sent = 0; sent < bytes; sent += chunk.length) {
      const rest = chunk.subarray(0, Math.min(chunk.length, bytes - sent));
      if (!stream.write(rest)) await Promise.race([once(stream, "drain"), failed]);
    }
    const answer = once(stream, "data");
    stream.end();
    const [data] = await Promise.race([answer, failed]);
    return { received: Number(String(data)), ms: performance.now() - begun };
  },

  /** Has so many bytes echoed through each of so many streams at once. */
  async many({ key, count, bytes }) {
    const begun = performance.now();
    const streams = Array.from({ length: count }, () => calls.connect({ key, bytes }));
    await Promise.all(streams);
    return { ms: performance.now() - begun };
  },

  /** Joins a swarm; the first peer it meets and it tell each other a word. */
  async join({ topic, word, ...as }) {
    const Hyperswarm = await packages.hyperswarm();
    const swarm = new Hyperswarm({ dht: node });
    met = new Promise((resolve) => {
      swarm.on("connection", (stream) => {
        stream.on("error", () => {});
        stream.once("data", (data) => resolve(String(data)));
        stream.write(word);
      });
    });
    const discovery = swarm.join(Buffer.from(topic, "hex"), as);
    await discovery.flushed();
    if (as.client) await swarm.flush();
    return {};
  },

  /** The word that the first peer in the swarm has told. */
  async met() {
    return { word: await met };
  },

  /** Makes a hypercore and replicates it with who connects. */
  async share({ blocks }) {
    const core = await openCore();
    await core.append(Array.from({ length: blocks }, (_, i) => `block ${i}`));
    const server = node.createServer((stream) => {
      stream.on("error", () => {});
      core.replicate(stream);
    });
    const keys = DHT.keyPair();
    await server.listen(keys);
    return { key: keys.publicKey.toString("hex"), core: core.key.toString("hex") };
  },

  /** Replicates a hypercore; its first and last block. */
  async replicate({ key, core: coreKey, blocks }) {
    const core = await openCore(Buffer.from(coreKey, "hex"));
    const stream = node.connect(Buffer.from(key, "hex"));
    stream.on("error", () => {});
    core.replicate(stream);
    const all = await Promise.all(Array.from({ length: blocks }, (_, i) => core.get(i)));
    return { word: `${all[0]}, ${all.at(-1)}`, received: all.length };
  },

  /** The most memory that the process has had, bytes. */
  async memory() {
    const text = await readFile("/proc/self/status", "utf8");
    return { bytes: Number(/^VmHWM:\s*(\d+) kB$/m.exec(text)[1]) * 1024 };
  },

  /** Has so many bytes echoed. */
  async connect({ key, relay, bytes }) {
    const begun = performance.now();
    const relayThrough = relay ? Buffer.from(relay, "hex") : null;
    const stream = node.connect(Buffer.from(key, "hex"), { relayThrough });
    const read = readAll(stream, bytes);
    stream.write(Buffer.alloc(bytes, "bytes of "));
    await Promise.race([stream.opened, read]);
    const ms = performance.now() - begun;
    const received = await read;
    const { remoteHost } = stream.rawStream;
    stream.on("error", () => {});
    const closed = new Promise((resolve) => stream.once("close", resolve));
    stream.end();
    await closed;
    return { ms, received, remoteHost };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { number, call, ...options } = JSON.parse(line);
  calls[call](options).then(
    (answer) => process.stdout.write(JSON.stringify({ number, ...answer }) + "\n"),
    (error) => process.stdout.write(JSON.stringify({ number, error: error.message }) + "\n"),
  );
}
for (const folder of folders) await rm(folder, { recursive: true, force: true });
process.exit(0);
