import assert from "node:assert/strict";
import { join } from "node:path";
import { gitFetch } from "../../../lib/git_interface/git_fetch.ts";
import { pinServer } from "../../../lib/git_interface/pinned_server.ts";
import { serveGit } from "../../fixtures/git_http.ts";
import { git, initRepository, tempDir } from "./fixture.ts";

const signal = () => AbortSignal.timeout(100_000);
const resolve = (address: string) => () => Promise.resolve([address]);

/** A server on loopback that answers every request like this. */
function answering(answer: (request: Request) => Response) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("pinned server: a public name must not lead inside", async () => {
  for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"]) {
    for (const url of ["http://evil.example/x", "https://evil.example/x", "git://evil.example/x"]) {
      await assert.rejects(pinServer(url, signal(), resolve(address)), { code: "inside-address" });
    }
  }
  const none = () => Promise.resolve([]);
  await assert.rejects(pinServer("http://none.example/", signal(), none), { code: "unknown-host" });
});

Deno.test("pinned server: git over its own protocol goes to the address that was checked", async () => {
  const pinned = await pinServer("git://host.example/x.git", signal(), resolve("192.0.2.1"));
  assert.equal(pinned.url, "git://192.0.2.1:9418/x.git");
  assert.equal(pinned.env.GIT_OVERRIDE_VIRTUAL_HOST, "host.example:9418");
});

Deno.test("pinned server: a redirect is followed here, and not to where strangers may not point", async () => {
  await using temp = await tempDir();
  await using server = serveGit(temp.path);
  let target = "";
  await using first = answering((request) => {
    const { pathname, search } = new URL(request.url);
    return Response.redirect(target + pathname + search, 301);
  });
  target = server.url;
  assert.equal((await pinServer(`${first.url}/x.git`, signal())).url, `${server.url}/x.git`);
  target = first.url;
  await assert.rejects(pinServer(`${first.url}/x.git`, signal()), { message: /without end/ });
  target = "git://127.0.0.1";
  await assert.rejects(pinServer(`${first.url}/x.git`, signal()), { message: /to nowhere/ });

  // Where the first server has a public name, what it sends on to has to be public too.
  target = server.url;
  const fooled = pinServer(`http://evil.example:${first.port}/x.git`, signal(), (host) => {
    assert.equal(host, "evil.example");
    return Promise.resolve(["127.0.0.1"]);
  });
  await assert.rejects(fooled, { code: "inside-address" });
});

Deno.test("pinned server: a URL brings no settings along", async () => {
  await using temp = await tempDir();
  const seen: string[] = [];
  await using inside = answering((request) => {
    seen.push(request.url);
    return new Response("no", { status: 404 });
  });
  await using server = answering(() => new Response("no", { status: 404 }));
  const path = await initRepository(join(temp.path, "repository"));
  const fetched = gitFetch(`${server.url}/.proxy=${inside.url}/x`, {
    gitDir: join(path, ".git"),
    wants: ["1".repeat(40)],
    signal: signal(),
  });
  await assert.rejects(fetched, { code: "server-failed" });
  assert.deepEqual(seen, []);
});

Deno.test("pinned server: passwords, headers and cookies of the user's go to no stranger", async () => {
  await using temp = await tempDir();
  const seen: Headers[] = [];
  await using server = answering((request) => {
    seen.push(request.headers);
    return new Response("no", { status: 401, headers: { "www-authenticate": "Basic realm=x" } });
  });
  const path = await initRepository(join(temp.path, "repository"));
  await Deno.writeTextFile(
    join(temp.path, ".netrc"),
    "machine 127.0.0.1 login someone password secret\n",
  );
  const config = join(temp.path, ".gitconfig");
  await git(path, ["config", "--file", config, "http.extraHeader", "X-Global: secret"]);
  await git(path, ["config", "http.extraHeader", "X-Local: secret"]);
  await git(path, ["config", `http.${server.url}/.extraHeader`, "X-Url: secret"]);
  const home = Deno.env.get("HOME");
  Deno.env.set("HOME", temp.path);
  try {
    const fetched = gitFetch(`${server.url}/x.git`, {
      gitDir: join(path, ".git"),
      wants: ["1".repeat(40)],
      env: { GIT_CONFIG_GLOBAL: config },
      signal: signal(),
    });
    await assert.rejects(fetched, { code: "server-failed" });
  } finally {
    if (home === undefined) Deno.env.delete("HOME");
    else Deno.env.set("HOME", home);
  }
  assert.ok(seen.length >= 2, "one look for a redirect, one request of git's");
  for (const headers of seen) {
    const text = JSON.stringify([...headers]);
    assert.equal(text.includes("secret") || headers.has("authorization"), false, text);
  }
});
