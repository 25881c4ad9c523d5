import assert from "node:assert/strict";
import { join } from "node:path";
import { KnownNodes, resolveHosts } from "../../../../../lib/transports/torrent/dht/endpoints.ts";

const NODES = [{ host: "127.0.0.1", port: 7 }];

Deno.test("host and port: addresses need no look-up, malformed names are left out", async () => {
  assert.deepEqual(await resolveHosts(["127.0.0.1:7", "[::1]:7", "a b:1"], 4), NODES);
});

Deno.test("known nodes: kept for one network, the port for any; damage is no error", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const known = new KnownNodes(folder, undefined);
    assert.deepEqual(await known.load(), { port: 0, nodes: [] });
    await known.save(5, NODES);
    assert.deepEqual(await known.load(), { port: 5, nodes: NODES });
    const other = new KnownNodes(folder, ["127.0.0.1:1"]);
    assert.deepEqual(await other.load(), { port: 5, nodes: [] });
    for (const text of ["", "{", "[]", '{"version":2}', '{"version":1,"port":99999}']) {
      await Deno.writeTextFile(join(folder, "nodes.json"), text);
      assert.deepEqual(await known.load(), { port: 0, nodes: [] });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
