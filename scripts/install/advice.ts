/**
 * What to do after an installation.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { isUnitPath } from "./service.ts";

/** The user's environment, in which the programs will be called. */
export interface Surroundings {
  readonly env: (name: string) => string | undefined;
  readonly os: typeof Deno.build.os;
  /** The prefix's `bin`. */
  readonly bin: string;
  /** The full path of the service file that was installed. */
  readonly service: string | undefined;
  /** Whether an earlier installation was replaced. */
  readonly upgraded: boolean;
}

/** One sentence for each thing to do or to know; none where all is well. */
export async function advice(here: Surroundings): Promise<string[]> {
  const { env, bin, upgraded } = here;
  const path = (env("PATH") ?? "").split(":").filter(Boolean);
  const lines: string[] = [];
  if (!path.includes(bin)) lines.push(`put it on PATH: export PATH="${bin}:$PATH"`);
  const first = await which("gtr", path);
  if (first !== undefined && dirname(first) !== bin) {
    const other = `${first}${await isGnuTr(first) ? " (GNU tr, of coreutils)" : ""}`;
    lines.push(`warning: another gtr comes first on PATH: ${other}; call this one gti`);
  }
  if (await which("git", path) === undefined) {
    lines.push("install git 2.34 or newer: it is not on PATH");
  }
  const service = await serviceAdvice(here, path);
  if (service) lines.push(service);
  else if (upgraded) lines.push("a gtd that runs is the one before, until: gtr daemon stop");
  if (basename(env("SHELL") ?? "") === "zsh" && !bin.startsWith("/usr/")) {
    const functions = join(dirname(bin), "share", "zsh", "site-functions");
    lines.push(`for completion in zsh, in ~/.zshrc before compinit: fpath+=("${functions}")`);
  }
  return lines;
}

async function serviceAdvice(
  { env, os, service, upgraded }: Surroundings,
  path: readonly string[],
): Promise<string | undefined> {
  if (service === undefined) return undefined;
  if (os === "darwin") {
    const agent = join("~/Library/LaunchAgents", basename(service));
    return `to run gtd as a service: ln -sf "${service}" ${agent} && ` +
      `launchctl bootstrap gui/$(id -u) ${agent}`;
  }
  if (await which("systemctl", path) === undefined) return undefined;
  if (upgraded) {
    return "where gtd runs as a service: systemctl --user daemon-reload && " +
      "systemctl --user restart gtd; else: gtr daemon stop";
  }
  const data = env("XDG_DATA_HOME") || join(env("HOME") ?? "/", ".local", "share");
  const unit = isUnitPath(dirname(service), data) ? "gtd" : `"${service}"`;
  return `to run gtd as a service: systemctl --user enable --now ${unit}`;
}

/** The first executable of that name. */
async function which(name: string, path: readonly string[]): Promise<string | undefined> {
  for (const folder of path) {
    const info = await Deno.stat(join(folder, name)).catch(() => undefined);
    if (info?.isFile && ((info.mode ?? 0) & 0o111) !== 0) return join(folder, name);
  }
}

async function isGnuTr(program: string): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command(program, {
      args: ["--version"],
      stdin: "null",
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout).startsWith("tr (GNU coreutils)");
  } catch {
    return false;
  }
}
