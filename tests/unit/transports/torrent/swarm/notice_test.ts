/** What peers tell each other of publications: when, and what is believed to be a notice. */
import assert from "node:assert/strict";
import { exchangeNotices, readNotice } from "../../../../../lib/transports/torrent/swarm/notice.ts";
import { arrived, closed, type End, known, withPair } from "./wire_pair.ts";

const text = (s: string) => new TextEncoder().encode(s);

Deno.test("notice: a number above 0 in at most 256 bytes, and nothing else", () => {
  assert.equal(readNotice(text("d3:seqi7ee")), 7);
  assert.equal(readNotice(text("d4:morei1e3:seqi1ee")), 1);
  const padded = (length: number) => {
    const head = `d3:seqi7e1:z${length - 17}:`;
    return text(head.padEnd(length - 1, "x") + "e");
  };
  assert.deepEqual([padded(256).length, readNotice(padded(256))], [256, 7]);
  assert.deepEqual([padded(257).length, readNotice(padded(257))], [257, undefined]);
  for (const bad of ["d3:seqi0ee", "d3:seqi-1ee", "d3:seq1:7e", "de", "le", "i7e", "d3:seq", ""]) {
    assert.equal(readNotice(text(bad)), undefined, bad);
  }
});

/** Two ends with notices; each knows the publication `first` of it. */
async function notices(
  first: readonly [near: number, far: number],
  work: (
    near: End,
    far: End,
    current: [number, number],
    tell: (() => void)[],
    heard: number[][],
  ) => Promise<void>,
): Promise<void> {
  const current: [number, number] = [...first];
  const tell: (() => void)[] = [];
  const heard: number[][] = [[], []];
  const prepare = (i: 0 | 1) => ({ wire }: End) => {
    tell[i] = exchangeNotices(wire, () => current[i], (sequence) => void heard[i]!.push(sequence));
  };
  await withPair({ near: prepare(0), far: prepare(1) }, async (near, far) => {
    await Promise.all([near, far].map((end) => known(end, "gtr_notice")));
    await work(near, far, current, tell, heard);
  });
}

Deno.test("notice: a peer is told at once, then of what is newer, and of nothing twice", async () => {
  await notices([7, 0], async (near, far, current, tell, heard) => {
    await arrived(near, far);
    await arrived(far, near);
    assert.deepEqual(heard, [[], [7]], "who knows of none tells none");
    tell[0]!();
    current[0] = 6;
    tell[0]!();
    current[0] = 9;
    tell[0]!();
    tell[0]!();
    await arrived(near, far);
    assert.deepEqual(heard, [[], [7, 9]]);
    near.wire.close();
    current[0] = 10;
    tell[0]!(); // there is nobody to be told
  });
});

Deno.test("notice: a peer without the extension is told nothing", async () => {
  let tell = () => {};
  await withPair({
    near: ({ wire }) => {
      tell = exchangeNotices(wire, () => 7, () => {});
    },
  }, async (near, far) => {
    await arrived(far, near);
    const extended: string[] = [];
    far.wire.protocol.on("extended", (name) => void extended.push(name));
    tell();
    await arrived(near, far);
    assert.deepEqual(extended.filter((name) => name !== "handshake"), []);
    assert.equal(near.wire.closed, false);
  });
});

Deno.test("notice: a peer that sends no notice, or too many, is hung up on", async () => {
  await notices([0, 0], async (near, far, _current, _tell, heard) => {
    for (let i = 1; i <= 1000; i++) far.wire.protocol.extended("gtr_notice", text(`d3:seqi${i}ee`));
    await arrived(far, near);
    assert.deepEqual([heard[0]!.length, near.dropped], [1000, []]);
    far.wire.protocol.extended("gtr_notice", text("d3:seqi7ee"));
    await closed(near);
    assert.deepEqual([heard[0]!.length, near.dropped], [1000, ["notice-flood"]]);
  });
  await notices([0, 0], async (near, far, _current, _tell, heard) => {
    far.wire.protocol.extended("gtr_notice", text("d3:seqi0ee"));
    await closed(near);
    assert.deepEqual([heard[0], near.dropped], [[], ["bad-notice"]]);
  });
});
