import assert from "node:assert/strict";
import { isSmallPart, wantsSmallPart } from "../../../lib/remote_helper/fetch_part.ts";

Deno.test("few branches of a large repository are a part, tags and what is here aside", () => {
  const oid = (digit: string) => digit.repeat(40);
  const state = (packBytes: number) => ({
    packBytes,
    refs: {
      "refs/heads/main": oid("a"),
      "refs/heads/same": oid("a"),
      "refs/heads/big": oid("b"),
      "refs/tags/v1": oid("c"),
    },
  });
  const small = (bytes: number, ...has: string[]) =>
    isSmallPart(state(bytes), (id) => has.includes(id));
  assert.equal(small(8 << 20, oid("a")), true);
  assert.equal(small((8 << 20) - 1, oid("a")), false);
  assert.equal(small(8 << 20, oid("a"), oid("b")), false);
  assert.equal(small(8 << 20), true);
});

Deno.test("whether a part is wanted is known of small repositories without looking into one", async () => {
  const state = { packBytes: 10, refs: { "refs/heads/main": "a".repeat(40) } };
  const nowhere = { gitDir: "/nowhere", commonDir: "/nowhere", objectDirectory: "/nowhere" };
  const local = { ...nowhere, alternates: [] };
  const { signal } = new AbortController();
  const remote = state as unknown as Parameters<typeof wantsSmallPart>[0];
  assert.equal(await wantsSmallPart(remote, local, [], signal), false);
});
