/** What other programs change with the same key, and what gtr makes of it. */
import assert from "node:assert/strict";
import { GtrError } from "../../lib/common/errors.ts";
import { deadline } from "../../lib/common/wait.ts";
import type { EventTemplate, NostrEvent } from "../../lib/transports/nostr/events/event.ts";
import { ANNOUNCEMENT, STATE } from "../../lib/transports/nostr/events/kinds.ts";
import { encodeState } from "../../lib/transports/nostr/repositories/state.ts";
import { derivedSecret } from "../../lib/transports/nostr/keys/derived.ts";
import { localSigner } from "../../lib/transports/nostr/events/signer.ts";
import { Relays } from "../../lib/transports/nostr/relays/relays.ts";
import { NostrNetwork } from "./nostr_nodes.ts";
import { makeManifest, publish, resolveLast, testKey } from "./publications.ts";

const [alice, bob] = [testKey(1), testKey(2)];
const signer = localSigner(derivedSecret(alice));
const MS = 20_000;
const now = () => Math.floor(Date.now() / 1000);

/** What people can do with other programs: tags that gtr doesn't know included. */
const ADDED = [
  ["web", "https://example.org/hello"],
  ["t", "tools"],
  ["u", "https://git.example/upstream.git"],
];

async function put(network: NostrNetwork, template: EventTemplate): Promise<NostrEvent> {
  using relays = new Relays({ dropped: () => {} });
  using limit = deadline(MS, "a relay");
  const event = await signer.sign(template, limit.signal);
  const urls = network.relays.map(({ url }) => url);
  await relays.publish(urls, event, 1, limit.signal);
  return event;
}

async function ask(network: NostrNetwork, kind: number): Promise<NostrEvent | undefined> {
  using relays = new Relays({ dropped: () => {} });
  using limit = deadline(MS, "a relay");
  const urls = network.relays.map(({ url }) => url);
  return (await relays.query(urls, [{ kinds: [kind] }], limit.signal)).events[0];
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  using limit = deadline(MS, what);
  while (!await isSo()) {
    limit.signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isAdded(event: NostrEvent | undefined): boolean {
  const tags = event?.tags.map((tag) => JSON.stringify(tag)) ?? [];
  return ADDED.every((tag) => tags.includes(JSON.stringify(tag)));
}

const isOurs = (event: NostrEvent | undefined) => event?.tags.some(([name]) => name === "gtr");

Deno.test("nostr: what people added stays, also where no relay answers at first", async () => {
  await using network = await NostrNetwork.start();
  const [relay] = network.relays;
  const tags = [["d", "hello"], ...ADDED];
  await put(network, { kind: ANNOUNCEMENT, created_at: now() - 10, tags, content: "" });
  const a = await network.join(alice);
  relay!.pause();
  try {
    await assert.rejects(publish(a, makeManifest(alice, a), []), GtrError);
  } finally {
    relay!.pause(true);
  }
  await until("the publication", async () => isOurs(await ask(network, ANNOUNCEMENT)) ?? false);
  assert(isAdded(await ask(network, ANNOUNCEMENT)));
});

Deno.test("nostr: what people add while gtd runs stays, and holds up nothing", async () => {
  await using network = await NostrNetwork.start();
  const a = await network.join(alice);
  await publish(a, makeManifest(alice, a), []);
  const { kind, tags, content } = (await ask(network, ANNOUNCEMENT))!;
  await put(network, { kind, tags: [...tags, ...ADDED], content, created_at: now() + 5 });
  const next = makeManifest(alice, a, { sequence: 2 });
  await publish(a, next, []);
  assert(isAdded(await ask(network, ANNOUNCEMENT)));
  assert.deepEqual(await resolveLast(await network.join(bob), alice), next);
});

Deno.test("nostr: another program's push is not undone by keeping alive", async () => {
  await using network = await NostrNetwork.start();
  const a = await network.join(alice, { keepAlive: 100 });
  await publish(a, makeManifest(alice, a), []);
  const refs = new Map([["refs/heads/main", "a1".repeat(20)]]);
  const state = { identifier: "hello", refs, peeled: new Map(), head: "refs/heads/main" };
  const theirs = await put(network, encodeState(state, now() + 5));
  await until("gtr to see it", () => /another program has pushed/.test(network.logged.join()));
  assert.deepEqual(await ask(network, STATE), theirs);
  const next = makeManifest(alice, a, { sequence: 2 });
  await publish(a, next, []);
  assert.deepEqual(await resolveLast(await network.join(bob), alice), next);
});
