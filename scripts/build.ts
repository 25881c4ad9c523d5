/**
 * Builds every executable of `cmd/` into `dist/bin`, as one of two kinds.
 *
 * Binaries are complete in themselves. Bundles are in `dist/lib/gtr/<fingerprint>/`; launchers in
 * `dist/bin` start them with the Deno in `dist/lib/gtr/`. A build is complete when `dist/build.json`
 * names it; everything is renamed into place, and the bundles of the build before stay for the
 * programs that still run from them.
 *
 *     TRANSPORTS=torrent,nostr KIND=binaries deno run -A scripts/build.ts
 *
 * @module
 */
import { join } from "node:path";
import { bundle } from "./build/bundle.ts";
import { compile, dateFiles } from "./build/compile.ts";
import type { Contents } from "./build/contents.ts";
import { type Base, downloadBase, localBase } from "./build/denort.ts";
import { BuildError } from "./build/error.ts";
import { fingerprint } from "./build/fingerprint.ts";
import { launcher } from "./build/launcher.ts";
import { writeMulticall } from "./build/multicall.ts";
import { chooseNetworks, treeNetworks, writeChoice } from "./build/networks.ts";
import { type BuildOptions, type Kind, optionsFrom } from "./build/options.ts";
import { place, placeDeno, removeOthers, writeFile } from "./build/place.ts";
import { type Program, programs } from "./build/programs.ts";
import { placeShare } from "./build/share.ts";

const WHAT: Readonly<Record<Kind, string>> = {
  binaries: "standalone binaries",
  bundles: "bundles run by the Deno beside them",
};

/** `dist/build.json`. */
export interface Build {
  /** Of what the build is made from; empty where it isn't complete. */
  readonly fingerprint: string;
  readonly kind: Kind;
  /** Why it is of this kind. */
  readonly why: string;
  /** The base of binaries. */
  readonly base?: string;
  /** The bundles before these, which programs may still run from. */
  readonly previous?: string;
  /** What each executable consists of. */
  readonly contents: Contents;
}

interface Plan {
  readonly root: string;
  readonly list: readonly Program[];
  /** Executables, aliases included. */
  readonly names: readonly string[];
  /** The networks chosen; undefined: all. */
  readonly networks?: readonly string[];
  readonly fingerprint: string;
}

/**
 * Builds what changed since the last build.
 *
 * @param root the project's folder
 * @param options by default those in the environment
 * @returns one line for a person: what was built, of which kind, and why
 * @throws {BuildError}
 */
export async function build(
  root: string,
  options: BuildOptions = optionsFrom((name) => Deno.env.get(name)),
): Promise<string> {
  const started = performance.now();
  const plan = await makePlan(root, options);
  try {
    await Deno.mkdir(join(root, "dist"), { recursive: true });
    using lock = await Deno.open(join(root, "dist", "lock"), { create: true, write: true });
    await lock.lock(true); // two builds at once: the second finds the first one's work
    const last = await readBuild(root);
    const base = options.kind === "bundles" ? undefined : await localBase(root, options.denort);
    if (last && await isCurrent(plan, last, base, options.kind)) {
      return `dist/bin is up to date (${WHAT[last.kind]}): nothing changed`;
    }
    const made = await make(plan, options, last, base);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const cause = !last
      ? "first build"
      : last.kind !== made.kind
      ? "other kind"
      : "sources changed";
    return `built ${plan.names.join(", ")} into dist/bin ` +
      `(${WHAT[made.kind]}: ${made.why}; ${seconds} s): ${cause}`;
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    throw new BuildError(`can't write dist: ${error.message}`); // the system refused
  }
}

async function makePlan(root: string, options: BuildOptions): Promise<Plan> {
  const there = await treeNetworks(root);
  const chosen = options.networks && chooseNetworks(options.networks, there);
  const networks = chosen && chosen.length < there.length ? chosen : undefined;
  const list = await programs(root, chosen);
  if (list.length === 0) throw new BuildError("can't build: cmd/ holds no program");
  return {
    root,
    list,
    names: list.flatMap((program) => [program.name, ...program.aliases]),
    networks,
    fingerprint: await fingerprint(
      root,
      [...networks ?? ["all"], ...options.multicall ? ["multicall"] : []].join(),
    ),
  };
}

async function make(
  plan: Plan,
  options: BuildOptions,
  last: Build | undefined,
  local: Base | undefined,
): Promise<Build> {
  const { root, list } = plan;
  const work = join(root, "dist", "build");
  await Deno.remove(work, { recursive: true }).catch(() => {}); // half-finished before
  await Deno.mkdir(work);
  try {
    const [kind, why, base] = await chooseKind(root, options, local, work);
    const importMap = plan.networks && await writeChoice(root, plan.networks, work);
    const bundles = join(work, "bundles");
    const compiled = base && options.multicall ? [await writeMulticall(root, list, work)] : list;
    const contents = await bundle(root, compiled, bundles, importMap);
    const previous = last?.fingerprint && last.fingerprint !== plan.fingerprint
      ? last.fingerprint
      : last?.previous;
    const made = { fingerprint: plan.fingerprint, kind, why, base: base?.id, previous, contents };
    if (base) {
      await dateFiles(bundles);
      for (const program of compiled) {
        const { files } = contents[program.name]!;
        await compile(program, bundles, files, join(work, executable(program.name)), base);
      }
      if (compiled !== list) {
        const one = join(work, executable(compiled[0]!.name));
        for (const program of list) await place(one, join(work, executable(program.name)));
      }
    }
    // From here on, until it ends, dist is neither the last build nor this one.
    await writeBuild(root, { ...made, fingerprint: "" });
    await (base ? placeBinaries(plan, work) : placeBundles(plan, bundles, previous));
    await removeOthers(join(root, "dist", "bin"), plan.names.map(base ? executable : String));
    await writeBuild(root, made);
    return made;
  } finally {
    await Deno.remove(work, { recursive: true }).catch(() => {});
  }
}

/** The kind to build, why, and the base for binaries. */
async function chooseKind(
  root: string,
  { kind }: BuildOptions,
  local: Base | undefined,
  work: string,
): Promise<[Kind, string, Base?]> {
  if (kind === "bundles") return ["bundles", "as chosen"];
  const base = local ?? await downloadBase(root, work);
  if (typeof base !== "string") return ["binaries", base.from, base];
  if (kind === "binaries") throw new BuildError(`can't build binaries: ${base}`);
  return ["bundles", base];
}

async function placeBinaries({ root, list }: Plan, work: string): Promise<void> {
  const bin = join(root, "dist", "bin");
  await Deno.mkdir(bin, { recursive: true });
  for (const program of list) {
    const path = join(bin, executable(program.name));
    await Deno.rename(join(work, executable(program.name)), path);
    for (const alias of program.aliases) await place(path, join(bin, executable(alias)));
  }
  await Deno.remove(join(root, "dist", "lib"), { recursive: true }).catch(() => {});
}

async function placeBundles(
  { root, list, fingerprint }: Plan,
  bundles: string,
  previous: string | undefined,
): Promise<void> {
  const bin = join(root, "dist", "bin");
  const lib = join(root, "dist", "lib", "gtr");
  await Deno.mkdir(bin, { recursive: true });
  await Deno.mkdir(lib, { recursive: true });
  await placeDeno(join(lib, "deno"));
  await Deno.remove(join(lib, fingerprint), { recursive: true }).catch(() => {});
  await Deno.rename(bundles, join(lib, fingerprint));
  const { version } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  for (const program of list) {
    for (const name of [program.name, ...program.aliases]) {
      await writeFile(join(bin, name), launcher(program, version, fingerprint), 0o755);
    }
  }
  await removeOthers(lib, ["deno", fingerprint, ...previous ? [previous] : []]);
}

/** The file name of a binary. */
function executable(name: string): string {
  return Deno.build.os === "windows" ? `${name}.exe` : name;
}

async function isCurrent(
  plan: Plan,
  last: Build,
  base: Base | undefined,
  kind: Kind | undefined,
): Promise<boolean> {
  if (last.fingerprint !== plan.fingerprint) return false;
  if (kind ? last.kind !== kind : last.kind === "bundles" && base) return false;
  if (last.kind === "binaries" && base && base.id !== last.base) return false;
  const bin = join(plan.root, "dist", "bin");
  const lib = join(plan.root, "dist", "lib", "gtr");
  const needed = last.kind === "binaries"
    ? plan.names.map((name) => join(bin, executable(name)))
    : [
      ...plan.names.map((name) => join(bin, name)),
      join(lib, "deno"),
      ...Object.values(last.contents).flatMap(({ files }) =>
        files.map((file) => join(lib, last.fingerprint, file))
      ),
    ];
  const there = await Promise.all(needed.map((path) => Deno.stat(path).catch(() => undefined)));
  return there.every((info) => info?.isFile);
}

async function readBuild(root: string): Promise<Build | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(join(root, "dist", "build.json")));
  } catch {
    return undefined; // none yet, or a damaged one: build anew
  }
}

async function writeBuild(root: string, made: Build): Promise<void> {
  await writeFile(join(root, "dist", "build.json"), JSON.stringify(made, null, 2) + "\n");
}

if (import.meta.main) {
  try {
    const root = join(import.meta.dirname!, "..");
    const said = await build(root);
    await placeShare(root);
    console.log(said);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`build: ${error.message}`);
    Deno.exit(1);
  }
}
