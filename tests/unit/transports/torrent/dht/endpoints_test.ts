import assert from "node:assert/strict";
import { join } from "node:path";
import { KnownNodes, resolveHosts } from "../../../../../lib/transports/torrent/dht/endpoints.ts";

const NODES = [{ host: "127.0.0.1", port: 7 }];

Deno.test("host and port: addresses need no look-up, malformed names are left out", async () => {
  const names = ["127.0.0.1:7", "[::1]:7", "a b:1"];
  assert.deepEqual(await resolveHosts(names, 4), NODES);
  assert.deepEqual(await resolveHosts(names, 6), [{ host: "::1", port: 7 }]);
});

Deno.test("host and port: names are looked up, and left out where that fails", async () => {
  const found = await resolveHosts(["localhost:7", `${"a".repeat(64)}.invalid:7`], 4);
  assert.deepEqual(found, NODES);
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
    const file = { version: 1, bootstrap: "public", port: 65535, nodes: ["127.0.0.1:7"] };
    const write = (change: object) =>
      Deno.writeTextFile(join(folder, "nodes.json"), JSON.stringify({ ...file, ...change }));
    for (const port of [1, 65535]) {
      await write({ port, nodes: ["127.0.0.1:7", "n".repeat(100)] });
      assert.deepEqual(await known.load(), { port, nodes: NODES });
    }
    for (
      const change of [
        { version: 2 },
        { bootstrap: undefined },
        { port: 0 },
        { port: 65536 },
        { port: 1.5 },
        { nodes: ["n".repeat(101)] },
      ]
    ) {
      await write(change);
      assert.deepEqual(await known.load(), { port: 0, nodes: [] }, JSON.stringify(change));
    }
    for (const text of ["", "{", "[]"]) {
      await Deno.writeTextFile(join(folder, "nodes.json"), text);
      assert.deepEqual(await known.load(), { port: 0, nodes: [] });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("known nodes: the first fifty of each family", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const nodes = (of: (i: number) => string) =>
      Array.from({ length: 60 }, (_, i) => ({ host: of(i), port: 7 }));
    const [ipv4, ipv6] = [nodes((i) => `10.0.0.${i}`), nodes((i) => `2001:db8::1:${i}`)];
    const known = new KnownNodes(folder, ["10.0.0.1:1", "10.0.0.2:1"]);
    await known.save(5, [...ipv4, ...ipv6]);
    const kept = [...ipv4.slice(0, 50), ...ipv6.slice(0, 50)];
    assert.deepEqual((await known.load()).nodes, kept);
    const path = join(folder, "nodes.json");
    const file = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(
      path,
      JSON.stringify({ ...file, nodes: [...file.nodes, "10.0.0.0:7"] }),
    );
    assert.equal((await known.load()).nodes.length, 100, "whoever has written the file");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
