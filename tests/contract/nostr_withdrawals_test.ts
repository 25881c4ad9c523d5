/** Deletions, on relays that are down when they are asked for. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ANNOUNCEMENT,
  DELETION,
  FILE_METADATA,
  STATE,
} from "../../lib/transports/nostr/events/kinds.ts";
import { NostrNetwork } from "./nostr_nodes.ts";
import { askRelay, relayHere, until } from "../fixtures/nostr/relay_here.ts";
import { makeManifest, makePack, publish, resolveLast, testKey } from "./publications.ts";

const [alice, bob] = [testKey(1), testKey(2)];
const PUBLISHED = { kinds: [ANNOUNCEMENT, STATE, FILE_METADATA] };

/** A publication on two relays, the second of which is down by now. */
async function world() {
  const stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const [up, down] = [stack.use(relayHere()), stack.use(relayHere())];
  const network = stack.use(await NostrNetwork.start({ relays: 0 }));
  const cache = join(folder, "cache");
  const env = { GTR_NOSTR_RELAYS: `${up.url},${down.url}`, GTR_NOSTR_QUORUM: "2" };
  const first = await network.join(alice, { env, cache });
  const file = await makePack(folder, 1000);
  const signed = makeManifest(alice, first, { packs: [file.pack] });
  await publish(first, signed, [file]);
  assert.equal((await askRelay(down.url, PUBLISHED)).length, 3);
  await first[Symbol.asyncDispose]();
  down.turn(false);
  /** The next gtd, with the same home. */
  const restart = (own = env) =>
    network.join(alice, { env: { ...own, GTR_NOSTR_QUORUM: "1" }, cache });
  const list = async () =>
    JSON.parse(await Deno.readTextFile(join(cache, "withdrawals.json"))).withdrawals;
  return {
    up,
    down,
    network,
    cache,
    file,
    signed,
    restart,
    list,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const isGone = (url: string) => async () => (await askRelay(url, PUBLISHED)).length === 0;

Deno.test("nostr: a relay that was down deletes what was withdrawn once it is up", async () => {
  await using w = await world();
  const node = await w.restart();
  await node.records.retract(w.signed.manifest);
  assert.deepEqual(await askRelay(w.up.url, PUBLISHED), []);
  assert.deepEqual((await w.list())[0].relays, [w.down.url]);
  w.down.turn(true);
  assert.equal((await askRelay(w.down.url, PUBLISHED)).length, 3);
  await until("the other to delete it", isGone(w.down.url));
  await until("the list to be empty", async () => (await w.list()).length === 0);
  const [deletion, ...more] = await askRelay(w.down.url, { kinds: [DELETION] });
  assert.equal(more.length, 0);
  assert.equal(deletion!.tags.filter(([name]) => name === "e").length, 3);
});

Deno.test("nostr: the next gtd goes on with what was withdrawn", async () => {
  await using w = await world();
  const node = await w.restart();
  w.up.turn(false); // no relay at all
  await node.records.retract(w.signed.manifest);
  assert.deepEqual((await w.list())[0].relays, [w.up.url, w.down.url]);
  await node[Symbol.asyncDispose]();
  for (const relay of [w.up, w.down]) relay.turn(true);
  assert.equal((await askRelay(w.up.url, PUBLISHED)).length, 3);
  await w.restart();
  await until("the first to delete it", isGone(w.up.url));
  await until("the second to delete it", isGone(w.down.url));
});

Deno.test("nostr: what one relay was told is told to the other, too", async () => {
  await using w = await world();
  const node = await w.restart();
  await node.records.retract(w.signed.manifest);
  const [withdrawal] = await w.list();
  await node[Symbol.asyncDispose]();
  // As where gtd was killed before it had noted that the first has taken it.
  const withdrawals = [{ ...withdrawal, relays: [w.up.url, w.down.url] }];
  const path = join(w.cache, "withdrawals.json");
  await Deno.writeTextFile(path, JSON.stringify({ version: 1, withdrawals }));
  w.down.turn(true);
  await w.restart();
  await until("the second to delete it", isGone(w.down.url));
});

Deno.test("nostr: what is published again is not deleted later", async () => {
  await using w = await world();
  const node = await w.restart();
  await node.records.retract(w.signed.manifest);
  const next = makeManifest(alice, node, { packs: [w.file.pack], sequence: 2 });
  await publish(node, next, [w.file]);
  assert.deepEqual(await w.list(), []);
  w.down.turn(true);
  const carol = await w.network.join(bob, { env: { GTR_NOSTR_RELAYS: w.down.url } });
  await until("the new one", async () => {
    return (await resolveLast(carol, alice))?.manifest.sequence === 2;
  });
  const kinds = (await askRelay(w.up.url, PUBLISHED)).map(({ kind }) => kind).sort();
  assert.deepEqual(kinds, [FILE_METADATA, ANNOUNCEMENT, STATE]);
});

Deno.test("nostr: a relay that is never up again is given up after a week", async () => {
  await using w = await world();
  const path = join(w.cache, "withdrawals.json");
  const at = Math.floor(Date.now() / 1000) - 8 * 86_400;
  const withdrawals = [{ name: "hello", at, relays: [w.down.url] }];
  await Deno.writeTextFile(path, JSON.stringify({ version: 1, withdrawals }));
  await w.restart();
  await until("it to be given up", async () => (await w.list()).length === 0);
});

Deno.test("nostr: relays that are set no more are not asked to delete", async () => {
  await using w = await world();
  const node = await w.restart();
  await node.records.retract(w.signed.manifest);
  await node[Symbol.asyncDispose]();
  w.down.turn(true);
  const other = await w.restart({ GTR_NOSTR_RELAYS: w.up.url, GTR_NOSTR_QUORUM: "1" });
  await other.records.retract(makeManifest(alice, other, { name: "other" }).manifest); // waits for the list
  assert.deepEqual(await w.list(), []);
  assert.equal((await askRelay(w.down.url, PUBLISHED)).length, 3);
});

Deno.test("nostr: a broken list is said, and begun anew", async () => {
  await using w = await world();
  await Deno.writeTextFile(join(w.cache, "withdrawals.json"), "{]");
  const node = await w.restart();
  await node.records.retract(w.signed.manifest);
  assert.match(w.network.logged.join("\n"), /what relays were to delete is forgotten/);
  assert.equal((await w.list()).length, 1);
});
