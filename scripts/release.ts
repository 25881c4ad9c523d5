/**
 * Makes the files of a release.
 *
 *     deno run -A scripts/release.ts pack            dist/release/gtr-<version>-<platform>.tar.gz
 *     deno run -A scripts/release.ts sums <folder> <base URL>
 *                                                    SHA256SUMS and install.sh for its archives
 *     deno run -A scripts/release.ts check <tag>     that the tag is the version's
 *
 * One build gives one archive, byte by byte: its dates are the commit's, or `SOURCE_DATE_EPOCH`.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { platform } from "./release/platform.ts";
import { ReleaseError } from "./release/error.ts";
import { installer, sums } from "./release/sums.ts";
import { archive } from "./release/archive.ts";

const ROOT = join(import.meta.dirname!, "..");

/** Seconds since 1970. */
async function date(): Promise<number> {
  const given = Number(Deno.env.get("SOURCE_DATE_EPOCH") || NaN);
  if (Number.isInteger(given)) return given;
  const { success, stdout } = await new Deno.Command("git", {
    args: ["log", "-1", "--format=%ct"],
    cwd: ROOT,
  }).output();
  if (!success) throw new ReleaseError("can't tell the commit's date (set SOURCE_DATE_EPOCH)");
  return Number(new TextDecoder().decode(stdout));
}

async function version(): Promise<string> {
  return JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))).version;
}

async function write(path: string, content: Uint8Array | string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await (typeof content === "string"
    ? Deno.writeTextFile(path, content)
    : Deno.writeFile(path, content));
  console.log(path);
}

const COMMANDS: Readonly<Record<string, (...words: string[]) => Promise<void>>> = {
  async pack() {
    const name = `gtr-${await version()}-${platform(Deno.build.os, Deno.build.arch)}`;
    const path = join(ROOT, "dist", "release", `${name}.tar.gz`);
    await write(path, await archive(ROOT, name, Deno.build.os, await date()));
  },
  async sums(folder, base) {
    if (!folder || !base) throw new ReleaseError("usage: release.ts sums <folder> <base URL>");
    const template = await Deno.readTextFile(join(ROOT, "scripts", "install.sh"));
    const allowed = await Deno.readTextFile(join(ROOT, "scripts", "release", "allowed_signers"));
    await write(join(folder, "SHA256SUMS"), await sums(folder));
    await write(join(folder, "install.sh"), installer(template, await version(), base, allowed));
  },
  async check(tag) {
    const right = `v${await version()}`;
    if (tag !== right) throw new ReleaseError(`can't release ${tag}: deno.json says ${right}`);
  },
};

const [command, ...words] = Deno.args;
try {
  const run = COMMANDS[command ?? ""];
  if (!run) throw new ReleaseError(`usage: release.ts ${Object.keys(COMMANDS).join("|")}`);
  await run(...words);
} catch (error) {
  if (!(error instanceof ReleaseError)) throw error;
  console.error(`release: ${error.message}`);
  Deno.exit(1);
}
