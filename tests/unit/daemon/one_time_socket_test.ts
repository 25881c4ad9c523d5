import assert from "node:assert/strict";
import { oneTimeSocket } from "../../../lib/daemon/one_time_socket.ts";

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a one-time socket takes one connection and is gone", () =>
  withFolder(async (folder) => {
    const served = Promise.withResolvers<void>();
    const path = await oneTimeSocket({
      folder,
      missed: () => served.reject(new Error("missed")),
      serve: async (connection) => {
        await connection.write(new TextEncoder().encode("hello"));
        connection.close();
        served.resolve();
      },
    });
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    const connection = await Deno.connect({ transport: "unix", path });
    await served.promise;
    assert.equal(await new Response(connection.readable).text(), "hello");
    await assert.rejects(Deno.connect({ transport: "unix", path }));
  }));

Deno.test("a one-time socket that nobody connects to is gone in time", () =>
  withFolder(async (folder) => {
    const missed = Promise.withResolvers<void>();
    const serve = () => Promise.reject(new Error("nobody connected"));
    const path = await oneTimeSocket({ folder, serve, missed: missed.resolve, wait: 20 });
    await missed.promise;
    await assert.rejects(Deno.connect({ transport: "unix", path }));
    for (let entry = await Deno.stat(path).catch(() => undefined); entry;) {
      entry = await Deno.stat(path).catch(() => undefined);
    }
  }));
