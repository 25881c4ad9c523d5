import assert from "node:assert/strict";
import { HelperOptions } from "../../../lib/remote_helper/options.ts";

function answers(...lines: string[]): { options: HelperOptions; answers: string[] } {
  const options = new HelperOptions();
  return { options, answers: lines.map((line) => options.set(line)) };
}

Deno.test("option: what git defines and the helper honours is taken", () => {
  const { options, answers: got } = answers(
    ...["verbosity 2", "progress true", "cloning true", "check-connectivity true"],
    ...["followtags true", "dry-run true", "atomic true", "force true", "refetch true"],
  );
  assert.deepEqual(new Set(got), new Set(["ok"]));
  assert.deepEqual(
    [options.verbosity, options.progress, options.cloning, options.checkConnectivity],
    [2, true, true, true],
  );
  assert.deepEqual(
    [options.dryRun, options.atomic, options.force, options.refetch, options.followTags],
    [true, true, true, true, true],
  );
  for (
    const name of [
      ...["progress", "cloning", "check-connectivity", "followtags", "dry-run", "atomic", "force"],
      ...["refetch", "deepen-relative", "force-if-includes"],
    ]
  ) {
    assert.equal(options.set(`${name} false`), "ok", name);
    assert.match(options.set(`${name} maybe`), /^error /, name);
    assert.match(options.set(`${name} `), /^error /, name);
  }
  assert.deepEqual(
    [options.progress, options.cloning, options.checkConnectivity, options.followTags],
    [false, false, false, false],
  );
  assert.deepEqual(
    [options.dryRun, options.atomic, options.force, options.refetch],
    [false, false, false, false],
  );
});

Deno.test("option: what git sees to itself, or what asks for nothing here, is no error", () => {
  const { options, answers: got } = answers(
    ...["force-if-includes true", "pushcert if-asked", "pushcert false", "filter auto"],
  );
  assert.deepEqual(got, ["ok", "ok", "ok", "ok"]);
  assert.equal(options.narrows, false);
  assert.deepEqual(answers("pushcert true").answers, ["unsupported"]); // it would not be signed
});

Deno.test("option: object-format comes with a value from new git, without one from 2.39", () => {
  for (const line of ["object-format", "object-format true", "object-format sha256"]) {
    const { options, answers: got } = answers(line);
    assert.deepEqual(got, ["ok"], line);
    assert.equal(options.objectFormat, true, line);
  }
  const none = answers("object-format true", "object-format false");
  assert.deepEqual([none.answers, none.options.objectFormat], [["ok", "ok"], false]);
  assert.match(answers("object-format md5").answers[0]!, /^error /);
  assert.match(answers("object-format xsha1").answers[0]!, /^error /);
});

Deno.test("option: depth and filter narrow the fetch", () => {
  const { options, answers: got } = answers(
    ...["depth 3", "deepen-since 2024-01-01", "deepen-not v1", "deepen-not v2"],
    ...['filter "blob:none"', "deepen-relative true", "from-promisor 1"],
  );
  assert.deepEqual(new Set(got), new Set(["ok"]));
  assert.deepEqual(options.part, {
    depth: 3,
    relative: true,
    since: "2024-01-01",
    not: ["v1", "v2"],
    filter: "blob:none",
    promisor: true,
  });
  for (
    const option of ["depth 3", "deepen-since 1", "deepen-not v1", "filter x", "from-promisor 1"]
  ) {
    assert.equal(answers(option).options.narrows, true, option);
  }
  for (const option of ["deepen-relative true", "followtags true", "cloning true"]) {
    assert.equal(answers(option).options.narrows, false, option);
  }
});

Deno.test("option: depth 0 and deepen-relative false take it back", () => {
  const { options } = answers(
    ...["depth 3", "deepen-relative true", "depth 0", "deepen-relative false"],
  );
  assert.equal(options.narrows, false);
  assert.equal(options.part.relative, false);
  assert.equal(answers("deepen-relative true").options.part.relative, false, "relative to nothing");
});

Deno.test("option: a lease names the object that must be there, zeros that none must be", () => {
  const oid = "5".repeat(40);
  const { options } = answers(
    `cas refs/heads/main:${oid}`,
    `cas refs/heads/new:${"0".repeat(40)}`,
    `cas "refs/heads/\\303\\244:${oid}"`,
  );
  assert.deepEqual([...options.leases], [
    ["refs/heads/main", oid],
    ["refs/heads/new", null],
    ["refs/heads/ä", oid],
  ]);
});

Deno.test("option: bad values are errors, unknown names unsupported", () => {
  for (
    const line of [
      "depth -1",
      "depth x",
      "verbosity -1",
      "progress maybe",
      "cas main",
      "depth 12345678901",
      "verbosity 1x",
    ]
  ) {
    assert.match(answers(line).answers[0]!, /^error /, line);
  }
  const { options } = answers("depth 2147483647", "verbosity 0"); // git's "infinite" depth
  assert.deepEqual([options.part.depth, options.verbosity], [2147483647, 0]);
  for (const oid of ["5".repeat(39), "5".repeat(41), "g".repeat(40)]) {
    assert.match(answers(`cas refs/heads/main:${oid}`).answers[0]!, /^error /, oid);
  }
  for (const line of ["servpath x", "pushcert true", "push-option x", "family ipv4", "nonsense"]) {
    assert.equal(answers(line).answers[0], "unsupported", line);
  }
});

Deno.test("option: a clone with a depth deepens nothing, a fetch does", () => {
  for (const part of ["depth 1", "deepen-since 2020-01-01", "deepen-not main"]) {
    assert.equal(answers(part).options.deepens, true, part);
    assert.equal(answers("cloning true", part).options.deepens, false, part);
    assert.equal(answers(part).options.narrows, true, part);
  }
  for (const part of ["filter blob:none", "from-promisor 1"]) {
    const { options } = answers(part);
    assert.deepEqual([options.narrows, options.deepens], [true, false], part);
  }
  assert.equal(answers("cloning false").options.deepens, false);
});
