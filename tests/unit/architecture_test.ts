/**
 * The rules of docs/architecture.md that a compiler doesn't check.
 *
 * @module
 */
import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { circles } from "./circles.ts";

const ROOT = join(import.meta.dirname!, "..", "..");
const SOURCES = ["cmd", "lib", "scripts", "tests"];
const MAX_LINES = 500;

interface Source {
  /** Relative to the project's root, with `/`. */
  readonly path: string;
  readonly lines: number;
  /** Relative to the root where the module is ours, else as written. */
  readonly imports: readonly { readonly path: string; readonly written: string }[];
}

const IMPORT =
  /^\s*(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;

async function sources(folder: string): Promise<Source[]> {
  const found: Source[] = [];
  for await (const entry of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await sources(path));
    else if (entry.name.endsWith(".ts")) {
      found.push(parse(path, await Deno.readTextFile(join(ROOT, path))));
    }
  }
  return found;
}

function parse(path: string, text: string): Source {
  const code = text.replace(/^\s*(?:\*|\/\/|\/\*).*$/gm, ""); // examples in comments aren't imports
  const imports = [...code.matchAll(IMPORT)].map((match) => {
    const written = (match[1] ?? match[2] ?? match[3])!;
    const ours = written.startsWith(".");
    return { written, path: ours ? relative(ROOT, join(ROOT, dirname(path), written)) : written };
  });
  return { path, lines: text.split("\n").length - 1, imports };
}

const all = (await Promise.all(SOURCES.map(sources))).flat();

/** Fails with every import that `allowed` refuses, among the files under `folder`. */
function checkImports(
  folder: string,
  allowed: (imported: string, from: string) => boolean,
  why: string,
): void {
  const wrong = all.filter((source) => source.path.startsWith(folder)).flatMap((source) =>
    source.imports
      .filter(({ path, written }) => written.startsWith(".") && !allowed(path, source.path))
      .map(({ path }) => `${source.path} imports ${path}`)
  );
  assert.deepEqual(wrong, [], why);
}

/** The network that a path belongs to: "torrent" for lib/transports/torrent/dht/dht.ts. */
function network(path: string): string | undefined {
  const folder = /^lib\/transports\/([^/]+)\//.exec(path)?.[1];
  return folder === "shared" ? undefined : folder;
}

const within = (path: string, rooms: readonly string[]) =>
  rooms.some((room) => path.startsWith(`lib/${room}/`) || path === `lib/${room}`);

Deno.test("architecture: a network knows the contract and the pure rooms, no other network", () => {
  const rooms = [
    "transports/transport.ts",
    "transports/shared",
    "manifest",
    "identity",
    "common",
    "types",
    "udx",
    "hyperdht",
  ];
  checkImports(
    "lib/transports/",
    (imported, from) =>
      network(from) === undefined || within(imported, rooms) || network(imported) === network(from),
    `a transport room imports only ${rooms.join(", ")}`,
  );
});

Deno.test("architecture: what networks share knows none of them", () => {
  checkImports(
    "lib/transports/shared/",
    (imported) =>
      within(imported, [
        "transports/transport.ts",
        "transports/shared",
        "manifest",
        "identity",
        "common",
      ]),
    "what is shared is beside the contract",
  );
});

Deno.test("architecture: only transports/all.ts knows the networks", () => {
  checkImports(
    "lib/",
    (imported, from) =>
      network(imported) === undefined || network(from) === network(imported) ||
      from === "lib/transports/all.ts",
    "the rest of the program knows networks by the contract",
  );
});

for (const room of ["manifest", "identity"]) {
  Deno.test(`architecture: ${room} imports nothing from other rooms but common`, () => {
    checkImports(
      `lib/${room}/`,
      (imported) => within(imported, [room, "common", "types"]),
      `${room} stays pure`,
    );
  });
}

Deno.test("architecture: udx is fit to be a package of its own", () => {
  checkImports("lib/udx/", (imported) => within(imported, ["udx"]), "udx stands alone");
});

Deno.test("architecture: common imports nothing from other rooms", () => {
  checkImports(
    "lib/common/",
    (imported) => within(imported, ["common", "types"]) || imported === "deno.json",
    "common is a leaf",
  );
});

Deno.test("architecture: nothing imports cmd, and lib nothing outside lib", () => {
  checkImports("", (imported) => !imported.startsWith("cmd/"), "cmd/ only calls lib");
  checkImports(
    "lib/",
    (imported) => imported.startsWith("lib/") || imported === "deno.json",
    "lib stands alone",
  );
});

for (const room of ["cli", "remote_helper"]) {
  Deno.test(`architecture: ${room} reaches the engine through the daemon's client only`, () => {
    checkImports(`lib/${room}/`, (imported) => !within(imported, ["engine"]), "thin clients");
  });
}

/** Circles that are known, and to be mended: none is to be added. */
const CIRCLES: readonly (readonly string[])[] = [
  [
    "lib/engine/bitmaps.ts",
    "lib/engine/free_disk.ts",
    "lib/engine/parts.ts",
    "lib/engine/quota.ts",
    "lib/engine/seeder.ts",
  ],
  ["lib/engine/publish_shared.ts", "lib/engine/withdraw.ts"],
];

// Types count too: who imports the type of what imports him can't be read, or moved, without it.
Deno.test("architecture: no module imports itself by way of others", () => {
  const programs = all.filter(({ path }) => /^(?:cmd|lib)\//.test(path));
  const graph = new Map(programs.map(({ path, imports }) => [path, imports.map((i) => i.path)]));
  assert.deepEqual(circles(graph), CIRCLES);
});

Deno.test("architecture: a circle of imports is found, and two ways to one module are none", () => {
  const graph = {
    top: ["left", "right"],
    left: ["bottom"],
    right: ["bottom", "outside"],
    bottom: ["three"],
    one: ["two"],
    two: ["bottom", "three"],
    three: ["one"],
    own: ["top", "own"],
  };
  assert.deepEqual(circles(new Map(Object.entries(graph))), [
    ["bottom", "one", "three", "two"],
    ["own"],
  ]);
});

Deno.test("architecture: packages are imported by the names that deno.json pins", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const known = (written: string) =>
    written.startsWith(".") || written.startsWith("node:") ||
    Object.keys(imports).some((name) => written === name || written.startsWith(`${name}/`));
  const wrong = all.flatMap((source) =>
    source.imports.filter(({ written }) => !known(written)).map(({ written }) =>
      `${source.path} imports ${written}`
    )
  );
  assert.deepEqual(wrong, []);
});

Deno.test("architecture: every package in deno.json is used", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const written = new Set(all.flatMap((source) => source.imports.map((i) => i.written)));
  const used = (name: string) =>
    [...written].some((path) => path === name || path.startsWith(`${name}/`));
  assert.deepEqual(Object.keys(imports).filter((name) => !used(name)), []);
});

Deno.test(`architecture: no file is longer than ${MAX_LINES} lines`, () => {
  const long = all.filter((source) => source.lines > MAX_LINES);
  assert.deepEqual(long.map((source) => `${source.path}: ${source.lines}`), []);
});

Deno.test("architecture: files are named in snake_case", () => {
  const wrong = all.filter((source) =>
    !source.path.startsWith("cmd/") && !/^[a-z0-9_./]+$/.test(source.path)
  );
  assert.deepEqual(wrong.map((source) => source.path), []);
});

Deno.test("architecture: docs/dependencies.md says why each dependency is there", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const text = await Deno.readTextFile(join(ROOT, "docs", "dependencies.md"));
  const missing = Object.keys(imports).filter((name) => !text.includes(`\n- \`${name}\`, `));
  assert.deepEqual(missing, []);
});

// The packages between us and these ask for any newer release too: only the lock holds them.
Deno.test("architecture: deno.lock holds what has another license later", async () => {
  const { npm } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock")));
  const held = Object.keys(npm).filter((name) => /^lru-cache@/.test(name));
  assert.deepEqual(held, ["lru-cache@11.1.0"], "the last one that is known to be under ISC");
});
