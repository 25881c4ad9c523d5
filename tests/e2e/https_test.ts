/**
 * https: stock git with no gtr, default:// addresses, and both networks together.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createSecureContext } from "node:tls";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { getRequest, RawClient, rawRequest } from "../contract/raw_http.ts";
import { history, pinned, SERVE, served, stranger } from "./https_nodes.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

Deno.test("https: stock git clones, shallow, partial and in both protocols", async () => {
  await using alice = await Node.make("none", SERVE);
  await history(alice);
  const server = await served(alice);
  await using reader = await stranger();
  const count = (folder: string) => reader.gitIn(folder, "rev-list", "--count", "--all");
  const clones: [string, string[], string, string][] = [
    ["whole", [], server.url, "6"],
    [
      "old",
      ["-c", "protocol.version=0"],
      `https://${server.listen}/${server.publicKey}/hello`,
      "6",
    ],
    ["first", ["-c", "protocol.version=1"], server.url, "6"],
    ["chunked", ["-c", "http.postBuffer=65536"], `${server.url}/`, "6"],
  ];
  for (const [folder, options, url, commits] of clones) {
    await reader.git(...pinned(server), ...options, "clone", "-q", url, folder);
    assert.equal(await count(reader.path(folder)), commits, folder);
    await reader.gitIn(reader.path(folder), "fsck", "--strict");
    assert.equal(await reader.gitIn(reader.path(folder), "tag"), "v1");
  }
  await reader.git(...pinned(server), "clone", "-q", "--depth", "1", server.url, "shallow");
  assert.equal(await count(reader.path("shallow")), "1");
  await reader.gitIn(reader.path("shallow"), ...pinned(server), "fetch", "-q", "--unshallow");
  assert.equal(await count(reader.path("shallow")), "6");
  await reader.git(
    ...[...pinned(server), "clone", "-q", "--filter=blob:none", "--no-checkout", server.url],
    "partial",
  );
  await reader.gitIn(reader.path("partial"), ...pinned(server), "checkout", "-q", "main");

  // An update costs only what is new.
  const tip = await alice.commit("hello", "more", "more\n");
  await until("the server has it", async () => {
    const seen = await reader.git(...pinned(server), "ls-remote", server.url, "refs/heads/main");
    return seen.startsWith(tip);
  });
  await reader.gitIn(reader.path("whole"), ...pinned(server), "pull", "-q");
  assert.equal(await reader.gitIn(reader.path("whole"), "rev-parse", "HEAD"), tip);
});

Deno.test("https: stock git is told why it can't push, and knows a wrong key", async () => {
  await using alice = await Node.make("none", SERVE);
  await history(alice, 1);
  const server = await served(alice);
  await using reader = await stranger();
  await reader.git(...pinned(server), "clone", "-q", server.url, "clone");
  await reader.commit("clone", "mine", "mine\n");
  const push = await reader.run("git", [...pinned(server), "push"], { cwd: reader.path("clone") });
  assert.notEqual(push.code, 0);
  assert.match(push.stderr, /can't push over https/);
  const other = { ...server, pin: `sha256//${createHash("sha256").update("x").digest("base64")}` };
  const refused = await reader.run("git", [...pinned(other), "ls-remote", server.url]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /does not match pinned public key/);
  const unpinned = await reader.run("git", ["ls-remote", server.url]);
  assert.notEqual(unpinned.code, 0);
});

Deno.test("https: default:// clones, pulls, lists, and pushes to one's own", async () => {
  await using alice = await Node.make("none", SERVE);
  const shared = await history(alice);
  const { address, listen } = await served(alice);
  assert.match(shared, /^torrent:\S+$/, "one address of several");
  const all = JSON.parse(await alice.gtrIn(alice.path("hello"), "share", "--json", "main"));
  assert.equal(all.addresses.default, address);
  // Another DHT: https is all that they have in common.
  await using bob = await Node.make("none");
  await bob.git("clone", "-q", address, "clone");
  const tip = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");
  assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"), tip);
  await bob.git("clone", "-q", "--depth", "1", address, "shallow");
  assert.equal(await bob.gitIn(bob.path("shallow"), "rev-list", "--count", "HEAD"), "1");
  const next = await alice.commit("hello", "more", "more\n");
  await bob.untilPublished(address, "refs/heads/main", next);
  await bob.gitIn(bob.path("clone"), "pull", "-q");
  assert.equal(await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"), next);

  await alice.gitIn(alice.path("hello"), "push", "-q", address, "HEAD:refs/heads/pushed");
  await bob.untilPublished(address, "refs/heads/pushed", next);
  const foreign = await bob.run("git", ["push", address, "main"], { cwd: bob.path("clone") });
  assert.notEqual(foreign.code, 0);
  assert.match(foreign.stderr, /only its publisher can/);

  const wrong = await bob.run("git", ["ls-remote", `default://${listen}/${"0".repeat(40)}/x`]);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /can't trust .*certificate is not the publisher's/s);
});

Deno.test("https: who comes by torrent fetches from the publisher's server too", async () => {
  // Its swarm would take hours.
  const slow = { GTR_TORRENT_UPLOADRATE: "1", GTR_TORRENT_DHTPACKS: "0" };
  await using alice = await Node.make("none", { ...SERVE, ...slow });
  await history(alice);
  const { id } = await served(alice);
  await using bob = await Node.make(await alice.dht());
  await bob.git("clone", "-q", `torrent://${id}/hello`, "clone");
  assert.equal(
    await bob.gitIn(bob.path("clone"), "rev-parse", "HEAD"),
    await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD"),
  );
});

Deno.test("https: curl takes manifest, packs in parts, and one connection for all", async () => {
  await using alice = await Node.make("none", SERVE);
  await history(alice);
  const { listen, id, pin } = await served(alice);
  const home = `https://${listen}/${id}/hello`;
  const curl = async (...args: string[]) => {
    const { code, stdout, stderr } = await alice.run("curl", [
      ...["-sS", "--path-as-is", "--insecure", "--pinnedpubkey", pin],
      ...args,
    ]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const { manifest } = JSON.parse(await curl(`${home}/manifest`));
  const [pack] = manifest.packs;
  const url = `${home}/packs/${pack.sha256}.pack`;
  const into = alice.path("pack");
  await curl("-r", "0-9999", "-o", into, url);
  await curl("-C", "-", "-o", into, url);
  const bytes = await Deno.readFile(into);
  assert.equal(createHash("sha256").update(bytes).digest("hex"), pack.sha256);
  const reused = await curl(
    ...["-w", "%{num_connects} %{http_version} %{http_code}\n", "-o", "/dev/null"],
    ...[`${home}/manifest`, "-o", "/dev/null", url, "-o", "/dev/null", `${home}/..%2f`],
  );
  assert.equal(reused, "1 1.1 200\n0 1.1 200\n0 1.1 404\n");
  const head = await curl("--head", url);
  assert.match(head, new RegExp(`^content-length: ${bytes.length}\r$`, "im"));
  assert.match(head, /^accept-ranges: bytes\r$/im);
  const refused = await curl(
    ...["-d", "0000", "-H", "Content-Type: application/x-git-receive-pack-request"],
    ...["-w", "%{http_code}", `${home}.git/git-receive-pack`],
  );
  assert.match(refused, /can't push over https.*403$/s);
  // A body that waits for "100 Continue" (RFC 9110, 10.1.1).
  const waited = await curl(
    ...[
      "-H",
      "Expect: 100-continue",
      "-H",
      "Git-Protocol: version=2",
      "-d",
      "0014command=ls-refs\n0000",
    ],
    ...["-H", "Content-Type: application/x-git-upload-pack-request", `${home}/git-upload-pack`],
  );
  assert.match(waited, /refs\/heads\/main/);
  // A torrent file, whose web seed this server is.
  assert.match(await curl(`${home}/packs/${pack.sha256}.torrent`), /8:url-list\d+:https:\/\//);
});

Deno.test("https: off unless it is switched on; plain http on loopback only", async () => {
  await using alice = await Node.make("none");
  await alice.gtr("daemon", "start");
  assert.deepEqual((await alice.status()).transports.default, { listen: "off" });
  await alice.stopGtd();
  await alice.gtr("config", "default.listen", "0.0.0.0:0");
  await alice.gtr("config", "default.tls", "off");
  await alice.gtr("daemon", "start");
  assert.deepEqual((await alice.status()).transports.default, { listen: "failed" });
  assert.match(await Deno.readTextFile(join(alice.home, "gtd.log")), /only on 127\.0\.0\.1/);
  await alice.stopGtd();
  await alice.gtr("config", "default.listen", "127.0.0.1:0");
  await history(alice, 1);
  const { listen } = (await alice.status()).transports.default;
  const { id } = JSON.parse(await alice.gtr("id", "--json"));
  await using reader = await stranger();
  await reader.git("clone", "-q", `http://${listen}/${id}/hello.git`, "clone");
});

Deno.test("https: a certificate of one's own, and a new one without a restart", async () => {
  await using alice = await Node.make("none");
  const [cert, key] = [alice.path("cert.pem"), alice.path("key.pem")];
  const renew = async () => {
    const { code, stderr } = await alice.run("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"],
      ...["-keyout", `${key}.new`, "-out", `${cert}.new`],
    ]);
    assert.equal(code, 0, stderr);
    await Deno.rename(`${key}.new`, key);
    await Deno.rename(`${cert}.new`, cert);
    createSecureContext({ cert: await Deno.readTextFile(cert) });
  };
  await renew();
  await alice.gtr("config", "default.listen", "127.0.0.1:0");
  await alice.gtr("config", "default.certificate", cert);
  await alice.gtr("config", "default.key", key);
  await history(alice, 1);
  const first = await served(alice);
  await using reader = await stranger();
  // Known by its authority, as usual: here the certificate itself.
  await reader.git("-c", `http.sslCAInfo=${cert}`, "clone", "-q", first.url, "clone");
  await renew();
  let second = first;
  await until("the new certificate is used", async () => {
    second = await served(alice);
    return second.pin !== first.pin;
  });
  await reader.git("-c", `http.sslCAInfo=${cert}`, "ls-remote", first.url);
  assert.equal(second.listen, first.listen);
  await Deno.writeTextFile(cert, "damaged");
  await until("the damage is told", async () => {
    const log = await Deno.readTextFile(join(alice.home, "gtd.log"));
    return log.includes("goes on with the old certificate");
  });
  assert.equal((await served(alice)).pin, second.pin);
});

Deno.test("https: strangers get nothing but what is shared, and cost little", async () => {
  await using alice = await Node.make("none", { ...SERVE, GTR_DEFAULT_TLS: "off" });
  await history(alice, 1);
  const { listen, id } = await served(alice);
  const secret = await alice.gitIn(alice.path("hello"), "commit-tree", "HEAD^{tree}", "-m", "x");
  for (
    const target of [
      "/",
      `/${id}/hello.git/../../identity.pem`,
      `/${id}/%2e%2e/%2e%2e/identity.pem`,
      `/${id}/hello.git/config`,
      `/${id}/hello.git/objects/${secret.slice(0, 2)}/${secret.slice(2)}`,
      `/${id}/hello.git/HEAD`,
      `/${id}/nothing/info/refs?service=git-upload-pack`,
    ]
  ) assert.equal((await rawRequest(listen, getRequest(target))).status, 404, target);
  // An object that was never shared can't be asked for, not even by its id.
  await using reader = await stranger();
  await reader.git("init", "-q", "empty");
  const asked = await reader.run(
    "git",
    ["fetch", `http://${listen}/${id}/hello.git`, secret],
    { cwd: reader.path("empty") },
  );
  assert.notEqual(asked.code, 0);
  assert.match(asked.stderr, /not our ref|unadvertised/);

  // Headers that never end are given up; meanwhile others are served.
  const slow = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(listen)));
  for (const client of slow) client.send("GET / HTTP/1.1\r\nX: ");
  await reader.git("clone", "-q", `http://${listen}/${id}/hello.git`, "clone");
  await Promise.all(slow.map((client) => client.closed));
  const garbage = await rawRequest(
    listen,
    `POST /${id}/hello/git-upload-pack HTTP/1.1\r\nHost: x\r\nConnection: close\r\n` +
      "Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 8\r\n\r\nnonsense",
  );
  assert.notEqual(garbage.status, 500);
  await until("no upload-pack is left", async () => {
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
      const command = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
      if (command.includes("upload-pack") && command.includes(alice.directory)) return false;
    }
    return true;
  });
});
