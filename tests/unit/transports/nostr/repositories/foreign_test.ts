/** Repositories announced by NIP-34 alone, on a real relay. */
import assert from "node:assert/strict";
import { GtrError } from "../../../../../lib/common/errors.ts";
import { encodeAnnouncement } from "../../../../../lib/transports/nostr/repositories/announcement.ts";
import { encodeDeletion } from "../../../../../lib/transports/nostr/events/deletion.ts";
import type { NostrEvent } from "../../../../../lib/transports/nostr/events/event.ts";
import { encodeState } from "../../../../../lib/transports/nostr/repositories/state.ts";
import {
  foreignState,
  MAX_SERVERS,
} from "../../../../../lib/transports/nostr/repositories/foreign.ts";
import { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import { startRelay } from "../../../../fixtures/nostr/servers.ts";
import { hex } from "../../../manifest/fixture.ts";
import { alice, bob, carol, counting, mallory, signed } from "../fixture.ts";

const signal = () => AbortSignal.timeout(100_000);
const now = Math.floor(Date.now() / 1000);
const IDENTIFIER = "Alice's tools";
const SERVER = "https://git.example.org/tools.git";

interface Told {
  readonly clone?: string[];
  readonly relays?: string[];
  readonly maintainers?: string[];
}

function announce(author: typeof alice, { clone = [], relays = [], maintainers = [] }: Told) {
  const more = { web: [], blossoms: [] };
  return signed(
    author,
    encodeAnnouncement({ identifier: IDENTIFIER, clone, relays, maintainers, ...more }, now),
  );
}

function state(author: typeof alice, seed: string, created = now, head?: string) {
  const refs = new Map([
    ["refs/heads/main", hex(40, seed)],
    ["refs/heads/other", hex(40, "other")],
    ["refs/tags/v1", hex(40, "tag")],
  ]);
  const peeled = new Map([["refs/tags/v1", hex(40, "peeled")]]);
  return signed(author, encodeState({ identifier: IDENTIFIER, refs, peeled, head }, created));
}

/** What is found at `url` after the events were published there. */
async function found(url: string, ...events: NostrEvent[]) {
  const { dropped, counts } = counting();
  using relays = new Relays({ dropped });
  for (const event of events) await relays.publish([url], event, 1, signal());
  const address = { pubkey: alice.pubkey, identifier: IDENTIFIER, relays: [url] };
  return { state: await foreignState(address, relays, { signal: signal() }), counts };
}

Deno.test("foreign: refs, HEAD and servers of a repository announced without gtr", async () => {
  await using relay = await startRelay();
  const { state: it } = await found(
    relay.url,
    announce(alice, { clone: [SERVER, "ssh://git@git.example.org/tools.git"] }),
    state(alice, "one", now, "refs/heads/other"),
  );
  assert.deepEqual(it, {
    publisher: alice.pubkey,
    address: it!.address,
    name: IDENTIFIER,
    objectFormat: "sha1",
    head: "refs/heads/other",
    refs: {
      "refs/heads/main": hex(40, "one"),
      "refs/heads/other": hex(40, "other"),
      "refs/tags/v1": hex(40, "tag"),
    },
    peeled: { "refs/tags/v1": hex(40, "peeled") },
    changed: now,
    servers: [SERVER],
  });
  assert.match(it!.address, /^nostr:\/\/npub1[a-z0-9]{58}\/Alice's%20tools$/);
});

Deno.test("foreign: maintainers of maintainers count, on the relays that they name", async () => {
  await using first = await startRelay();
  await using second = await startRelay();
  const { dropped } = counting();
  using relays = new Relays({ dropped });
  const bobs = "http://bob.example.org/tools";
  await relays.publish([second.url], announce(bob, { maintainers: [carol.pubkey] }), 1, signal());
  await relays.publish([second.url], announce(carol, { clone: [bobs, SERVER] }), 1, signal());
  await relays.publish([second.url], state(carol, "carol's", now + 2), 1, signal());
  const { state: it } = await found(
    first.url,
    announce(alice, { clone: [SERVER], relays: [second.url], maintainers: [bob.pubkey] }),
    state(alice, "older", now + 1),
    announce(mallory, { clone: ["https://mallory.example.org/x"] }),
    state(mallory, "mallory's", now + 3),
  );
  assert.equal(it!.refs["refs/heads/main"], hex(40, "carol's"));
  assert.equal(it!.head, "refs/heads/main", "the state names none");
  assert.deepEqual(it!.servers, [bobs, SERVER], "those of who signed first");
});

Deno.test("foreign: only servers that anyone may be sent to, and not too many", async () => {
  await using relay = await startRelay();
  const many = Array.from({ length: 15 }, (_, i) => `https://git.example.org/${i}`);
  const { state: near } = await found(
    relay.url,
    announce(alice, {
      clone: ["http://127.0.0.1:8080/x.git", "https://me:secret@git.example.org/x", ...many],
      maintainers: [bob.pubkey],
    }),
    announce(bob, { clone: many.map((url) => `${url}/bob`) }),
    state(alice, "one"),
  );
  assert.equal(near!.servers.length, MAX_SERVERS);
  assert.equal(near!.servers[0], "http://127.0.0.1:8080/x.git", "the relay is on loopback too");
  assert(!near!.servers.some((url) => url.includes("secret")));
});

Deno.test("foreign: a relay elsewhere sends nobody to servers inside this network", async () => {
  const events = [
    announce(alice, {
      clone: [
        ...["http://127.0.0.1/x", "git://0x7f.1/x", "git://[::1]/x", "https://10.0.0.1/x"],
        ...["http://localhost/x", "git://router/x", SERVER],
      ],
      relays: ["ws://127.0.0.1:1", "wss://other.example.org"],
    }),
    state(alice, "one"),
  ];
  const asked: string[] = [];
  const relays = {
    options: counting(),
    query: (urls: readonly string[]) => {
      asked.push(...urls);
      return Promise.resolve({ events, answered: urls, failed: new Map() });
    },
  } as unknown as Relays;
  const address = {
    pubkey: alice.pubkey,
    identifier: IDENTIFIER,
    relays: ["wss://relay.example.org"],
  };
  const it = await foreignState(address, relays, { signal: signal() });
  assert.deepEqual(it!.servers, [SERVER]);
  assert.deepEqual(asked, ["wss://relay.example.org", "wss://other.example.org"]);
});

Deno.test("foreign: not announced, deleted, without a state, relay dead", async () => {
  await using relay = await startRelay();
  assert.equal((await found(relay.url)).state, undefined);
  const announced = announce(alice, { clone: [SERVER] });
  const fails = (code: string) => (error: unknown) =>
    error instanceof GtrError && error.code === code;
  await assert.rejects(found(relay.url, announced), fails("no-state"));
  const { state: it } = await found(relay.url, state(alice, "one"));
  assert.equal(it!.changed, now);
  const deletion = encodeDeletion([announced], now + 1);
  assert.equal((await found(relay.url, signed(alice, deletion))).state, undefined);
  await relay.kill();
  await assert.rejects(found(relay.url), fails("unreachable"));
  const { dropped } = counting();
  using relays = new Relays({ dropped });
  const nowhere = { pubkey: alice.pubkey, identifier: IDENTIFIER, relays: [] };
  await assert.rejects(foreignState(nowhere, relays, { signal: signal() }), fails("unreachable"));
});
