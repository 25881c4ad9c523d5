import assert from "node:assert/strict";
import fc from "fast-check";
import { VerificationError } from "../../../lib/common/errors.ts";
import { decodeBundleLine, encodeBundleHead, packBytes } from "../../../lib/manifest/bundle.ts";
import { decodeEnvelope, MAX_ENVELOPE_BYTES } from "../../../lib/manifest/envelope.ts";
import { pack } from "./fixture.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("bundle: the head holds the envelope and says where it is", () => {
  const signed = { bytes: encode('{"a":1}'), signature: new Uint8Array(64).fill(7) };
  const head = encodeBundleHead(signed);
  const { offset, length } = decodeBundleLine(head);
  assert.equal(offset + length, head.length);
  assert.deepEqual(decodeEnvelope(head.subarray(offset)), signed);
});

Deno.test("bundle: the longest envelope, and what the packs have together", () => {
  const line = `# gtr bundle v1 ${MAX_ENVELOPE_BYTES}\n`;
  assert.deepEqual(decodeBundleLine(encode(line)), {
    offset: line.length,
    length: MAX_ENVELOPE_BYTES,
  });
  assert.equal(packBytes({ packs: [] }), 0);
  assert.equal(packBytes({ packs: [pack("a", { size: 3 }), pack("b", { size: 4 })] }), 7);
});

Deno.test("bundle: whatever the first bytes are, they are a bundle's or refused", () => {
  fc.assert(fc.property(
    fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.string().map((text) => encode(`# gtr bundle v1 ${text}`)),
      fc.bigInt().map((n) => encode(`# gtr bundle v1 ${n}\n`)),
    ),
    (bytes) => {
      try {
        const { offset, length } = decodeBundleLine(bytes);
        assert.ok(offset > 0 && offset <= 64 && length > 0 && length <= 16 << 20);
      } catch (error) {
        assert.ok(error instanceof VerificationError, String(error));
        assert.equal(error.code, "bad-bundle");
        assert.ok(error.hint);
      }
    },
  ));
});

Deno.test("bundle: what is no bundle of gtr's says what it is and what to do", () => {
  const cases = [
    ["# v2 git bundle\n", /of git's own/, /^git clone/],
    ["# v2 git bundles\n", /not a gtr bundle/, /^gtr bundle export/],
    [" # v2 git bundle\n", /not a gtr bundle/, /^gtr bundle export/],
    ["# gtr bundle v2 7\n", /version 2/, /newer gtr/],
    ["# gtr bundle v1 0\n", /damaged/, /copy it again/],
    ["# gtr bundle v1\n", /damaged/, /copy it again/],
    [`# gtr bundle v1 ${MAX_ENVELOPE_BYTES + 1}\n`, /damaged/, /copy it again/],
    ["# gtr bundle v1 1234567890\n", /not a gtr bundle/, /^gtr bundle export/],
    ["# gtr bundle v1 7", /not a gtr bundle/, /^gtr bundle export/],
  ] as const;
  for (const [text, message, hint] of cases) {
    assert.throws(() => decodeBundleLine(encode(text)), { code: "bad-bundle", message, hint });
  }
});
