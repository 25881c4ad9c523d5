/**
 * The processes of one person, found by the home in their environment (proc(5)).
 *
 * @module
 */

/** What can be hurt. */
export type Kind = "gtd" | "helper" | "git";

/** A process that runs. */
export interface Process {
  readonly pid: number;
  readonly kind: Kind | "other";
  /** As it was called, for a person. */
  readonly command: string;
}

const HELPER = /(^|\/)git-remote-[a-z]+(\.js)?$/;
const GTD = /(^|\/)gtd(\.js)?$/;
const GIT = /(^|\/)git(-[a-z-]+)?$/;

/** All that run with this GTR_HOME. */
export async function processesOf(home: string): Promise<Process[]> {
  const found: Process[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const environment = await content(name, "environ");
    if (!environment.includes(`GTR_HOME=${home}`)) continue;
    const args = await content(name, "cmdline");
    if (args.length > 0) {
      found.push({ pid: Number(name), kind: kindOf(args), command: args.join(" ") });
    }
  }
  return found;
}

/** Sends a signal; false where the process has gone. */
export function signal(pid: number, name: Deno.Signal): boolean {
  try {
    Deno.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

function kindOf(args: readonly string[]): Process["kind"] {
  if (args.some((arg) => HELPER.test(arg))) return "helper";
  if (args.some((arg) => GTD.test(arg))) return "gtd";
  return GIT.test(args[0]!) ? "git" : "other";
}

async function content(pid: string, file: string): Promise<string[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/${file}`).catch(() => "");
  return text.split("\0").filter((part) => part !== "");
}
