/** Transcripts of git's remote-helper protocol, with a real repository behind them. */
import assert from "node:assert/strict";
import { GtrError } from "../../../lib/common/errors.ts";
import { oneTimeGitPort } from "../../../lib/git_interface/git_port.ts";
import { spawnUploadPack } from "../../../lib/git_interface/upload_pack.ts";
import type { HelperClient } from "../../../lib/remote_helper/client.ts";
import { runHelper } from "../../../lib/remote_helper/run_helper.ts";
import { FolderClient, Publication } from "./publication.ts";
import { Sandbox } from "./sandbox.ts";

const CAPABILITIES = "option\nfetch\npush\nconnect\ncheck-connectivity\nobject-format\n\n";

interface Conversation {
  readonly url?: string;
  readonly gitDir?: string;
  readonly connect?: () => Promise<HelperClient>;
}

/** A git:// address of a repository, for one connection. */
function servedOnce(gitDir: string): Promise<string> {
  return oneTimeGitPort({
    missed: () => {},
    serve: async ({ readable, writable }) => {
      const server = await spawnUploadPack(gitDir, { protocol: 2 });
      void readable.pipeTo(server.stdin).catch(() => {});
      await server.stdout.pipeTo(writable).catch(() => {});
    },
  });
}

/** Says `input` to a helper and returns what it answered. */
async function converse(client: FolderClient, input: string | Uint8Array, how: Conversation = {}) {
  const written: Uint8Array[] = [];
  let stderr = "";
  const code = await runHelper({
    scheme: "torrent",
    url: "url" in how ? how.url : "torrent://3f1c/hello",
    io: {
      stdin: ReadableStream.from([
        typeof input === "string" ? new TextEncoder().encode(input) : input,
      ]),
      stdout: new WritableStream({ write: (chunk) => void written.push(chunk) }),
      stderr: (text) => stderr += text,
    },
    env: (name) => name === "GIT_DIR" ? how.gitDir : undefined,
    connect: how.connect ?? (() => Promise.resolve(client)),
    signal: AbortSignal.timeout(60_000),
  });
  const stdout = await new Response(new Blob(written as BlobPart[])).text();
  return { code, stdout, stderr };
}

async function withPublication(
  test: (box: Sandbox, publication: Publication, client: FolderClient) => Promise<void>,
): Promise<void> {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  await test(box, publication, new FolderClient(box.root));
}

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

Deno.test("session: refs are fetched before they are listed in a clone, and nowhere else", () =>
  withPublication(async (box, publication, client) => {
    await publication.change({ own: false });
    const gitDir = box.path("empty");
    await box.git(".", "init", "-q", "--bare", gitDir);
    const listing = async (input = "list\n\n") => {
      client.calls.length = 0;
      assert.equal((await converse(client, input, { gitDir })).code, 0);
      return client.calls.join(" ");
    };
    assert.equal(await listing(), "resolve"); // ls-remote
    await box.git(gitDir, "config", "remote.some.where.url", publication.address);
    assert.equal(await listing(), "resolve sync");
    assert.equal(await listing("option depth 1\nlist\n\n"), "resolve");
    for (const change of [{ own: true }, { servers: [] }, { refs: {} }]) {
      const before = await publication.state();
      await publication.change(change);
      assert.equal(await listing(), "resolve", JSON.stringify(change));
      await publication.change({ servers: undefined, ...before });
    }
    assert.equal(await listing(), "resolve sync");
    await box.git(gitDir, "config", "remote.some.where.fetch", "+refs/heads/*:refs/remotes/o/*");
    assert.equal(await listing(), "resolve"); // fetch, or ls-remote
  }));

Deno.test("session: what takes too much to unpack is fetched only once git asks for it", () =>
  withPublication(async (box, publication, client) => {
    await publication.change({ own: false });
    const oid = (await publication.state()).refs["refs/heads/main"]!;
    const gitDir = box.path("empty");
    await box.git(".", "init", "-q", "--bare", gitDir);
    await box.git(gitDir, "config", "remote.some.where.url", publication.address);
    const sync = client.sync.bind(client);
    const choices: (boolean | undefined)[] = [];
    const refusing: HelperClient["sync"] = (url, wait, choice) => {
      choices.push(choice?.ahead);
      if (choice?.ahead) return Promise.reject(new GtrError("over-budget", "it takes too much"));
      return sync(url, wait);
    };
    Object.assign(client, { sync: refusing });
    const input = `option cloning true\nlist\nfetch ${oid} refs/heads/main\n\n\n`;
    const { code, stdout } = await converse(client, input, { gitDir });
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^ok\n.*${oid} refs/heads/main\n`, "s"));
    assert.deepEqual(choices, [true, undefined]);
    assert.equal(await box.git(gitDir, "cat-file", "-t", oid), "commit");
  }));

Deno.test("session: fetch links packs, tells their lock and, only when asked, that all is there", () =>
  withPublication(async (box, publication, client) => {
    const oid = (await publication.state()).refs["refs/heads/main"]!;
    for (const asked of [true, false]) {
      const gitDir = box.path(`empty-${asked}`);
      await box.git(".", "init", "-q", "--bare", gitDir);
      const { code, stdout } = await converse(
        client,
        `option cloning true\noption check-connectivity ${asked}\n` +
          `fetch ${oid} refs/heads/main\nfetch ${oid} HEAD\n\n\n`,
        { gitDir },
      );
      const [lock = ""] = /(?<=lock ).*\.keep/.exec(stdout) ?? [];
      assert.equal(stdout, `ok\nok\nlock ${lock}\n${asked ? "connectivity-ok\n" : ""}\n`);
      assert.ok(lock.startsWith(`${gitDir}/objects/pack/pack-`));
      assert.ok((await Deno.stat(lock)).isFile);
      assert.equal(code, 0);
      assert.equal(await box.git(gitDir, "cat-file", "-t", oid), "commit");
    }
  }));

Deno.test("session: with several packs, the locked one holds all tips", () =>
  withPublication(async (box, publication, client) => {
    await box.git("hello-work", "tag", "-a", "-m", "First", "v1");
    await box.commit("hello-work", "two.txt");
    await box.publish(publication);
    const tips = Object.entries((await publication.state()).refs);
    const gitDir = box.path("empty");
    await box.git(".", "init", "-q", "--bare", gitDir);
    const { stdout } = await converse(
      client,
      "option cloning true\noption check-connectivity true\n" +
        tips.map(([ref, oid]) => `fetch ${oid} ${ref}\n`).join("") + "\n\n",
      { gitDir },
    );
    const [, lock] = /^ok\nok\nlock (.*)\.keep\nconnectivity-ok\n\n$/.exec(stdout) ?? [];
    const objects = await box.git(gitDir, "verify-pack", "-v", `${lock}.idx`);
    for (const [ref, oid] of tips) assert.ok(objects.includes(oid), ref);
    const left = await Array.fromAsync(Deno.readDir(`${gitDir}/objects`));
    assert.deepEqual(left.map(({ name }) => name).sort(), ["info", "pack"]);
  }));

Deno.test("session: what annotated tags lead to is listed without fetching anything", () =>
  withPublication(async (box, publication, client) => {
    await box.git("hello-work", "tag", "-a", "-m", "First", "v1");
    await box.publish(publication);
    const { refs } = await publication.state();
    const { code, stdout } = await converse(client, "list\n\n");
    assert.equal(code, 0);
    assert.equal(
      stdout,
      `@refs/heads/main HEAD\n${refs["refs/heads/main"]} refs/heads/main\n` +
        `${refs["refs/tags/v1"]} refs/tags/v1\n${refs["refs/heads/main"]} refs/tags/v1^{}\n\n`,
    );
    assert.deepEqual(client.calls, ["resolve"]);
  }));

Deno.test("session: fetch follows a publication whose packs are replaced meanwhile", () =>
  withPublication(async (box, publication, client) => {
    const { refs, packs } = await publication.state();
    const gone = packs.map((pack) => ({ ...pack, path: `${pack.path}.gone` }));
    await publication.change({ packs: gone });
    const sync = client.sync.bind(client);
    client.sync = async (url, wait) => {
      const state = await sync(url, wait);
      await publication.change({ packs });
      return state;
    };
    const gitDir = box.path("empty");
    await box.git(".", "init", "-q", "--bare", gitDir);
    const line = `fetch ${refs["refs/heads/main"]} refs/heads/main\n`;
    const { code, stderr } = await converse(client, `option cloning true\n${line}\n\n`, { gitDir });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(client.calls, ["resolve", "sync", "sync"]);
  }));

Deno.test("session: an object that is not published can't be fetched by its id", () =>
  withPublication(async (box, _publication, client) => {
    const oid = await box.commit("hello-work", "unpublished.txt");
    const gitDir = box.path("empty");
    await box.git(".", "init", "-q", "--bare", gitDir);
    const { code, stdout, stderr } = await converse(client, `fetch ${oid} ${oid}\n\n\n`, {
      gitDir,
    });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      new RegExp(`^gtr: can't fetch ${oid}: torrent://.* no longer has it\nhint: `),
    );
  }));

Deno.test("session: a part is fetched from a live peer, the next, or else the store", () =>
  withPublication(async (box, publication, client) => {
    const oid = (await publication.state()).refs["refs/heads/main"];
    await box.commit("hello-work", "two.txt");
    await box.publish(publication);
    const cut = "git://127.0.0.1:1/x";
    for (
      const [live, calls] of [
        [[], ["resolve", "dial", "sync"]],
        [[publication.gitDir], ["resolve", "dial"]],
        [[await servedOnce(publication.gitDir)], ["resolve", "dial"]],
        [[cut, await servedOnce(publication.gitDir)], ["resolve", "dial", "dial"]],
        [[cut, cut], ["resolve", "dial", "dial", "sync"]],
      ] as const
    ) {
      await box.git(".", "init", "-q", "clone");
      client.calls.length = 0;
      client.live.push(...live);
      const { code, stdout, stderr } = await converse(
        client,
        `option depth 1\nlist\nfetch ${oid} refs/heads/main\n\n\n`,
        { gitDir: box.path("clone", ".git") },
      );
      assert.equal(code, 0);
      const why = "warning: can't fetch: .*127.0.0.1.*; trying another way\n";
      const failures = live.filter((source) => source === cut).length;
      assert.match(stderr, new RegExp(`^(?:${why}){${failures}}$`));
      assert.match(stdout, /refs\/heads\/main\n\n\n$/);
      assert.deepEqual(client.calls, calls);
      assert.equal(await box.git("clone", "cat-file", "-t", oid!), "commit");
      await Deno.remove(box.path("clone"), { recursive: true });
    }
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

Deno.test("session: push answers for each ref", () =>
  withPublication(async (box, publication, client) => {
    const tip = await box.commit("hello-work", "two.txt");
    const { code, stdout } = await converse(
      client,
      "list for-push\npush refs/heads/main:refs/heads/main\npush HEAD~1:refs/heads/old\n" +
        "push +:/Add two:refs/tags/two\npush nothing:refs/heads/x\npush HEAD:refs/notes/x\n" +
        "push HEAD^{tree}:refs/heads/tree\n\n\n",
      { gitDir: box.path("hello-work", ".git") },
    );
    assert.equal(code, 0);
    assert.equal(
      stdout.slice(stdout.indexOf("\n\n") + 2),
      "ok refs/heads/main\nok refs/heads/old\nok refs/tags/two\n" +
        "error refs/heads/x no such object: nothing\n" +
        "error refs/notes/x only branches and tags with valid names can be shared\n" +
        "error refs/heads/tree a branch can't name a tree\n\n",
    );
    const { refs } = await publication.state();
    assert.equal(refs["refs/heads/main"], tip);
    assert.equal(refs["refs/tags/two"], tip);
  }));

Deno.test("session: an atomic push with one bad ref asks for nothing", () =>
  withPublication(async (box, _publication, client) => {
    const { stdout } = await converse(
      client,
      "option atomic true\npush HEAD:refs/heads/a\npush HEAD:refs/notes/b\n\n\n",
      { gitDir: box.path("hello-work", ".git") },
    );
    assert.equal(
      stdout,
      "ok\nerror refs/heads/a atomic push failure\n" +
        "error refs/notes/b only branches and tags with valid names can be shared\n\n",
    );
    assert.ok(!client.calls.includes("push"));
  }));

Deno.test("session: someone else's address can be listed, not pushed to", () =>
  withPublication(async (box, publication, client) => {
    await publication.change({ own: false });
    const gitDir = box.path("hello-work", ".git");
    for (const input of ["list for-push\n\n", "push HEAD:refs/heads/x\n\n\n"]) {
      const { code, stdout, stderr } = await converse(client, input, { gitDir });
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^gtr: can't push to torrent:.*: only its publisher .*\nhint: .*\n$/);
    }
    assert.ok(!client.calls.includes("push"));
    assert.equal((await converse(client, "list\n\n")).code, 0);
  }));

Deno.test("session: that a clone gets something older is told once, however quiet git is", () =>
  withPublication(async (box, publication, client) => {
    await publication.change({ own: false, sequence: 2 });
    const older = {
      ...await client.sync(publication.address, { signal: AbortSignal.timeout(60_000) }),
      sequence: 1,
    };
    client.sync = () => Promise.resolve({ ...older, warning: "using 1" });
    const gitDir = box.path("empty");
    await box.git(".", "init", "-q", "--bare", gitDir);
    await box.git(gitDir, "config", "remote.origin.url", publication.address);
    for (const verbosity of [0, 1]) {
      const said = await converse(client, `option verbosity ${verbosity}\nlist\n\n`, { gitDir });
      assert.equal(said.stderr, "warning: using 1\n");
    }
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
    const { code } = await converse(client, "list\n\n", { url: "3f1c/hello" });
    assert.equal(code, 0);
  }));

/** An empty repository that a clone fills, and what gtd's `sync` is asked for meanwhile. */
async function cloning(box: Sandbox, publication: Publication, client: FolderClient) {
  await publication.change({ own: false, sequence: 7 });
  const gitDir = box.path("empty");
  await box.git(".", "init", "-q", "--bare", gitDir);
  await box.git(gitDir, "config", "remote.origin.url", publication.address);
  const asked: unknown[] = [];
  const sync = client.sync.bind(client);
  client.sync = (url, wait, choice?: object) => {
    asked.push(JSON.parse(JSON.stringify({ url, ...choice }))); // without what is undefined
    return sync(url, wait);
  };
  const oid = (await publication.state()).refs["refs/heads/main"]!;
  return { gitDir, asked, line: `fetch ${oid} refs/heads/main\n\n` };
}

Deno.test("session: a clone asks for what was resolved, or older; whoever asks again for the newest", () =>
  withPublication(async (box, publication, client) => {
    const { gitDir, asked, line } = await cloning(box, publication, client);
    const url = "torrent://3f1c/hello";
    const first = { url, sequence: 7, orOlder: true, ahead: true };
    const input = `option cloning true\nlist\n`;
    assert.equal((await converse(client, `${input}\n`, { gitDir })).code, 0);
    assert.deepEqual(asked.splice(0), [first]);
    // What came before the listing is what is fetched: it isn't asked for twice.
    assert.equal((await converse(client, `${input}${line}\n`, { gitDir })).code, 0);
    assert.deepEqual(asked.splice(0), [first]);
    await box.git(".", "init", "-q", "--bare", box.path("other"));
    await box.git(box.path("other"), "config", "remote.origin.url", publication.address);
    const twice = await converse(client, `${input}${line}${line}\n`, { gitDir: box.path("other") });
    assert.equal(twice.code, 0);
    assert.deepEqual(asked.splice(0), [first, { url }]);
  }));

Deno.test("session: a fetch wants what was resolved, nothing older, and newer where packs have gone", () =>
  withPublication(async (box, publication, client) => {
    const { gitDir, asked, line } = await cloning(box, publication, client);
    const { packs } = await publication.state();
    await publication.change({
      packs: packs.map((pack) => ({ ...pack, path: `${pack.path}.gone` })),
    });
    const { code, stderr } = await converse(client, `${line}\n`, { gitDir });
    assert.equal(code, 1);
    assert.match(stderr, /^gtr: /);
    const url = "torrent://3f1c/hello";
    assert.deepEqual(asked, [{ url, sequence: 7 }, { url }, { url }]);
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

Deno.test("session: what gtd warns of after a push is told, unless git is to be quiet", () =>
  withPublication(async (box, _publication, client) => {
    client.push = (order) =>
      Promise.resolve(
        order.updates.map(({ ref }) => ({ ref, ok: true, warnings: ["nobody has it yet"] })),
      );
    const gitDir = box.path("hello-work", ".git");
    const push = "push HEAD:refs/heads/x\n\n\n";
    assert.equal((await converse(client, push, { gitDir })).stderr, "warning: nobody has it yet\n");
    const quiet = await converse(client, `option verbosity 0\n${push}`, { gitDir });
    assert.deepEqual([quiet.stderr, quiet.stdout], ["", "ok\nok refs/heads/x\n\n"]);
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
