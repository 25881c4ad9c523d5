import assert from "node:assert/strict";
import fc from "fast-check";
import { VerificationError } from "../../../../lib/common/errors.ts";
import {
  type Answer,
  decodeNotice,
  decodeReply,
  decodeRequest,
  encodeLine,
  MAX_HAVE,
  MAX_LINE,
  MAX_PEERS,
  type News,
  type Request,
} from "../../../../lib/transports/holepunch/messages.ts";

const hex = (length: number) =>
  fc.uint8Array({ minLength: length / 2, maxLength: length / 2 }).map((bytes) => bytes.toHex());
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_]{0,63}$/);
const version = fc.constant(1 as const);
const record = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
const request: fc.Arbitrary<Request> = fc.oneof(
  record({ version, want: fc.constant("manifest" as const), id: hex(40), name }),
  record({ version, want: fc.constant("notices" as const), id: hex(40), name }),
  record({ version, want: fc.constant("pieces" as const), sha256: hex(64) }),
  record({
    version,
    want: fc.constant("pack" as const),
    sha256: hex(64),
    first: fc.maxSafeNat(),
    of: fc.uint8Array({ minLength: 1, maxLength: 32 }).map((bytes) => bytes.toHex()),
    most: fc.maxSafeNat().filter((n) => n > 0),
  }),
  record({ version, want: fc.constant("have" as const), sha256: hex(64), key: hex(64) }),
  record({ version, want: fc.constant("have" as const), sha256: hex(64) }),
  record({
    version,
    want: fc.constant("live" as const),
    publisher: hex(64),
    name,
    sequence: fc.maxSafeNat(),
  }),
);
const answer: fc.Arbitrary<Answer> = fc.oneof(
  record({ version, bytes: fc.maxSafeNat().filter((n) => n > 0) }),
  record({ version, bytes: fc.maxSafeNat().filter((n) => n > 0), piece: fc.maxSafeNat() }),
  record({ version, refused: fc.constantFrom("unknown", "older", "busy") }),
);
const news: fc.Arbitrary<News> = fc.oneof(
  record({ version, have: fc.array(fc.nat({ max: 9_999_999 }), { maxLength: MAX_HAVE }) }),
  record({ version, peers: fc.array(hex(64), { maxLength: MAX_PEERS }) }),
);

Deno.test("holepunch messages: what was encoded is read, and fits a line", () => {
  fc.assert(fc.property(request, (request) => {
    const line = encodeLine(request);
    assert.equal(line.at(-1), "\n".charCodeAt(0));
    assert.ok(line.length - 1 <= MAX_LINE);
    assert.deepEqual(decodeRequest(line.subarray(0, -1)), request);
  }));
  fc.assert(fc.property(fc.oneof(answer, news), (reply) => {
    const line = encodeLine(reply);
    assert.ok(line.length - 1 <= MAX_LINE);
    assert.deepEqual(decodeReply(line.subarray(0, -1)), reply);
  }));
  fc.assert(fc.property(news, (news) => {
    assert.deepEqual(decodeNotice(encodeLine(news).subarray(0, -1)), news);
  }));
  for (const notice of [{ version: 1, sequence: 7 }, { version: 1, refused: "busy" }] as const) {
    assert.deepEqual(decodeNotice(encodeLine(notice).subarray(0, -1)), notice);
  }
});

Deno.test("holepunch messages: anything else is a bad message and nothing worse", () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: MAX_LINE }),
    fc.json().map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(fc.property(anything, (line) => {
    for (const decode of [decodeRequest, decodeReply, decodeNotice]) {
      assert.throws(
        () => decode(line),
        (e) => e instanceof VerificationError && e.code === "bad-message",
      );
    }
  }));
  for (
    const wrong of [
      { version: 2, want: "pieces", sha256: "0".repeat(64) },
      { version: 1, want: "pieces", sha256: "../../etc/passwd" },
      { version: 1, want: "manifest", id: "0".repeat(40), name: "../x" },
      { version: 1, want: "pack", sha256: "0".repeat(64), first: -1, of: "80", most: 1 },
      { version: 1, want: "pack", sha256: "0".repeat(64), first: 0, of: "80", most: 0 },
      { version: 1, want: "pack", sha256: "0".repeat(64), first: 0, of: "8", most: 1 },
      { version: 1, want: "pack", sha256: "0".repeat(64), first: 0, of: "80".repeat(33), most: 1 },
      { version: 1, want: "have", sha256: "0".repeat(64), key: "me" },
      { version: 1, want: "shell" },
    ]
  ) {
    const line = new TextEncoder().encode(JSON.stringify(wrong));
    assert.throws(() => decodeRequest(line), VerificationError);
  }
  for (
    const wrong of [
      { version: 1, have: [-1] },
      { version: 1, have: Array(MAX_HAVE + 1).fill(0) },
      { version: 1, peers: ["0".repeat(63)] },
      { version: 1, peers: Array(MAX_PEERS + 1).fill("0".repeat(64)) },
    ]
  ) {
    const line = new TextEncoder().encode(JSON.stringify(wrong));
    assert.throws(() => decodeReply(line), VerificationError);
  }
});
