/**
 * isomorphic-git, an independent implementation of git, as a client of the https server.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import git from "isomorphic-git";
import http from "isomorphic-git/http/node";
import { Node } from "../e2e/node.ts";

Deno.test("isomorphic-git clones, shallow too, fetches what is new, and can't push", async () => {
  // Without encryption: it takes no certificate but those of usual authorities.
  await using alice = await Node.make("none", {
    GTR_DEFAULT_LISTEN: "127.0.0.1:0",
    GTR_DEFAULT_TLS: "off",
  });
  await alice.share("hello");
  for (const n of [1, 2, 3]) await alice.commit("hello", `file-${n}`, `${n}\n`.repeat(1000));
  await alice.gtrIn(alice.path("hello"), "share", "main");
  const { id } = JSON.parse(await alice.gtr("id", "--json"));
  const { listen } = (await alice.status()).transports.default;
  const url = `http://${listen}/${id}/hello.git`;
  const tip = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");

  const dir = alice.path("clone");
  await git.clone({ fs, http, dir, url });
  assert.equal(await git.resolveRef({ fs, dir, ref: "HEAD" }), tip);
  assert.equal((await git.log({ fs, dir })).length, 4);
  assert.equal(await Deno.readTextFile(`${dir}/file-3`), "3\n".repeat(1000));
  await alice.gitIn(dir, "fsck", "--strict");

  const shallow = alice.path("shallow");
  await git.clone({ fs, http, dir: shallow, url, depth: 1, singleBranch: true });
  assert.equal((await git.log({ fs, dir: shallow })).length, 1);

  const next = await alice.commit("hello", "more", "more\n");
  await alice.gtrIn(alice.path("hello"), "share", "main");
  const { fetchHead } = await git.fetch({ fs, http, dir, url });
  assert.equal(fetchHead, next);

  const refs = await git.listServerRefs({ http, url, protocolVersion: 2, prefix: "refs/heads/" });
  assert.deepEqual(refs.map(({ ref, oid }) => [ref, oid]), [["refs/heads/main", next]]);
  await assert.rejects(git.push({ fs, http, dir, url, ref: "main" }), /403/);
});
