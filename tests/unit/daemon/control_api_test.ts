import assert from "node:assert/strict";
import { join } from "node:path";
import { NetworkError } from "../../../lib/common/errors.ts";
import { Home } from "../../../lib/common/home.ts";
import { Settings } from "../../../lib/common/settings.ts";
import { deadline } from "../../../lib/common/wait.ts";
import { runningGtd } from "../../../lib/daemon/client.ts";
import { controlApi } from "../../../lib/daemon/control_api.ts";
import type { Daemon } from "../../../lib/daemon/handlers.ts";
import { socketPath } from "../../../lib/daemon/socket.ts";
import { Engine } from "../../../lib/engine/engine.ts";
import { objectsOf } from "../git_interface/fixture.ts";
import { emptyCommit, sharedRepository, soon, tempDir } from "../engine/fixture.ts";
import { MemoryNetwork, MemoryNode, silence } from "../engine/memory_network.ts";
import { abortOf } from "../common/signals.ts";

/** How a gtd answers that is asked for its version. */
const VERSION_ANSWER = '{"result":{"version":"9","pid":1}}\n';

/** An engine on a network in memory, behind the API on a real socket. */
async function gtd(options: Partial<Daemon> = {}, transport?: MemoryNode) {
  const temp = await tempDir();
  const home = new Home(join(temp.path, "home"));
  const settings = await Settings.load(home, () => undefined);
  const node = transport ?? new MemoryNode(new MemoryNetwork());
  using wait = soon();
  const engine = await Engine.open({
    home,
    settings,
    log: () => {},
    networks: [{
      scheme: node.scheme,
      role: "peer",
      isDefault: true,
      open: () => Promise.resolve(node),
    }],
  }, wait);
  const watched: string[] = [];
  const api = controlApi({
    engine: () => Promise.resolve(engine),
    stop: () => void watched.push("stop"),
    watch: (gitDir) => Promise.resolve(void watched.push(gitDir)),
    refollow: () => Promise.resolve(void watched.push("refollow")),
    republish: () => Promise.resolve(void watched.push("republish")),
    ...options,
  });
  const server = Deno.serve({ path: await socketPath(home), onListen: () => {} }, api);
  const client = await runningGtd(home);
  assert.ok(client);
  return {
    temp,
    home,
    engine,
    api,
    client,
    watched,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await server.shutdown();
      await engine[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

Deno.test("a client publishes, resolves, syncs, plans, pushes and asks for the status", async () => {
  await using g = await gtd();
  const { path, gitDir } = await sharedRepository(g.temp.path, g.home);
  const tip = await emptyCommit(path, { branch: "main" });
  using wait = soon();
  const planned = await g.client.plannedPacks({ gitDir }, wait);
  const { addresses, sequence, changed } = await g.client.publish({ gitDir }, wait);
  assert.equal(changed, true);
  assert.deepEqual(g.watched, [gitDir]);
  const url = addresses.torrent!;

  const state = await g.client.resolve({ url }, wait);
  assert.deepEqual([state.address, state.sequence, state.own], [url, sequence, true]);
  assert.deepEqual(state.refs, { "refs/heads/main": tip });
  const byKey = url.replace(g.engine.parts.key.id, g.engine.parts.key.publicKeyHex);
  assert.deepEqual(await g.client.resolve({ url: byKey }, wait), state);

  const synced = await g.client.sync({ url }, wait);
  assert.deepEqual(
    synced.packs.map(({ sha256, size, objects }) => ({ sha256, size, objects })),
    planned.map(({ sha256, size, objects }) => ({ sha256, size, objects })),
  );
  for (const pack of synced.packs) assert.equal((await Deno.stat(pack.path)).size, pack.size);

  const update = { ref: "refs/heads/dev", oid: tip, force: false };
  const request = { url, objectDirs: [objectsOf(path)], objectFormat: "sha1" as const };
  assert.deepEqual(await g.client.push({ ...request, updates: [update] }, wait), [
    { ref: "refs/heads/dev", ok: true },
  ]);
  const status = await g.client.status({}, wait);
  assert.equal(status.daemon.pid, Deno.pid);
  assert.deepEqual(status.transports, { torrent: { nodes: 1 } });
  const [repository] = status.repositories;
  assert.deepEqual([repository?.address, repository?.role], [url, "published"]);

  await g.client.stop({}, wait);
  assert.equal(g.watched.at(-1), "stop");
});

Deno.test("a request that breaks the schema is answered 400 with a code", async () => {
  await using g = await gtd();
  const bad: [string, unknown][] = [
    ["/v1/resolve", undefined],
    ["/v1/resolve", {}],
    ["/v1/resolve", { url: 7 }],
    ["/v1/resolve", { url: "x".repeat(2000) }],
    ["/v1/sync", []],
    ["/v1/follow", { url: "torrent://x/y", branches: [] }],
    ["/v1/follow", { url: "torrent://x/y", branches: ["topic/*"] }],
    ["/v1/publish", { gitDir: "" }],
    ["/v1/plannedPacks", { gitDir: null }],
    ["/v1/push", { url: "torrent://x/y" }],
    ["/v1/push", {
      url: "torrent://x/y",
      objectDirs: [],
      objectFormat: "sha1",
      updates: [{ ref: "refs/heads/x", oid: "not an id", force: false }],
    }],
    ["/v1/push", { url: "u", objectDirs: [], objectFormat: "md5", updates: [] }],
  ];
  for (const [path, body] of bad) {
    const text = body === undefined ? "{" : JSON.stringify(body);
    const response = await g.api(new Request(`http://gtd${path}`, { method: "POST", body: text }));
    assert.equal(response.status, 400, `${path} ${JSON.stringify(body)}`);
    const { error } = await response.json();
    assert.deepEqual([error.code, error.exit], ["usage-request", 2]);
    assert.match(error.message, /^bad request: /);
  }
});

Deno.test("an unknown path is answered 404, which a client takes for another version", async () => {
  await using g = await gtd();
  for (const name of ["nothing", "toString", "resolve/x"]) {
    const request = new Request(`http://gtd/v1/${name}`, { method: "POST", body: "{}" });
    assert.equal((await g.api(request)).status, 404, name);
  }
  assert.equal((await g.api(new Request("http://gtd/v1/resolve"))).status, 404, "GET");
  await using server = Deno.serve(
    { path: join(g.temp.path, "gtd.sock"), onListen: () => {} },
    (request) =>
      request.url.endsWith("/version")
        ? new Response(VERSION_ANSWER)
        : new Response("no", { status: 404 }),
  );
  await using client = await runningGtd(new Home(g.temp.path));
  using wait = soon();
  await assert.rejects(client!.resolve({ url: "torrent://x/y" }, wait), {
    code: "bad-answer",
    hint: /different versions/,
  });
  assert.ok(server);
});

Deno.test("errors keep code, message, hint and exit code on their way to the client", async () => {
  await using g = await gtd();
  using wait = soon();
  const nobody = `torrent://${"0".repeat(40)}/hello`;
  await assert.rejects(g.client.resolve({ url: nobody }, wait), {
    code: "nobody-answered",
    message: `can't find ${nobody}: nobody on torrent knows it`,
    hint: /publisher .* is online/,
    exitCode: 1,
  });
  await assert.rejects(g.client.resolve({ url: "torrent://x y/z" }, wait), {
    name: "UsageError",
    code: "bad-address",
    exitCode: 2,
  });
});

Deno.test("an engine that can't open is told of with its code and hint, also in the status", async () => {
  const failure = new NetworkError("port-in-use", "the port is taken", { hint: "choose another" });
  const engine = Promise.reject<Engine>(failure);
  engine.catch(() => {});
  await using g = await gtd({ engine: () => engine });
  using wait = soon();
  const expected = { code: "port-in-use", message: "the port is taken", hint: "choose another" };
  await assert.rejects(g.client.status({}, wait), expected);
  await assert.rejects(g.client.resolve({ url: "torrent://x/y" }, wait), expected);
  assert.ok((await g.client.version({}, wait)).pid, "gtd itself is there");
});

/** A transport that tells when it was asked and when that was called off. */
function asked() {
  const [started, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()];
  const transport = new MemoryNode();
  transport.resolve = async function* (_address, wait) {
    started.resolve();
    ended.resolve(await abortOf(wait.signal));
    yield await silence(wait);
  };
  return { transport, started: started.promise, ended: ended.promise };
}

Deno.test("a client that gives up ends at once, and so does the work for it in gtd", async () => {
  const { transport, started, ended } = asked();
  await using g = await gtd({}, transport);
  const controller = new AbortController();
  const answer = g.client.resolve({ url: `torrent://${"0".repeat(40)}/x` }, controller);
  await started;
  controller.abort(new Error("interrupted"));
  await assert.rejects(answer, /interrupted/);
  using limit = deadline(60_000, "gtd to notice");
  await Promise.race([ended, abortOf(limit.signal).then((reason) => Promise.reject(reason))]);
});

Deno.test("gtd that ends before it answers is an error with a hint", async () => {
  await using temp = await tempDir();
  await using server = Deno.serve(
    { path: join(temp.path, "gtd.sock"), onListen: () => {} },
    (request) =>
      request.url.endsWith("/version")
        ? new Response(VERSION_ANSWER)
        : new Response('{"progress":{"done":1,"total":2,"what":"x"}}\n' + '{"result":{'),
  );
  await using client = await runningGtd(new Home(temp.path));
  using wait = soon();
  const seen: unknown[] = [];
  await assert.rejects(
    client!.sync({ url: "torrent://x/y" }, {
      signal: wait.signal,
      progress: (...report) => void seen.push(report),
    }),
    { code: "gtd-gone", hint: /gtr daemon logs/ },
  );
  assert.deepEqual(seen, [[1, 2, "x"]]);
  await assert.rejects(client!.health({}, wait), { code: "gtd-gone" }, "what is cut short");
  await assert.rejects(client!.keyFaults({}, wait), { code: "gtd-gone" });
  assert.ok(server);
});

Deno.test("no client where no gtd runs, and none where a stale socket lies", async () => {
  await using temp = await tempDir();
  const home = new Home(temp.path);
  assert.equal(await runningGtd(home), undefined);
  await Deno.writeTextFile(home.socket, "");
  assert.equal(await runningGtd(home), undefined);
});

Deno.test("a repository published without gtr is resolved with its servers, and nothing else", async () => {
  const foreign = {
    publisher: "ab".repeat(32),
    address: "nostr://npub1x/It's",
    name: "It's",
    objectFormat: "sha1" as const,
    head: "refs/heads/main",
    changed: 1_767_225_600,
    refs: { "refs/heads/main": "1".repeat(40) },
    peeled: {},
    servers: ["https://git.example.org/x.git"],
  };
  const transport = new MemoryNode(new MemoryNetwork(), "nostr");
  const asked: string[] = [];
  const network = Object.assign(transport, {
    locator: {
      locate: (url: string) => Promise.resolve(void asked.push(url)).then(() => ({ foreign })),
    },
  });
  await using g = await gtd({}, network);
  using wait = soon();
  const url = "nostr://npub1x/It's";
  const { changed, ...rest } = foreign;
  const shown = { ...rest, sequence: changed, packBytes: 0, own: false };
  assert.deepEqual(await g.client.resolve({ url }, wait), shown);
  const dialled = { url, sequence: changed };
  for (
    const refused of [
      g.client.sync({ url }, wait),
      g.client.follow({ url }, wait),
      g.client.dial(dialled, wait),
    ]
  ) await assert.rejects(refused, { code: "not-gtr", hint: /git clone and git fetch work/ });
  assert.equal(asked.length, 4);
});
