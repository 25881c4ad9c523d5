import assert from "node:assert/strict";
import fc from "fast-check";
import { readAt } from "../../../lib/common/read_at.ts";

Deno.test("read at: what is there of a part, however few bytes a read gives", () =>
  fc.assert(fc.asyncProperty(
    fc.uint8Array({ maxLength: 100 }),
    fc.integer({ min: -5, max: 120 }),
    fc.nat(120),
    fc.integer({ min: 1, max: 40 }),
    async (bytes, offset, length, most) => {
      let at = 0;
      const file = {
        seek: (to: number) => Promise.resolve(at = to),
        read: (into: Uint8Array) => {
          const part = bytes.subarray(at, at + Math.min(most, into.length));
          into.set(part);
          at += part.length;
          return Promise.resolve(part.length === 0 ? null : part.length);
        },
      };
      const expected = offset < 0 ? [] : [...bytes.subarray(offset, offset + length)];
      assert.deepEqual([...await readAt(file, offset, length)], expected);
    },
  )));
