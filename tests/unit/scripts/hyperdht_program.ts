/**
 * A program for the test of bundles: nodes of a DHT of their own, one of which connects to another by
 * its key and says what that answered.
 *
 * @module
 */
import DHT from "hyperdht";
import { UDX } from "../../../lib/udx/mod.ts";

const host = "127.0.0.1";
const bootstrap: { host: string; port: number }[] = [];
const nodes = [];
for (let i = 0; i < 5; i++) {
  const options = { udx: new UDX(), host, bootstrap, ephemeral: false, firewalled: false };
  const node = new DHT(options);
  await node.fullyBootstrapped();
  if (i === 0) bootstrap.push({ host, port: node.address().port });
  nodes.push(node);
}
const server = nodes[1].createServer((stream: NodeJS.ReadWriteStream) => {
  stream.on("error", () => {}); // the client goes without a word
  stream.pipe(stream);
});
const keys = DHT.keyPair();
await server.listen(keys);
const client = new DHT({ udx: new UDX(), host, bootstrap });
const stream = client.connect(keys.publicKey);
stream.write("hello");
const answer = await new Promise((resolve, reject) => {
  stream.once("data", resolve);
  stream.once("error", reject);
});
console.log(String(answer));
stream.destroy();
for (const node of [client, ...nodes]) await node.destroy();
