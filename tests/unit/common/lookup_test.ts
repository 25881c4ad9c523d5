import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { lookupFrom } from "../../../lib/common/lookup.ts";
import type { Reach } from "../../../lib/common/reach.ts";

Deno.test("lookup: a name that leads to this machine is not connected to", async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const dial = async (nearest: Reach) => {
    const socket = connect({ host: "localhost", port, lookup: lookupFrom(nearest) });
    const signal = AbortSignal.timeout(60_000);
    try {
      await once(socket, "connect", { signal });
    } finally {
      socket.destroy();
    }
  };
  await dial("machine");
  assert.equal(connections, 1);
  for (const nearest of ["private", "public"] as const) {
    await assert.rejects(dial(nearest), { code: "inside-address" });
  }
  assert.equal(connections, 1);
  server.close();
  await once(server, "close");
});

Deno.test("lookup: one address or all, as it is asked for", async () => {
  const ask = (host: string, all: boolean) =>
    new Promise<unknown[]>((resolve) => {
      lookupFrom("machine")(host, { all, family: 4 }, (...answer: unknown[]) => resolve(answer));
    });
  assert.deepEqual(await ask("localhost", false), [null, "127.0.0.1", 4]);
  assert.deepEqual(await ask("localhost", true), [null, [{ address: "127.0.0.1", family: 4 }]]);
});
