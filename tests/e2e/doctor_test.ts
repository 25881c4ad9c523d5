/** gtr doctor: it tells the state as it is, in time, and changes nothing. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import { assertNoTrace } from "./complaint.ts";
import { canMount, smallDisk } from "../../scripts/local/disk.ts";
import { BIN, Node, type RunOptions } from "./node.ts";

/** Longer than the longest check may take. */
const WITHIN_MS = 60_000;

interface Finding {
  readonly what: string;
  readonly state: "ok" | "warning" | "failed";
  readonly why: string;
  readonly hint?: string;
}

/** What the doctor finds, by what was looked at, after checking the form and the exit code. */
async function findings(node: Node, options: RunOptions = {}): Promise<Map<string, Finding>> {
  const gtr = join(BIN, "gtr");
  const { code, stdout, stderr } = await node.run(gtr, ["doctor", "--json"], {
    ms: WITHIN_MS,
    ...options,
  });
  assertNoTrace(stdout + stderr);
  assert.equal(stderr, "");
  const { ok, checks }: { ok: boolean; checks: Finding[] } = JSON.parse(stdout);
  assert.equal(ok, checks.every(({ state }) => state !== "failed"), stdout);
  assert.equal(code, ok ? 0 : 1, stdout);
  return new Map(checks.map((finding) => [finding.what, finding]));
}

/** Checks one finding: its state, and what it says with its hint. */
function finds(
  found: ReadonlyMap<string, Finding>,
  what: string,
  state: Finding["state"],
  says: RegExp,
): void {
  const finding = found.get(what);
  assert.ok(finding, `${what} is not among ${[...found.keys()].join(", ")}`);
  assert.equal(finding.state, state, JSON.stringify(finding));
  assert.match(`${finding.why}\n${finding.hint ?? ""}`, says);
}

const states = (found: ReadonlyMap<string, Finding>) =>
  [...found.values()].filter(({ state }) => state !== "ok").map(({ what, state }) =>
    `${state} ${what}`
  );

Deno.test("doctor: a user who has just come, and one who is well", async (t) => {
  await using alice = await Node.make("none");
  await t.step("before anything is there; nothing is made", async () => {
    const found = await findings(alice);
    const [first, ...others] = states(found);
    assert.equal(first, "warning gtd");
    assert.ok(others.every((state) => state.startsWith("warning network ")), others.join());
    finds(found, "home", "ok", /made when it is needed/);
    finds(found, "identity", "ok", /made when it is needed/);
    finds(found, "clock", "ok", /not checked/);
    assert.equal(await Deno.stat(alice.home).catch(() => "none"), "none");
  });
  const url = await alice.share("hello");
  const oid = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");
  await alice.untilPublished(url, "refs/heads/main", oid);

  await t.step("all is well", async () => {
    const found = await findings(alice);
    assert.deepEqual(states(found), []);
    finds(found, "git", "ok", /^version \d/);
    finds(found, "git-remote-torrent", "ok", /^version \d/);
    finds(found, "gtd", "ok", /version .*process \d+/);
    finds(found, "socket", "ok", /gtd\.sock/);
    finds(found, "network torrent", "ok", /DHT/);
    finds(found, "store", "ok", /1 repository/);
    finds(found, "share hello", "ok", /published: main/);
    finds(found, "protocol torrent", "ok", /not for submodules\n.*protocol\.torrent\.allow always/);
  });
  await t.step("for a person: a line for each, and hints", async () => {
    const { code, stdout } = await alice.run("gtr", ["doctor"]);
    assert.equal(code, 0);
    for (const line of stdout.trimEnd().split("\n")) {
      assert.match(line, /^(ok|warning|failed) [^:]+: .+$|^hint: .+$/);
    }
  });
  await t.step("gtd is down: it says so, and doesn't start it", async () => {
    await alice.stopGtd();
    await alice.commit("hello", "more.txt", "more\n");
    const found = await findings(alice);
    finds(found, "gtd", "warning", /doesn't run.*\ngtr daemon start/);
    finds(found, "network torrent", "warning", /not checked/);
    finds(found, "share hello", "warning", /not yet published: main\ngtr daemon start/);
    assert.equal((await alice.run("gtr", ["daemon", "status"])).code, 1);
  });
});

Deno.test("doctor: git and its helpers", async (t) => {
  await using alice = await Node.make("none");
  const system = alice.env.PATH!.split(delimiter).slice(1).join(delimiter);

  await t.step("no git", async () => {
    const found = await findings(alice, { env: { PATH: BIN } });
    finds(found, "git", "failed", /not installed, or not on PATH\ninstall git/);
  });
  await t.step("the helper is not on PATH", async () => {
    const found = await findings(alice, { env: { PATH: system } });
    finds(found, "git-remote-torrent", "failed", /git can't use torrent:\/\/.*\nadd the folder/);
  });
  await t.step("helpers of other versions, and broken ones", async () => {
    const folder = alice.path("other");
    await Deno.mkdir(folder);
    const helper = join(folder, "git-remote-torrent");
    const env = { PATH: [folder, system].join(delimiter) };
    await Deno.writeTextFile(helper, "#!/bin/sh\necho git-remote-torrent 0.0.1\n", { mode: 0o755 });
    finds(await findings(alice, { env }), "git-remote-torrent", "warning", /version 0\.0\.1/);
    await Deno.writeTextFile(helper, "#!/bin/sh\necho broken >&2; exit 7\n", { mode: 0o755 });
    finds(await findings(alice, { env }), "git-remote-torrent", "failed", /can't be run: broken/);
    await Deno.writeTextFile(helper, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    finds(await findings(alice, { env }), "helpers", "failed", /waited 5 s/);
  });
  await t.step("git's own configuration", async () => {
    const env = { GIT_ALLOW_PROTOCOL: "https:ssh" };
    finds(await findings(alice, { env }), "protocol torrent", "failed", /leaves it out/);
    await alice.git("config", "--global", "protocol.allow", "never");
    finds(await findings(alice), "protocol torrent", "failed", /forbids it/);
    await alice.git("config", "--global", "protocol.torrent.allow", "always");
    finds(await findings(alice), "protocol torrent", "ok", /for submodules too/);
  });
});

Deno.test("doctor: files, settings and gtd", async (t) => {
  await using alice = await Node.make("none");
  await alice.gtr("daemon", "start");

  await t.step("a gtd that hangs", async () => {
    const pid = (await alice.gtdPid())!;
    Deno.kill(pid, "SIGSTOP");
    try {
      const found = await findings(alice);
      finds(
        found,
        "gtd",
        "failed",
        /^process [1-9][0-9]* holds .*gtd\.lock and does not answer\nend that gtd \(kill [0-9]+\)/,
      );
      finds(found, "network torrent", "warning", /not checked/);
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
  });
  await t.step("a gtd that was killed", async () => {
    await alice.killGtd();
    const found = await findings(alice);
    finds(found, "gtd", "warning", /doesn't run/);
    finds(found, "log", "warning", /did not end by itself/);
  });
  await t.step("home and key open to others stay so, and are told", async () => {
    const key = join(alice.home, "identity.pem");
    await Deno.chmod(alice.home, 0o755);
    await Deno.chmod(key, 0o644);
    const found = await findings(alice);
    finds(found, "home", "warning", /open to other users\nchmod 700/);
    finds(found, "identity", "failed", /open to other users\nchmod 600/);
    assert.equal((await Deno.stat(key)).mode! & 0o777, 0o644);
    await Deno.chmod(alice.home, 0o700);
    await Deno.writeTextFile(key, "no key");
    await Deno.chmod(key, 0o600);
    finds(await findings(alice), "identity", "failed", /no ed25519 private key/);
  });
  await t.step("settings that can't be", async () => {
    const env = { GTR_TORRENT_PORT: "many" };
    finds(await findings(alice, { env }), "settings", "failed", /can't use 'many'/);
    finds(
      await findings(alice, { env: { GTR_TRANSPORTS: "torrent,pigeon" } }),
      "settings",
      "warning",
      /names pigeon/,
    );
    await Deno.writeTextFile(join(alice.home, "config.json"), "{");
    finds(await findings(alice), "settings", "failed", /not a gtr settings file/);
  });
  await t.step("a home that is a file", async () => {
    const env = { GTR_HOME: alice.path("file") };
    await Deno.writeTextFile(env.GTR_HOME, "");
    finds(await findings(alice, { env }), "home", "failed", /is not a folder/);
  });
});

Deno.test("doctor: a network that nobody answers on", async () => {
  const silent = createSocket("udp4");
  silent.bind(0, "127.0.0.1");
  await once(silent, "listening");
  try {
    const { port } = silent.address();
    await using alice = await Node.make(`127.0.0.1:${port}`, { GTR_NETWORK_TIMEOUT: "2" });
    await alice.gtr("daemon", "start");
    const found = await findings(alice);
    finds(found, "network torrent", "failed", /no node of the DHT answers|waited/);
    assert.ok(found.get("network torrent")?.hint);
  } finally {
    silent.close();
  }
});

Deno.test("doctor: the store and what is shared", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const path = alice.path("hello");
  const oid = await alice.gitIn(path, "rev-parse", "HEAD");
  await alice.untilPublished(url, "refs/heads/main", oid);
  const stored = await alice.stored("hello");
  const what = `store ${url.replace("torrent://", "")}`;

  await t.step("diverged", async () => {
    await alice.git("clone", "-q", url, "clone");
    const pushed = await alice.commit("clone", "theirs.txt", "theirs\n");
    await alice.gitIn(alice.path("clone"), "push", "-q");
    await alice.stopGtd();
    await alice.commit("hello", "ours.txt", "ours\n");
    finds(
      await findings(alice),
      ...[
        "share hello",
        "warning",
        /diverged .*: main\n.* git pull gtr:\/\/\S+ main --no-rebase$/,
      ] as const,
    );
    await alice.gtr("daemon", "start");
    await alice.gitIn(path, "pull", "-q", "--rebase", url, "main");
    const joined = await alice.gitIn(path, "rev-parse", "HEAD");
    await alice.untilPublished(url, "refs/heads/main", joined);
    assert.notEqual(pushed, joined);
    finds(await findings(alice), "share hello", "ok", /published: main/);
  });
  await t.step("packs that are gone", async () => {
    await alice.stopGtd();
    for await (const { name } of Deno.readDir(`${stored}/objects/pack`)) {
      await Deno.remove(`${stored}/objects/pack/${name}`);
    }
    finds(await findings(alice), what, "failed", /packs are gone or damaged.*\ngtr share/);
    await alice.gtrIn(path, "share");
    assert.deepEqual(states(await findings(alice)), []);
  });
  await t.step("a manifest that is damaged", async () => {
    await alice.stopGtd();
    await Deno.writeTextFile(`${stored}/gtr/manifest.json`, "{");
    finds(await findings(alice), what, "failed", /can't read .*manifest\.json.*\ngtr share/);
    await alice.gtrIn(path, "share");
    assert.deepEqual(states(await findings(alice)), []);
  });
  await t.step("a folder that is gone, and settings that are damaged", async () => {
    await Deno.writeTextFile(join(path, ".git", "gtr", "settings.json"), "{");
    finds(await findings(alice), "share hello", "failed", /not a gtr settings file/);
    await Deno.remove(path, { recursive: true });
    finds(
      await findings(alice),
      "share hello",
      "warning",
      /folder is gone: .*\n.*gtr remove --repository hello/,
    );
  });
  await t.step("a key that is gone", async () => {
    await alice.stopGtd();
    await Deno.remove(join(alice.home, "identity.pem"));
    finds(await findings(alice), "shares", "failed", /put back your copy/);
    assert.equal(
      await Deno.stat(join(alice.home, "identity.pem")).catch(() => "none"),
      "none",
    );
  });
});

Deno.test({
  name: "doctor: a disk that is full (needs the right to mount)",
  ignore: !await canMount(),
  fn: async () => {
    await using disk = (await smallDisk(4))!;
    await using alice = await Node.make("none", { GTR_HOME: join(disk.path, "home") });
    finds(await findings(alice), "disk", "failed", /only .* left for .*\nfree some space/);
  },
});
