import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { GtrError } from "../../../../../lib/common/errors.ts";
import { abortable } from "../../../../../lib/common/wait.ts";
import { encodeDeletion } from "../../../../../lib/transports/nostr/events/deletion.ts";
import type { NostrEvent } from "../../../../../lib/transports/nostr/events/event.ts";
import { Relays, type RelayTimes } from "../../../../../lib/transports/nostr/relays/relays.ts";
import { liar } from "../../../../fixtures/nostr/liar.ts";
import { startRelay } from "../../../../fixtures/nostr/servers.ts";
import { alice, counting, mallory, signed } from "../fixture.ts";
import { silence } from "../../../../fixtures/nostr/silence.ts";

const signal = () => AbortSignal.timeout(100_000);
const now = () => Math.floor(Date.now() / 1000);
const note = (content: string, author = alice) =>
  signed(author, { created_at: now(), content, tags: [["d", "x"]] });
const FILTERS = [{ kinds: [1], authors: [alice.pubkey] }];

function pool(times: Partial<RelayTimes> = {}, signer = undefined as typeof alice | undefined) {
  const { dropped, counts } = counting();
  return { relays: new Relays({ dropped, signer, times }), counts };
}

/** An address where nobody is. */
async function nobody(): Promise<string> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return `ws://127.0.0.1:${port}`;
}

Deno.test("relays: what is published to two is found, once; a dead one is told of", async () => {
  await using one = await startRelay();
  await using two = await startRelay();
  const dead = await nobody();
  const { relays, counts } = pool();
  using _ = relays;
  const event = note("hello");
  const urls = [one.url, two.url, dead];
  const published = await relays.publish(urls, event, 2, signal());
  assert.deepEqual([...published.answered].sort(), [one.url, two.url].sort());
  assert.equal(published.failed.get(dead)?.code, "unreachable");

  const found = await relays.query(urls, FILTERS, signal());
  assert.deepEqual(found.events, [event]);
  assert.deepEqual([...found.failed.keys()], [dead]);

  const again = await relays.publish([one.url], event, 1, signal());
  assert.deepEqual(again.answered, [one.url], "a duplicate is stored");

  await relays.publish([one.url], signed(alice, encodeDeletion([event], now())), 1, signal());
  const after = await relays.query([one.url], FILTERS, signal());
  assert.deepEqual(after, { events: [], answered: [one.url], failed: new Map() });
  assert.deepEqual(counts, {});
});

Deno.test("relays: where none answers, that is an error and no empty result", async () => {
  const { relays } = pool({ connect: 300, answer: 600 });
  using _ = relays;
  await using silent = await silence();
  await assert.rejects(relays.query([await nobody(), silent.url], FILTERS, signal()), {
    code: "unreachable",
  });
  await assert.rejects(relays.query([], FILTERS, signal()), { code: "unreachable" });
  await assert.rejects(relays.publish([await nobody()], note("x"), 1, signal()), {
    code: "no-quorum",
    message: /0 of 1 relays took it, 1 are needed/,
  });
});

Deno.test("relays: one that hangs holds a query up for the time of grace only", async () => {
  await using good = await startRelay();
  await using silent = await silence();
  const { relays } = pool({ connect: 60_000, answer: 60_000, grace: 200 });
  using _ = relays;
  await relays.publish([good.url], note("x"), 1, signal());
  const { answered, failed } = await relays.query([good.url, silent.url], FILTERS, signal());
  assert.deepEqual(answered, [good.url]);
  assert.equal(failed.get(silent.url)?.code, "timed-out");
});

Deno.test("relays: one that is quick and knows nothing doesn't hide what a slower one knows", async () => {
  const right = note("right");
  const quick = Promise.withResolvers<void>();
  await using empty = liar(([type, id], send) => {
    if (type !== "REQ") return;
    send(["EOSE", id]);
    setTimeout(quick.resolve, 150); // the time of grace, and more
  });
  await using slow = liar(async ([type, id], send) => {
    if (type !== "REQ") return;
    await quick.promise;
    send(["EVENT", id, right]);
    send(["EOSE", id]);
  });
  const { relays } = pool({ grace: 50 });
  using _ = relays;
  const { events } = await relays.query([empty.url, slow.url], FILTERS, signal());
  assert.deepEqual(events, [right]);
});

Deno.test("relays: the caller's abort ends all waiting", async () => {
  await using silent = await silence();
  const { relays } = pool();
  using _ = relays;
  const abort = new AbortController();
  const asked = relays.query([silent.url], FILTERS, abort.signal);
  abort.abort(new GtrError("enough", "enough"));
  await assert.rejects(asked, { code: "enough" });
});

Deno.test("relays: a real relay refuses a forged event", async () => {
  await using relay = await startRelay();
  const { relays } = pool();
  using _ = relays;
  const forged = { ...note("x"), content: "y" };
  await assert.rejects(relays.publish([relay.url], forged, 1, signal()), {
    code: "no-quorum",
    message: /invalid/,
  });
});

Deno.test("relays: what nobody asked for, forgeries, the future and noise are dropped", async () => {
  const right = note("right");
  const future = signed(alice, { created_at: now() + 3600 });
  const wrong: unknown[] = [
    note("by another", mallory),
    { ...right, content: "forged" },
    future,
    { ...right, id: 7 },
    right,
    right,
  ];
  await using relay = liar(([type, id], send) => {
    if (type !== "REQ") return;
    send("noise");
    send(["EVENT", "another", note("x")]);
    for (const event of wrong) send(["EVENT", id, event]);
    send(["EOSE", id]);
  });
  const { relays, counts } = pool();
  using _ = relays;
  const { events } = await relays.query([relay.url], FILTERS, signal());
  assert.deepEqual(events, [right]);
  assert.deepEqual(counts, {
    "bad-relay-message": 1,
    "unasked-event": 1,
    "forged-event": 1,
    "future-event": 1,
    "malformed-event": 1,
  });
});

Deno.test("relays: a forgery at one relay doesn't hide the true event at another", async () => {
  const right = note("right");
  const forged = { ...right, sig: note("other").sig };
  const forger = Promise.withResolvers<void>();
  await using bad = liar(([type, id], send) => {
    if (type !== "REQ") return;
    send(["EVENT", id, forged]);
    send(["EOSE", id]);
    forger.resolve();
  });
  await using good = liar(async ([type, id], send) => {
    if (type !== "REQ") return;
    await forger.promise;
    send(["EVENT", id, right]);
    send(["EOSE", id]);
  });
  const { relays, counts } = pool();
  using _ = relays;
  const { events } = await relays.query([bad.url, good.url], FILTERS, signal());
  assert.deepEqual(events, [right]);
  assert.deepEqual(counts, { "forged-event": 1 });
});

Deno.test("relays: a flood ends, and what was right in it stays", async () => {
  const right = note("right");
  const junk = note("junk", mallory);
  await using relay = liar(([type, id], send) => {
    if (type !== "REQ") return;
    send(["EVENT", id, right]);
    for (let i = 0; i < 200; i++) send(["EVENT", id, junk]);
  });
  await using good = liar(([type, id], send) => void (type === "REQ" && send(["EOSE", id])));
  const { relays, counts } = pool();
  using _ = relays;
  const { events, failed } = await relays.query([relay.url, good.url], FILTERS, signal());
  assert.deepEqual(events, [right]);
  assert.equal(failed.get(relay.url)?.code, "flooding");
  assert.equal(counts["flooding-relay"], 1);
});

Deno.test("relays: an answer has so many events and bytes, and no more", async () => {
  const floods = [[note("right"), 5_001], [note("x".repeat(500_000)), 35]] as const;
  for (const [event, times] of floods) {
    await using relay = liar(([type, id], send) => {
      if (type !== "REQ") return;
      for (let i = 0; i < times; i++) send(["EVENT", id, event]);
      send(["EOSE", id]);
    });
    const { relays, counts } = pool();
    using _ = relays;
    await assert.rejects(relays.query([relay.url], FILTERS, signal()), /sends more than was asked/);
    assert.deepEqual(counts, { "flooding-relay": 1 });
  }
});

Deno.test("relays: a subscription ends where it brings what nobody asked for", async () => {
  const closed = Promise.withResolvers<void>();
  const junk = note("junk", mallory);
  let asked: unknown;
  await using relay = liar(([type, id], send) => {
    if (type === "CLOSE" && id === asked) closed.resolve();
    if (type !== "REQ" || asked !== undefined) return;
    asked = id;
    send(["EOSE", id]);
    for (let i = 0; i < 60; i++) send(["EVENT", id, junk]);
  });
  const { relays, counts } = pool({ reconnect: 60_000 });
  using _ = relays;
  using _watch = relays.subscribe([relay.url], FILTERS, () => {});
  await abortable(closed.promise, signal());
  assert(counts["unasked-event"]! > 50);
});

/** A server's half of the opening of a WebSocket (RFC 6455, 4.2.2). */
function handshake(head: string): string {
  const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(head)![1];
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

Deno.test("relays: a message without an end is not kept in memory", async () => {
  const most = 64 << 20;
  let sent = 0;
  const closed = Promise.withResolvers<void>();
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.on("close", () => closed.resolve());
    socket.once("data", (head) => {
      socket.write(handshake(head.toString()));
      // Parts of one text message, 64 KiB less one byte each, none the last (RFC 6455, 5.4).
      const part = new Uint8Array(4 + 0xffff).fill(0x20);
      const go = (): void => {
        while (!socket.destroyed && sent < most) {
          part.set([sent === 0 ? 0x01 : 0x00, 126, 0xff, 0xff]);
          sent += part.length;
          if (!socket.write(part.slice())) return void socket.once("drain", go);
        }
      };
      go();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
  const { relays } = pool();
  using _ = relays;
  await assert.rejects(relays.query([url], FILTERS, signal()), { code: "unreachable" });
  await abortable(closed.promise, signal());
  assert(sent < most, "the connection ends while it still sends");
  server.close();
  await once(server, "close");
});

Deno.test("relays: what one doesn't read is not kept without end", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { relays } = pool({ answer: 30_000 });
  using _ = relays;
  const event = note("x".repeat(500_000));
  const url = `ws://127.0.0.1:${listener.addr.port}`;
  const handed = Array.from({ length: 100 }, () => relays.publish([url], event, 1, signal()));
  const refused = Promise.all(
    handed.map((one) =>
      assert.rejects(one, { code: "no-quorum", message: /it doesn't read what it is sent/ })
    ),
  );
  using conn = await listener.accept();
  const head = new Uint8Array(4096);
  const length = await conn.read(head);
  const text = new TextDecoder().decode(head.subarray(0, length!));
  await conn.write(new TextEncoder().encode(handshake(text))); // and reads nothing more
  await refused;
});

Deno.test("relays: one that sends what nobody waits for is hung up on", async () => {
  const hungUp = Promise.withResolvers<void>();
  await using relay = liar(([type, id], send, socket) => {
    if (type !== "REQ") return;
    socket.onclose = () => hungUp.resolve();
    send(["EOSE", id]);
    for (let i = 0; i < 300; i++) send(["NOTICE", "x".repeat(100_000)]);
  });
  const { relays, counts } = pool({ reconnect: 60_000 });
  using _ = relays;
  using _watch = relays.subscribe([relay.url], FILTERS, () => {});
  await abortable(hungUp.promise, signal());
  assert.deepEqual(counts, { "flooding-relay": 1 });
});

Deno.test("relays: one that answers and hangs up is asked more and more seldom", async () => {
  const times: number[] = [];
  const enough = Promise.withResolvers<void>();
  await using relay = liar(([type, id], send, socket) => {
    if (type !== "REQ") return;
    send(["EOSE", id]);
    socket.close();
    times.push(performance.now());
    if (times.length === 6) enough.resolve();
  });
  const { relays } = pool({ reconnect: 20 });
  using _ = relays;
  using _watch = relays.subscribe([relay.url], FILTERS, () => {});
  await abortable(enough.promise, signal());
  // At least half of 20, 40, 80, 160 and 320 ms; of pauses that don't grow, 100 at most.
  assert(times[5]! - times[0]! > 300, `${times[5]! - times[0]!} ms`);
});

Deno.test("relays: one that no longer says anything is left, and asked again", async () => {
  const sockets: WebSocket[] = [];
  const again = Promise.withResolvers<void>();
  await using relay = liar(([type, id], send, socket) => {
    if (type !== "REQ" || sockets.includes(socket)) return; // silent from its second question on
    send(["EOSE", id]);
    if (sockets.push(socket) === 2) again.resolve();
  });
  const { relays } = pool({ silence: 50, answer: 50, reconnect: 10 });
  using _ = relays;
  using _watch = relays.subscribe([relay.url], FILTERS, () => {});
  await abortable(again.promise, signal());
});

Deno.test("relays: the same event, handed over twice at once, is answered twice", async () => {
  const ids: string[] = [];
  await using relay = liar(([type, event], send) => {
    if (type !== "EVENT") return;
    ids.push((event as NostrEvent).id);
    if (ids.length === 2) { for (const id of ids) send(["OK", id, true, ""]); }
  });
  const { relays } = pool({ answer: 5_000 });
  using _ = relays;
  const event = note("x");
  const both = await Promise.all([1, 2].map(() => relays.publish([relay.url], event, 1, signal())));
  assert.deepEqual(both.map(({ answered }) => answered), [[relay.url], [relay.url]]);
});

Deno.test("relays: a further challenge means a further login", async () => {
  const challenges: string[] = [];
  await using relay = liar(([type, event], send) => {
    if (type === "EVENT") {
      const { id, content } = event as NostrEvent;
      if (challenges.includes(content)) return send(["OK", id, true, ""]);
      send(["AUTH", content]);
      send(["OK", id, false, "auth-required: who are you?"]);
    } else if (type === "AUTH") {
      const { id, tags } = event as NostrEvent;
      challenges.push(tags.find(([name]) => name === "challenge")![1]!);
      send(["OK", id, true, ""]);
    }
  });
  const { relays } = pool({}, alice);
  using _ = relays;
  for (const content of ["one", "two"]) {
    await relays.publish([relay.url], note(content), 1, signal());
  }
  assert.deepEqual(challenges, ["one", "two"]);
});

Deno.test("relays: an event that a relay refuses as known to it is stored there", async () => {
  await using relay = liar(([type, event], send) => {
    if (type === "EVENT") send(["OK", (event as NostrEvent).id, false, "duplicate: have it"]);
  });
  const { relays } = pool();
  using _ = relays;
  assert.deepEqual((await relays.publish([relay.url], note("x"), 1, signal())).answered, [
    relay.url,
  ]);
});

Deno.test("relays: one that wants less haste gets the event again", async () => {
  let tries = 0;
  await using relay = liar(([type, event], send) => {
    if (type !== "EVENT") return;
    const accepted = ++tries === 2;
    const { id } = event as NostrEvent;
    send(["OK", id, accepted, accepted ? "" : "rate-limited: slow down"]);
  });
  const { relays } = pool();
  using _ = relays;
  await relays.publish([relay.url], note("x"), 1, signal());
  assert.equal(tries, 2);
});

Deno.test("relays: one that answers only to people is quoted", async () => {
  await using relay = liar(([type], send) => {
    if (type === "EVENT") send(["NOTICE", "pay me"]);
  });
  const { relays } = pool({ answer: 300 });
  using _ = relays;
  await assert.rejects(relays.publish([relay.url], note("x"), 1, signal()), {
    code: "no-quorum",
    message: /doesn't answer, but says: pay me/,
  });
});

Deno.test("relays: a refusal's words come without what steers a terminal", async () => {
  await using relay = liar(([type, event], send) => {
    if (type === "EVENT") {
      send(["OK", (event as NostrEvent).id, false, `blocked: \x1b[31m${"x".repeat(9999)}`]);
    }
  });
  const { relays } = pool();
  using _ = relays;
  await assert.rejects(relays.publish([relay.url], note("x"), 1, signal()), (error: GtrError) => {
    // deno-lint-ignore no-control-regex -- it must not be there
    return /blocked: \?\[31m/.test(error.message) && !/\x1b/.test(error.message) &&
      error.message.length < 500;
  });
});

Deno.test("relays: those that demand a login get one, where there is a key", async () => {
  await using relay = await startRelay({ auth: true });
  {
    const { relays } = pool();
    using _ = relays;
    await assert.rejects(relays.query([relay.url], FILTERS, signal()), {
      code: "unreachable",
      message: /log in/,
    });
    await assert.rejects(relays.publish([relay.url], note("x"), 1, signal()), {
      code: "no-quorum",
    });
  }
  const { relays } = pool({}, alice);
  using _ = relays;
  const event = note("hello");
  await relays.publish([relay.url], event, 1, signal());
  const again = pool({}, alice);
  using __ = again.relays;
  assert.deepEqual((await again.relays.query([relay.url], FILTERS, signal())).events, [event]);
});

Deno.test("relays: closing ends what waits, and what comes after", async () => {
  await using silent = await silence();
  const { relays } = pool();
  const asked = relays.query([silent.url], FILTERS, signal());
  relays[Symbol.dispose]();
  await assert.rejects(asked, { code: "closed" });
  await assert.rejects(relays.query([silent.url], FILTERS, signal()), { code: "closed" });
});
