/** Transcripts of clones and fetches of whole packs. */
import assert from "node:assert/strict";
import { GtrError } from "../../../lib/common/errors.ts";
import type { HelperClient } from "../../../lib/remote_helper/client.ts";
import { cloning, converse, withPublication } from "./conversation.ts";

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
    client.calls.length = 0;
    assert.equal((await converse(client, "list\n\n")).code, 0);
    assert.deepEqual(client.calls, ["resolve"], "ls-remote where there is no repository");
    await box.git(gitDir, "config", "remote.some.where.url", publication.address);
    assert.equal(await listing(), "resolve sync");
    assert.equal(await listing("option depth 1\nlist\n\n"), "resolve");
    const { packs } = await publication.state();
    const large = packs.map((pack) => ({ ...pack, size: 8 << 20 }));
    for (const change of [{ own: true }, { servers: [] }, { refs: {} }, { packs: large }]) {
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
    let why = "over-budget";
    const refusing: HelperClient["sync"] = (request, wait) => {
      choices.push(request.ahead);
      if (!request.ahead) return sync(request, wait);
      wait.progress?.(1, 2, "Checking objects");
      return Promise.reject(new GtrError(why, "it takes too much"));
    };
    Object.assign(client, { sync: refusing });
    const input = `option progress true\noption cloning true\nlist\n` +
      `fetch ${oid} refs/heads/main\n\n\n`;
    for (why of ["over-budget", "refused-pack"]) {
      const { code, stdout, stderr } = await converse(client, input, { gitDir });
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^ok\nok\n.*${oid} refs/heads/main\n`, "s"));
      assert.match(stderr, /^Checking objects: {2}50% \(1\/2\)\r\nReceiving packs: /);
      assert.deepEqual(choices.splice(0), [true, undefined]);
      assert.equal(await box.git(gitDir, "cat-file", "-t", oid), "commit");
      await Deno.remove(gitDir, { recursive: true });
      await box.git(".", "init", "-q", "--bare", gitDir);
      await box.git(gitDir, "config", "remote.some.where.url", publication.address);
    }
    why = "disk-full";
    const failed = await converse(client, input, { gitDir });
    assert.deepEqual([failed.code, failed.stdout], [1, "ok\nok\n"]);
    assert.match(failed.stderr, /^Checking objects: .*\r\ngtr: it takes too much\n$/);
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
    client.sync = async (request, wait) => {
      const state = await sync(request, wait);
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

Deno.test("session: that a clone gets something older is told once, however quiet git is", () =>
  withPublication(async (box, publication, client) => {
    await publication.change({ own: false, sequence: 2 });
    const older = {
      ...await client.sync({ url: publication.address }, { signal: AbortSignal.timeout(60_000) }),
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

Deno.test("session: the refs that a clone lists are those of what was fetched, older ones too", () =>
  withPublication(async (box, publication, client) => {
    const { gitDir, line } = await cloning(box, publication, client);
    const sync = client.sync.bind(client);
    client.sync = async (request, wait) => {
      const synced = await sync(request, wait);
      return {
        ...synced,
        sequence: 6,
        refs: { "refs/heads/old": synced.refs["refs/heads/main"]! },
      };
    };
    const { stdout } = await converse(client, `list\n${line}\n`, { gitDir });
    assert.match(stdout, /^\w{40} refs\/heads\/old\n\nlock .*\n\n$/);
  }));
