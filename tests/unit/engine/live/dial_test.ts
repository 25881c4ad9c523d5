import assert from "node:assert/strict";
import { deadline } from "../../../../lib/common/wait.ts";
import { firstStream } from "../../../../lib/engine/live/dial.ts";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import { NetworkError } from "../../../../lib/common/errors.ts";
import type { SignedManifest } from "../../../../lib/manifest/types.ts";
import type { LiveStream } from "../../../../lib/ports/streams.ts";

Deno.test("a network that ignores the end of a dial holds nobody up, and its stream is closed", async () => {
  const late = Promise.withResolvers<LiveStream>();
  const parts = {
    networks: [{ scheme: "torrent", streams: { dial: () => late.promise } }],
    settings: { get: () => 1 },
  } as unknown as EngineParts;
  using limit = deadline(50, "a live peer");
  const signed = {} as SignedManifest;
  await assert.rejects(firstStream(parts, { signed }, limit.signal), { code: "timed-out" });
  await new Promise<void>((closed) => late.resolve({ close: closed } as unknown as LiveStream));
});

/** Asks networks that dial so. */
async function dial(dials: Readonly<Record<string, () => Promise<LiveStream>>>, wait = 1) {
  const parts = {
    networks: [
      { scheme: "deaf" }, // it carries no live streams
      ...Object.entries(dials).map(([scheme, dial]) => ({ scheme, streams: { dial } })),
    ],
    settings: { get: () => wait },
  } as unknown as EngineParts;
  using limit = deadline(30_000, "a live peer");
  return await firstStream(parts, { signed: {} as SignedManifest }, limit.signal);
}

const stream = (peer: string, close = () => {}) => ({ peer, close }) as unknown as LiveStream;
const failing = (code: string, message: string, hint?: string) => () =>
  Promise.reject(new NetworkError(code, message, { hint }));

Deno.test("the first network that gives a stream is used, and others are asked only if it takes long", async () => {
  let asked = 0;
  const second = () => {
    asked++;
    return Promise.resolve(stream("b"));
  };
  assert.equal((await dial({ a: () => Promise.resolve(stream("a")), b: second })).peer, "a");
  assert.equal(asked, 0);
  const { promise: never } = Promise.withResolvers<LiveStream>();
  assert.equal((await dial({ a: () => never, b: second })).peer, "b");
  assert.equal((await dial({ a: failing("x", "it broke"), b: second })).peer, "b");
  assert.equal(asked, 2);
});

Deno.test("where nobody serves live, each network says why, but for those with nobody to ask", async () => {
  const error = async (...args: Parameters<typeof dial>) =>
    await dial(...args).then(() => undefined, (error) => error as NetworkError);
  const [broken, idle] = [failing("x", "it broke"), failing("no-source", "nobody to ask")];
  const both = await error({ a: broken, b: failing("y", "that too", "mend it") });
  assert.deepEqual([both?.code, both?.message, both?.hint], [
    ...["no-live-peer", "a: it broke; b: that too", "mend it"],
  ]);
  const one = await error({ a: idle, b: broken });
  assert.deepEqual([one?.code, one?.message], ["x", "it broke"]);
  const same = await error({ a: broken, b: failing("y", "it broke") });
  assert.deepEqual([same?.code, same?.message], ["x", "it broke"], "it is said once");
  assert.equal((await error({ a: idle, b: idle }))?.message, "nobody to ask");
  for (const none of [await error({}), await error({ a: broken }, 0)]) {
    assert.deepEqual([none?.code, none?.message], ["no-live-peer", "no network is asked for any"]);
  }
});
