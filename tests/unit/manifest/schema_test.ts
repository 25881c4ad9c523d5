import assert from "node:assert/strict";
import { validateManifest } from "../../../lib/manifest/manifest.ts";
import { manifestFault } from "../../../lib/manifest/schema.ts";
import { hex, manifest, pack } from "./fixture.ts";

const oid = hex(40, "main");

Deno.test("validateManifest returns the very value, with fields it does not know", () => {
  const value = manifest({ later: { constructor: 1 } });
  assert.equal(validateManifest(value), value);
});

Deno.test("what may be left out or empty", () => {
  for (
    const changes of [
      { refs: {}, packs: [], endpoints: {} },
      { description: undefined },
      { refs: { "refs/heads/other": oid } },
      { created: 0 },
      { root: hex(40, "root") },
      { peeled: { "refs/tags/v1.0": oid } },
      { packs: [pack("a", { tips: [] }), pack("b")] },
      { packs: [pack("a", { size: 2 ** 52 }), pack("b", { size: 2 ** 52 - 1 })] },
      { packs: [], flow: "announce" },
      { endpoints: { [`a${"b".repeat(31)}`]: [] } },
      { packs: [pack("one", { later: 1 } as Record<string, unknown>)] },
      {
        objectFormat: "sha256",
        refs: { "refs/heads/main": hex(64, "main") },
        packs: [pack("one", { tips: [hex(64, "main")] })],
      },
    ]
  ) assert.equal(manifestFault(manifest(changes)), undefined);
});

Deno.test("every fault is named", () => {
  const cases: [Record<string, unknown>, string | RegExp][] = [
    [{ version: 2 }, "version: not a version that this gtr knows (1)"],
    [{ version: undefined }, /^version: /],
    [{ publisher: "ab" }, "publisher: not 64 hex digits"],
    [{ publisher: hex(64, "x").toUpperCase() }, "publisher: not 64 hex digits"],
    [{ name: "../x" }, /^name: only letters/],
    [{ name: ".git" }, "name: it starts with '.'"],
    [{ name: "x.lock" }, "name: it ends with '.lock'"],
    [{ name: 5 }, "name: not a text"],
    [{ sequence: 0 }, "sequence: less than 1"],
    [{ sequence: 1.5 }, "sequence: not a whole number"],
    [{ sequence: 2 ** 53 }, "sequence: not a whole number"],
    [{ sequence: "1" }, "sequence: not a number"],
    [{ created: -1 }, "created: less than 0"],
    [{ description: "x".repeat(5000) }, "description: too long"],
    [{ flow: 1 }, "flow: not a text"],
    [{ flow: "announce" }, "packs: listed, but only announced"],
    [{ description: null }, "description: not a text"],
    [{ objectFormat: "md5" }, "objectFormat: neither sha1 nor sha256"],
    [{ head: "HEAD" }, 'head: "HEAD" is not a valid branch name'],
    [{ head: "refs/tags/v1" }, /^head: /],
    [{ head: "refs/heads/\x1b[2J" }, 'head: "refs/heads/\\u001b[2J" is not a valid branch name'],
    [{ refs: [] }, "refs: not an object"],
    [{ refs: null }, "refs: not an object"],
    [{ refs: { "refs/heads/../x": oid } }, 'refs: "refs/heads/../x" is not a valid ref name'],
    [{ refs: { constructor: oid } }, 'refs: "constructor" is not a valid ref name'],
    [{ refs: JSON.parse(`{"__proto__":"${oid}"}`) }, 'refs: "__proto__" is not a valid ref name'],
    [{ refs: { "refs/heads/a": "zz" } }, 'refs: "refs/heads/a" has no sha1 object id'],
    [{ refs: { "refs/heads/a": "0".repeat(40) } }, 'refs: "refs/heads/a" has no sha1 object id'],
    [{ refs: { "refs/heads/a": hex(64, "a") } }, 'refs: "refs/heads/a" has no sha1 object id'],
    [{ refs: { "refs/heads/a": oid, "refs/heads/a/b": oid } }, /"refs\/heads\/a\/b" can't exist/],
    [{ peeled: [] }, "peeled: not an object"],
    [{ peeled: { "refs/tags/v1.0": "x" } }, /^peeled: "refs\/tags\/v1\.0" is not a tag with/],
    [{ peeled: { "refs/tags/v1.0": hex(64, "x") } }, /^peeled: /],
    [{ peeled: { "refs/tags/v2": oid } }, 'peeled: "refs/tags/v2" is not a tag with an object id'],
    [{ peeled: { "refs/heads/main": oid } }, /^peeled: "refs\/heads\/main" is not a tag/],
    [{ head: `refs/heads/${"\u0001".repeat(90)}` }, /^head: "refs\/heads\/(\\u0001){69}\.\.\." is/],
    [{ root: 5 }, "root: not a text"],
    [{ root: "0".repeat(40) }, "root: no sha1 object id"],
    [{ root: hex(64, "root") }, "root: no sha1 object id"],
    [{ packs: {} }, "packs: not a list"],
    [{ packs: [5] }, /^packs\.0: /],
    [{ packs: Array.from({ length: 1001 }, (_, i) => pack(String(i))) }, "packs: more than 1000"],
    [{ packs: [pack("a"), pack("a")] }, "packs.1: listed twice"],
    [{ packs: [pack("a", { sha256: "x" })] }, "packs.0.sha256: not 64 hex digits"],
    [{ packs: [pack("a", { infohash: "x" })] }, "packs.0.infohash: not 40 hex digits"],
    [{ packs: [pack("a", { size: 0 })] }, "packs.0.size: less than 1"],
    [{ packs: [pack("a", { size: 1e300 })] }, "packs.0.size: not a whole number"],
    [{ packs: [pack("a", { objects: 0 })] }, "packs.0.objects: less than 1"],
    [{ packs: [pack("a", { tips: [] })] }, "packs.0.tips: empty"],
    [{ packs: [pack("a"), pack("b", { tips: [] })] }, "packs.1.tips: empty"],
    [
      { packs: [pack("a", { size: 2 ** 52 }), pack("b", { size: 2 ** 52 })] },
      "packs: more bytes than can be counted",
    ],
    [{ endpoints: { [`a${"b".repeat(32)}`]: [] } }, /^endpoints: "ab{32}" is /],
    [{ endpoints: { torrent: [5] } }, /^endpoints\.torrent: /],
    [{ packs: [pack("a", { tips: [hex(64, "x")] })] }, "packs.0.tips: not all are sha1 ids"],
    [{ endpoints: { "Bad Scheme": [] } }, 'endpoints: "Bad Scheme" is not a scheme'],
    [{ endpoints: { torrent: "x" } }, "endpoints.torrent: not a short list of short texts"],
    [{ endpoints: { torrent: ["x".repeat(2000)] } }, /^endpoints\.torrent: /],
    [{ endpoints: { torrent: Array(33).fill("x") } }, /^endpoints\.torrent: /],
  ];
  for (const [changes, fault] of cases) {
    const found = manifestFault(manifest(changes)) ?? "none";
    if (typeof fault === "string") assert.equal(found, fault);
    else assert.match(found, fault);
  }
});

Deno.test("a missing field is named, whichever it is", () => {
  for (const field of Object.keys(manifest()).filter((name) => name !== "description")) {
    const { [field]: _gone, ...rest } = manifest();
    assert.match(manifestFault(rest) ?? "none", new RegExp(`^${field}: `));
  }
});

Deno.test("faults are short and harmless to a terminal, whatever the value", () => {
  const nasty = "\x1b[2J\x9b\x7f".repeat(10_000);
  for (const field of Object.keys(manifest())) {
    for (const value of [nasty, [nasty], { [nasty]: nasty }]) {
      const fault = manifestFault(manifest({ [field]: value }));
      assert.ok(fault && fault.length < 700, field);
      // deno-lint-ignore no-control-regex -- they are what must not be there
      assert.doesNotMatch(fault, /[\x00-\x1f\x7f-\x9f]/, field);
    }
  }
});

Deno.test("values that are no objects are no manifests", () => {
  for (const value of [undefined, null, 1, "x", [], new Map(), () => 1]) {
    assert.throws(() => validateManifest(value), { code: "bad-manifest" });
  }
});

Deno.test("the longest and the most that are taken, and no more", () => {
  const refs = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`refs/heads/b${i}`, oid]));
  const tips = (count: number) => [pack("a", { tips: Array(count).fill(oid) })];
  const packs = (count: number) => Array.from({ length: count }, (_, i) => pack(String(i)));
  const networks = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, []]));
  const bounds: [number, (count: number) => Record<string, unknown>][] = [
    [50_000, (n) => ({ refs: refs(n) })],
    [50_000, (n) => ({ packs: tips(n) })],
    [1_000, (n) => ({ packs: packs(n) })],
    [4_096, (n) => ({ description: "x".repeat(n) })],
    [32, (n) => ({ flow: "x".repeat(n) })],
    [32, (n) => ({ endpoints: networks(n) })],
    [32, (n) => ({ endpoints: { torrent: Array(n).fill("x") } })],
    [1_024, (n) => ({ endpoints: { torrent: ["x".repeat(n)] } })],
  ];
  for (const [most, changes] of bounds) {
    assert.equal(manifestFault(manifest(changes(most))), undefined, String(changes));
    assert.ok(manifestFault(manifest(changes(most + 1))), String(changes));
  }
});
