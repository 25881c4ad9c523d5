import assert from "node:assert/strict";
import { join } from "node:path";
import { contentsOf } from "../../../scripts/build/contents.ts";
import { minify } from "../../../scripts/build/minify.ts";
import { chooseNetworks, networkOf, treeNetworks } from "../../../scripts/build/networks.ts";
import { numberFiles } from "../../../scripts/build/number_files.ts";
import { optionsFrom } from "../../../scripts/build/options.ts";
import { PERMISSIONS, programs } from "../../../scripts/build/programs.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
const env = (values: Record<string, string>) => (name: string) => values[name];

Deno.test("build options: nothing given is nothing chosen, also where it is empty", () => {
  const nothing = { networks: undefined, kind: undefined, denort: undefined, multicall: false };
  assert.deepEqual(optionsFrom(env({})), nothing);
  assert.deepEqual(optionsFrom(env({ TRANSPORTS: "", KIND: "", DENORT_BIN: "" })), nothing);
});

Deno.test("build options: networks are separated by commas or spaces", () => {
  for (const TRANSPORTS of ["torrent,nostr", "torrent nostr", " torrent, nostr,"]) {
    assert.deepEqual(optionsFrom(env({ TRANSPORTS })).networks, ["torrent", "nostr"]);
  }
  assert.throws(() => optionsFrom(env({ TRANSPORTS: " , " })), /it names no network$/);
});

Deno.test("build options: there are two kinds", () => {
  assert.equal(optionsFrom(env({ KIND: "binaries" })).kind, "binaries");
  assert.throws(() => optionsFrom(env({ KIND: "static" })), {
    message: "can't build KIND=static: there are binaries and bundles",
  });
});

Deno.test("build options: one binary for all is for binaries", () => {
  assert.equal(optionsFrom(env({ MULTICALL: "1" })).multicall, true);
  assert.throws(() => optionsFrom(env({ MULTICALL: "yes" })), /it is 0 or 1$/);
  assert.throws(() => optionsFrom(env({ MULTICALL: "1", KIND: "bundles" })), /share their files/);
});

Deno.test("networks: the tree's are those of all.ts; a choice keeps their order", async () => {
  assert.ok((await treeNetworks(ROOT)).includes("torrent"));
  assert.deepEqual(await treeNetworks(join(ROOT, "no such folder")), []);
  assert.deepEqual(chooseNetworks(["nostr", "torrent"], ["torrent", "ssb", "nostr"]), [
    "torrent",
    "nostr",
  ]);
});

Deno.test("networks: an unknown name is told those there are", () => {
  assert.throws(() => chooseNetworks(["torrent", "tor"], ["torrent", "ssb"]), {
    message: "can't build TRANSPORTS=torrent,tor: no network tor (there are: torrent, ssb)",
  });
});

Deno.test("networks: a helper belongs to one, and other programs to all", () => {
  assert.equal(networkOf("git-remote-torrent"), "torrent");
  assert.equal(networkOf("git-remote-gtr"), undefined);
  assert.equal(networkOf("gtr"), undefined);
});

Deno.test("permissions: each is named, and git is the only program, but for gtr's service manager", async () => {
  assert.ok(!PERMISSIONS.some((option) => /^(-A|--allow-(all|ffi|run|sys|import))$/.test(option)));
  for (const { name, runs } of await programs(ROOT)) {
    assert.deepEqual(runs, name === "gtr" ? ["git", "systemctl"] : ["git"]);
  }
});

Deno.test("contents: what a program imports, lazily and through others, and nothing else", () => {
  const files = new Map([
    [
      "gtr.js",
      'import {\n  a\n} from "./chunk-A.js";\n// cmd/gtr.ts\nawait import("./lazy-L.js");\n',
    ],
    ["gtd.js", 'import "./chunk-A.js";\n// cmd/gtd.ts\n'],
    ["chunk-A.js", "// lib/a.ts\n// ../../cache/npm/registry.npmjs.org/@x/y/1.2.0/dist/y.js\n"],
    [
      "lazy-L.js",
      "// lib/l.ts\n// ../cache/npm/localhost/z/0.1.0-rc.1/z.mjs\n// words on a line.\n",
    ],
    ["unused-U.js", "// lib/unused.ts\n"],
  ]);
  assert.deepEqual(contentsOf(files, ["gtr", "gtd"]), {
    gtr: {
      files: ["chunk-A.js", "gtr.js", "lazy-L.js"],
      modules: ["cmd/gtr.ts", "lib/a.ts", "lib/l.ts"],
      packages: ["@x/y@1.2.0", "z@0.1.0-rc.1"],
    },
    gtd: {
      files: ["chunk-A.js", "gtd.js"],
      modules: ["cmd/gtd.ts", "lib/a.ts"],
      packages: ["@x/y@1.2.0"],
    },
  });
});

Deno.test("numbers: shared files are named by when they are reached, whatever their hashes", () => {
  const bundle = (a: string, b: string) =>
    new Map([
      [`chunk-${b}.js`, `import "./chunk-${a}.js";`],
      [`chunk-${a}.js`, 'const text = "./chunk-AAAAAAAA.js";'],
      ["gtr.js", `import{x}from"./chunk-${b}.js";await import("./lazy-LLLLLLLL.js")`],
      ["lazy-LLLLLLLL.js", `import {\n  y\n} from "./chunk-${a}.js";import "./not-ours.js"`],
      ["gtd.js", ""],
    ]);
  const numbered = numberFiles(bundle("AAAAAAAA", "BBBBBBBB"), ["gtd", "gtr"]);
  assert.deepEqual([...numbered], [
    ["gtd.js", ""],
    ["gtr.js", 'import{x}from"./chunk-2.js";await import("./lazy-3.js")'],
    ["chunk-2.js", 'import "./chunk-4.js";'],
    ["lazy-3.js", 'import {\n  y\n} from "./chunk-4.js";import "./not-ours.js"'],
    ["chunk-4.js", 'const text = "./chunk-AAAAAAAA.js";'],
  ]);
  const other = numberFiles(bundle("AAAAAAAA", "ZZZZZZZZ"), ["gtd", "gtr"]);
  assert.deepEqual(other, numbered);
});

Deno.test("minify: white space and comments go, names and disposal stay", async () => {
  const code = `// a comment
export function hold(lock) {
  using heldForNow = lock();
  if (!heldForNow.name) return;
  return new Error("held").stack;
}
`;
  const small = (await minify(new Map([["a.js", code]]))).get("a.js")!;
  assert.ok(small.length < code.length, small);
  assert.doesNotMatch(small, /comment/);
  assert.match(small, /using heldForNow=lock\(\)/);
  assert.match(small, /function hold\(/);
});
