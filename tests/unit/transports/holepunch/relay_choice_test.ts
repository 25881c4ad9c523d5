import assert from "node:assert/strict";
import { RelayChoice } from "../../../../lib/transports/holepunch/relay_choice.ts";

const KEYS = ["11".repeat(32), "22".repeat(32), "33".repeat(32)];
const hex = (relays: readonly (Uint8Array | null)[]) =>
  relays.map((relay) => relay && relay.toHex());

Deno.test("relay choice: relays come after the direct way, and at once where it is known to fail", () => {
  const choice = new RelayChoice(KEYS);
  const [direct, ...relays] = choice.attempts("peer", false);
  assert.equal(direct, null);
  assert.equal(relays.length, 2);
  assert.ok(choice.attempts("peer", true).every((relay) => relay !== null));
  choice.remember("peer", relays[0]!);
  assert.ok(choice.attempts("peer", false).every((relay) => relay !== null));
  assert.equal(choice.attempts("another", false)[0], null);
});

Deno.test("relay choice: the relay that was used last is tried after others", () => {
  for (let i = 0; i < 20; i++) {
    const choice = new RelayChoice(KEYS.slice(0, 2));
    const used = choice.attempts("peer", true)[0]!;
    choice.remember("peer", used);
    const [first, second] = hex(choice.attempts("peer", false));
    assert.notEqual(first, used.toHex());
    assert.equal(second, used.toHex());
  }
});

Deno.test("relay choice: without relays there is only the direct way", () => {
  assert.deepEqual(new RelayChoice([]).attempts("peer", true), [null]);
});
