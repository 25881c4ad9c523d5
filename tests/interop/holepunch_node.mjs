/**
 * A peer of gtr's Holepunch network that is not gtr: HyperDHT with its native stack, on Node. Makes a
 * network of ten nodes and prints `{"port"}`; then answers lines on stdin:
 *
 * - `{"ask": request, "key"}`: asks a peer, and prints `{"answer", "sha1"}`: its line, and the SHA-1 of
 *   the bytes that follow
 * - `{"serve": [{"request", "file"}], "topic"}`: announces the topic, answers each such request (by the
 *   members named) with the file's bytes, or with one piece if it has a length of pieces (`piece`), and
 *   prints `{"key"}`
 *
 *     node holepunch_node.mjs <folder with hyperdht in its node_modules>
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const require = createRequire(join(process.argv[2], "node.js"));
const DHT = require("hyperdht");
const createTestnet = require("hyperdht/testnet.js");

const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

const network = await createTestnet(10, { host: "127.0.0.1" });
const node = network.createNode();
say({ port: network.bootstrap[0].port });

/** Collects a stream's bytes and calls `online` with each line; its result is how many bytes follow. */
function readLines(stream, online, onbytes) {
  let held = Buffer.alloc(0);
  let wanted = 0;
  stream.on("data", (chunk) => {
    held = Buffer.concat([held, chunk]);
    for (;;) {
      if (wanted > 0) {
        if (held.length < wanted) return;
        onbytes(held.subarray(0, wanted));
        held = held.subarray(wanted);
        wanted = 0;
        continue;
      }
      const end = held.indexOf("\n");
      if (end < 0) return;
      const line = JSON.parse(held.subarray(0, end));
      held = held.subarray(end + 1);
      wanted = online(line) ?? 0;
    }
  });
}

function ask(request, key) {
  const stream = node.connect(Buffer.from(key, "hex"));
  stream.on("error", (error) => say({ error: error.message }));
  let answer;
  const tell = (bytes) => {
    say({ answer, sha1: bytes && createHash("sha1").update(bytes).digest("hex") });
    stream.end();
  };
  readLines(stream, (line) => {
    answer = line;
    if (!line.bytes) tell();
    return line.bytes;
  }, tell);
  stream.write(JSON.stringify(request) + "\n");
}

async function serve(contents, topic) {
  const keys = DHT.keyPair();
  const server = node.createServer((stream) => {
    stream.on("error", () => {}); // clients may go without a word
    readLines(stream, (asked) => {
      const found = contents.find(({ request }) =>
        Object.entries(request).every(([name, value]) => asked[name] === value)
      );
      if (!found) return void stream.write('{"version":1,"refused":"unknown"}\n');
      const { piece: length } = found;
      const { first: piece } = asked; // one of them will do
      const all = readFileSync(found.file);
      const part = length ? all.subarray(piece * length, (piece + 1) * length) : all;
      stream.write(JSON.stringify({ version: 1, bytes: part.length, piece }) + "\n");
      const most = 64 * 1024; // each write is a message
      for (let at = 0; at < part.length; at += most) stream.write(part.subarray(at, at + most));
    });
  });
  await server.listen(keys);
  await node.announce(Buffer.from(topic, "hex"), keys, server.relayAddresses).finished();
  say({ key: keys.publicKey.toString("hex") });
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  if (said.ask) ask(said.ask, said.key);
  else await serve(said.serve, said.topic);
}
process.exit(0);
