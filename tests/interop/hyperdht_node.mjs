/**
 * HyperDHT with its native stack, on Node: a network of ten nodes and a server that echoes. Prints
 * `{"port", "key"}`; each line `{"connect": key, "bytes": n}` on stdin is answered with what an echo
 * of so many bytes gave.
 *
 *     node hyperdht_node.mjs <folder with hyperdht in its node_modules>
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const require = createRequire(join(process.argv[2], "node.js"));
const DHT = require("hyperdht");
const createTestnet = require("hyperdht/testnet.js");

const sha1 = (bytes) => createHash("sha1").update(bytes).digest("hex");
const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

const network = await createTestnet(10, { host: "127.0.0.1" });
const node = network.createNode();
const keys = DHT.keyPair();
const server = node.createServer((stream) => {
  stream.on("error", () => {}); // clients may go without a word
  stream.pipe(stream);
});
await server.listen(keys);
say({ port: network.bootstrap[0].port, key: keys.publicKey.toString("hex") });

for await (const line of createInterface({ input: process.stdin })) {
  const { connect, bytes } = JSON.parse(line);
  const data = Buffer.alloc(bytes, "from Node, ");
  const stream = node.connect(Buffer.from(connect, "hex"));
  stream.on("error", (error) => say({ error: error.message }));
  const chunks = [];
  let received = 0;
  stream.on("data", (chunk) => {
    chunks.push(chunk);
    received += chunk.length;
    if (received < bytes) return;
    say({ same: sha1(Buffer.concat(chunks)) === sha1(data), received });
    stream.end();
  });
  stream.write(data);
}
process.exit(0);
