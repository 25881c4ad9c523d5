/** Peers of a repository tell each other of news; whoever abuses that is dropped. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { readNotice } from "../../../../../lib/transports/torrent/swarm/notice.ts";
import type { SwarmMeeting } from "../../../../../lib/transports/torrent/swarm/swarm.ts";
import { PeerWire } from "../../../../../lib/transports/torrent/swarm/wire.ts";
import { soon } from "../../../engine/fixture.ts";
import { Fixture } from "./fixture.ts";

const TARGET = "ab".repeat(20);
const bytes = (text: string) => new TextEncoder().encode(text);

/** Numbers in the order in which they are heard; `next` waits for one. */
function heard() {
  const numbers: number[] = [];
  let wake = () => {};
  return {
    numbers,
    listener: (sequence: number) => {
      numbers.push(sequence);
      wake();
    },
    next: async () => {
      using wait = soon();
      while (numbers.length === 0) {
        await new Promise<void>((resolve, reject) => {
          wake = resolve;
          wait.signal.addEventListener("abort", () => reject(wait.signal.reason));
        });
      }
      return numbers.shift()!;
    },
  };
}

const dial = (meeting: SwarmMeeting, port: number) => meeting.dial({ host: "127.0.0.1", port });

/** A peer that says it has the extension, and sends these messages. */
async function send(port: number, payloads: readonly Uint8Array[]): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const closed = once(socket, "close");
  const wire = new PeerWire(socket, true, () => {});
  class Any {
    onExtendedHandshake() {
      for (const payload of payloads) wire.protocol.extended("gtr_notice", payload);
    }
  }
  Object.defineProperty(Any.prototype, "name", { value: "gtr_notice" });
  wire.protocol.use(Any);
  wire.protocol.handshake(TARGET, "cd".repeat(20), { dht: true, fast: false });
  await closed;
}

Deno.test("peers tell what they know when they meet, and what is new later", async () => {
  await using fixture = await Fixture.make();
  const [alice, bob] = [await fixture.swarm(), await fixture.swarm()];
  const [toAlice, toBob] = [heard(), heard()];
  using a = alice.meet(TARGET, toAlice.listener);
  using b = bob.meet(TARGET, toBob.listener);
  a.tell(5);
  await dial(b, alice.port);
  assert.equal(await toBob.next(), 5);
  b.tell(5);
  assert.equal(await toAlice.next(), 5);
  a.tell(1_795_383_582_702);
  assert.equal(await toBob.next(), 1_795_383_582_702);
  a.tell(7);
  a.tell(1_795_383_582_703);
  assert.equal(await toBob.next(), 1_795_383_582_703, "nothing older is told");
  await dial(b, alice.port);
  assert.equal(b.size, 1, "one connection is enough");
  assert.deepEqual(fixture.dropped, []);
});

Deno.test("meetings leave connections to those who fetch", async () => {
  await using fixture = await Fixture.make();
  const hub = await fixture.swarm({ maxConnections: 8 });
  using _meeting = hub.meet(TARGET, () => {});
  for (let i = 0; i < 6; i++) {
    const meeting = (await fixture.swarm()).meet(TARGET, () => {});
    await dial(meeting, hub.port);
  }
  using other = hub.meet("ef".repeat(20), () => {});
  const full = await fixture.swarm();
  using _full = full.meet("ef".repeat(20), () => {});
  await dial(other, full.port);
  assert.ok(hub.peers(TARGET).length <= 4);
});

Deno.test("messages that are none end the connection, and so do too many", async () => {
  for (
    const [payloads, reason] of [
      [[bytes("i5e")], "bad-notice"],
      [[bytes("d3:seqi-5ee")], "bad-notice"],
      [[bytes("d3:seq1:5e")], "bad-notice"],
      [[bytes(`d3:seqi5e1:x400:${"x".repeat(400)}e`)], "bad-notice"],
      [[bytes("d3:seq")], "bad-extension-message"],
      [Array.from({ length: 1001 }, () => bytes("d3:seqi5ee")), "notice-flood"],
    ] as const
  ) {
    await using fixture = await Fixture.make();
    const swarm = await fixture.swarm();
    using _meeting = swarm.meet(TARGET, () => {});
    await send(swarm.port, payloads);
    assert.deepEqual(fixture.dropped, [reason]);
  }
});

Deno.test("a message may say more than is known today", () => {
  assert.equal(readNotice(bytes("d1:ai1e3:seqi5ee")), 5);
  assert.equal(readNotice(bytes("d1:ai1ee")), undefined);
  assert.equal(readNotice(new Uint8Array()), undefined);
});
