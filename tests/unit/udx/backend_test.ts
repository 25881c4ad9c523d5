import assert from "node:assert/strict";
import { join } from "node:path";
import { mmsgAvailable, openMmsg } from "../../../lib/udx/mod.ts";
import { readUint32, writeUint32 } from "../../../lib/udx/packet.ts";

const MODULE = join(import.meta.dirname!, "..", "..", "..", "lib", "udx", "mod.ts");
const ROOT = join(import.meta.dirname!, "..", "..", "..");
const OPTIONS = {
  port: 0,
  host: "127.0.0.1",
  family: 4,
  ipv6Only: false,
  reuseAddress: false,
} as const;

/** Echoes a message over two sockets, and says whether the faster back-end was there. */
const PROGRAM = `
import { mmsgAvailable, UDX } from ${JSON.stringify(MODULE)};
const udx = new UDX();
const [a, b] = [udx.createSocket(), udx.createSocket()];
a.bind(0, "127.0.0.1");
b.bind(0, "127.0.0.1");
b.on("message", (bytes, { port, host }) => b.trySend(bytes, port, host));
const answer = new Promise((resolve) => a.on("message", resolve));
a.trySend(new TextEncoder().encode("hello"), b.address().port);
console.log(String(await answer), mmsgAvailable(), udx.networkInterfaces().length > 0);
await Promise.all([a.close(), b.close()]);
`;

/** Runs the program with these permissions only; it has to end by itself. */
async function run(...permissions: string[]): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-lock", "--no-check", ...permissions, "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(60_000),
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(PROGRAM));
  await input.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout).trim() || new TextDecoder().decode(stderr);
}

Deno.test("backend: without the permission for FFI it is node:dgram, without a word", async () => {
  const permissions = ["--allow-net", "--allow-env", "--allow-read", "--allow-sys"];
  assert.equal(await run(...permissions), "hello false true");
});

Deno.test("backend: without the permission to list interfaces there are none", async () => {
  assert.equal(await run("--allow-net", "--allow-env", "--allow-read"), "hello false false");
});

Deno.test({
  name: "backend: with FFI on Linux it is the faster one (needs Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => assert.equal(await run("--allow-all"), "hello true true"),
});

Deno.test({
  name: "backend: what would wait too long for the kernel is lost (needs FFI on Linux)",
  ignore: !mmsgAvailable(),
  fn: async () => {
    let heard = (_: number) => {};
    const receiver = openMmsg(OPTIONS, {
      datagram: (bytes) => heard(readUint32(bytes, 0)),
      batchEnd: () => {},
    });
    const sender = openMmsg(OPTIONS, { datagram: () => {}, batchEnd: () => {} });
    const numbers = new Set<number>();
    const send = (number: number) => {
      const bytes = new Uint8Array(4);
      writeUint32(bytes, 0, number);
      sender.send(bytes, receiver.port, "127.0.0.1", 0);
    };
    for (let i = 0; i < 20_000; i++) send(i);
    const last = 1_000_000;
    await new Promise<void>((resolve) => {
      const again = setInterval(() => send(last), 10);
      heard = (number) => {
        numbers.add(number);
        if (number !== last) return;
        clearInterval(again);
        resolve();
      };
    });
    for (const backend of [receiver, sender]) {
      await new Promise<void>((resolve) => backend.close(resolve));
    }
    numbers.delete(last);
    assert.ok(numbers.size > 1000, `${numbers.size} came`);
    assert.ok(Math.max(...numbers) < 16_384, "no more than the queue takes");
  },
});
