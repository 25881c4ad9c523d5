import assert from "node:assert/strict";
import { join } from "node:path";
import { sendOverUnix } from "../../../lib/daemon/unix_http.ts";
import { soon, tempDir } from "../engine/fixture.ts";

const GET = { method: "GET", path: "/x", headers: {}, body: "" } as const;

/** A server that says `answer` to whatever it is sent, and keeps what that was. */
async function server(answer: string, { hangsUp = true } = {}) {
  const temp = await tempDir();
  const path = join(temp.path, "socket");
  const listener = Deno.listen({ transport: "unix", path });
  const asked: string[] = [];
  const served = (async () => {
    const connection = await listener.accept();
    const buffer = new Uint8Array(4096);
    const length = await connection.read(buffer) ?? 0;
    asked.push(new TextDecoder().decode(buffer.subarray(0, length)));
    await connection.write(new TextEncoder().encode(answer)).catch(() => {}); // it may be gone
    if (!hangsUp) { while (await connection.read(buffer).catch(() => null) !== null); }
    connection.close();
  })();
  return {
    path,
    asked,
    served,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await served;
      await temp[Symbol.asyncDispose]();
    },
  };
}

const text = async (body: ReadableStream<Uint8Array> | null) =>
  new TextDecoder().decode(new Uint8Array((await Array.fromAsync(body!)).flatMap((a) => [...a])));

Deno.test("HTTP on a socket: the request goes out whole, and the body is all that follows", async () => {
  await using gtd = await server("HTTP/1.0 200 OK\r\ncontent-type: x\r\n\r\n{}\nmore");
  using wait = soon();
  const answer = await sendOverUnix(gtd.path, {
    path: "/x",
    headers: { a: "b" },
    body: "ä",
    signal: wait.signal,
  });
  assert.equal(answer.status, 200);
  assert.equal(await text(answer.body), "{}\nmore");
  const [head, body = ""] = gtd.asked.join("").split("\r\n\r\n");
  assert.equal(head, "POST /x HTTP/1.0\r\na: b\r\ncontent-length: 2");
  assert.ok("ä".startsWith(body));
});

Deno.test("HTTP on a socket: what is no answer is an error", async () => {
  const answers = [
    "",
    "SSH-2.0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n",
    `HTTP/1.0 200 ${"x".repeat(9000)}`,
  ];
  for (const answer of answers) {
    await using gtd = await server(answer);
    using wait = soon();
    await assert.rejects(sendOverUnix(gtd.path, { ...GET, signal: wait.signal }), answer);
  }
  using wait = soon();
  const nobody = sendOverUnix("/nowhere/gtd.sock", { ...GET, signal: wait.signal });
  await assert.rejects(nobody, Deno.errors.NotFound);
});

Deno.test("HTTP on a socket: giving up closes the connection", async () => {
  for (const answer of ["", "HTTP/1.0 200 OK\r\n\r\n{"]) {
    await using gtd = await server(answer, { hangsUp: false });
    const stop = new AbortController();
    const sent = sendOverUnix(gtd.path, { ...GET, signal: stop.signal });
    if (answer === "") {
      stop.abort(new Error("given up"));
      await assert.rejects(sent, /given up/);
    } else await (await sent).body!.cancel();
    await gtd.served;
  }
});
