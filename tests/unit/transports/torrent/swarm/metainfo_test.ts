import assert from "node:assert/strict";
import { VerificationError } from "../../../../../lib/common/errors.ts";
import {
  maxInfoBytes,
  parseInfo,
  pieceSize,
} from "../../../../../lib/transports/torrent/swarm/metainfo.ts";
import { concat, makeTorrent } from "./fixture.ts";

const text = (s: string) => new TextEncoder().encode(s);

Deno.test("metainfo: a torrent of one file", () => {
  const torrent = makeTorrent(100_000, 32768);
  const info = parseInfo(torrent.info, 100_000);
  assert.equal(info.name, "test.pack");
  assert.equal(info.length, 100_000);
  assert.equal(info.pieces, 4);
  assert.deepEqual([0, 1, 2, 3].map((piece) => pieceSize(info, piece)), [
    32768,
    32768,
    32768,
    1696,
  ]);
  assert.ok(torrent.info.length <= maxInfoBytes(100_000));
  assert.deepEqual([1, 16384, 16385].map(maxInfoBytes), [1044, 1044, 1064]);
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
  const longest = `255:${"n".repeat(255)}`;
  assert.equal(parseInfo(form({ name: longest }), 40_000).name.length, 255);
  assert.equal(parseInfo(form({ size: "i16777216e", pieces: 20 }), 40_000).pieces, 1);
  assert.equal(parseInfo(form({ length: "i50000e", pieces: 80 }), 50_000).length, 50_000);
  const bad = [
    form({ length: "i0e" }),
    form({ length: "i-5e" }),
    form({ length: "1:a" }),
    form({ length: "i50001e", pieces: 80 }),
    form({ name: "0:" }),
    form({ name: "i5e" }),
    form({ name: `256:${"n".repeat(256)}` }),
    concat(
      "d6:lengthi1e4:name1:",
      Uint8Array.of(0xff),
      "12:piece lengthi16384e6:pieces20:",
      new Uint8Array(20),
      "e",
    ),
    text(`d6:lengthi1e4:name1:n12:piece lengthi16384e6:piecesl${"i0e".repeat(20)}ee`),
    text("d6:lengthi1e4:name1:n12:piece lengthi16384ee"),
    text("d6:lengthi1e4:name1:n12:piece length5:16384e"),
    form({ size: "i16000e" }),
    form({ size: "i0e" }),
    form({ size: "i8192e", pieces: 100 }),
    form({ size: "i33554432e", pieces: 20 }),
    form({ pieces: 59 }),
    form({ pieces: 80 }),
    form({ more: "5:filesle" }),
    form({ more: "9:file treede" }),
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
