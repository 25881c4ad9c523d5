import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressVotes } from "../../../../../lib/transports/torrent/reach/votes.ts";

const slash16 = (host: string) => host.split(".", 2).join(".");
const bytes = (address: string) => Uint8Array.from(address.split("."), Number);
const groupOf = (host: string) => host.includes(":") ? host.split(":", 2).join(":") : slash16(host);
const votes = () => new AddressVotes({ groupOf, needed: 3 });
const TRUE = "198.51.100.7";

Deno.test("votes: an address is believed once enough independent nodes name it", () => {
  const said = votes();
  said.heard("1.1.0.1", bytes(TRUE));
  said.heard("1.1.0.2", bytes(TRUE));
  said.heard("1.1.200.3", bytes(TRUE));
  assert.equal(said.address(4), undefined, "they are of one network");
  said.heard("2.1.0.1", bytes(TRUE));
  said.heard("3.1.0.1", bytes(TRUE));
  assert.equal(said.address(4), TRUE);
  assert.equal(said.address(6), undefined);
});

Deno.test("votes: what is no address says nothing, and IPv6 is counted for itself", () => {
  const said = votes();
  const six = Uint8Array.fromHex("20010db8000000000000000000000001");
  for (const from of ["1.1.0.1", "2.1.0.1", "3.1.0.1"]) {
    for (const junk of [undefined, 4, "1.2.3.4", new Uint8Array(0), new Uint8Array(6)]) {
      said.heard(from, junk);
    }
    said.heard(from, six);
  }
  assert.deepEqual([said.address(4), said.address(6)], [undefined, undefined], "not theirs to see");
  for (const from of ["2a00:1::1", "2a01:1::1", "2a02:1::1"]) {
    said.heard(from, six);
    said.heard(from, bytes(TRUE));
  }
  assert.deepEqual([said.address(4), said.address(6)], [undefined, "2001:db8::1"]);
});

Deno.test("votes: what was said an hour ago counts no longer", () => {
  const said = votes();
  for (const from of ["1.1.0.1", "2.1.0.1", "3.1.0.1"]) said.heard(from, bytes(TRUE), 0);
  assert.equal(said.address(4, 1000), TRUE);
  assert.equal(said.address(4, 60 * 60_000), undefined);
});

Deno.test("votes: a minority of liars never wins, however often and whatever they say", () => {
  const group = fc.integer({ min: 0, max: 60 });
  const lie = fc.record({ from: group, host: fc.nat(65535), address: fc.ipV4() });
  fc.assert(
    fc.property(
      fc.uniqueArray(group, { minLength: 1, maxLength: 25 }),
      fc.array(lie, { maxLength: 400 }),
      fc.infiniteStream(fc.nat()),
      (honest, lies, mix) => {
        const liars = new Set(lies.map(({ from }) => from).filter((g) => !honest.includes(g)));
        fc.pre(liars.size < honest.length);
        const words = [
          ...honest.map((g) => ({ from: `${g}.1.0.1`, address: TRUE })),
          ...lies.filter(({ from }) => liars.has(from)).map(({ from, host, address }) => ({
            from: `${from}.1.${host >> 8}.${host & 255}`,
            address,
          })),
        ].map((word) => ({ word, at: mix.next().value })).sort((a, b) => a.at - b.at);
        const said = votes();
        for (const { word } of words) said.heard(word.from, bytes(word.address), 0);
        const believed = said.address(4, 0);
        if (honest.length >= 3) assert.equal(believed, TRUE);
        else assert.ok(believed === TRUE || believed === undefined);
      },
    ),
  );
});

Deno.test("votes: memory is bounded, and the latest count", () => {
  const said = new AddressVotes({ groupOf: (host) => host, needed: 3 });
  for (let n = 0; n < 10_000; n++) said.heard(`10.${n >> 8}.${n & 255}.1`, bytes("192.0.2.1"));
  for (let n = 0; n < 64; n++) said.heard(`11.0.${n}.1`, bytes(TRUE));
  assert.equal(said.address(4), TRUE);
});
