/** Real git asking for less than everything: it is served by upload-pack. */
import assert from "node:assert/strict";
import type { Publication } from "./publication.ts";
import { Sandbox } from "./sandbox.ts";

async function threeCommits(box: Sandbox): Promise<Publication> {
  const publication = await box.published("hello");
  for (const file of ["two.txt", "three.txt"]) {
    await box.commit("hello-work", file);
    await box.publish(publication);
  }
  return publication;
}

const commits = (box: Sandbox, folder: string) => box.git(folder, "rev-list", "--count", "HEAD");

Deno.test("git clone --depth: shallow; it is deepened, kept up to date and completed", async () => {
  await using box = await Sandbox.open();
  const publication = await threeCommits(box);
  for (const version of ["2", "0"]) {
    const copy = `copy-${version}`;
    const { code, stderr } = await box.run(
      ".",
      ...["-c", `protocol.version=${version}`, "clone", "-q", "--depth", "1"],
      ...[publication.address, copy],
    );
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(await commits(box, copy), "1");
    await box.git(copy, "fetch", "-q", "--deepen", "1");
    assert.equal(await commits(box, copy), "2");

    const tip = await box.commit("hello-work", `four-${version}.txt`);
    await box.publish(publication);
    await box.git(copy, "pull", "-q");
    assert.equal(await box.git(copy, "rev-parse", "HEAD"), tip);
    assert.equal(await commits(box, copy), "3");
    await box.git(copy, "fsck");

    await box.git(copy, "fetch", "-q", "--unshallow");
    assert.equal(await commits(box, copy), await commits(box, "hello-work"));
    await box.git(copy, "fsck");
  }
});

Deno.test("git fetch --unshallow: the tags of what came come, unless none are wanted", async () => {
  await using box = await Sandbox.open();
  const publication = await threeCommits(box);
  await box.git("hello-work", "tag", "v1", "HEAD~1");
  await box.git("hello-work", "tag", "-a", "-m", "First", "v0", "HEAD~2");
  await box.publish(publication);
  for (const options of [[], ["--no-tags"]]) {
    const copy = `copy${options.join("")}`;
    await box.git(".", "clone", "-q", "--depth", "1", ...options, publication.address, copy);
    await box.git(copy, "fetch", "-q", "--unshallow");
    assert.equal(await box.git(copy, "tag"), options.length === 0 ? "v0\nv1" : "");
  }
});

Deno.test("git clone --shallow-since, --shallow-exclude", async () => {
  await using box = await Sandbox.open();
  const publication = await threeCommits(box);
  await box.git("hello-work", "tag", "v1", "HEAD~1");
  await box.publish(publication);
  await box.git(".", "clone", "-q", "--shallow-exclude=v1", publication.address, "copy");
  assert.equal(await commits(box, "copy"), "1");
  await box.git(".", "clone", "-q", "--shallow-since=2000-01-01", publication.address, "since");
  assert.equal(await commits(box, "since"), "3");
});

Deno.test("git clone --filter: partial; what is missing comes when it is needed", async () => {
  await using box = await Sandbox.open();
  const publication = await threeCommits(box);
  const { code, stderr } = await box.run(
    ".",
    ...["clone", "-q", "--filter=blob:none", "--no-checkout", publication.address, "copy"],
  );
  assert.deepEqual([code, stderr], [0, ""]);
  const missing = () => box.git("copy", "rev-list", "--objects", "--missing=print", "HEAD");
  assert.equal((await missing()).match(/^\?/gm)?.length, 3);
  await box.git("copy", "cat-file", "-p", "HEAD:one.txt");
  assert.equal((await missing()).match(/^\?/gm)?.length, 2);

  const tip = await box.commit("hello-work", "four.txt");
  await box.publish(publication);
  await box.git("copy", "fetch", "-q");
  assert.equal(await box.git("copy", "rev-parse", "origin/main"), tip);
  await box.git("copy", "checkout", "-q", "origin/main");
  assert.ok((await Deno.stat(box.path("copy/four.txt"))).isFile);
});
