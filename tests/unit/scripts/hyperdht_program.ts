/**
 * A program for the test of bundles: nodes of a DHT of their own, one of which connects to another by
 * its key and says what that answered.
 *
 * @module
 */
import HyperDHT, { withoutNative } from "../../../lib/hyperdht/mod.ts";
import { UDX } from "@gtr/udx";

const host = "127.0.0.1";
const bootstrap: { host: string; port: number }[] = [];
const nodes: HyperDHT[] = [];
for (let i = 0; i < 5; i++) {
  const options = { udx: new UDX(), host, bootstrap, ephemeral: false, firewalled: false };
  const node = new HyperDHT(options);
  await node.fullyBootstrapped();
  if (i === 0) bootstrap.push({ host, port: node.address().port });
  nodes.push(node);
}
const server = nodes[1]!.createServer({}, (stream) => {
  stream.on("error", () => {}); // the client goes without a word
  stream.on("data", (chunk) => stream.write(chunk));
});
const keys = HyperDHT.keyPair();
await server.listen(keys);
const client = new HyperDHT({ udx: new UDX(), host, bootstrap });
const stream = client.connect(keys.publicKey);
stream.write(new TextEncoder().encode("hello"));
const answer = await new Promise((resolve, reject) => {
  stream.on("data", resolve);
  stream.on("error", reject);
});
console.log(String(answer), withoutNative ? "by JavaScript" : "by sodium-native");
stream.destroy();
for (const node of [client, ...nodes]) await node.destroy();
