import assert from "node:assert/strict";
import { formatBytes, formatDuration, printTable } from "../../../lib/cli/output.ts";
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

Deno.test("printTable: a name that is much longer than the others pushes its own row only", () => {
  const table = (rows: string[][]) => {
    let out = "";
    const io = { ...watched(false).io, stdout: (text: string) => void (out += text) };
    printTable(io, ["REPOSITORY", "BRANCH", "ADDRESS"], rows);
    return out.split("\n").slice(0, -1);
  };
  const long = "x".repeat(100);
  assert.deepEqual(table([["a", "main", "here"], [long, "main", "here"], ["b", long, "here"]]), [
    "REPOSITORY  BRANCH  ADDRESS",
    "a           main    here",
    `${long}  main    here`,
    `b           ${long}  here`,
  ]);
  assert.equal(table([[long, "main", "here"]])[0], "REPOSITORY  BRANCH  ADDRESS");
  // Names of usual lengths are lined up, however much they differ.
  const usual = "a-rather-long-branch-name";
  assert.deepEqual(table([["a", "main", "here"], ["a", usual, "here"]])[1]!.indexOf("here"), 39);
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
