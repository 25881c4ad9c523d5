/** Real git with repositories that are published without gtr, their objects on real git servers. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { gitFetch } from "../../../lib/git_interface/git_fetch.ts";
import { serveGit } from "../../fixtures/git_http.ts";
import type { Publication } from "./publication.ts";
import { Sandbox } from "./sandbox.ts";

/** A repository of three commits and a tag; its objects are only on the server. */
async function onServer(box: Sandbox, url: string): Promise<Publication> {
  const publication = await box.published("hello");
  await box.git("hello-work", "tag", "-m", "first", "v1");
  for (const file of ["two.txt", "three.txt"]) await box.commit("hello-work", file);
  await box.git(".", "clone", "-q", "--mirror", "hello-work", "server/hello.git");
  await box.git("server/hello.git", "config", "uploadpack.allowFilter", "true");
  await state(box, publication, [`${url}/hello.git`]);
  return publication;
}

/** States the refs of the working repository. */
async function state(box: Sandbox, publication: Publication, servers: string[]): Promise<void> {
  await box.publish(publication);
  await publication.change({ servers, own: false, packs: [], sequence: 1_767_225_600 });
}

const commits = (box: Sandbox, folder: string) => box.git(folder, "rev-list", "--count", "HEAD");

Deno.test("foreign: clone, fetch and ls-remote, with the refs that are stated", async () => {
  await using box = await Sandbox.open();
  await using server = serveGit(box.path("server"));
  const publication = await onServer(box, server.url);
  const { code, stderr } = await box.run(".", "clone", "-q", publication.address, "copy");
  assert.deepEqual([code, stderr], [0, ""]);
  await box.git("copy", "fsck");
  assert.equal(await commits(box, "copy"), "3");
  assert.equal(await box.git("copy", "describe", "--tags", "HEAD~2"), "v1");
  const config = await Deno.readTextFile(box.path("copy/.git/config"));
  assert(!config.includes(server.url), config);

  const tip = await box.commit("hello-work", "four.txt");
  await box.git("hello-work", "push", "-q", "../server/hello.git", "main");
  // The server's own refs count for nothing: only this one is stated.
  await box.git("server/hello.git", "update-ref", "refs/heads/evil", tip);
  await state(box, publication, [`${server.url}/hello.git`]);
  await box.git("copy", "pull", "-q");
  assert.equal(await box.git("copy", "rev-parse", "HEAD"), tip);
  assert.deepEqual((await box.git("copy", "ls-remote", "-q", "--heads")).split("\n").length, 1);
  await assert.rejects(Deno.stat(box.path("copy/.git/FETCH_HEAD.lock")));
});

Deno.test("foreign: shallow, deepened and partial, as git asks for it", async () => {
  await using box = await Sandbox.open();
  await using server = serveGit(box.path("server"));
  const { address } = await onServer(box, server.url);
  await box.git(".", "clone", "-q", "--depth", "1", address, "shallow");
  assert.equal(await commits(box, "shallow"), "1");
  await box.git("shallow", "fetch", "-q", "--deepen", "1");
  assert.equal(await commits(box, "shallow"), "2");
  await box.git("shallow", "fetch", "-q", "--unshallow");
  assert.equal(await commits(box, "shallow"), "3");

  await box.git(".", "clone", "-q", "--filter=blob:none", "--no-checkout", address, "partial");
  const missing = () => box.git("partial", "rev-list", "--objects", "--missing=print", "HEAD");
  assert.equal((await missing()).match(/^\?/gm)?.length, 3);
  await box.git("partial", "cat-file", "-p", "HEAD:one.txt");
  assert.equal((await missing()).match(/^\?/gm)?.length, 2);
  await box.git("partial", "checkout", "-q");
  await box.git("partial", "fsck");
  const config = await Deno.readTextFile(box.path("partial/.git/config"));
  assert(!config.includes(server.url) && !config.includes("gtr-foreign"), config);
});

Deno.test("foreign: servers that are dead, behind or locked are passed over, and named", async () => {
  await using box = await Sandbox.open();
  await using server = serveGit(box.path("server"));
  await using locked = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=x" } }),
  );
  const publication = await onServer(box, server.url);
  await box.git(".", "clone", "-q", "--mirror", "hello-work", "server/behind.git");
  const tip = await box.commit("hello-work", "four.txt");
  const [good, behind, dead, login] = [
    `${server.url}/hello.git`,
    `${server.url}/behind.git`,
    "http://127.0.0.1:1/hello.git",
    `http://127.0.0.1:${locked.addr.port}/hello.git`,
  ] as const;
  await state(box, publication, [dead, login, behind, "file:///etc", "ext::true"]);
  const { code, stderr } = await box.run(".", "clone", "-q", publication.address, "copy");
  assert.notEqual(code, 0);
  assert.match(stderr, /can't fetch torrent:\/\/\S+ from any of its git servers: /);
  assert(stderr.includes(`${behind}: it doesn't have ${tip}: it is behind`), stderr);
  assert(stderr.includes(`${login}: it wants a login`), stderr);
  assert.match(stderr, /127\.0\.0\.1:1\/hello\.git: .*(connect|refused)/i);
  assert.match(stderr, /ext::true: it is not an https, http or git URL/);
  assert.match(stderr, /file:\/\/\/etc: it is not an https, http or git URL/);

  await box.git("hello-work", "push", "-q", "../server/hello.git", "main");
  await state(box, publication, [dead, login, behind, good]);
  await box.git(".", "clone", "-q", publication.address, "copy");
  assert.equal(await box.git("copy", "rev-parse", "HEAD"), tip);
  await state(box, publication, []);
  const none = await box.run(".", "clone", "-q", publication.address, "none");
  assert.match(none.stderr, /maintainers name no git server/);
});

Deno.test("foreign: a server that is silent is given up", async () => {
  await using box = await Sandbox.open();
  await box.git(".", "init", "-q", "copy");
  const open = new Set<{ destroy(): void }>();
  const server = createServer((socket) => void open.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as { port: number };
    const fetched = gitFetch(`http://127.0.0.1:${port}/x.git`, {
      gitDir: box.path("copy/.git"),
      wants: ["1".repeat(40)],
      silenceMs: 1000,
      signal: AbortSignal.timeout(60_000),
    });
    await assert.rejects(fetched, { code: "server-failed", message: "it is silent" });
  } finally {
    open.forEach((socket) => socket.destroy());
    server.close();
  }
});

Deno.test("foreign: a push is refused, and an empty one clones", async () => {
  await using box = await Sandbox.open();
  await using server = serveGit(box.path("server"));
  const publication = await onServer(box, server.url);
  await box.git(".", "clone", "-q", publication.address, "copy");
  const { code, stderr } = await box.run("copy", "push", "-q", "origin", "HEAD:mine");
  assert.notEqual(code, 0);
  assert.match(stderr, /only its publisher can change it\nhint: it is published without gtr/);
  await publication.change({ refs: {}, peeled: {} });
  const empty = await box.run(".", "clone", publication.address, "empty");
  assert.equal(empty.code, 0, empty.stderr);
});
