/** What counts of what several relays say of one repository. */
import assert from "node:assert/strict";
import { encodeAnnouncement } from "../../../../../lib/transports/nostr/repositories/announcement.ts";
import { encodeState } from "../../../../../lib/transports/nostr/repositories/state.ts";
import { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import { RepositoryLookup } from "../../../../../lib/transports/nostr/repositories/lookup.ts";
import { startRelay } from "../../../../fixtures/nostr/servers.ts";
import { hex } from "../../../manifest/fixture.ts";
import { alice, counting, mallory, signed } from "../fixture.ts";

const signal = () => AbortSignal.timeout(100_000);
const now = Math.floor(Date.now() / 1000);
const address = { pubkey: alice.pubkey, identifier: "hello", relays: [] };

const announcement = (by = alice) =>
  signed(
    by,
    encodeAnnouncement({
      ...{ identifier: "hello", clone: [], web: [], relays: [], blossoms: [], maintainers: [] },
    }, now),
  );

function state(identifier: string, created: number, more: string[][] = [], by = alice) {
  const refs = new Map([["refs/heads/main", hex(40, identifier)]]);
  const { tags, ...rest } = encodeState({ identifier, refs, peeled: new Map() }, created);
  return signed(by, { ...rest, tags: [...tags, ...more] });
}

Deno.test("look-up: what the author deletes by id on one relay is not read on another", async () => {
  await using first = await startRelay();
  await using second = await startRelay();
  const { dropped } = counting();
  using relays = new Relays({ dropped });
  const it = state("hello", now);
  for (const event of [announcement(), it]) await relays.publish([first.url], event, 1, signal());
  const lookup = new RepositoryLookup(relays, [first.url, second.url]);
  const request = { kind: 5, created_at: now, tags: [["e", it.id], ["k", "30618"]] };
  await relays.publish([second.url], signed(mallory, request), 1, signal());
  assert.deepEqual((await lookup.ask(address, signal())).state?.event, it, "not its author's");
  await relays.publish([second.url], signed(alice, request), 1, signal());
  const found = await lookup.ask(address, signal());
  assert.equal(found.state, undefined);
  assert.notEqual(found.announcement, undefined);
  assert.deepEqual(found.silent, []);
});

Deno.test("look-up: a state of another repository is none of this one", async () => {
  await using relay = await startRelay();
  const { dropped } = counting();
  using relays = new Relays({ dropped });
  const right = state("hello", now);
  const other = state("other", now + 1, [["d", "hello"]]); // found by either name
  for (const event of [announcement(), right, other]) {
    await relays.publish([relay.url], event, 1, signal());
  }
  const found = await new RepositoryLookup(relays, [relay.url]).ask(address, signal());
  assert.deepEqual(found.state?.event, right);
});
