import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { Guests } from "../../../../lib/transports/holepunch/guests.ts";
import type { NoiseStream } from "../../../../lib/types/hyperdht.d.ts";

/** A connection from an address. */
class Connection extends EventEmitter {
  readonly rawStream: { remoteHost: string };
  ended = false;

  constructor(remoteHost: string) {
    super();
    this.rawStream = { remoteHost };
  }

  destroy(): void {
    this.ended = true;
    this.emit("close");
  }
}

function world(connections: number, perHost: number) {
  const dropped: string[] = [];
  const guests = new Guests({ connections, perHost }, (what) => dropped.push(what));
  const come = (host: string) => {
    const connection = new Connection(host);
    const guest = guests.welcome(connection as unknown as NoiseStream);
    return { connection, guest };
  };
  return { guests, dropped, come };
}

Deno.test("holepunch guests: who has asked for something stays, and fills the house", () => {
  const { guests, dropped, come } = world(3, 9);
  const asked = ["a", "b", "c"].map(come);
  for (const { guest } of asked) guest!.active = true;
  assert.equal(guests.admits(), false);
  assert.equal(come("d").guest, undefined);
  assert.ok(asked.every(({ connection }) => !connection.ended));
  asked[1]!.connection.destroy();
  assert.ok(guests.admits());
  assert.ok(come("d").guest);
  assert.deepEqual(dropped, ["limit", "limit"]);
});

Deno.test("holepunch guests: of those who say nothing the oldest makes room", () => {
  const { guests, dropped, come } = world(3, 9);
  const [first, second, third] = ["a", "b", "c"].map(come);
  second!.guest!.active = true;
  const later = ["d", "e"].map(come);
  assert.deepEqual(
    [first, second, third, ...later].map((one) => one!.connection.ended),
    [true, false, true, false, false],
  );
  assert.equal(guests.size, 3);
  assert.deepEqual(dropped, ["silent", "silent"]);
});

Deno.test("holepunch guests: one address has its own limit, and makes room among its own", () => {
  const { guests, dropped, come } = world(10, 2);
  const other = come("other");
  const [first, second] = [come("one"), come("one")];
  const third = come("one");
  assert.deepEqual(
    [other, first, second, third].map((one) => one.connection.ended),
    [false, true, false, false],
  );
  for (const { guest } of [second, third]) guest!.active = true;
  assert.equal(come("one").guest, undefined);
  assert.ok(come("two").guest);
  assert.equal(guests.size, 4);
  assert.deepEqual(dropped, ["silent", "limit"]);
});
