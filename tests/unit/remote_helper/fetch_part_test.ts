import assert from "node:assert/strict";
import { isSmallPart } from "../../../lib/remote_helper/fetch_part.ts";

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
