import assert from "node:assert/strict";
import { networks } from "../../../lib/cli/networks.ts";
import { loadAll } from "../../../lib/cli/verb.ts";
import { VERBS } from "../../../lib/cli/verbs.ts";
import { git, User } from "./support.ts";

Deno.test("version: the program's, with its networks", async () => {
  await using user = await User.make();
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)),
  );
  const known = (await networks()).join(", ");
  assert.match(known, /^[a-z]+(, [a-z]+)*$/);
  for (const word of ["-V", "--version"]) {
    const { code, out } = await user.gtr(user.folder, word);
    assert.deepEqual([code, out], [0, `gtr ${version} (networks: ${known})\n`]);
  }
});

Deno.test("help: overview, groups and verbs, by help and by -h", async () => {
  await using user = await User.make();
  const help = async (...words: string[]) => {
    const { code, out, err } = await user.gtr(user.folder, ...words);
    assert.deepEqual([code, err], [0, ""]);
    assert.ok(out.split("\n").every((line) => line.length <= 80), out);
    return out;
  };
  const overview = await help("-h");
  assert.equal(await help("--help"), overview);
  assert.equal(await help("help"), overview);
  assert.equal(await help("help", "name"), await help("name", "-h"));
  for (const verb of await loadAll(VERBS)) {
    const words = verb.name.split(" ");
    const text = await help("help", ...words);
    assert.equal(await help(...words, "-h"), text);
    assert.ok(text.startsWith(`usage: gtr ${verb.name}`));
    assert.ok(overview.includes(`  ${verb.name} `));
    for (const { form } of [...verb.options, ...verb.operands]) assert.ok(text.includes(form));
    for (const { command } of verb.examples) assert.ok(text.includes(`  ${command}`));
  }
});

Deno.test("verbs: every one loads, and its examples are right uses of it", async () => {
  const { parse } = await import("../../../lib/cli/parse.ts");
  for (const verb of await loadAll(VERBS)) {
    assert.match(verb.summary, /^[a-z].*[^.]$/);
    for (const { command } of verb.examples) {
      const start = `gtr ${verb.name}`;
      assert.ok(`${command} `.startsWith(`${start} `), command);
      assert.equal(parse(verb, command.slice(start.length).split(" ").filter(Boolean)).help, false);
    }
  }
});

Deno.test("usage: nobody is told to make gtr an alias of git, since some words are gtr's own", async () => {
  await using user = await User.make();
  for (const words of [["status", "-s"], ["init", "--bare"], ["config", "user.name"]]) {
    const { code, out, err } = await user.gtr(user.folder, ...words);
    assert.deepEqual([code, out], [2, ""], words.join(" "));
    assert.match(err, new RegExp(`^hint: .*git's own: git ${words[0]} `, "m"));
  }
  const readme = await Deno.readTextFile(new URL("../../../README.md", import.meta.url));
  const help = (await user.gtr(user.folder, "help")).out;
  for (const text of [readme, help]) assert.doesNotMatch(text, /\balias\b/);
});

Deno.test("usage: wrong use exits 2 with a hint", async () => {
  await using user = await User.make();
  const cases: [string[], RegExp][] = [
    [["list", "--jsno"], /can't run gtr list: unknown option '--jsno'.*\nhint: gtr help list\n/],
    [["list", "more"], /too many arguments.*\nhint: gtr help list\n/],
    [
      ["share", "--flow", "none"],
      /'none' is not a flow\nhint: gtr share --flow announce\|put\|both\n/,
    ],
    [["init", "--name"], /argument missing\nhint: gtr help init\n/],
    [["name", "add", "bob"], /missing required argument 'publisher'\nhint: gtr help name add\n/],
    [["name"], /what to do is missing\nhint: one of: add, import, remove, list\n/],
    [["daemon", "restart"], /no 'restart'\nhint: one of: start, stop, status, logs\n/],
  ];
  for (const [words, said] of cases) {
    const { code, out, err } = await user.gtr(user.folder, ...words);
    assert.deepEqual([code, out], [2, ""], words.join(" "));
    assert.match(err, said);
    assert.match(err, /^gtr: can't run gtr /);
  }
  const nothing = await user.gtr(user.folder);
  assert.deepEqual([nothing.code, nothing.out], [2, ""]);
  assert.match(nothing.err, /^usage: gtr/);
});

Deno.test("id: made on first use, the same ever after", async () => {
  await using user = await User.make();
  const { out } = await user.gtr(user.folder, "id", "--json");
  const { id, publicKey, ...more } = JSON.parse(out);
  assert.deepEqual(more, {});
  assert.match(id, /^[0-9a-f]{40}$/);
  assert.match(publicKey, /^[0-9a-f]{64}$/);
  assert.equal((await user.gtr(user.folder, "id")).out, `${id}\n`);
});

Deno.test("setup: says what was there and what is new", async () => {
  await using user = await User.make();
  const first = JSON.parse((await user.gtr(user.folder, "setup", "--json")).out);
  assert.deepEqual(first.made, ["home", "identity", "settings"]);
  assert.equal(first.home, user.home.root);
  assert.ok((await git(user.folder, "version")).includes(first.git));
  assert.equal((await Deno.stat(user.home.identity)).mode! & 0o777, 0o600);
  const second = JSON.parse((await user.gtr(user.folder, "setup", "--json")).out);
  assert.deepEqual(second, { ...first, made: [] });
  const { out } = await user.gtr(user.folder, "setup");
  assert.match(out, new RegExp(`^identity +present +${first.identity.id}$`, "m"));
});

Deno.test("name: add, list, remove", async () => {
  await using user = await User.make();
  const id = "3f1c9a0e5b7d2c4f6a8b0d1e3f5a7c9b1d3e5f70";
  const gtr = (...words: string[]) => user.gtr(user.folder, "name", ...words);
  assert.deepEqual(await gtr("add", "bob", `torrent://${id}/x`), { code: 0, out: "", err: "" });
  assert.deepEqual(JSON.parse((await gtr("list", "--json")).out), [{ name: "bob", publisher: id }]);
  assert.equal((await gtr("list")).out, `NAME  PUBLISHER${" ".repeat(33)}FROM\nbob   ${id}  -\n`);
  assert.equal((await gtr("add", "bob", "nonsense")).code, 2);
  assert.equal((await gtr("add", "bob", id)).err, "", "the same again");
  const other = await gtr("add", "bob", "00".repeat(20));
  assert.deepEqual(other, { code: 0, out: "", err: `bob was the name of ${id} until now\n` });
  assert.equal((await gtr("remove", "bob")).code, 0);
  assert.equal((await gtr("remove", "bob")).code, 1);
  assert.equal((await gtr("list", "--json")).out, "[]\n");
});

Deno.test("config: list, get, set, unset, with origins", async () => {
  await using user = await User.make();
  const gtr = (...words: string[]) => user.gtr(user.folder, "config", ...words);
  assert.deepEqual(await gtr("torrent.port", "6881"), { code: 0, out: "", err: "" });
  assert.equal((await gtr("TORRENT.PORT")).out, "6881\n");
  user.env.set("GTR_TORRENT_PORT", "7000");
  user.env.set("GTR_TORRENT_BOOTSTRAP", "none");
  const all: { name: string }[] = JSON.parse((await gtr("--json")).out);
  const entry = (name: string) => all.find((setting) => setting.name === name);
  assert.deepEqual(entry("torrent.port"), {
    name: "torrent.port",
    value: 7000,
    origin: "environment",
  });
  assert.deepEqual(entry("torrent.bootstrap"), {
    name: "torrent.bootstrap",
    value: [],
    origin: "environment",
  });
  assert.deepEqual(entry("transports"), { name: "transports", value: null, origin: "default" });
  assert.match((await gtr()).out, /^torrent\.bootstrap +none +environment /m);
  assert.match((await gtr("torrent.port", "1")).err, /GTR_TORRENT_PORT still overrides/);
  user.env.clear();
  assert.equal(
    (await gtr("torrent.port", "--json")).out.trim(),
    JSON.stringify({
      name: "torrent.port",
      value: 1,
      origin: "file",
    }),
  );
  assert.equal((await gtr("--unset", "torrent.port")).code, 0);
  assert.equal((await gtr("torrent.port")).out, "0\n");
});

Deno.test("config: refuses what is no setting or no value of it", async () => {
  await using user = await User.make();
  for (
    const words of [["user.name"], ["torrent.port", "x"], ["--unset", "no"], ["a", "--unset", "b"]]
  ) {
    const { code, out, err } = await user.gtr(user.folder, "config", ...words);
    assert.deepEqual([code, out], [2, ""], words.join(" "));
    assert.match(err, /\nhint: /);
  }
  await Deno.mkdir(user.home.root);
  await Deno.writeTextFile(user.home.config, "{");
  assert.equal((await user.gtr(user.folder, "config")).code, 1);
});

Deno.test("status: as gtd tells it", async () => {
  await using user = await User.make();
  const { out } = await user.gtr(user.folder, "status", "--json");
  assert.deepEqual(JSON.parse(out), user.status());
  assert.deepEqual((await user.gtr(user.folder, "status")).out.split("\n"), [
    "gtd 0.1.0, process 42, up 3 min",
    "torrent: dht 127.0.0.1:1, nodes 3, listen 127.0.0.1:2",
    "dropped: torrent/bad-record 5",
    "",
    "ADDRESS             ROLE       SEQUENCE  PACKS  SIZE      PEERS",
    "torrent://00/hello  published         7      2  2.00 KiB      1",
    "",
  ]);
  user.warnings = ["hello: refs/heads/main has diverged"];
  assert.match(
    (await user.gtr(user.folder, "status")).out,
    /^warning: hello: refs\/heads\/main has diverged$/m,
  );
  user.daemon = "stopped";
  user.env.set("GTR_DAEMON_AUTOSTART", "0");
  assert.deepEqual(await user.gtr(user.folder, "status"), {
    code: 1,
    out: "",
    err: "gtr: can't show a status: gtd does not run\nhint: gtr daemon start\n",
  });
});

Deno.test("daemon: start, stop, status", async () => {
  await using user = await User.make();
  user.daemon = "stopped";
  const gtr = (...words: string[]) => user.gtr(user.folder, "daemon", ...words);
  assert.deepEqual(await gtr("status"), { code: 1, out: "", err: "gtd does not run\n" });
  assert.equal((await gtr("status", "--json")).out, '{"running":false}\n');
  assert.equal((await gtr("start")).err, "gtd is started, process 42\n");
  assert.equal((await gtr("start", "--json")).out, '{"pid":42,"started":false}\n');
  assert.equal((await gtr("status")).out, "gtd 0.1.0, process 42, up 3 min\n");
  assert.deepEqual(JSON.parse((await gtr("status", "--json")).out), {
    running: true,
    pid: 42,
    version: "0.1.0",
    uptimeSeconds: 200,
  });
  assert.equal((await gtr("stop")).err, "gtd is stopped\n");
  assert.deepEqual(await gtr("stop"), { code: 0, out: "", err: "gtd did not run\n" });
});

Deno.test("daemon logs: the last lines", async () => {
  await using user = await User.make();
  const gtr = (...words: string[]) => user.gtr(user.folder, "daemon", "logs", ...words);
  assert.match((await gtr()).err, /no log yet/);
  await Deno.mkdir(user.home.root);
  await Deno.writeTextFile(user.home.log, "one\ntwo\x1b[2J\nthree\n");
  assert.equal((await gtr("-n", "2")).out, "two?[2J\nthree\n");
  assert.equal((await gtr()).out, "one\ntwo?[2J\nthree\n");
  assert.equal((await gtr("-n", "0")).out, "");
  assert.equal((await gtr("-n", "many")).code, 2);
});
