import assert from "node:assert/strict";
import fc from "fast-check";
import { parseRequestPath } from "../../../../lib/transports/default/request_path.ts";

const ID = "0123456789abcdef0123456789abcdef01234567";
const KEY = "ab".repeat(32);
const SHA = "cd".repeat(32);

Deno.test("request path: what a repository has", () => {
  const of = (rest: string) => parseRequestPath(`/${ID}/hello${rest}`)?.resource;
  assert.deepEqual(of("/info/refs?service=git-upload-pack"), {
    kind: "refs",
    service: "git-upload-pack",
  });
  assert.deepEqual(of("/info/refs"), { kind: "refs", service: undefined });
  assert.deepEqual(of("/git-upload-pack"), { kind: "upload-pack" });
  assert.deepEqual(of("/git-receive-pack"), { kind: "receive-pack" });
  assert.deepEqual(of("/manifest"), { kind: "manifest" });
  assert.deepEqual(of(`/packs/${SHA}.pack`), { kind: "pack", sha256: SHA });
  assert.deepEqual(of("/bundles"), { kind: "bundles" });
  assert.deepEqual(of(`/bundles/${SHA}.bundle`), { kind: "bundle", sha256: SHA });
  assert.deepEqual(of(`/packs/${SHA}.torrent`), { kind: "torrent", sha256: SHA });
});

Deno.test("request path: publishers by id or key, names with and without .git", () => {
  for (const publisher of [ID, KEY]) {
    for (const end of ["", ".git"]) {
      const path = parseRequestPath(`/${publisher.toUpperCase()}/a.b-c_D${end}/manifest`);
      assert.deepEqual([path?.publisher, path?.name], [publisher, "a.b-c_D"]);
    }
  }
  assert.equal(parseRequestPath(`/${ID}/${"n".repeat(64)}.git/manifest`)?.name.length, 64);
});

Deno.test("request path: nothing else is there", () => {
  for (
    const target of [
      "",
      "*",
      "/",
      `/${ID}`,
      `/${ID}/hello`,
      `/${ID}/hello/`,
      `/${ID}/hello/HEAD`,
      `/${ID}/hello/objects/info/packs`,
      `/${ID}/hello/gtr/state.json`,
      `/${ID}/../hello/manifest`,
      `/${ID}/..%2fhello/manifest`,
      `/${ID}/%2e%2e/manifest`,
      `/${ID}/../manifest`,
      `/${ID}/.git/manifest`,
      `/${ID}/-x/manifest`,
      `/${ID}/x.lock/manifest`,
      `/${ID}/he\0llo/manifest`,
      `/${ID}/he%00llo/manifest`,
      `//${ID}/hello/manifest`,
      `/./${ID}/hello/manifest`,
      `/${ID}/hello/./manifest`,
      `/${ID}/hello/manifest/`,
      `/${ID}/hello/manifest?x`,
      `/${ID}/hello\\manifest`,
      `/${ID}/hello/packs/../manifest`,
      `/${ID}/hello/packs/${SHA}.idx`,
      `/${ID}/hello/packs/${SHA}.bundle`,
      `/${ID}/hello/bundles/${SHA}.pack`,
      `/${ID}/hello/bundles/`,
      `/${ID}/hello/packs/${SHA.slice(1)}.pack`,
      `/${ID.slice(1)}/hello/manifest`,
      `/${ID}/${"n".repeat(65)}/manifest`,
      `http://127.0.0.1/${ID}/hello/manifest`,
    ]
  ) assert.equal(parseRequestPath(target), undefined, JSON.stringify(target));
});

Deno.test("request path: never more than it looks like", () => {
  const parts = fc.constantFrom("/", ID, "..", "%2e", "\0", "hello", ".git", "manifest", "?", "\\");
  fc.assert(fc.property(fc.array(parts, { maxLength: 8 }), (words) => {
    const path = parseRequestPath(words.join(""));
    if (path) assert.match(path.name, /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/);
  }));
});
