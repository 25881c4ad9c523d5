/** What Holepunch's server answers, on connections without any network. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { VerificationError } from "../../../../lib/common/errors.ts";
import { abortable } from "../../../../lib/common/wait.ts";
import { encodeEnvelope } from "../../../../lib/manifest/envelope.ts";
import { signManifest } from "../../../../lib/manifest/manifest.ts";
import { Exchange } from "../../../../lib/transports/holepunch/exchange/exchange.ts";
import { Offers } from "../../../../lib/transports/holepunch/offers.ts";
import { PeerServer, type ServerLimits } from "../../../../lib/transports/holepunch/server.ts";
import { Watchers } from "../../../../lib/transports/holepunch/watchers.ts";
import type { LiveAnswer } from "../../../../lib/ports/streams.ts";
import { key, manifest } from "../../manifest/fixture.ts";
import { type FakeStream, streamPair } from "./stream_pair.ts";

const signal = AbortSignal.timeout(100_000);
const HELLO = { id: key.id, name: "hello" };
const LIVE = { streams: 9, perPeer: 9, uploadRate: 0, seconds: 60, idleSeconds: 60 };
const LIMITS: ServerLimits = { connections: 80, uploadRate: 0, patienceMs: 60_000, live: LIVE };
const encode = (text: string) => new TextEncoder().encode(text);
const line = (value: object) => `${JSON.stringify({ version: 1, ...value })}\n`;

function world(limits: Partial<ServerLimits> = {}) {
  const offers = new Offers();
  const watchers = new Watchers(2);
  const [dropped, logged]: [string[], string[]] = [[], []];
  const state: { live?: LiveAnswer } = {};
  const server = new PeerServer({
    limits: { ...LIMITS, ...limits },
    offers,
    watchers,
    exchange: new Exchange(offers),
    live: (wanted) => state.live?.(wanted) ?? Promise.resolve(undefined),
    dropped: (reason) => dropped.push(reason),
    log: (message) => logged.push(message),
  });
  const connect = (host = "192.0.2.7") => {
    const [here, there] = streamPair();
    here.rawStream.remoteHost = host;
    let heard = "";
    let wake = () => {};
    there.noise.on("data", (chunk) => {
      heard += new TextDecoder().decode(chunk);
      wake();
    });
    server.accept(here.noise);
    return {
      here,
      there,
      says: (text: string) => void there.write(encode(text)),
      /** The next so many characters of what it hears. */
      async hears(length: number): Promise<string> {
        while (heard.length < length) {
          const { promise, resolve } = Promise.withResolvers<void>();
          wake = resolve;
          await abortable(promise, signal);
        }
        const text = heard.slice(0, length);
        heard = heard.slice(length);
        return text;
      },
      ended: () => ended(here),
    };
  };
  return { offers, watchers, server, dropped, logged, state, connect };
}

async function ended(stream: FakeStream): Promise<void> {
  if (!stream.closed) await once(stream, "close", { signal });
  await new Promise((resolve) => setTimeout(resolve)); // until the server has seen it
}

const signed = signManifest(manifest({ name: "hello", sequence: 5, description: "Greets" }), key);
const refused = (why: string) => line({ refused: why });

Deno.test("server: one request after the other, each answered; then it waits for the end", async () => {
  const w = world();
  w.offers.announce(signed);
  const c = w.connect();
  const envelope = new TextDecoder().decode(encodeEnvelope(signed));
  const answer = line({ bytes: envelope.length }) + envelope;
  const ask = line({ want: "manifest", ...HELLO });
  c.says(ask + line({ want: "manifest", ...HELLO, name: "other" }));
  assert.equal(await c.hears(answer.length), answer);
  assert.equal(await c.hears(refused("unknown").length), refused("unknown"));
  for (const want of ["pieces", "have"]) {
    c.says(line({ want, sha256: "0".repeat(64) }));
    assert.equal(await c.hears(refused("unknown").length), refused("unknown"));
  }
  c.says(ask);
  assert.equal(await c.hears(answer.length), answer);
  assert.equal(w.server.size, 1);
  c.there.end();
  await c.ended();
  assert.deepEqual([w.server.size, w.dropped, w.logged], [0, [], []]);
});

Deno.test("server: what is no request ends the connection, and is counted", async () => {
  const w = world();
  for (const text of ["nonsense\n", line({ want: "shell" }), "x".repeat(513)]) {
    const c = w.connect();
    c.says(text);
    await c.ended();
    assert.deepEqual(w.dropped.splice(0), ["bad-message"], text);
  }
  // Half a line before it hangs up is nothing.
  const half = w.connect();
  half.says("{");
  half.there.end();
  await half.ended();
  const gone = w.connect();
  gone.there.destroy();
  await gone.ended();
  assert.deepEqual([w.dropped, w.logged], [[], []]);
  const long = w.connect();
  long.here.destroy(new VerificationError("long-message", "too long"));
  await long.ended();
  assert.deepEqual(w.dropped, ["long-message"]);
});

Deno.test("server: who says nothing, or doesn't read, is hung up on", async () => {
  const w = world({ patienceMs: 50 });
  const silent = w.connect();
  await silent.ended();
  assert.deepEqual(w.dropped.splice(0), ["idle-peer"]);
  const stays = w.connect(); // after what it asked for, too
  stays.says(line({ want: "manifest", ...HELLO }));
  await stays.ended();
  assert.deepEqual(w.dropped, ["idle-peer"]);
});

Deno.test("server: nothing follows notices; they end with the peer", async () => {
  const w = world();
  w.offers.announce(signed);
  const ask = line({ want: "notices", ...HELLO });
  const unknown = w.connect();
  unknown.says(line({ want: "notices", ...HELLO, name: "other" }) + ask);
  assert.equal(await unknown.hears(refused("unknown").length), refused("unknown"));
  assert.equal(await unknown.hears(line({ sequence: 5 }).length), line({ sequence: 5 }));
  const repository = `${key.id}/hello`;
  w.watchers.tell(repository, 6);
  assert.equal(await unknown.hears(line({ sequence: 6 }).length), line({ sequence: 6 }));
  const end = once(unknown.there, "end", { signal });
  unknown.says(line({ want: "manifest", ...HELLO }));
  await end;
  unknown.there.end();
  await unknown.ended();
  assert.equal(w.watchers.of(repository), 0);
  const [one, two, three] = [w.connect(), w.connect(), w.connect()];
  for (const c of [one, two]) {
    c.says(ask);
    await c.hears(line({ sequence: 5 }).length);
  }
  three.says(ask);
  assert.equal(await three.hears(refused("busy").length), refused("busy"));
  one.there.end();
  await one.ended();
  three.says(ask);
  assert.equal(await three.hears(line({ sequence: 5 }).length), line({ sequence: 5 }));
});

Deno.test("server: live streams at once, in all and of one address; then the next has its turn", async () => {
  const { publisher } = signed.manifest;
  const ask = (sequence = 5) => line({ want: "live", publisher, name: "hello", sequence });
  const envelope = new TextDecoder().decode(encodeEnvelope(signed));
  const answer = line({ bytes: envelope.length }) + envelope;
  for (const [limit, hosts] of [["streams", ["a", "b"]], ["perPeer", ["a", "a"]]] as const) {
    const w = world({ live: { ...LIVE, [limit]: 1 } });
    w.state.live = () =>
      Promise.resolve({
        manifest: signed,
        open: () =>
          Promise.resolve({ readable: new ReadableStream(), writable: new WritableStream() }),
      });
    const [first, second] = hosts.map((host) => w.connect(host)) as [
      ReturnType<typeof w.connect>,
      ReturnType<typeof w.connect>,
    ];
    first.says(ask());
    assert.equal(await first.hears(answer.length), answer);
    second.says(ask());
    assert.equal(await second.hears(refused("busy").length), refused("busy"));
    second.there.end();
    assert.deepEqual(w.dropped, ["live-limit"]);
    const other = w.connect("c");
    other.says(ask());
    const free = limit === "perPeer" ? answer : refused("busy");
    assert.equal(await other.hears(free.length), free);
    first.there.destroy();
    await first.ended();
    if (limit === "streams") {
      const next = w.connect("d");
      next.says(ask());
      assert.equal(await next.hears(answer.length), answer);
    }
    w.server.close();
  }
});

Deno.test("server: git's words go both ways, and end the connection", async () => {
  const w = world();
  const { publisher } = signed.manifest;
  const envelope = new TextDecoder().decode(encodeEnvelope(signed));
  const answer = line({ bytes: envelope.length }) + envelope;
  const asked: unknown[] = [];
  let wish = "";
  w.state.live = (repository) => {
    asked.push(repository);
    const words = new TransformStream<Uint8Array, Uint8Array>();
    const writable = new WritableStream<Uint8Array>({
      async write(chunk) {
        wish += new TextDecoder().decode(chunk);
        if (!wish.endsWith("0000")) return;
        const writer = words.writable.getWriter();
        await writer.write(encode("pack"));
        await writer.close();
      },
    });
    return Promise.resolve({
      manifest: signed,
      open: () => Promise.resolve({ readable: words.readable, writable }),
    });
  };
  const c = w.connect();
  c.says(line({ want: "live", publisher, name: "hello", sequence: 5 }) + "want");
  assert.equal(await c.hears(answer.length), answer);
  c.says("0000");
  assert.equal(await c.hears(4), "pack");
  assert.deepEqual([wish, asked], ["want0000", [{ publisher, name: "hello" }]]);
  c.there.end();
  await c.ended();
  assert.deepEqual([w.dropped, w.logged], [[], []]);
});

Deno.test("server: what fails on this side is in the log, and nothing is if a repository is not here", async () => {
  const { publisher } = signed.manifest;
  const ask = line({ want: "live", publisher, name: "hello", sequence: 5 });
  const w = world();
  const none = w.connect();
  none.says(ask);
  assert.equal(await none.hears(refused("unknown").length), refused("unknown"));
  w.state.live = () => Promise.reject(new Error("the disk is full"));
  const failed = w.connect();
  failed.says(ask);
  await failed.ended();
  assert.deepEqual(w.logged, ["a holepunch peer can't be served: the disk is full"]);
});

Deno.test("server: one that is closed ends its connections and takes no others", async () => {
  const w = world();
  const c = w.connect();
  w.server.close();
  await c.ended();
  const late = w.connect();
  await late.ended();
  assert.deepEqual([w.server.size, w.dropped, w.logged], [0, [], []]);
});
