import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeAnswer,
  encodeAddressRequest,
  encodeMappingRequest,
} from "../../../../../lib/transports/shared/port_mapping/nat_pmp.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));

Deno.test("NAT-PMP: requests as RFC 6886 draws them", () => {
  assert.equal(encodeAddressRequest().toHex(), "0000");
  const wish = { protocol: "tcp", inside: 6881, outside: 7000, seconds: 3600 } as const;
  assert.equal(Uint8Array.from(encodeMappingRequest(wish)).toHex(), "000200001ae11b5800000e10");
  const udp = encodeMappingRequest({ ...wish, protocol: "udp", outside: 0, seconds: 0 });
  assert.equal(Uint8Array.from(udp).toHex(), "000100001ae1000000000000");
});

Deno.test("NAT-PMP: answers", () => {
  assert.deepEqual(decodeAnswer(hex("00 80 0000 00000007 c6336315")), {
    epoch: 7,
    kind: "address",
    host: "198.51.99.21",
  });
  assert.deepEqual(decodeAnswer(hex("00 82 0000 00000007 1ae1 1b58 00000e10")), {
    epoch: 7,
    kind: "mapping",
    protocol: "tcp",
    inside: 6881,
    outside: 7000,
    seconds: 3600,
  });
  const refusal = decodeAnswer(hex("00 81 0002 00000007 1ae1 0000 00000000"));
  assert.ok(refusal?.kind === "refused");
  assert.match(refusal.why, /switched it off/);
});

Deno.test("NAT-PMP: what is no answer", () => {
  for (
    const wrong of [
      "",
      "00 80 0000",
      "00 00 0000 00000007 c6336315", // a request
      "01 80 0000 00000007 c6336315", // another version
      "00 80 0000 00000007 c63363", // too short
      "00 80 0000 00000007 c633631500", // too long
      "00 83 0000 00000007 1ae1 1b58 00000e10", // no such operation
      "00 82 0000 00000007 1ae1 1b58",
    ]
  ) assert.equal(decodeAnswer(hex(wrong)), undefined, wrong);
});

Deno.test("NAT-PMP: any bytes are read without a fault", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1200 }), (bytes) => {
    const answer = decodeAnswer(bytes);
    if (answer?.kind === "mapping") assert.ok(answer.outside <= 65_535);
  }));
});
