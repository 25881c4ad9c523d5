/**
 * Builds of the real tree, with one more network in it: what is inside which executable.
 *
 * The base of the binaries is a stand-in, so that they can be made without `denort`: what lies behind
 * the base is the same, and can be read, but they can't run as gtr.
 */
import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { type Build, build } from "../../scripts/build.ts";
import type { BuildOptions } from "../../scripts/build/options.ts";
import { ALONE } from "../../scripts/local/alone.ts";
import { writeMulticall } from "../../scripts/build/multicall.ts";
import { programs } from "../../scripts/build/programs.ts";
import { readEmbedded } from "./embedded.ts";

const ROOT = resolve(import.meta.dirname!, "..", "..");
const SOURCES = [".deno-version", "Makefile", "cmd", "deno.json", "deno.lock", "lib", "scripts"];
const ALIASES = ["gti"];
/** What the added network prints, and nothing else does. */
const MARK = "a pigeon carries it";
const ADDRESS = `carrier://${"0".repeat(40)}/hello`;

/** Any executable that is complete will do; a small one is quick to copy. */
const STAND_IN = Deno.build.os === "linux" ? await Deno.realPath("/bin/true") : Deno.execPath();

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(join(from, name), join(to, name));
}

async function edit(path: string, change: (text: string) => string): Promise<void> {
  const before = await Deno.readTextFile(path);
  const after = change(before);
  assert.notEqual(after, before, `${path} is not as expected`);
  await Deno.writeTextFile(path, after);
}

/** A copy of this tree in which there is one more network, which uses a package that no other does. */
async function tree(below = "."): Promise<{ root: string } & AsyncDisposable> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "gtr-build-" }));
  const root = join(folder, below);
  await Deno.mkdir(root, { recursive: true });
  for (const name of SOURCES) await copy(join(ROOT, name), join(root, name));
  await Deno.mkdir(join(root, "lib", "transports", "carrier"));
  await Deno.writeTextFile(
    join(root, "lib", "transports", "carrier", "mod.ts"),
    `import type { Network } from "../../ports/network.ts";
export const entry: Network = {
  scheme: "carrier",
  role: "peer",
  isDefault: true,
  open: async () => {
    const { __version } = await import("fast-check");
    throw new Error("${MARK}", { cause: __version });
  },
};
`,
  );
  await Deno.writeTextFile(
    join(root, "cmd", "git-remote-carrier.ts"),
    (await Deno.readTextFile(join(root, "cmd", "git-remote-torrent.ts")))
      .replaceAll("torrent", "carrier"),
  );
  await edit(join(root, "lib", "transports", "all.ts"), (text) =>
    text
      .replace(/^(import \{ entry.*)$/m, 'import { entry as carrier } from "./carrier/mod.ts";\n$1')
      .replace("  torrent,\n", "  torrent,\n  carrier,\n"));
  await edit(
    join(root, "lib", "transports", "known.ts"),
    (text) => text.replace('  "torrent",\n', '  "torrent",\n  "carrier",\n'),
  );
  return { root, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function built(root: string, options: BuildOptions): Promise<Build> {
  await build(root, options);
  return JSON.parse(await Deno.readTextFile(join(root, "dist", "build.json")));
}

async function names(root: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(root, "dist", "bin")));
  return entries.map(({ name }) => name.replace(/\.exe$/, "")).sort();
}

async function run(root: string, program: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(join(root, "dist", "bin", program), {
    args,
    env: { GTR_HOME: join(root, "home"), GTR_DAEMON_AUTOSTART: "0", ...ALONE },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const CHOICES: readonly [string[] | undefined, string[]][] = [
  [undefined, ["torrent", "carrier", "holepunch", "nostr", "default"]],
  [["torrent"], ["torrent"]],
  [["carrier"], ["carrier"]],
];

Deno.test("build: binaries have the networks that were chosen inside, and nothing of others", async () => {
  await using made = await tree();
  for (const [networks, inside] of CHOICES) {
    const { contents, kind } = await built(made.root, {
      networks,
      kind: "binaries",
      denort: STAND_IN,
    });
    assert.equal(kind, "binaries");
    const helpers = inside.map((network) => `git-remote-${network}`);
    assert.deepEqual(
      Object.keys(contents).sort(),
      [...helpers, "git-remote-gtr", "gtd", "gtr"].sort(),
    );
    assert.deepEqual(await names(made.root), [...Object.keys(contents), ...ALIASES].sort());
    for (const [program, parts] of Object.entries(contents)) {
      const suffix = Deno.build.os === "windows" ? ".exe" : "";
      const path = join(made.root, "dist", "bin", program + suffix);
      const { files, permissions, entry } = await readEmbedded(path);
      assert.equal(entry, `${program}.js`);
      assert.deepEqual(files, parts.files, `the files in ${program}`);
      const rooms = parts.modules.flatMap((module) =>
        /^lib\/transports\/(?!shared\/)([^/]+)\//.exec(module)?.[1] ?? []
      );
      assert.deepEqual([...new Set(rooms)].sort(), [...inside].sort(), `networks in ${program}`);
      const has = (name: string) => parts.packages.some((text) => text.startsWith(`${name}@`));
      assert.equal(has("fast-check"), inside.includes("carrier"), `fast-check in ${program}`);
      assert.equal(has("bittorrent-dht"), inside.includes("torrent"), `its DHT in ${program}`);
      const code = new TextDecoder("latin1").decode(await Deno.readFile(path));
      assert.equal(code.includes(MARK), inside.includes("carrier"), `the mark in ${program}`);
      assert.deepEqual(
        Object.entries(permissions).filter(([name, value]) =>
          value && name.startsWith("allow_") && name !== "allow_import"
        ).sort(),
        [
          ["allow_env", []],
          ...inside.includes("holepunch") && ["gtd", "git-remote-holepunch"].includes(program)
            ? [["allow_ffi", []]]
            : [],
          ["allow_net", []],
          ["allow_read", []],
          ["allow_run", program === "gtr" ? ["git", "systemctl"] : ["git"]],
          ["allow_sys", ["networkInterfaces", "statfs", "uid"]],
          ["allow_write", []],
        ],
      );
    }
  }
});

Deno.test("build: one binary is all programs, by the name that it is called by", async () => {
  await using made = await tree();
  const options = { networks: ["torrent"], kind: "binaries", denort: STAND_IN } as const;
  const { contents } = await built(made.root, { ...options, multicall: true });
  assert.deepEqual(Object.keys(contents), ["multicall"]);
  assert.deepEqual(await names(made.root), [
    "git-remote-gtr",
    "git-remote-torrent",
    "gtd",
    "gti",
    "gtr",
  ]);
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  const bin = join(made.root, "dist", "bin");
  assert.equal((await Deno.stat(join(bin, `gtd${suffix}`))).nlink, 5);
  const { files } = await readEmbedded(join(bin, `gtd${suffix}`));
  assert.deepEqual(files, contents.multicall!.files);
  assert.ok(!contents.multicall!.modules.some((module) => module.includes("carrier")));

  const list = await programs(made.root, ["torrent"]);
  const { entry } = await writeMulticall(made.root, list, join(made.root, "dist"));
  const call = async (name: string) => {
    const program = join(made.root, name);
    await Deno.copyFile(Deno.execPath(), program); // it asks for its own path, behind all links
    const { stdout, stderr } = await new Deno.Command(program, {
      args: ["run", "--quiet", "-A", join(made.root, entry), "--version"],
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  };
  assert.match(await call("gtd"), /^gtd \d/);
  assert.match(await call("gti"), /^gtr \d/);
  assert.match(
    await call("other"),
    /^gtr: can't tell which program to be: 'other' is none of .*gtd/,
  );
});

Deno.test("build: a program says which networks it has, and how to get one it lacks", async () => {
  await using made = await tree();
  for (const [networks, inside] of CHOICES) {
    await built(made.root, { networks, kind: "bundles" });
    assert.match(
      (await run(made.root, "gtr", "--version")).stdout,
      new RegExp(`^gtr [\\d.]+ \\(networks: ${inside.join(", ")}\\)$`),
    );
  }
  await built(made.root, { networks: ["torrent"], kind: "bundles" });
  const why = "this gtr was built without carrier; rebuild with make TRANSPORTS=torrent,carrier";
  const told = await run(made.root, "gtr", "clone", ADDRESS);
  assert.deepEqual([told.code, told.stderr.split(": ").at(-1)], [1, why]);
});

Deno.test("build: bundles and binaries have the same bytes wherever they are made", async () => {
  await using one = await tree();
  await using two = await tree("another place/further down");
  for (const kind of ["bundles", "binaries"] as const) {
    const options = { networks: ["torrent"], kind, denort: STAND_IN };
    assert.deepEqual(await built(one.root, options), await built(two.root, options));
    const bytes = async (root: string, folder: string): Promise<[string, string][]> => {
      const found: [string, string][] = [];
      for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
        const path = `${folder}/${name}`;
        if (isDirectory) found.push(...await bytes(root, path));
        else if (name !== "deno") {
          const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(join(root, path)));
          found.push([path, new Uint8Array(hash).toHex()]);
        }
      }
      return found.sort();
    };
    assert.deepEqual(await bytes(one.root, "dist"), await bytes(two.root, "dist"));
  }
});

Deno.test("build: nothing that is tracked changes", async () => {
  await using made = await tree();
  await Deno.remove(join(made.root, "scripts"), { recursive: true });
  const modified = async (folder: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (name === "dist") continue;
      const path = join(folder, name);
      if (isDirectory) found.push(...await modified(path));
      else found.push(`${path} ${(await Deno.stat(path)).mtime?.getTime()}`);
    }
    return found.sort();
  };
  const before = await modified(made.root);
  await built(made.root, { networks: ["torrent"], kind: "bundles" });
  assert.deepEqual(await modified(made.root), before);
});

Deno.test("build: make tells a wrong choice in one line", async () => {
  await using made = await tree();
  const make = async (...words: string[]) => {
    const { code, stderr } = await new Deno.Command("make", {
      args: ["--no-print-directory", "-C", made.root, ...words],
      env: { PATH: `${join(Deno.execPath(), "..")}:${Deno.env.get("PATH")}`, LC_ALL: "C" },
      stdin: "null",
    }).output();
    return [code, new TextDecoder().decode(stderr).split("\n")[0]];
  };
  assert.deepEqual(await make("TRANSPORTS=torrent,nostril"), [
    2,
    "build: can't build TRANSPORTS=torrent,nostril: no network nostril (there are: carrier, torrent, holepunch, nostr, default)",
  ]);
  assert.deepEqual(await make("KIND=binaries", "DENORT_BIN=/no/such/file"), [
    2,
    "build: can't use DENORT_BIN=/no/such/file: there is no such file",
  ]);
  await Deno.remove(join(made.root, "dist"), { recursive: true });
  await Deno.writeTextFile(join(made.root, "dist"), "not a folder");
  const [code, line] = await make();
  assert.equal(code, 2);
  assert.match(String(line), /^build: can't write dist: /);
});
