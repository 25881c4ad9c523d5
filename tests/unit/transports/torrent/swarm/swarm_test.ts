import assert from "node:assert/strict";
import { NetworkError } from "../../../../../lib/common/errors.ts";
import { Fixture, makeTorrent } from "./fixture.ts";

Deno.test("a file goes from a seed to a reader", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(1_000_000);
  const seed = await fixture.seeder(torrent);
  const reader = await fixture.swarm();
  const progress: [number, number][] = [];
  const path = await fixture.fetch(reader, torrent, [seed], {
    progress: (done, total) => progress.push([done, total]),
  });
  assert.deepEqual(await Deno.readFile(path), new Uint8Array(torrent.bytes));
  assert.deepEqual(progress.at(-1), [1_000_000, 1_000_000]);
  assert.deepEqual(fixture.dropped, []);
});

Deno.test("nobody there: an error at once, not at the deadline", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(1_000);
  const reader = await fixture.swarm();
  await assert.rejects(
    fixture.fetch(reader, torrent, []),
    (error) => error instanceof NetworkError && error.code === "nobody-answered",
  );
});
