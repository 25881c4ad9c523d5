/** git's smart HTTP, with a git that does what the test says. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { Refusal } from "../../../../lib/transports/default/reply.ts";
import {
  advertiseRefs,
  checkService,
  exchangePack,
  type GitInPlace,
} from "../../../../lib/transports/default/upload_pack.ts";
import type { UploadPackForm } from "../../../../lib/ports/streams.ts";
import { type Asked, exchange } from "./exchange.ts";
import { MAX_BODY_BYTES } from "../../../../lib/transports/default/request_body.ts";

const POST: Asked = {
  method: "POST",
  headers: { "content-type": "application/x-git-upload-pack-request" },
  body: "0000",
};

/** A git that says some words once it has read all, and notes what was done with it. */
function scripted(says: readonly string[], { breaks = false, deaf = false } = {}) {
  const heard: string[] = [];
  const forms: UploadPackForm[] = [];
  let closed = 0;
  let cancelled = false;
  const input = Promise.withResolvers<void>();
  const stop = Promise.withResolvers<never>();
  stop.promise.catch(() => {});
  const open = (form: UploadPackForm): Promise<GitInPlace> => {
    forms.push(form);
    const output = (async function* () {
      await Promise.race([input.promise, stop.promise]);
      for (const word of says) yield new TextEncoder().encode(word);
      if (breaks) throw new Error("git was killed");
    })();
    return Promise.resolve({
      readable: new ReadableStream({
        async pull(controller) {
          const { value, done } = await output.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => void (cancelled = true),
      }),
      writable: new WritableStream({
        write: (chunk) => {
          if (deaf) throw new Error("git has stopped reading");
          heard.push(new TextDecoder().decode(chunk));
        },
        close: () => input.resolve(),
        abort: () => {},
      }),
      close: () => {
        closed++;
        stop.reject(new Error("git was closed"));
      },
    });
  };
  if (deaf) input.resolve();
  return {
    open,
    heard,
    forms,
    get closed() {
      return closed;
    },
    get cancelled() {
      return cancelled;
    },
  };
}

Deno.test("smart http: fetching is for git, pushing for nobody", () => {
  checkService("git-upload-pack");
  const refused = (service: string | undefined, text: RegExp) =>
    assert.throws(() => checkService(service), (error) => {
      assert.ok(error instanceof Refusal && error.status === 403);
      assert.match(error.message, text);
      return true;
    });
  refused("git-receive-pack", /can't push over https/);
  refused("git-upload-archive", /smart HTTP/);
  refused(undefined, /smart HTTP/);
});

Deno.test("smart http: the refs begin with the service, but for protocol 2", async () => {
  for (
    const [asked, protocol] of [
      [undefined, 0],
      ["version=0", 0],
      ["version=1", 1],
      ["version=2", 2],
      ["object-format=sha256:version=2", 2],
      ["version=1:version=2:version=0", 2],
      ["version=3", 0],
      ["xversion=2", 0],
      [`${"a".repeat(91)}:version=2`, 0], // cut at 100 characters
      [`${"a".repeat(90)}:version=2`, 2],
    ] as const
  ) {
    const git = scripted(["refs", "more"]);
    const { got, seen, error } = await exchange(
      (e) => advertiseRefs(e, (_, form) => git.open(form)),
      asked === undefined ? {} : { headers: { "git-protocol": asked } },
    );
    assert.equal(error, undefined);
    const first = protocol === 2 ? "" : "001e# service=git-upload-pack\n0000";
    assert.deepEqual([got!.status, got!.body], [200, `${first}refsmore`], asked);
    assert.equal(got!.headers["content-type"], "application/x-git-upload-pack-advertisement");
    assert.match(String(got!.headers["cache-control"]), /^no-cache/);
    assert.deepEqual(git.forms, [{ protocol, stateless: "advertise" }]);
    assert.equal(git.closed, 1);
    assert.equal(seen.paced.reduce((a, b) => a + b, 0), got!.body.length);
  }
});

Deno.test("smart http: of HEAD only the headers, and git's words are let go", async () => {
  const git = scripted(["refs"]);
  const { got, error } = await exchange(
    (e) => advertiseRefs(e, (_, form) => git.open(form)),
    { method: "HEAD" },
  );
  assert.deepEqual([error, got!.status, got!.body], [undefined, 200, ""]);
  assert.deepEqual([git.closed, git.cancelled], [1, true]);
});

Deno.test("smart http: a request goes to git as it was meant, its answer to the client", async () => {
  const body = "0011command=fetch0000";
  const compressed = { ...POST.headers, "content-encoding": "gzip" };
  for (
    const asked of [
      { ...POST, body },
      { ...POST, headers: compressed, body: gzipSync(body) },
    ]
  ) {
    const git = scripted(["pack", "file"]);
    const { got, seen, error } = await exchange(
      (e) => exchangePack(e, (_, form) => git.open(form)),
      asked,
    );
    assert.deepEqual([error, got!.status, got!.body], [undefined, 200, "packfile"]);
    assert.equal(got!.headers["content-type"], "application/x-git-upload-pack-result");
    assert.equal(git.heard.join(""), body);
    assert.deepEqual(git.forms, [{ protocol: 0, stateless: "exchange" }]);
    assert.ok(git.closed >= 1);
    assert.ok(seen.touched > 2, "what comes and what goes are signs of life");
  }
  const silent = scripted([]);
  const nothing = await exchange((e) => exchangePack(e, (_, form) => silent.open(form)), POST);
  assert.deepEqual([nothing.got!.status, nothing.got!.body], [200, ""]);
});

Deno.test("smart http: what is no request of git's is refused before git is started", async () => {
  for (const type of ["text/plain", "application/x-git-upload-pack-result"]) {
    const { error } = await exchange(
      (e) => exchangePack(e, () => assert.fail("git was started")),
      { ...POST, headers: { "content-type": type } },
    );
    assert.ok(error instanceof Refusal && error.status === 415);
  }
});

Deno.test("smart http: a body that is refused ends git, and the reason is the body's", async () => {
  const headers = { ...POST.headers, "content-encoding": "gzip" };
  for (
    const [asked, status] of [
      [{ ...POST, headers }, 400],
      [{ ...POST, headers: { ...headers, "content-encoding": "br" } }, 415],
      [{ ...POST, body: "x".repeat(MAX_BODY_BYTES + 1) }, 413],
    ] as const
  ) {
    const git = scripted(["never said"]);
    const { error } = await exchange(
      (e) => exchangePack(e, (_, form) => git.open(form)),
      asked,
    );
    assert.ok(error instanceof Refusal, String(error));
    assert.equal(error.status, status);
    assert.ok(git.closed >= 1);
  }
});

Deno.test("smart http: git that stops reading is heard out, git that breaks breaks the answer", async () => {
  const deaf = scripted(["ERR enough"], { deaf: true });
  const { got, error } = await exchange((e) => exchangePack(e, (_, form) => deaf.open(form)), POST);
  assert.deepEqual([error, got!.body], [undefined, "ERR enough"]);
  const broken = scripted(["pa"], { breaks: true });
  const cut = await exchange((e) => exchangePack(e, (_, form) => broken.open(form)), POST);
  assert.match(String(cut.error), /git was killed/);
  assert.ok(broken.closed >= 1);
});
