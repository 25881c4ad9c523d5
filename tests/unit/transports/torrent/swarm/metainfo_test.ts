import assert from "node:assert/strict";
import fc from "fast-check";
import { VerificationError } from "../../../../../lib/common/errors.ts";
import { bencodedLength, decodeBencode } from "../../../../../lib/transports/torrent/bencode.ts";
import { maxInfoBytes, parseInfo } from "../../../../../lib/transports/torrent/swarm/metainfo.ts";
import { concat, makeTorrent } from "./fixture.ts";

const text = (s: string) => new TextEncoder().encode(s);

Deno.test("bencode: values as BEP 3 has them, and the offset behind them", () => {
  assert.deepEqual(decodeBencode(text("i-42etail")), { value: -42, end: 5 });
  assert.deepEqual(decodeBencode(text("l4:spami0eee")).value, [text("spam"), 0]);
  assert.deepEqual(decodeBencode(text("d1:ali1eee")).value, new Map([["a", [1]]]));
});

Deno.test("bencode: what would make the bencode package loop, recurse or crash is refused", () => {
  const bad = [
    "",
    "l-3:",
    "-1:a",
    "5:abc",
    "i12",
    "ie",
    "i1.5e",
    "i99999999999999999999e",
    "d1:a",
    "d1:ai1e1:ai2ee",
    "di1ei2ee",
    "99999999999:a",
    "l".repeat(100_000),
    "x",
  ];
  for (const bytes of bad) assert.equal(bencodedLength(text(bytes)), -1, bytes.slice(0, 20));
});

Deno.test("bencode: any bytes are decoded or refused, never anything else", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    assert.ok(bencodedLength(bytes) <= bytes.length);
  }));
});

Deno.test("metainfo: a torrent of one file", () => {
  const torrent = makeTorrent(100_000, 32768);
  const info = parseInfo(torrent.info, 100_000);
  assert.equal(info.name, "test.pack");
  assert.equal(info.length, 100_000);
  assert.equal(info.pieces, 4);
  assert.ok(torrent.info.length <= maxInfoBytes(100_000));
});

Deno.test("metainfo: what isn't one is refused", () => {
  const form = (
    { length = "i40000e", name = "4:name", size = "i16384e", pieces = 60, more = "" },
  ) =>
    concat(
      `d${more}6:length${length}4:name${name}12:piece length${size}6:pieces${pieces}:`,
      new Uint8Array(pieces),
      "e",
    );
  assert.equal(parseInfo(form({}), 40_000).pieces, 3);
  const bad = [
    form({ length: "i0e" }),
    form({ length: "i-5e" }),
    form({ length: "1:a" }),
    form({ length: "i50001e", pieces: 80 }),
    form({ name: "0:" }),
    form({ name: "i5e" }),
    form({ size: "i16000e" }),
    form({ size: "i0e" }),
    form({ size: "i8192e", pieces: 100 }),
    form({ size: "i33554432e", pieces: 20 }),
    form({ pieces: 59 }),
    form({ pieces: 80 }),
    form({ more: "5:filesle" }),
    concat(form({}), "x"),
    text("le"),
    text("l-3:"),
  ];
  for (const bytes of bad) {
    assert.throws(
      () => parseInfo(bytes, 50_000),
      (error) => error instanceof VerificationError && error.code === "bad-metainfo",
    );
  }
});
