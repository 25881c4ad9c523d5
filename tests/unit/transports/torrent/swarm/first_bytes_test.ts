import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { sniff } from "../../../../../lib/transports/torrent/swarm/first_bytes.ts";

/** What a socket is taken for whose peer sends `chunks`, and all that can be read afterwards. */
async function sniffed(chunks: readonly (readonly number[])[], ms = 2000) {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client = connect({ host: "127.0.0.1", port, noDelay: true });
  client.on("error", () => {});
  const [socket] = await accepted;
  const kind = sniff(socket, ms);
  for (const chunk of chunks) {
    await new Promise((sent) => client.write(new Uint8Array(chunk), sent));
    await new Promise((turn) => setImmediate(turn));
  }
  const found = await kind;
  client.end();
  const bytes: number[] = [];
  if (found) { for await (const chunk of socket) bytes.push(...chunk); }
  client.destroy();
  socket.destroy();
  await new Promise((closed) => server.close(closed));
  return { found, bytes };
}

Deno.test("the first bytes tell TLS from BitTorrent, and are still to be read", async () => {
  const plain = [0x13, ...new TextEncoder().encode("BitTorrent protocol")];
  for (
    const [chunks, found] of [
      [[[0x16, 0x03, 0x01, 0x02, 0x00]], "tls"],
      [[[0x16], [0x03], [0x03, 1, 2, 3]], "tls"],
      [[plain], "other"],
      [[[0x13], plain.slice(1)], "other"],
      [[[0x16, 0x42, 0x01]], "other"], // an encrypted handshake that begins by chance like TLS
      [[[0x16], [0x03], [0x99, 1, 2]], "other"],
    ] as const
  ) {
    const told = await sniffed(chunks);
    assert.deepEqual(told, { found, bytes: chunks.flat() });
  }
});

Deno.test("a connection that says too little is nothing", async () => {
  assert.equal((await sniffed([[0x16, 0x03]], 50)).found, undefined);
  assert.equal((await sniffed([], 50)).found, undefined);
});
