import assert from "node:assert/strict";
import { Rack } from "../../../lib/udx/rack.ts";
import type { Route } from "../../../lib/udx/route.ts";
import { SentPacket } from "../../../lib/udx/sent_packet.ts";

const MINIMUM_MS = 20;
const SMOOTHED_MS = 100;

function sent(seq: number, sentAt: number, retransmitted = false): SentPacket {
  const packet = new SentPacket(seq >>> 0, new Uint8Array(), 0, 0, {} as Route);
  return Object.assign(packet, { sentAt, retransmitted });
}

const window = (rack: Rack, recovering = false, sacked = 0, smoothed = SMOOTHED_MS) =>
  rack.reorderingWindow(recovering, sacked, MINIMUM_MS, smoothed);

Deno.test("rack: before anything arrives, nothing is overtaken", () => {
  assert.equal(new Rack().overtook(sent(0, 0)), false);
});

Deno.test("rack: what was sent before the newest that arrived is overtaken", () => {
  const rack = new Rack();
  rack.delivered(sent(5, 100), 30, MINIMUM_MS);
  assert.equal(rack.overtook(sent(4, 99)), true);
  assert.equal(rack.overtook(sent(6, 101)), false);
  rack.delivered(sent(3, 90), 40, MINIMUM_MS); // an older one changes nothing about that
  assert.equal(rack.overtook(sent(4, 99)), true);
});

Deno.test("rack: of packets sent at the same time, the sequence number decides, also where it wraps", () => {
  const rack = new Rack();
  rack.delivered(sent(0, 100), 30, MINIMUM_MS);
  assert.equal(rack.overtook(sent(-1, 100)), true);
  assert.equal(rack.overtook(sent(0, 100)), false, "not itself");
  assert.equal(rack.overtook(sent(1, 100)), false);
  assert.equal(rack.overtook(sent(1, 99)), true, "sent earlier, though its number is higher");
  assert.equal(rack.overtook(sent(-1, 101)), false, "sent later, though its number is lower");
});

Deno.test("rack: a packet is lost a round trip and the window after it was sent", () => {
  const rack = new Rack();
  rack.delivered(sent(5, 100), 30, MINIMUM_MS);
  assert.equal(rack.remaining(sent(4, 95), 7, 125), 95 + 30 + 7 - 125);
  rack.delivered(sent(3, 90), 45, MINIMUM_MS);
  assert.equal(rack.remaining(sent(4, 95), 7, 125), 95 + 45 + 7 - 125, "of the last that arrived");
});

Deno.test("rack: an answer sooner than the path allows is to the first copy, and says nothing", () => {
  const rack = new Rack();
  rack.delivered(sent(1, 10), 30, MINIMUM_MS);
  rack.delivered(sent(2, 100, true), MINIMUM_MS - 1, MINIMUM_MS);
  assert.equal(rack.overtook(sent(1, 50)), false);
  assert.equal(rack.remaining(sent(1, 10), 0, 0), 10 + 30);
  rack.delivered(sent(2, 100, true), MINIMUM_MS, MINIMUM_MS); // as soon as it allows
  assert.equal(rack.overtook(sent(1, 50)), true);
  assert.equal(rack.remaining(sent(1, 50), 0, 0), 50 + MINIMUM_MS);
  rack.delivered(sent(3, 200), 1, MINIMUM_MS); // sent once: it can be the answer to that only
  assert.equal(rack.overtook(sent(1, 150)), true);
});

Deno.test("rack: where nothing was reordered, three later ones or a recovery leave no window", () => {
  const rack = new Rack();
  for (const seq of [-1, 0, 1]) rack.delivered(sent(seq, 100 + seq), 30, MINIMUM_MS);
  assert.equal(window(rack, false, 2), MINIMUM_MS / 4);
  assert.equal(window(rack, false, 3), 0);
  assert.equal(window(rack, true), 0);
  assert.equal(window(rack, false, 0, 3), 3, "never more than a smoothed round trip");
});

Deno.test("rack: one that arrives behind a later one was reordered, unless it was sent again", () => {
  const rack = new Rack();
  rack.delivered(sent(7, 100), 30, MINIMUM_MS);
  rack.delivered(sent(6, 100, true), 30, MINIMUM_MS);
  assert.equal(window(rack, true, 3), 0);
  rack.delivered(sent(5, 100), 30, MINIMUM_MS);
  assert.equal(window(rack, true, 3), MINIMUM_MS / 4);
  rack.delivered(sent(8, 101), 30, MINIMUM_MS);
  assert.equal(window(rack, true, 3), MINIMUM_MS / 4, "that is remembered");
});
