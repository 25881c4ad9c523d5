import assert from "node:assert/strict";
import { oneTimeGitPort } from "../../../lib/git_interface/git_port.ts";

const encoder = new TextEncoder();

/** A port that answers "hello", and what came of it. */
async function port(options: { wait?: number; signal?: AbortSignal } = {}) {
  const end = Promise.withResolvers<"served" | "missed">();
  const url = await oneTimeGitPort({
    ...options,
    missed: () => end.resolve("missed"),
    serve: async ({ writable }) => {
      const writer = writable.getWriter();
      await writer.write(encoder.encode("hello"));
      end.resolve("served");
    },
  });
  const [, number, secret] = /^git:\/\/127\.0\.0\.1:(\d+)\/([0-9a-f]{32})$/.exec(url)!;
  const dial = () => Deno.connect({ hostname: "127.0.0.1", port: Number(number) });
  return { dial, secret: secret!, number: number!, end: end.promise };
}

/** The request with which git begins (gitprotocol-pack(5)). */
function request(path: string, number = "1"): string {
  const text = `git-upload-pack ${path}\0host=127.0.0.1:${number}\0\0version=2\0`;
  return (text.length + 4).toString(16).padStart(4, "0") + text;
}

/** What a connection that says this hears until it is hung up on. */
async function answerTo(connection: Deno.Conn, said: string): Promise<string> {
  await connection.write(encoder.encode(said));
  return await new Response(connection.readable).text().catch(() => "");
}

Deno.test("a git port serves one connection that names the secret, and is gone", async () => {
  const { dial, secret, number, end } = await port();
  assert.equal(await answerTo(await dial(), request(`/${secret}`, number)), "hello");
  assert.equal(await end, "served");
  await assert.rejects(dial());
});

Deno.test("a git port hangs up on who doesn't know the secret, and waits on", async (t) => {
  const { dial, secret, end } = await port();
  for (
    const [what, said] of [
      ["a wrong secret", request(`/${"0".repeat(32)}`)],
      ["a secret cut short", request(`/${secret.slice(1)}`)],
      ["another service", request(`/${secret}`).replace("upload", "secret")],
      ["a huge line", "ffff" + "x".repeat(70_000)],
      ["a line longer than any request", "0300" + "x".repeat(0x300)],
      ["an empty one", "0004"],
      ["a flush", "0000"],
      ["no length", "GET / HTTP/1.1\r\n\r\n"],
    ] as const
  ) {
    await t.step(what, async () => {
      const connection = await dial();
      assert.equal(await answerTo(connection, said).catch(() => ""), "");
    });
  }
  await t.step("a crowd that says nothing", async () => {
    const silent = await Promise.all(Array.from({ length: 40 }, dial));
    const ends = silent.map((connection) => answerTo(connection, "").catch(() => ""));
    assert.deepEqual(new Set(await Promise.all(ends)), new Set([""]));
  });
  assert.equal(await answerTo(await dial(), request(`/${secret}`)), "hello");
  assert.equal(await end, "served");
});

Deno.test("a git port that nobody comes to is gone in time, or with its signal", async () => {
  const late = await port({ wait: 20 });
  assert.equal(await late.end, "missed");
  await assert.rejects(late.dial());
  const stop = new AbortController();
  const stopped = await port({ signal: stop.signal });
  const waiting = await stopped.dial();
  stop.abort();
  assert.equal(await stopped.end, "missed");
  assert.equal(await answerTo(waiting, "").catch(() => ""), "");
});
