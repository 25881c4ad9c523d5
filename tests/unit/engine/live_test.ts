import assert from "node:assert/strict";
import { deadline } from "../../../lib/common/wait.ts";
import { firstStream } from "../../../lib/engine/live.ts";
import type { EngineParts } from "../../../lib/engine/parts.ts";
import type { SignedManifest } from "../../../lib/manifest/types.ts";
import type { LiveStream } from "../../../lib/transports/transport.ts";

Deno.test("a network that ignores the end of a dial holds nobody up, and its stream is closed", async () => {
  const late = Promise.withResolvers<LiveStream>();
  const parts = {
    transports: [{ scheme: "torrent", dial: () => late.promise }],
    settings: { get: () => 1 },
  } as unknown as EngineParts;
  using limit = deadline(50, "a live peer");
  const signed = {} as SignedManifest;
  await assert.rejects(firstStream(parts, { signed }, limit.signal), { code: "timed-out" });
  await new Promise<void>((closed) => late.resolve({ close: closed } as unknown as LiveStream));
});
