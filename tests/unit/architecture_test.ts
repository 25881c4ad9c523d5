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

/** What `deno.json` in a folder says. */
async function config(folder: string) {
  return JSON.parse(await Deno.readTextFile(join(ROOT, folder, "deno.json")));
}

/** A package in this tree. */
interface Member {
  readonly folder: string;
  readonly name: string;
  /** What those get who import it, relative to the root. */
  readonly entry: string;
  readonly imports: Readonly<Record<string, string>>;
}

const members: readonly Member[] = await Promise.all(
  (await config(".")).workspace.map(async (folder: string) => {
    const { name, exports, imports = {} } = await config(folder);
    return { folder, name, entry: join(folder, exports), imports };
  }),
);

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
    if (written.startsWith(".")) {
      return { written, path: relative(ROOT, join(ROOT, dirname(path), written)) };
    }
    return { written, path: members.find(({ name }) => name === written)?.entry ?? written };
  });
  return { path, lines: text.split("\n").length - 1, imports };
}

const all = (await Promise.all(SOURCES.map(sources))).flat();

/** Whether a test is of what is within the package: tests/unit mirrors lib, and there is the fuzzing. */
function isTestOf({ folder }: Member, path: string): boolean {
  const room = folder.replace(/^lib\//, "");
  return path.startsWith(`tests/unit/${room}/`) || path === `tests/fuzz/targets/${room}.ts`;
}

/** Fails with every import that `allowed` refuses, among the files under `folder`. */
function checkImports(
  folder: string,
  allowed: (imported: string, from: string) => boolean,
  why: string,
): void {
  const wrong = all.filter((source) => source.path.startsWith(folder)).flatMap((source) =>
    source.imports
      .filter(({ path, written }) => path !== written && !allowed(path, source.path))
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
    "ports",
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

Deno.test("architecture: networks verify manifests by the engine's openManifest only", async () => {
  // Signatures of other things: items of BEP 44, and the statement that a Nostr key is the publisher's.
  const others = ["torrent/dht/items.ts", "torrent/dht/node.ts", "nostr/repositories/binding.ts"]
    .map((path) => `lib/transports/${path}`);
  for (const { path } of all.filter(({ path }) => path.startsWith("lib/transports/"))) {
    const text = await Deno.readTextFile(join(ROOT, path));
    assert.doesNotMatch(text, /\bverifyManifest\b/, path);
    if (!others.includes(path)) assert.doesNotMatch(text, /\bverifySignature\b/, path);
  }
});

Deno.test("architecture: what networks share knows none of them", () => {
  checkImports(
    "lib/transports/shared/",
    (imported) =>
      within(imported, [
        "ports",
        "transports/shared",
        "manifest",
        "identity",
        "common",
      ]),
    "what is shared is beside the contract",
  );
});

Deno.test("architecture: a port knows no other port; network.ts lists them", () => {
  checkImports(
    "lib/ports/",
    (imported, from) =>
      within(imported, ["manifest", "identity", "common"]) || from === "lib/ports/network.ts",
    "ports are small, and a network offers those that it has",
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

for (const member of members) {
  const { folder, name, imports } = member;
  const inside = (path: string) => path.startsWith(`${folder}/`);

  Deno.test(`architecture: ${name} is a package that needs nothing else of gtr`, async () => {
    checkImports(`${folder}/`, inside, `${name} stands alone`);
    const packages = all.filter(({ path }) => inside(path)).flatMap((source) =>
      source.imports.map(({ written }) => written).filter((written) =>
        !/^(?:\.|node:)/.test(written)
      )
    );
    assert.deepEqual([...new Set(packages)], Object.keys(imports));
    for (const file of ["LICENSE", "README.md"]) await Deno.stat(join(ROOT, folder, file));
  });

  Deno.test(`architecture: ${name} is imported by its name only`, () => {
    const others = all.filter(({ path }) => !inside(path) && !isTestOf(member, path));
    const wrong = others.flatMap((source) =>
      source.imports.filter((i) => inside(i.path) && i.written !== name).map(({ path }) =>
        `${source.path} imports ${path}`
      )
    );
    assert.deepEqual(wrong, []);
  });

  Deno.test(`architecture: ${name} and gtr import the same release of a package`, async () => {
    const { imports: ours } = await config(".");
    const both = Object.keys(imports).filter((name) => name in ours);
    assert.deepEqual(both.map((name) => imports[name]), both.map((name) => ours[name]));
  });
}

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

// Types count too: who imports the type of what imports him can't be read, or moved, without it.
Deno.test("architecture: no module imports itself by way of others", () => {
  const programs = all.filter(({ path }) => /^(?:cmd|lib)\//.test(path));
  const graph = new Map(programs.map(({ path, imports }) => [path, imports.map((i) => i.path)]));
  assert.deepEqual(circles(graph), []);
});

Deno.test("architecture: no room of a network imports itself by way of others", () => {
  const room = (path: string) => {
    const [, folder] = /^(lib\/transports\/\w+\/\w+)\//.exec(path) ?? [];
    return folder ?? path;
  };
  const graph = new Map<string, string[]>();
  for (const { path, imports } of all.filter((source) => network(source.path) !== undefined)) {
    const others = imports.map((i) => room(i.path)).filter((other) => other !== room(path));
    graph.set(room(path), [...graph.get(room(path)) ?? [], ...others]);
  }
  assert.deepEqual(circles(graph), []);
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
  const names = [...Object.keys((await config(".")).imports), ...members.map(({ name }) => name)];
  const known = (written: string) =>
    written.startsWith(".") || written.startsWith("node:") ||
    names.some((name) => written === name || written.startsWith(`${name}/`));
  const wrong = all.flatMap((source) =>
    source.imports.filter(({ written }) => !known(written)).map(({ written }) =>
      `${source.path} imports ${written}`
    )
  );
  assert.deepEqual(wrong, []);
});

Deno.test("architecture: every package in deno.json is used", async () => {
  const { imports } = await config(".");
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
  const { imports } = await config(".");
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
