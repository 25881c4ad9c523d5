/** A helper's life: what it is given, what it leaves, and its exit code. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { protocolVersion, serveUploadPack } from "../../../lib/remote_helper/connect.ts";
import type { HelperClient } from "../../../lib/remote_helper/client.ts";
import { type HelperRun, runHelper } from "../../../lib/remote_helper/run_helper.ts";
import { gitDirOf, initRepository, tempDir } from "../git_interface/fixture.ts";

const signal = AbortSignal.timeout(100_000);
const encode = (text: string) => new TextEncoder().encode(text);

interface Told {
  readonly connect: HelperRun["connect"];
  readonly signal?: AbortSignal;
  readonly env?: HelperRun["env"];
  readonly stdout?: WritableStream<Uint8Array>;
}

async function run(input: string, { connect, env = () => undefined, ...told }: Told) {
  let stderr = "";
  const code = await runHelper({
    scheme: "torrent",
    url: "torrent://x/y",
    io: {
      stdin: ReadableStream.from([encode(input)]),
      stdout: told.stdout ?? new WritableStream(),
      stderr: (text) => stderr += text,
    },
    env,
    connect,
    signal: told.signal ?? signal,
  });
  return { code, stderr };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("helper: it ends only after gtd's connection has, and what it asked for", async () => {
  const events: string[] = [];
  const client = {
    resolve: (_url: string, wait: { signal: AbortSignal }) => {
      wait.signal.addEventListener("abort", () => events.push("given up"));
      return new Promise(() => {});
    },
    async [Symbol.asyncDispose]() {
      await turn();
      events.push("closed");
    },
  } as unknown as HelperClient;
  const { code, stderr } = await run("capabilities\n\n", {
    connect: () => Promise.resolve(client),
  });
  assert.deepEqual([code, stderr, events], [0, "", ["given up", "closed"]]);
});

Deno.test("helper: that gtd can't be reached is told only if it is needed, nor how its end fails", async () => {
  const connect = () => Promise.reject(new Error("gtd does not answer"));
  assert.deepEqual(await run("option progress true\n\n", { connect }), { code: 0, stderr: "" });
  const failing = {
    [Symbol.asyncDispose]: () => Promise.reject(new Error("it was closed")),
  } as unknown as HelperClient;
  const ended = await run("\n", { connect: () => Promise.resolve(failing) });
  assert.deepEqual(ended, { code: 0, stderr: "" });
});

Deno.test("helper: what stops it stops what it waits for", async () => {
  const stop = new AbortController();
  const connect = ({ signal }: { signal: AbortSignal }) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      stop.abort(new Error("interrupted"));
    });
  assert.deepEqual(await run("list\n\n", { connect, signal: stop.signal }), {
    code: 1,
    stderr: "gtr: interrupted\n",
  });
});

Deno.test("helper: if git no longer listens, the helper fails", async () => {
  const stdout = new WritableStream({ write: () => Promise.reject(new Error("broken pipe")) });
  const connect = () => Promise.reject(new Error("not needed"));
  const { code, stderr } = await run("option x\n\n", { connect, stdout });
  assert.deepEqual([code, stderr], [1, "gtr: broken pipe\n"]);
});

Deno.test("helper: GTR_TRACE tells its steps", async () => {
  const client = { [Symbol.asyncDispose]: () => Promise.resolve() } as unknown as HelperClient;
  const env = (name: string) => name === "GTR_TRACE" ? "1" : undefined;
  const { stderr } = await run("option x\n\n", { connect: () => Promise.resolve(client), env });
  assert.match(stderr, /git-remote-torrent \S+ began\n/);
  assert.match(stderr, /connected to gtd\n/);
  assert.match(stderr, /git says: option x\n[^]*done\n$/);
});

Deno.test("connect: the wire protocol is what git asks for, else the newest", () => {
  const asked = (value?: string) => protocolVersion(() => value);
  for (
    const [value, version] of [
      [undefined, 2],
      ["", 2],
      ["version=0", 0],
      ["version=1", 1],
      ["other:version=1:version=0", 1],
      ["version=3:xversion=1:version=1x", 2],
    ] as const
  ) assert.equal(asked(value), version, value);
});

Deno.test("connect: git is told before any byte, its end stays open, and a failure is an error", async () => {
  await using temp = await tempDir();
  const gitDir = gitDirOf(await initRepository(temp.path));
  const written: string[] = [];
  let closed = false;
  const stdout = new WritableStream<Uint8Array>({
    async write(chunk) {
      await turn();
      written.push(new TextDecoder().decode(chunk));
    },
    close: () => void (closed = true),
  });
  const serve = (folder: string, input: string) =>
    serveUploadPack(folder, 2, async () => {
      await turn();
      assert.deepEqual(written, []);
      return { stdin: ReadableStream.from([encode(input)]), stdout };
    }, signal);
  await serve(gitDir, "0000");
  assert.match(written.join(""), /^000eversion 2\n/);
  assert.equal(closed, false);
  written.length = 0;
  await assert.rejects(serve(gitDir, "nonsense"), { name: "GitError" });
  written.length = 0;
  await assert.rejects(serve(join(temp.path, "nowhere"), "0000"), { name: "GitError" });
  const gone = AbortSignal.abort(new Error("enough"));
  await assert.rejects(serveUploadPack(gitDir, 2, () => assert.fail("told git"), gone));
});
