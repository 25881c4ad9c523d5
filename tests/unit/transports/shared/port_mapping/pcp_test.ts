import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeAnswer,
  encodeMapRequest,
} from "../../../../../lib/transports/shared/port_mapping/pcp.ts";

const NONCE = "0102030405060708090a0b0c";
const OURS = "00000000000000000000ffffc0a84702";
const OUTSIDE = "00000000000000000000ffffc6336315";
const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));

/** An answer to MAP; `head` is version, operation, result and lifetime. */
const answer = (head: string, protocol = "06", host = OUTSIDE) =>
  hex(`${head} 00000007 ${"00".repeat(12)} ${NONCE} ${protocol}000000 1ae1 1b58 ${host}`);

Deno.test("PCP: a request as RFC 6887 draws it", () => {
  const message = encodeMapRequest({
    client: "192.168.71.2",
    nonce: hex(NONCE),
    protocol: "tcp",
    inside: 6881,
    outside: 7000,
    seconds: 3600,
  });
  const none = "00000000000000000000ffff00000000";
  const expected = `02010000 00000e10 ${OURS} ${NONCE} 06000000 1ae1 1b58 ${none}`;
  assert.equal(Uint8Array.from(message).toHex(), expected.replaceAll(" ", ""));
});

Deno.test("PCP: answers", () => {
  assert.deepEqual(decodeAnswer(answer("02810000 00000e10")), {
    epoch: 7,
    kind: "mapping",
    nonce: hex(NONCE),
    protocol: "tcp",
    inside: 6881,
    host: "198.51.99.21",
    outside: 7000,
    seconds: 3600,
  });
  const refusal = decodeAnswer(answer("02810002 0000003c"));
  assert.deepEqual(refusal, { epoch: 7, kind: "refused", why: "the router doesn't allow it" });
  assert.deepEqual(decodeAnswer(hex(`02800000 00000000 00000007 ${"00".repeat(12)}`)), {
    epoch: 7,
    kind: "announced",
  });
  // RFC 6886, section 3.5: of a router that knows NAT-PMP only.
  assert.equal(decodeAnswer(hex("00 81 0001 00000007"))?.kind, "refused");
  const ipv6 = decodeAnswer(answer("02810000 00000e10", "06", "2001".padEnd(32, "0")));
  assert.ok(ipv6?.kind === "mapping" && ipv6.host.includes(":"));
});

Deno.test("PCP: what is no answer", () => {
  const right = answer("02810000 00000e10");
  for (
    const wrong of [
      new Uint8Array(),
      right.subarray(0, 56), // too short for a mapping
      answer("02010000 00000e10"), // a request
      answer("03810000 00000e10"), // another version
      answer("02820000 00000e10"), // another operation
      answer("02810000 00000e10", "2f"), // another protocol
      Uint8Array.from([...right, 1]), // no multiple of four
      new Uint8Array(1104).fill(2),
    ]
  ) assert.equal(decodeAnswer(wrong), undefined, wrong.toHex());
});

Deno.test("PCP: any bytes are read without a fault", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1200 }), (bytes) => {
    decodeAnswer(bytes);
    decodeAnswer(Uint8Array.of(2, 0x81, 0, 0, ...bytes));
  }));
});
