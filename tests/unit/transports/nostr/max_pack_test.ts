import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../../lib/common/home.ts";
import { Settings } from "../../../../lib/common/settings.ts";
import { deadline } from "../../../../lib/common/wait.ts";
import { keyFromSeed } from "../../../../lib/identity/keys.ts";
import { OpenNostr } from "../../../../lib/transports/nostr/network.ts";
import { openManifest } from "../../../fixtures/open_manifest.ts";

/** Nobody is there; nobody is asked either. */
const SERVERS = {
  GTR_NOSTR_RELAYS: "ws://127.0.0.1:9",
  GTR_NOSTR_BLOSSOM: "http://127.0.0.1:9",
};

async function maxPack(env: Record<string, string>): Promise<number | undefined> {
  const folder = await Deno.makeTempDir();
  try {
    const settings = await Settings.load(new Home(folder), (name) => env[name]);
    const cache = join(folder, "cache");
    await Deno.mkdir(cache);
    using limit = deadline(60_000, "a node to open");
    await using node = await OpenNostr.open({
      settings,
      cache,
      key: keyFromSeed(new Uint8Array(32).fill(1)),
      live: () => Promise.resolve(undefined),
      openManifest,
      gitConfig: () => Promise.resolve(undefined),
      log: () => {},
      dropped: () => {},
    }, limit);
    return node.packs.maxBytes();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("packs are limited where there are Blossom servers, unless that is turned off", async () => {
  assert.equal(await maxPack({}), undefined);
  assert.equal(await maxPack({ ...SERVERS, GTR_NOSTR_RELAYS: "none" }), undefined);
  assert.equal(await maxPack({ ...SERVERS, GTR_NOSTR_BLOSSOM: "none" }), undefined);
  assert.equal(await maxPack(SERVERS), 64 * 2 ** 20);
  assert.equal(await maxPack({ ...SERVERS, GTR_NOSTR_MAXBLOB: "20m" }), 20 * 2 ** 20);
  assert.equal(await maxPack({ ...SERVERS, GTR_NOSTR_MAXBLOB: "0" }), undefined);
  for (const value of ["1", "1023k", "-1m"]) {
    await assert.rejects(maxPack({ ...SERVERS, GTR_NOSTR_MAXBLOB: value }), {
      code: "bad-setting",
      message: /0, or a number of bytes from 1m on/,
    });
  }
});
