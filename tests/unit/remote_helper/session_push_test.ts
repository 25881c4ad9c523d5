/** Transcripts of pushes. */
import assert from "node:assert/strict";
import { GtrError } from "../../../lib/common/errors.ts";
import type { Wait } from "../../../lib/common/wait.ts";
import { converse, withPublication } from "./conversation.ts";

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

Deno.test("session: a name of one's own that nobody has published can be pushed to, not fetched", () =>
  withPublication(async (box, _publication, client) => {
    client.resolve = () =>
      Promise.reject(new GtrError("not-published", "nothing is published yet"));
    const orders: unknown[] = [];
    client.push = (order) => {
      orders.push(order);
      return Promise.resolve(order.updates.map(({ ref }) => ({ ref, ok: true })));
    };
    const gitDir = box.path("hello-work", ".git");
    const push = "push refs/heads/main:refs/heads/main\n\n";
    const pushed = await converse(client, `list for-push\n${push}\n`, { gitDir });
    assert.deepEqual([pushed.code, pushed.stdout], [0, "\nok refs/heads/main\n\n"]);
    assert.equal(orders.length, 1);
    const listed = await converse(client, "list\n\n", { gitDir });
    assert.deepEqual([listed.code, listed.stdout], [1, ""]);
    client.resolve = () => Promise.reject(new GtrError("nobody-answered", "nobody knows it"));
    const unknown = await converse(client, "list for-push\n\n", { gitDir });
    assert.deepEqual([unknown.code, unknown.stderr], [1, "gtr: nobody knows it\n"]);
  }));

Deno.test("session: what a push shows of its progress ends before warnings are told", () =>
  withPublication(async (box, _publication, client) => {
    client.push = (order, wait: Wait) => {
      wait.progress?.(1, 1, "Publishing");
      return Promise.resolve(
        order.updates.map(({ ref }) => ({ ref, ok: true, warnings: ["nobody has it yet"] })),
      );
    };
    const { stderr } = await converse(
      client,
      "option progress true\npush HEAD:refs/heads/x\n\n\n",
      { gitDir: box.path("hello-work", ".git") },
    );
    assert.match(stderr, /^Publishing: .*\rPublishing: .*, done\.\nwarning: nobody has it yet\n$/);
  }));
