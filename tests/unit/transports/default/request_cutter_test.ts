import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { RequestCutter } from "../../../../lib/transports/default/request_cutter.ts";

const packet = fc.oneof(
  fc.constantFrom("0001", "0002"),
  fc.string({ unit: "binary-ascii", minLength: 1 })
    .map((text) => (text.length + 4).toString(16).padStart(4, "0") + text),
);
const request = fc.array(packet).map((packets) => `${packets.join("")}0000`);

Deno.test("request cutter: the requests, however they come in parts", () => {
  fc.assert(fc.property(
    fc.array(request),
    fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
    (requests, sizes) => {
      const bytes = Buffer.from(requests.join(""), "latin1");
      const cutter = new RequestCutter(1 << 20);
      const found: string[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length]!;
        for (const one of cutter.push(bytes.subarray(at, at + size))) {
          found.push(Buffer.from(one).toString("latin1"));
        }
        at += size;
      }
      assert.deepEqual(found, requests);
    },
  ));
});

Deno.test("request cutter: what is no packet, or never ends, is refused", () => {
  const push = (text: string) => new RequestCutter(100).push(Buffer.from(text));
  assert.throws(() => push("nonsense"), /invalid packet length/);
  assert.throws(() => push("-001"), /invalid packet length/);
  assert.throws(() => push(`00ff${"x".repeat(120)}`), /more than 100 bytes/);
  assert.throws(() => push("0005x".repeat(30)), /more than 100 bytes/);
});

Deno.test("request cutter: the bound is of one request, however many there are", () => {
  const cutter = new RequestCutter(13);
  const whole = "0009hello0000";
  for (let i = 0; i < 3; i++) {
    assert.equal(cutter.push(Buffer.from(whole)).length, 1);
    assert.equal(cutter.push(Buffer.from(whole + whole)).length, 2);
    assert.equal(cutter.push(Buffer.from(whole + whole.slice(0, 7))).length, 1);
    assert.equal(cutter.push(Buffer.from(whole.slice(7))).length, 1);
  }
  assert.throws(() => cutter.push(Buffer.from("000ahelloo0000")), /more than 13 bytes/);
  const drip = new RequestCutter(13);
  assert.throws(() => {
    for (const byte of Buffer.from("000ahelloo0000")) drip.push(Uint8Array.of(byte));
  }, /more than 13 bytes/);
});
