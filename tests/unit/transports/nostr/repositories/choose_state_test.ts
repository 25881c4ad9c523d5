import assert from "node:assert/strict";
import fc from "fast-check";
import {
  chooseState,
  disagreement,
  maintainersOf,
} from "../../../../../lib/transports/nostr/repositories/choose_state.ts";
import {
  decodeAnnouncement,
  encodeAnnouncement,
} from "../../../../../lib/transports/nostr/repositories/announcement.ts";
import {
  decodeState,
  encodeState,
} from "../../../../../lib/transports/nostr/repositories/state.ts";
import { hex, manifest } from "../../../manifest/fixture.ts";
import { alice, bob, carol, counting, mallory, NOW, signed } from "../fixture.ts";

function announce(author: typeof alice, maintainers: string[], identifier = "hello") {
  const template = encodeAnnouncement({
    identifier,
    clone: [],
    web: [],
    relays: [],
    blossoms: [],
    maintainers,
  }, NOW);
  return decodeAnnouncement(signed(author, template))!;
}

function state(author: typeof alice, created: number, main = "main", identifier = "hello") {
  const refs = new Map([["refs/heads/main", hex(40, main)]]);
  const template = encodeState(
    { identifier, refs, peeled: new Map(), head: "refs/heads/main" },
    created,
  );
  return decodeState(signed(author, template))!;
}

Deno.test("maintainers: those of maintainers count, in cycles too; strangers don't", () => {
  const announcements = [
    announce(alice, [bob.pubkey]),
    announce(bob, [carol.pubkey, alice.pubkey]),
    announce(mallory, [mallory.pubkey, alice.pubkey]),
    announce(carol, [mallory.pubkey], "another"),
  ];
  const keys = maintainersOf(alice.pubkey, "hello", announcements);
  assert.deepEqual(keys, [alice.pubkey, bob.pubkey, carol.pubkey]);
  assert.deepEqual(maintainersOf(alice.pubkey, "hello", []), [alice.pubkey]);
});

Deno.test("maintainers: a chain without an end ends", () => {
  const base = announce(alice, []);
  const names = (n: number) => n.toString(16).padStart(64, "0");
  const chain = Array.from({ length: 500 }, (_, n) => ({
    ...base,
    event: { ...base.event, pubkey: names(n) },
    maintainers: [names(n + 1)],
  }));
  assert.equal(maintainersOf(names(0), "hello", chain).length, 64);
  const many = [{ ...base, maintainers: Array.from({ length: 99 }, (_, n) => names(n)) }];
  assert.equal(maintainersOf(alice.pubkey, "hello", many).length, 64);
});

Deno.test("states: the newest of a maintainer wins, everywhere alike", () => {
  const states = [
    state(alice, NOW),
    state(bob, NOW + 5, "a"),
    state(alice, NOW + 5, "b"),
    state(mallory, NOW + 9),
    state(bob, NOW + 9, "x", "other"),
  ];
  const [one, two] = [states[1]!, states[2]!];
  const expected = one.event.id < two.event.id ? one : two;
  const keys = [alice.pubkey, bob.pubkey];
  fc.assert(fc.property(fc.shuffledSubarray(states, { minLength: states.length }), (shuffled) => {
    const { dropped, counts } = counting();
    assert.equal(chooseState(shuffled, "hello", keys, () => undefined, dropped), expected);
    assert.deepEqual(counts, { "foreign-state": 2 });
  }));
});

Deno.test("states: one that is refused makes room for the next", () => {
  const { dropped, counts } = counting();
  const older = state(alice, NOW);
  const refused = state(alice, NOW + 1);
  const refuse = (one: typeof older) => one === refused ? "disagreeing-state" : undefined;
  assert.equal(chooseState([refused, older], "hello", [alice.pubkey], refuse, dropped), older);
  assert.deepEqual(counts, { "disagreeing-state": 1 });
  assert.equal(chooseState([], "hello", [alice.pubkey], refuse, dropped), undefined);
});

Deno.test("states: every difference to the manifest is found", () => {
  const refs = { "refs/heads/main": hex(40, "main") };
  const stated = state(alice, NOW);
  assert.equal(disagreement(stated, manifest({ refs })), undefined);
  assert.equal(
    disagreement(stated, manifest({ refs: { ...refs, "refs/notes/x": hex(40, "n") } })),
    undefined,
  );
  const cases: [Record<string, unknown>, string][] = [
    [{ refs: { "refs/heads/main": hex(40, "x") } }, "refs/heads/main"],
    [{ refs: {} }, "refs/heads/main"],
    [{ refs: { ...refs, "refs/tags/v": hex(40, "v") } }, "refs/tags/v"],
    [{ refs, head: "refs/heads/other" }, "HEAD"],
  ];
  for (const [changes, name] of cases) assert.equal(disagreement(stated, manifest(changes)), name);
});
