/** Searches among nodes that are only a table here: honest ones, silent ones, and liars. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { search } from "../../../../../lib/transports/torrent/dht/search.ts";
import type { Endpoint } from "../../../../../lib/types/bittorrent_dht.d.ts";

const target = Buffer.alloc(20);
const self = Buffer.alloc(20, 0xff);

type Node = Endpoint & { id: Buffer };
type Answer = (node: Endpoint) => Node[] | undefined;

/** A node whose id has the target's first bytes, so many. */
function nodeOf(n: number, like: number, host = `9.${n >> 16}.${(n >> 8) & 255}.${n & 255}`): Node {
  const id = createHash("sha1").update(String(n)).digest();
  return {
    id: Buffer.concat([target.subarray(0, like), id]).subarray(0, 20),
    host,
    port: 1000 + n,
  };
}

function packed(nodes: readonly Node[]): Buffer {
  return Buffer.concat(nodes.map(({ id, host, port }) => {
    const address = Buffer.from([...host.split(".").map(Number), port >> 8, port & 255]);
    return Buffer.concat([id, address]);
  }));
}

const keyOf = ({ host, port }: Endpoint) => `${host}:${port}`;

/** Sixty honest nodes, each of which knows the next ones nearer to the target. */
const honest = Array.from({ length: 60 }, (_, n) => nodeOf(n, 0))
  .sort((a, b) => Buffer.compare(b.id, a.id));
const nearest = honest.at(-1)!;

function honestAnswer(node: Endpoint): Node[] | undefined {
  const at = honest.findIndex((other) => keyOf(other) === keyOf(node));
  return at < 0 ? undefined : honest.slice(at + 1, at + 9);
}

async function find(first: readonly Node[], answer: Answer) {
  const asked: string[] = [];
  const found = await search({
    target,
    self,
    family: 4,
    first,
    ask: (node) => {
      asked.push(keyOf(node));
      const nodes = answer(node);
      const all = [...honest, ...first, ...named.values()];
      const id = all.find((other) => keyOf(other) === keyOf(node))?.id;
      for (const other of nodes ?? []) named.set(keyOf(other), other);
      return Promise.resolve(nodes && { id, nodes: packed(nodes) });
    },
    visit: () => true,
  });
  return { asked, found: found.map(keyOf) };
}
const named = new Map<string, Node>();

Deno.test("search: the closest nodes are found, closest first, and nobody is asked twice", async () => {
  const { asked, found } = await find(honest.slice(0, 3), honestAnswer);
  assert.deepEqual(found.slice(0, 8), honest.toReversed().slice(0, 8).map(keyOf));
  assert.equal(new Set(asked).size, asked.length);
});

Deno.test("search: nodes that are not there hide nobody", async () => {
  const ghosts = Array.from({ length: 20 }, (_, n) => nodeOf(1000 + n, 10));
  const liar = nodeOf(2000, 9);
  const answer: Answer = (node) => keyOf(node) === keyOf(liar) ? ghosts : honestAnswer(node);
  const { found } = await find([liar, honest[0]!], answer);
  assert.ok(found.includes(keyOf(nearest)));
});

Deno.test("search: a node that was named with another's id is found by its own", async () => {
  const liar = nodeOf(2000, 9);
  const renamed = honest.slice(-10).map((node, n) => ({
    ...nodeOf(3000 + n, 10),
    ...addressOf(node),
  }));
  const answer: Answer = (node) => keyOf(node) === keyOf(liar) ? renamed : honestAnswer(node);
  const { found } = await find([liar, honest[0]!], answer);
  assert.equal(found.indexOf(keyOf(nearest)), 1); // behind the liar, which is nearer
});

Deno.test("search: one address counts once, whatever its ports; a private network has many nodes", async () => {
  const ports = (host: string) =>
    Array.from({ length: 20 }, (_, n) => ({ ...nodeOf(4000 + n, 12), host }));
  for (const [host, count] of [["8.8.4.4", 1], ["127.0.0.1", 20]] as const) {
    const sybils = ports(host);
    const isSybil = (node: Endpoint) => sybils.some((other) => keyOf(other) === keyOf(node));
    const answer: Answer = (node) => isSybil(node) ? sybils : honestAnswer(node);
    const { found } = await find([...sybils, honest[0]!], answer);
    assert.equal(found.filter((key) => key.startsWith(host)).length, count);
    assert.equal(found.includes(keyOf(nearest)), count === 1);
  }
});

Deno.test("search: ends, however many ever closer nodes there are", async () => {
  let n = 10_000;
  const endless: Answer = () =>
    Array.from({ length: 8 }, () => {
      n++;
      const node = nodeOf(n, 2);
      node.id.writeUInt32BE(2 ** 32 - 1 - n, 2);
      return node;
    });
  const { asked } = await find([nodeOf(1, 0)], endless);
  assert.ok(asked.length > 100 && asked.length <= 300, `${asked.length}`);
});

function addressOf({ host, port }: Endpoint) {
  return { host, port };
}
