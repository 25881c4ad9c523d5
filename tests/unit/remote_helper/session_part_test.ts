/** Transcripts of fetches that git negotiates. */
import assert from "node:assert/strict";
import { GtrError } from "../../../lib/common/errors.ts";
import { cloning, converse, servedOnce, withPublication } from "./conversation.ts";

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

Deno.test("session: of a part, gtd is asked for what was resolved, and its warning told", () =>
  withPublication(async (box, publication, client) => {
    const { gitDir, line } = await cloning(box, publication, client);
    const dialled: object[] = [];
    const dial = client.dial.bind(client);
    client.dial = async (asked, wait) => {
      dialled.push(asked);
      return { ...await dial(asked, wait), warning: "the peer is slow" };
    };
    client.live.push(publication.gitDir);
    const part = await converse(client, `option depth 1\n${line}\n`, { gitDir });
    assert.deepEqual([part.code, part.stderr], [0, "warning: the peer is slow\n"]);
    assert.deepEqual(dialled, [{ url: "torrent://3f1c/hello", sequence: 7 }]);
    client.dial = () => Promise.reject(new GtrError("disk-full", "can't dial"));
    const failed = await converse(client, `option depth 1\n${line}\n`, { gitDir });
    assert.deepEqual([failed.code, failed.stderr], [1, "gtr: can't dial\n"]);
  }));

Deno.test("session: that a stream broke is not told if git is to be quiet", () =>
  withPublication(async (box, publication, client) => {
    const { gitDir, line } = await cloning(box, publication, client);
    client.live.push("git://127.0.0.1:1/x");
    const input = `option verbosity 0\noption depth 1\n${line}\n`;
    const { code, stderr } = await converse(client, input, { gitDir });
    assert.deepEqual([code, stderr], [0, ""]);
  }));

Deno.test("session: a fetch of a shallow clone is negotiated, and one of a whole one is not", () =>
  withPublication(async (box, publication, client) => {
    await box.commit("hello-work", "two.txt");
    await box.publish(publication);
    const { gitDir, line } = await cloning(box, publication, client);
    await converse(client, `option depth 1\n${line}\n`, { gitDir });
    client.calls.length = 0;
    assert.equal((await converse(client, `${line}\n`, { gitDir })).code, 0);
    assert.deepEqual(client.calls, ["resolve", "dial", "sync"]);
    await box.git(".", "init", "-q", "--bare", box.path("whole"));
    client.calls.length = 0;
    assert.equal((await converse(client, `${line}\n`, { gitDir: box.path("whole") })).code, 0);
    assert.deepEqual(client.calls, ["resolve", "sync"]);
  }));

Deno.test("session: with tags of other branches git chooses from the store, and dials nobody", () =>
  withPublication(async (box, publication, client) => {
    await box.git("hello-work", "checkout", "-q", "-b", "topic");
    await box.commit("hello-work", "two.txt");
    await box.git("hello-work", "tag", "v2");
    await box.publish(publication);
    const { gitDir, line } = await cloning(box, publication, client);
    client.calls.length = 0;
    const { code, stdout } = await converse(client, `option cloning true\n${line}\n`, { gitDir });
    assert.equal(code, 0);
    assert.match(stdout, /^ok\nlock .*\.keep\n\n$/);
    assert.deepEqual(client.calls, ["resolve", "sync"]);
    const count = await box.git(
      gitDir,
      "rev-list",
      "--all",
      "--objects",
      "--count",
      line.split(" ")[1]!,
    );
    assert.equal(count, "3");
  }));

Deno.test("session: progress of a part is shown where git wants it, and its line ended", () =>
  withPublication(async (box, publication, client) => {
    for (
      const options of ["option progress true\n", "", "option progress true\noption verbosity 0\n"]
    ) {
      const { gitDir, line } = await cloning(box, publication, client);
      const { stderr } = await converse(client, `option depth 1\n${options}${line}\n`, { gitDir });
      if (options === "option progress true\n") assert.match(stderr, /objects: .*, done\.\n$/);
      else assert.equal(stderr, "");
      await Deno.remove(gitDir, { recursive: true });
    }
  }));
