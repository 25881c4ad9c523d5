/** https beyond what every network does: live streams, bundles, IPv6, authorities. */
import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Authority } from "./authority.ts";
import { history, pinned, SERVE, served, stranger } from "./https_nodes.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

/** Sizes of the packs below a folder, the largest first; none where there is no folder. */
async function packSizes(folder: string): Promise<number[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const packs = names.filter((name) => name.endsWith(".pack"));
  const sizes = await Promise.all(packs.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.sort((a, b) => b - a);
}

Deno.test("https: stock git begins with a bundle and fetches only the rest", async () => {
  await using alice = await Node.make("none", SERVE);
  await history(alice);
  const tip = await alice.commit("hello", "news", "news\n");
  const server = await served(alice);
  await using reader = await stranger();
  await until("the server has it", async () => {
    const seen = await reader.git(...pinned(server), "ls-remote", server.url, "refs/heads/main");
    return seen.startsWith(tip);
  });
  const from = `--bundle-uri=${server.url}/bundles`;
  await reader.git(...pinned(server), "clone", "-q", from, server.url, "clone");
  assert.equal(await reader.gitIn(reader.path("clone"), "rev-parse", "HEAD"), tip);
  await reader.gitIn(reader.path("clone"), "fsck", "--strict");
  assert.match(await reader.gitIn(reader.path("clone"), "for-each-ref"), /refs\/bundles\/tip-1/);
  const [bundle, rest, ...more] = await packSizes(reader.path("clone"));
  assert.ok(bundle! > 5 * 50_000 && (rest ?? 0) < 2000, `${bundle} and ${rest} bytes`);
  assert.deepEqual(more, []);
  // One that was cut off goes on: the bundle is a file like any other.
  const list = await reader.run("curl", ["-sk", `${server.url}/bundles`]);
  const uri = /uri = (\S+)/.exec(list.stdout)![1]!;
  const into = reader.path("base.bundle");
  await reader.run("curl", ["-sk", "-r", "0-99", "-o", into, uri]);
  await reader.run("curl", ["-sk", "-C", "-", "-o", into, uri]);
  await reader.gitIn(reader.path("clone"), "bundle", "verify", "-q", into);
});

Deno.test("https: a part of a repository is fetched live, without whole packs", async () => {
  // Not by a stream of the other network.
  await using alice = await Node.make("none", { ...SERVE, GTR_LIVE_STREAMS: "0" });
  await history(alice);
  const { address } = await served(alice);
  await using bob = await Node.make("none");
  const count = (name: string) => bob.gitIn(bob.path(name), "rev-list", "--count", "--all");
  await bob.git("clone", "-q", "--depth", "1", "--no-tags", address, "shallow");
  assert.equal(await count("shallow"), "1");
  await bob.gitIn(bob.path("shallow"), "fetch", "-q", "--deepen=2");
  assert.equal(await count("shallow"), "3");
  await bob.git("clone", "-q", "--no-checkout", "--filter=blob:none", address, "partial");
  assert.ok((await packSizes(bob.path("partial")))[0]! < 10_000);
  await bob.gitIn(bob.path("partial"), "checkout", "-q", "main");
  await bob.gitIn(bob.path("partial"), "fsck");
  assert.deepEqual(await packSizes(join(bob.home, "store")), []);

  // Without the server nothing comes, and that is said.
  await alice.stopGtd();
  const late = await bob.run("git", ["clone", "-q", "--depth", "1", address, "late"]);
  assert.notEqual(late.code, 0);
  assert.match(late.stderr, /can't reach 127\.0\.0\.1/);
});

Deno.test("https: a server at an IPv6 address", async () => {
  await using alice = await Node.make("none", { GTR_DEFAULT_LISTEN: "[::1]:0" });
  await history(alice, 1);
  const server = await served(alice);
  assert.match(server.listen, /^\[::1\]:\d+$/);
  const shared = await alice.gtrIn(alice.path("hello"), "share", "--json", "main");
  assert.equal(JSON.parse(shared).addresses.default, server.address);
  await using reader = await stranger();
  await reader.git(...pinned(server), "clone", "-q", server.url, "clone");
  await using bob = await Node.make("none");
  await bob.git("clone", "-q", server.address, "clone");
  const { manifest } = JSON.parse(
    (await reader.run("curl", ["-skg", `https://${server.listen}/${server.id}/hello/manifest`]))
      .stdout,
  );
  assert.deepEqual(manifest.endpoints.default, [server.listen]);
});

Deno.test("https: a usual authority vouches for a server, for its name and time only", async (t) => {
  await using carol = await Node.make("none");
  const authority = await Authority.make(carol);
  await using alice = await Node.make("none");
  const [cert, key] = [alice.path("cert.pem"), alice.path("key.pem")];
  await authority.certify("DNS:localhost", cert, key);
  await alice.gtr("config", "default.listen", "127.0.0.1:0");
  await alice.gtr("config", "default.certificate", cert);
  await alice.gtr("config", "default.key", key);
  await history(alice, 1);
  const { listen, id } = await served(alice);
  const port = listen.split(":")[1];
  await using bob = await Node.make("none", { DENO_CERT: authority.certificate });
  const list = (host: string, node = bob) =>
    node.run("git", ["ls-remote", `default://${host}:${port}/${id}/hello`]);
  const renewed = async (...args: [names: string, validity?: string[]]) => {
    const { pin } = await served(alice);
    await authority.certify(args[0], cert, key, args[1]);
    await until("the new certificate is used", async () => (await served(alice)).pin !== pin);
  };
  await t.step("it is believed by the name", async () => {
    const { code, stdout, stderr } = await list("localhost");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /refs\/heads\/main/);
  });
  await t.step("not by another name", async () => {
    const { code, stderr } = await list("127.0.0.1");
    assert.notEqual(code, 0);
    assert.match(stderr, /can't trust 127\.0\.0\.1/);
  });
  await t.step("not without the authority", async () => {
    await using dave = await Node.make("none");
    const { code, stderr } = await list("localhost", dave);
    assert.notEqual(code, 0);
    assert.match(stderr, /can't trust localhost/);
  });
  await t.step("not once it has expired", async () => {
    await renewed("DNS:localhost", ["-days", "-1"]);
    const { code, stderr } = await list("localhost");
    assert.notEqual(code, 0);
    assert.match(stderr, /can't trust localhost.*it expired on/s);
    const { stdout } = await alice.run("gtr", ["doctor"]);
    assert.match(stdout, /cert\.pem expired on \d{4}-\d{2}-\d{2}\nhint: renew it/);
  });
  await t.step("again after it was renewed, without a restart", async () => {
    await renewed("DNS:localhost,IP:127.0.0.1");
    for (const host of ["localhost", "127.0.0.1"]) assert.equal((await list(host)).code, 0, host);
  });
});
