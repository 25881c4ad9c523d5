import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
const MODULE = join(ROOT, "lib", "udx", "mod.ts");
const DEADLINE_MS = 60_000;
/** What half a gigabyte may leave behind: less than 1 % of it. */
const MAX_GROWTH = 2_000_000;

/** Carries so much in a stream, and tells each time that all has arrived what memory is in use then. */
const PROGRAM = `
import process from "node:process";
import { openDgram, openFastest, UDX } from ${JSON.stringify(MODULE)};
const [backend, ...parts] = Deno.args;
const udx = new UDX({ backend: backend === "dgram" ? openDgram : openFastest });
const [a, b] = [udx.createSocket(), udx.createSocket()];
a.bind(0, "127.0.0.1");
b.bind(0, "127.0.0.1");
const [from, to] = [udx.createStream(1), udx.createStream(2)];
from.connect(a, 2, b.address().port, "127.0.0.1");
to.connect(b, 1, a.address().port, "127.0.0.1");
let received = 0;
to.on("data", (chunk) => received += chunk.length);
const chunk = new Uint8Array(65_536);
const memory = [];
let sent = 0;
for (const part of parts) {
  for (; sent < Number(part); sent += chunk.length) {
    if (!from.write(chunk)) await new Promise((resolve) => from.once("drain", resolve));
  }
  await from.flush();
  for (let i = 0; i < 3; i++) { // buffers are let go of after what refers to them
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  memory.push(heapUsed + external);
}
console.log(JSON.stringify({ memory, lost: sent - received }));
from.destroy();
to.destroy();
await Promise.all([a.close(), b.close()]);
`;

async function measure(backend: string, ...parts: readonly number[]) {
  const flags = ["--v8-flags=--expose-gc", "--allow-all", "--no-lock", "--no-check"];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, "-", backend, ...parts.map(String)],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(PROGRAM));
  await input.close();
  const { stdout } = await child.output();
  const answer: { memory: number[]; lost: number } = JSON.parse(new TextDecoder().decode(stdout));
  return answer;
}

for (const [backend, bytes] of [["fastest", 512_000_000], ["dgram", 128_000_000]] as const) {
  Deno.test(`udx (${backend}): what has been carried leaves nothing in memory`, async () => {
    const { memory: [before, after], lost } = await measure(backend, 64_000_000, bytes);
    assert.equal(lost, 0);
    assert.ok(after! - before! < MAX_GROWTH, `from ${before} to ${after} bytes`);
  });
}
