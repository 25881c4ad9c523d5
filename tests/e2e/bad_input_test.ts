/** Bad input from a person: a clear error with a hint, in time, and nothing lost. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { assertNoTrace, complains } from "./complaint.ts";
import { BIN, Node } from "./node.ts";

const NOBODY = "f".repeat(40);

Deno.test("addresses that name nobody", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  await using bob = await Node.make(await alice.dht());
  const id = url.split("/")[2]!;
  const clone = (url: string) => ["git", "clone", url, "copy"];

  await t.step("a petname that was never given", async () => {
    await complains(bob, clone("torrent://nobody/hello"), {
      says: /can't find 'nobody': no publisher has this name/,
      hints: /gtr name add nobody/,
    });
  });
  await t.step("a publisher whom nobody knows", async () => {
    await complains(bob, clone(`torrent://${NOBODY}/hello`), {
      says: /can't find torrent:\/\/f+\/hello: nobody on [a-z, ]+ knows it/,
      hints: /check the address/,
    });
  });
  await t.step("a repository that the publisher doesn't have", async () => {
    await complains(bob, clone(`torrent://${id}/other`), {
      says: /can't find .*\/other: nobody on [a-z, ]+ knows it/,
      hints: /check the address/,
    });
  });
  await t.step("a public key that is not the publisher's", async () => {
    await complains(bob, clone(`torrent://${"ab".repeat(32)}/hello`), {
      says: /nobody on [a-z, ]+ knows it/,
      hints: /check the address/,
    });
  });
  await t.step("a user at a domain that serves no names", async () => {
    await complains(bob, clone("torrent://alice@localhost/hello"), {
      says: /can't look up alice@localhost: can't reach localhost/,
      hints: /use the publisher's id/,
    });
  });
  await t.step("nothing was left behind", async () => {
    assert.equal(await Deno.stat(bob.path("copy")).catch(() => "none"), "none");
    await bob.git("clone", "-q", url, "copy");
  });
});

Deno.test("addresses that are none", async (t) => {
  await using bob = await Node.make("none");
  const cases: readonly [string, RegExp][] = [
    [`torrent://${NOBODY}/a/b`, /path parts/],
    [`torrent://${NOBODY}/../../etc`, /path parts/],
    [`torrent://${NOBODY}/..`, /starts with '\.'/],
    [`torrent://${NOBODY}/-x`, /starts with '-'/],
    [`torrent://${NOBODY}/x.lock`, /ends with '\.lock'/],
    [`torrent://${NOBODY}/`, /name is missing/],
    [`torrent://${NOBODY}`, /name is missing/],
    [`torrent:///hello`, /publisher is missing/],
    [`torrent://${NOBODY}:80/hello`, /port or password/],
    [`torrent://${NOBODY}/hello?x=1`, /query/],
    [`torrent://${NOBODY}/hello#x`, /fragment/],
    [`torrent://${NOBODY}/hel%2Flo`, /percent-escape/],
    [`torrent://${NOBODY.slice(1)}/hello`, /39 hex digits/],
    [`torrent://${NOBODY}/${"x".repeat(65)}`, /65 characters/],
  ];
  for (const [url, says] of cases) {
    await t.step(url.slice(0, 80), async () => {
      await complains(bob, ["git", "ls-remote", url], { says, hints: /write torrent:\/\// });
    });
  }
});

Deno.test("a network that is out of reach", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close(); // nobody is there now
  await using bob = await Node.make(`127.0.0.1:${port}`, { GTR_NETWORK_TIMEOUT: "3" });
  await complains(bob, ["git", "clone", `torrent://${NOBODY}/hello`], {
    says: /can't reach the BitTorrent DHT: none of 1 first node answers/,
    hints: new RegExp(`torrent.bootstrap: 127.0.0.1:${port}`),
  });
  // One's own work goes on: it is published once the network is there.
  const url = await bob.share("hello");
  assert.match(await bob.git("ls-remote", url), /refs\/heads\/main/);
});

Deno.test("names that a repository can't have", async (t) => {
  await using alice = await Node.make("none");
  await alice.git("init", "-q", "work");
  for (const name of ["a/b", "..", "-x", ".x", "x.lock", "x.git", "é", "", "x".repeat(65)]) {
    await t.step(JSON.stringify(name.slice(0, 20)), async () => {
      await complains(alice, ["gtr", "init", `--name=${name}`], {
        code: 2,
        says: /can't call a repository/,
        hints: /letters, digits/,
      }, { cwd: alice.path("work") });
    });
  }
  await t.step("one that another has", async () => {
    await alice.share("hello");
    await alice.git("init", "-q", "again");
    await complains(alice, ["gtr", "init", "--name=hello"], {
      says: /is shared under that name/,
      hints: /another name/,
    }, { cwd: alice.path("again") });
  });
});

Deno.test("refs that can't be shared", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const hello = alice.path("hello");
  const listed = await alice.gtr("list");

  await t.step("a branch that doesn't exist", async () => {
    await complains(alice, ["gtr", "share", "nope"], {
      says: /can't share nope: there is no such branch/,
      hints: /branches here: main/,
    }, { cwd: hello });
  });
  await t.step("a name that git allows and a manifest doesn't", async () => {
    await alice.gitIn(hello, "update-ref", "refs/heads/a/-x", "HEAD");
    const long = "x".repeat(240);
    await alice.gitIn(hello, "update-ref", `refs/heads/${long}`, "HEAD");
    for (
      const [branch, says] of [
        ["a/-x", /can't share a\/-x: a part of its name starts with "-"/],
        [long, /can't share x{240}: its name is too long: over 250 bytes/],
      ] as const
    ) {
      await complains(alice, ["gtr", "share", branch], { says, hints: /another name/ }, {
        cwd: hello,
      });
    }
    assert.equal(await alice.gtr("list"), listed);
    // Tags come with the branch: one that can't is told, and the others are published.
    await alice.gitIn(hello, "tag", `${long}xxxxx`);
    const { stderr } = await alice.run("gtr", ["share"], { cwd: hello });
    assert.match(stderr, /^warning: refs\/tags\/x{245} is not shared: its name is too long/m);
    assert.doesNotMatch(await alice.git("ls-remote", url), /-x|xx/);
    const doctor = await alice.run("gtr", ["doctor"], { cwd: hello });
    assert.match(
      doctor.stdout,
      /^warning share hello: refs\/tags\/x{245} is not shared: its name/m,
    );
    await alice.gitIn(hello, "tag", "-d", `${long}xxxxx`);
  });
  await t.step("a branch that is renamed to one stays published", async () => {
    await alice.gitIn(hello, "branch", "topic");
    await alice.gtrIn(hello, "share", "topic");
    const before = await alice.git("ls-remote", url);
    await alice.gitIn(hello, "branch", "-m", "topic", "a/-z");
    const { stderr } = await alice.run("gtr", ["init"], { cwd: hello });
    assert.match(
      stderr,
      /refs\/heads\/topic stays published as it was: it is refs\/heads\/a\/-z now/,
    );
    assert.equal(await alice.git("ls-remote", url), before);
    const { stdout } = await alice.run("gtr", ["doctor"], { cwd: hello });
    assert.match(stdout, /^warning share hello: refs\/heads\/topic stays published as it was/m);
    await alice.gtrIn(hello, "remove", "topic");
  });
  await t.step("more than a manifest can hold", async () => {
    await alice.git("init", "-q", "many");
    const many = alice.path("many");
    await alice.gitIn(many, "commit", "-q", "--allow-empty", "-m", "first");
    const oid = await alice.gitIn(many, "rev-parse", "HEAD");
    const tags = Array.from({ length: 50_001 }, (_, i) => `${oid} refs/tags/t${i}\n`).sort();
    await Deno.writeTextFile(
      `${many}/.git/packed-refs`,
      `# pack-refs with: peeled fully-peeled sorted \n${tags.join("")}`,
    );
    await complains(alice, ["gtr", "init"], {
      says: /can't publish many: it has 50,002 branches and tags to share, more than 50,000/,
      hints: /share fewer branches/,
    }, { cwd: many });
    assert.match(await alice.gtr("list"), /^many +main +\S+ +not published /m);
    const { code, stdout } = await alice.run("gtr", ["doctor"], { cwd: many });
    assert.equal(code, 1);
    assert.match(stdout, /^failed share many: it can't be published: it has 50,002 branches/m);
    assert.doesNotMatch(stdout, /store .*\/many/); // nothing was made
    await alice.gtr("remove", "--repository", "many");
  });
  await t.step("pushes", async () => {
    for (const ref of ["refs/notes/commits", "refs/heads/a/-y"]) {
      const { code, stderr } = await alice.run("git", ["push", url, `HEAD:${ref}`], { cwd: hello });
      assert.equal(code, 1, stderr);
      assert.match(stderr, /rejected.*only branches and tags with valid names can be shared/);
      assertNoTrace(stderr);
    }
  });
});

Deno.test("programs and settings that won't do", async (t) => {
  await using node = await Node.make("none");
  await node.git("init", "-q", "work");
  const cwd = node.path("work");
  const only = async (name: string, files: Record<string, string>) => {
    const folder = node.path(name);
    await Deno.mkdir(folder);
    // What the launchers themselves are written with.
    for (const tool of ["sh", "readlink", "env"]) {
      const where = (await node.run("sh", ["-c", `command -v ${tool}`])).stdout.trim();
      await Deno.symlink(where, join(folder, tool));
    }
    for (const [file, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, file), text, { mode: 0o755 });
    }
    return { PATH: `${BIN}:${folder}` };
  };

  await t.step("no git", async () => {
    const env = await only("nothing", {});
    for (const args of [["init"], ["setup"], ["log"]]) {
      await complains(node, [join(BIN, "gtr"), ...args], {
        says: /can't run git: it is not installed, or not on PATH/,
        hints: /install git 2\.34 or newer/,
      }, { cwd, env });
    }
  });
  await t.step("a git that is too old", async () => {
    const env = await only("old", { git: "#!/bin/sh\necho git version 2.20.1\n" });
    for (const verb of ["init", "setup"]) {
      await complains(node, [join(BIN, "gtr"), verb], {
        says: /can't use git 2\.20\.1: version 2\.34 or newer is needed/,
        hints: /install a newer git/,
      }, { cwd, env });
    }
  });
  await t.step("settings of a wrong form", async () => {
    const wrong = {
      GTR_TORRENT_HOST: "localhost",
      GTR_TORRENT_PORT: "65536",
      GTR_TORRENT_BOOTSTRAP: "127.0.0.1",
      GTR_TORRENT_MAXCONNECTIONS: "many",
      GTR_TORRENT_UPLOADRATE: "-1",
      GTR_NETWORK_TIMEOUT: "0",
      GTR_TRANSPORTS: "torrent;nostr",
    };
    for (const [name, value] of Object.entries(wrong)) {
      await complains(node, ["gtr", "init"], {
        code: 2,
        says: new RegExp(`can't use '${value}' for [a-zA-Z.]+: it must be `),
        hints: new RegExp(name),
      }, { cwd, env: { [name]: value } });
    }
    await complains(node, ["gtr", "daemon", "start"], {
      says: /can't start gtd: can't use '70000' for torrent\.port/,
      hints: /GTR_TORRENT_PORT/,
    }, { env: { GTR_TORRENT_PORT: "70000" } });
    await complains(node, ["gtr", "config", "torrent.port", "none"], {
      code: 2,
      says: /can't use 'none' for torrent\.port/,
      hints: /GTR_TORRENT_PORT/,
    });
  });
  await t.step("a port that is in use", async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const taken = { GTR_TORRENT_PORT: String((listener.addr as Deno.NetAddr).port) };
    await complains(node, ["gtr", "init"], {
      says: /port is in use/,
      hints: /torrent\.port/,
    }, { cwd, env: { ...taken, GTR_TRANSPORTS: "torrent" } });
    // Another network that works carries on alone, and it is said.
    const alone = await node.run("gtr", ["init"], { cwd, env: taken });
    assert.match(alone.stdout, /^holepunch:/);
    assert.match(
      alone.stderr,
      /^warning: not published on torrent: .* port is in use .*torrent\.port/m,
    );
    await node.stopGtd();
  });
  await t.step("a GTR_HOME that can't be written", async () => {
    await Deno.writeTextFile(node.path("file"), "no folder\n");
    for (const verb of ["init", "id", "setup"]) {
      await complains(node, ["gtr", verb], { says: /can't /, hints: /GTR_HOME/ }, {
        cwd,
        env: { GTR_HOME: node.path("file", "home") },
      });
    }
    await complains(node, ["git", "ls-remote", `torrent://${NOBODY}/hello`], {
      says: /can't /,
      hints: /GTR_HOME/,
    }, { env: { GTR_HOME: node.path("file", "home") } });
  });
  await t.step("words it doesn't know", async () => {
    await complains(node, ["gtr", "init", "--bogus"], {
      code: 2,
      says: /unknown option/,
      hints: /gtr help init/,
    });
    await complains(node, ["gtr", "daemon", "restart"], {
      code: 2,
      says: /restart/,
      hints: /stop/,
    });
    await complains(node, ["gtr", "name", "add", "bob"], {
      code: 2,
      says: /publisher/,
      hints: /./,
    });
  });
  assert.match(await node.gtrIn(cwd, "init"), /^torrent:/, "after all of it the node works");
});

Deno.test("a repository whose path is not UTF-8: clone, pull and push", async () => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const script = `set -e
    d=$(printf 'caf\\351'); mkdir "$d"
    git clone -q ${url} "$d/clone"; cd "$d/clone"; cat readme.txt
    git pull -q; git commit -q --allow-empty -m more; git push -q ${url} HEAD:refs/heads/topic
    git clone -q --depth 1 ${url} ../shallow; git -C ../shallow log --format=%s`;
  const { code, stdout, stderr } = await alice.run("sh", ["-c", script]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^hello\n/);
  assert.match(await alice.git("ls-remote", url), /refs\/heads\/topic$/m);
  const left = [...Deno.readDirSync(alice.home)].map(({ name }) => name);
  assert.deepEqual(left.filter((name) => name.startsWith("path-")), []);
});
