/** Transcripts of git's remote-helper protocol, with a real repository behind them. */
import assert from "node:assert/strict";
import { cloning, converse, withPublication } from "./conversation.ts";
import { FolderClient, Publication } from "./publication.ts";
import { Sandbox } from "./sandbox.ts";

const CAPABILITIES = "option\nfetch\npush\nconnect\ncheck-connectivity\nobject-format\n\n";

Deno.test("session: capabilities, options, list", () =>
  withPublication(async (_box, publication, client) => {
    const oid = (await publication.state()).refs["refs/heads/main"];
    const { code, stdout, stderr } = await converse(
      client,
      "capabilities\noption progress false\noption wings true\noption object-format\n" +
        "connect git-upload-pack\nlist\n\n",
    );
    assert.equal(
      stdout,
      `${CAPABILITIES}ok\nunsupported\nok\nfallback\n:object-format sha1\n` +
        `@refs/heads/main HEAD\n${oid} refs/heads/main\n\n`,
    );
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(client.calls, ["resolve"]);
    assert.ok(client.disposed);
  }));

Deno.test("session: the address is resolved while git still says what it wants", () =>
  withPublication(async (_box, _publication, client) => {
    assert.equal((await converse(client, "capabilities\n\n")).stdout, CAPABILITIES);
    assert.deepEqual(client.calls, ["resolve"]);
    client.resolve = () => Promise.reject(new Error("nobody knows it"));
    const unused = await converse(client, "capabilities\noption progress true\n\n");
    assert.deepEqual([unused.code, unused.stderr], [0, ""], "only list or connect tell of it");
  }));

Deno.test("session: connect is for an empty repository, bytes behind the command included", () =>
  withPublication(async (box, publication, client) => {
    await Publication.create(box.root, "empty");
    const request = "0014command=ls-refs\n0001000bunborn\n000csymrefs\n00000000";
    const { code, stdout, stderr } = await converse(
      client,
      `option depth 1\nconnect git-upload-pack\n${request}`,
      { url: publication.address.replace("hello", "empty") },
    );
    assert.deepEqual([code, stderr], [0, ""]);
    assert.ok(stdout.startsWith("ok\n\n000eversion 2\n"), stdout);
    assert.ok(stdout.includes("unborn HEAD"), stdout);
    assert.deepEqual(client.calls, ["resolve", "sync"]);
    const full = await converse(client, "option depth 1\nconnect git-upload-pack\n\n");
    assert.equal(full.stdout, "ok\nfallback\n");
    await publication.change({ servers: [], refs: {} });
    const foreign = await converse(client, "connect git-upload-pack\n\n");
    assert.equal(foreign.stdout, "fallback\n", "it is not in the store");
  }));

Deno.test("session: connect to anything else falls back", () =>
  withPublication(async (_box, _publication, client) => {
    const { stdout } = await converse(
      client,
      "option depth 1\nconnect git-receive-pack\nconnect git-upload-archive\n\n",
    );
    assert.equal(stdout, "ok\nfallback\nfallback\n");
    assert.deepEqual(client.calls, []);
  }));

Deno.test("session: a warning is told once, and not when git is to be quiet", () =>
  withPublication(async (_box, publication, client) => {
    await publication.change({ warning: "nobody answered\x1b[8m; using the copy kept here" });
    const said = await converse(client, "list\nlist\n\n");
    assert.equal(said.stderr, "warning: nobody answered?[8m; using the copy kept here\n");
    assert.equal((await converse(client, "option verbosity 0\nlist\n\n")).stderr, "");
  }));

Deno.test("session: progress only where git wants it", () =>
  withPublication(async (box, publication, client) => {
    const oid = (await publication.state()).refs["refs/heads/main"];
    const gitDir = box.path("hello-work", ".git");
    const fetch = `fetch ${oid} refs/heads/main\n\n\n`;
    const shown = await converse(client, `option progress true\n${fetch}`, { gitDir });
    assert.match(shown.stderr, /^Receiving packs: 100% \(1\/1\), \d+ bytes, done\.\n$/m);
    for (const options of ["", "option progress true\noption verbosity 0\n"]) {
      assert.equal((await converse(client, options + fetch, { gitDir })).stderr, "");
    }
  }));

Deno.test("session: failures are told in one line with a hint, exit code 1", async () => {
  await using box = await Sandbox.open();
  const client = new FolderClient(box.root);
  const unknown = await converse(client, "capabilities\nlist\n");
  assert.equal(unknown.stdout, CAPABILITIES);
  assert.equal(unknown.code, 1);
  assert.equal(
    unknown.stderr,
    "gtr: can't find torrent://3f1c/hello: nobody knows it\nhint: check the address\n",
  );
  const refused = await converse(client, "capabilities\nlist\n", {
    connect: () => Promise.reject(new Error("gtd does not answer")),
  });
  assert.deepEqual([refused.code, refused.stderr], [1, "gtr: gtd does not answer\n"]);
  const odd = await converse(client, "dance\n");
  assert.deepEqual(
    [odd.code, odd.stderr],
    [1, "gtr: can't do what git asks: no command 'dance'\n"],
  );
  const noUrl = await converse(client, "capabilities\n", { url: undefined });
  assert.match(noUrl.stderr, /^gtr: can't run git-remote-torrent: git gave no address\nhint: /);
  const cut = await converse(client, "fetch 1234 refs/heads/main\n");
  assert.match(cut.stderr, /^gtr: can't fetch: git's list of refs was cut off\n$/);
});

Deno.test("session: torrent::<rest> is read as torrent://<rest>", () =>
  withPublication(async (_box, _publication, client) => {
    const asked: string[] = [];
    const resolve = client.resolve.bind(client);
    client.resolve = (request, wait) => {
      asked.push(request.url);
      return resolve(request, wait);
    };
    for (
      const url of ["3f1c/hello", "torrent://3f1c/hello", "git+x.-1://y/hello", "1x://y/hello"]
    ) {
      assert.equal((await converse(client, "list\n\n", { url })).code, 0);
    }
    assert.deepEqual(asked, [
      "torrent://3f1c/hello",
      "torrent://3f1c/hello",
      "git+x.-1://y/hello",
      "torrent://1x://y/hello",
    ]);
  }));

Deno.test("session: progress is asked for only where git shows it", () =>
  withPublication(async (box, publication, client) => {
    const { line } = await cloning(box, publication, client);
    for (
      const [options, isShown] of [
        ["option progress true\n", true],
        ["", false],
        ["option progress false\n", false],
        ["option progress true\noption verbosity 0\n", false],
      ] as const
    ) {
      const gitDir = box.path(`empty-${options.length}-${isShown}`);
      await box.git(".", "init", "-q", "--bare", gitDir);
      const { stderr } = await converse(client, `${options}${line}\n`, { gitDir });
      assert.equal(/Receiving packs: 100% .*, done\.\n$/.test(stderr), isShown, options);
      assert.equal(stderr === "", !isShown, options);
    }
  }));

Deno.test("session: a list that git breaks off in the middle is an error, and nothing is done", () =>
  withPublication(async (box, publication, client) => {
    const { line } = await cloning(box, publication, client);
    const gitDir = box.path("hello-work", ".git");
    for (const input of [`${line.trimEnd()}\n`, `${line.trimEnd()}\npush HEAD:refs/heads/x\n\n`]) {
      const { code, stdout, stderr } = await converse(client, input, { gitDir });
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /git's list of refs was cut off/);
    }
    assert.match((await converse(client, "wings\n")).stderr, /no command 'wings'/);
  }));
