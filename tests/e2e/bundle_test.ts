/** Repositories that are carried by hand. */
import assert from "node:assert/strict";
import { complains } from "./complaint.ts";
import { canMount, smallDisk } from "../../scripts/local/disk.ts";
import { noise } from "./history.ts";
import { Node } from "./node.ts";
import { assertSound } from "./stored.ts";

const COPY_AGAIN = /copy it again/;

/** Changes bytes of a file, from `offset` on; a negative one counts from the end. */
async function spoil(path: string, offset: number, text: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes.set(new TextEncoder().encode(text), offset < 0 ? bytes.length + offset : offset);
  await Deno.writeFile(path, bytes);
}

Deno.test("a repository goes by hand to a user who has no network", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const first = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");
  await alice.gitIn(alice.path("hello"), "tag", "-a", "-m", "one", "v1");
  await alice.untilPublished(url, "refs/heads/main", first);
  await using bob = await Node.make("none");
  const old = alice.path("old.gtr");
  const stick = bob.path("stick.gtr");

  await t.step("exported by name", async () => {
    const out = JSON.parse(await alice.gtr("bundle", "export", "hello", old, "--json"));
    const { size } = await Deno.stat(old);
    assert.deepEqual([out.address, out.file, out.bytes], [url, old, size]);
  });
  await t.step("imported, and cloned without any network", async () => {
    assert.equal(await bob.gtr("bundle", "import", old), url);
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), first);
    await assertSound(bob, await bob.stored("hello", alice));
    const [repository] = (await bob.status()).repositories;
    assert.deepEqual([repository.address, repository.role], [url, "followed"]);
    assert.match(await bob.gtr("follow"), new RegExp(url));
  });
  await t.step("the next one brings what is new", async () => {
    const second = await alice.commit("hello", "more.txt", "more\n");
    await alice.untilPublished(url, "refs/heads/main", second);
    await alice.gtr("bundle", "export", url, stick);
    assert.equal(await bob.gtr("bundle", "import", stick), url);
    await bob.gitIn(bob.path("copy"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), second);
    await assertSound(bob, await bob.stored("hello", alice));
  });
  await t.step("once more changes nothing", async () => {
    const { stdout } = await bob.run("gtr", ["bundle", "import", stick, "--json"]);
    assert.equal(JSON.parse(stdout).changed, false);
  });
  await t.step("a copy of someone else's is exported as well", async () => {
    await bob.gtr("bundle", "export", url, "again.gtr");
    const [a, b] = await Promise.all([stick, bob.path("again.gtr")].map((p) => Deno.readFile(p)));
    assert.deepEqual(a, b);
  });
  await t.step("older than what is known", async () => {
    await complains(bob, ["gtr", "bundle", "import", old], {
      says: /can't import .*: it holds publication \d+ of hello, older than \d+ seen here before/,
      hints: /export a newer one/,
    });
    await assertSound(bob, await bob.stored("hello", alice));
  });
  await t.step("with no gtd, within the command itself", async () => {
    await using dave = await Node.make("none", { GTR_DAEMON_AUTOSTART: "0" });
    assert.equal(await dave.gtr("bundle", "import", stick), url);
    await dave.git("clone", "-q", url, "copy");
    await dave.gtr("bundle", "export", url, "out.gtr");
    assert.deepEqual(await Deno.readFile(dave.path("out.gtr")), await Deno.readFile(stick));
  });
});

Deno.test("what was imported is passed on while its publisher is offline", async () => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  await using bob = await Node.make(await alice.dht());
  const bootstrap = await bob.dht();
  // Too large for the DHT, which has only the publisher's record of it.
  const oid = await alice.commit("hello", "noise.txt", noise(400_000));
  await alice.untilPublished(url, "refs/heads/main", oid);
  await bob.untilPublished(url, "refs/heads/main", oid);
  await alice.gtr("bundle", "export", "hello", "hello.gtr");
  await alice.stopGtd();
  await bob.gtr("bundle", "import", alice.path("hello.gtr"));
  await using carol = await Node.make(bootstrap);
  await carol.git("clone", "-q", url, "copy");
  assert.equal(await carol.gitIn(carol.path("copy"), "rev-parse", "HEAD"), oid);
});

Deno.test("bundles that can't be imported", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const oid = await alice.commit("hello", "noise.txt", noise(200_000));
  await alice.untilPublished(url, "refs/heads/main", oid);
  const good = alice.path("good.gtr");
  await alice.gtr("bundle", "export", "hello", good);
  const { size } = await Deno.stat(good);
  await using bob = await Node.make("none");
  const bad = bob.path("bad.gtr");
  const refused = async (says: RegExp, hints: RegExp) => {
    await complains(bob, ["gtr", "bundle", "import", bad], { says, hints });
    assert.deepEqual((await bob.status()).repositories, []);
  };

  await t.step("cut short", async () => {
    await Deno.copyFile(good, bad);
    for (const length of [size - 1, size - 150_000, 200]) {
      await Deno.truncate(bad, length);
      await refused(/can't import .*bad\.gtr: it is cut short: \d+ bytes/, COPY_AGAIN);
    }
  });
  await t.step("with something behind it", async () => {
    await Deno.copyFile(good, bad);
    await Deno.writeTextFile(bad, "more", { append: true });
    await refused(/something was added to it/, COPY_AGAIN);
  });
  await t.step("damaged in a pack", async () => {
    await Deno.copyFile(good, bad);
    await spoil(bad, -1000, "spoilt");
    await refused(/pack [0-9a-f]{64} is damaged: its SHA-256 is/, COPY_AGAIN);
    assert.equal(await Deno.stat(await bob.stored("hello", alice)).catch(() => "none"), "none");
  });
  await t.step("forged: another ref under the same signature", async () => {
    await Deno.copyFile(good, bad);
    const text = new TextDecoder("latin1").decode(await Deno.readFile(bad));
    const at = text.indexOf('"refs/heads/main":"') + '"refs/heads/main":"'.length;
    await spoil(bad, at, "0123456789");
    await refused(/its signature is wrong/, COPY_AGAIN);
  });
  await t.step("foreign", async () => {
    await Deno.writeTextFile(bad, "PK\x03\x04 something else altogether");
    await refused(/it is not a gtr bundle/, /gtr bundle export makes one/);
    await Deno.writeTextFile(bad, "");
    await refused(/it is not a gtr bundle/, /gtr bundle export makes one/);
    await Deno.writeTextFile(bad, "# gtr bundle v2 100\n");
    await refused(/it has version 2/, /newer gtr/);
    await Deno.writeTextFile(bad, "# gtr bundle v1 999999999\n");
    await refused(/first line is damaged/, COPY_AGAIN);
    await Deno.writeTextFile(bad, "# gtr bundle v1 20\nno manifest in there");
    await refused(/can't read a manifest file/, COPY_AGAIN);
  });
  await t.step("one of git's own", async () => {
    await alice.gitIn(alice.path("hello"), "bundle", "create", "-q", bad, "main");
    await refused(/a bundle of git's own/, /git clone <file>/);
  });
  await t.step("no file, a folder, a pipe", async () => {
    await Deno.remove(bad);
    await refused(/there is no such file/, /gtr bundle export/);
    await Deno.mkdir(bad);
    await refused(/it is not a regular file/, /gtr bundle export/);
    await Deno.remove(bad);
    await bob.run("mkfifo", [bad]);
    await refused(/it is not a regular file/, /gtr bundle export/);
  });
});

Deno.test("bundles that can't be exported", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const oid = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");
  await alice.untilPublished(url, "refs/heads/main", oid);

  await t.step("nothing of that name", async () => {
    await complains(alice, ["gtr", "bundle", "export", "other", "x"], {
      says: /you have published nothing under this name/,
      hints: /gtr list/,
    });
  });
  await t.step("a place that can't be written", async () => {
    for (
      const [file, why] of [["none/x", /no such folder/], ["hello", /it is a folder/]] as const
    ) {
      await complains(alice, ["gtr", "bundle", "export", "hello", file], {
        says: new RegExp(`can't write .*/${file}: .*${why.source}`),
        hints: /name a file/,
      });
    }
  });
  await t.step("a pack that is damaged: what was there stays", async () => {
    await alice.gtr("bundle", "export", "hello", "x.gtr");
    const before = await Deno.readFile(alice.path("x.gtr"));
    const packs = `${await alice.stored("hello")}/objects/pack`;
    for await (const { name } of Deno.readDir(packs)) {
      if (!name.endsWith(".pack")) continue;
      await Deno.chmod(`${packs}/${name}`, 0o644);
      await spoil(`${packs}/${name}`, -10, "x");
    }
    await complains(alice, ["gtr", "bundle", "export", "hello", "x.gtr"], {
      says: /can't write .*: pack [0-9a-f]{64} is damaged/,
      hints: /publish it anew/,
    });
    assert.deepEqual(await Deno.readFile(alice.path("x.gtr")), before);
    const left = (await Array.fromAsync(Deno.readDir(alice.directory))).map(({ name }) => name);
    assert.deepEqual(left.filter((name) => name.endsWith(".tmp")), []);
  });
  await t.step("git's own bundles are still git's", async () => {
    await alice.gtrIn(alice.path("hello"), "bundle", "create", "-q", "../own.bundle", "main");
    await alice.gtrIn(alice.path("hello"), "bundle", "verify", "-q", "../own.bundle");
  });
});

Deno.test({
  name: "the disk is full (needs the right to mount)",
  ignore: !await canMount(),
  fn: async (t) => {
    await using disk = (await smallDisk(4))!;
    await using alice = await Node.make("none");
    const url = await alice.share("large");
    const oid = await alice.commit("large", "noise.txt", noise(8 << 20));
    await alice.untilPublished(url, "refs/heads/main", oid);
    const full = { says: /no space left/, hints: /free some space/ };

    await t.step("where the bundle is written", async () => {
      const file = `${disk.path}/large.gtr`;
      await complains(alice, ["gtr", "bundle", "export", "large", file], full);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(disk.path)), []);
    });
    await t.step("where the store is", async () => {
      await alice.gtr("bundle", "export", "large", "large.gtr");
      await using bob = await Node.make("none", { GTR_HOME: `${disk.path}/home` });
      const file = alice.path("large.gtr");
      await complains(bob, ["gtr", "bundle", "import", file], full);
      await disk.grow(64);
      assert.equal(await bob.gtr("bundle", "import", file), url);
      await assertSound(bob, await bob.stored("large", alice));
    });
  },
});
