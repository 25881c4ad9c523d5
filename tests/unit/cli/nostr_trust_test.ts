import assert from "node:assert/strict";
import { npubEncode } from "nostr-tools/nip19";
import { User } from "./support.ts";

const [before, now] = ["11".repeat(32), "22".repeat(32)];

Deno.test("nostr trust: the key that a domain names now is remembered instead of the one before", async () => {
  await using user = await User.make();
  const known = { publisher: before, since: 1, confirmed: 1 };
  const names = { "nostr:dan@example.org": known, "dan@example.org": known };
  await user.home.ensure();
  await Deno.writeTextFile(user.home.registry, JSON.stringify({ version: 1, names }));
  const { fetch } = globalThis;
  globalThis.fetch = (url) => {
    assert.equal(url, "https://example.org/.well-known/nostr.json?name=dan");
    return Promise.resolve(Response.json({ names: { dan: now } }));
  };
  try {
    const { code, out, err } = await user.gtr(user.folder, "nostr", "trust", "Dan@example.org");
    assert.deepEqual([code, out], [0, `${npubEncode(now)}\n`], err);
  } finally {
    globalThis.fetch = fetch;
  }
  const after = JSON.parse(await Deno.readTextFile(user.home.registry)).names;
  assert.equal(after["nostr:dan@example.org"].publisher, now);
  assert.deepEqual(after["dan@example.org"], known);
  const wrong = await user.gtr(user.folder, "nostr", "trust", "dan");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /can't look up 'dan'/);
});
