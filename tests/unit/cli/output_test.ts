import assert from "node:assert/strict";
import { formatBytes, formatDuration } from "../../../lib/cli/output.ts";
import { progressLine } from "../../../lib/cli/progress.ts";
import type { Io } from "../../../lib/cli/io.ts";

Deno.test("formatBytes and formatDuration: short and rounded down", () => {
  assert.deepEqual([0, 1023, 1024, 13002342, 5e13].map(formatBytes), [
    "0 bytes",
    "1023 bytes",
    "1.00 KiB",
    "12.40 MiB",
    "45.47 TiB",
  ]);
  assert.deepEqual([0.4, 119, 120, 7200, 172800].map(formatDuration), [
    "0 s",
    "119 s",
    "2 min",
    "2 h",
    "2 days",
  ]);
});

function watched(interactive: boolean): { io: Io; said: () => string } {
  let text = "";
  const io: Io = {
    cwd: "/",
    env: () => undefined,
    home: "/",
    stdout: () => assert.fail("progress is no data"),
    stderr: (more) => void (text += more),
    interactive,
    signal: new AbortController().signal,
  };
  return { io, said: () => text };
}

Deno.test("progressLine: in git's style, only for a person, not too often", () => {
  let now = 0;
  const { io, said } = watched(true);
  {
    using line = progressLine(io, () => now);
    line.progress!(0, 7, "Packing");
    line.progress!(3, 7, "Packing"); // too early
    now = 200;
    line.progress!(4, 7, "Packing");
    line.progress!(7, 7, "Packing"); // the last one is always shown
    line.progress!(0, 0, "Announcing");
  }
  assert.equal(
    said(),
    "\rPacking: 0% (0/7)\rPacking: 57% (4/7)\rPacking: 100% (7/7)\n\rAnnouncing\n",
  );
  const nobody = watched(false);
  using line = progressLine(nobody.io);
  assert.equal(line.progress, undefined);
});
