/**
 * What a gtd takes, as the kernel counts it (proc(5)).
 *
 * @module
 */
import { join } from "node:path";

/** Clock ticks of `/proc/<pid>/stat` are of 10 ms on every Linux that there is. */
const TICK_MS = 10;

/** Of one process since it began, and now. */
export interface Process {
  /** Processor time of its own, in milliseconds. */
  readonly ownMs: number;
  /** The same of the programs that it ran and that have ended. */
  readonly childrenMs: number;
  /** Resident memory, in bytes. */
  readonly memory: number;
}

/** Looks at a process. */
export async function processNow(pid: number): Promise<Process> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name, in parentheses, may have spaces; after it comes field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return {
    ownMs: (user + system) * TICK_MS,
    childrenMs: (childrenUser + childrenSystem) * TICK_MS,
    memory: Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024,
  };
}

/** The files in a folder and below. */
export interface Files {
  readonly bytes: number;
  readonly count: number;
}

/** Counts files; those that go meanwhile are passed over. */
export async function filesIn(folder: string): Promise<Files> {
  const found = { bytes: 0, count: 0 };
  const walk = async (path: string): Promise<void> => {
    try {
      for await (const { name, isDirectory } of Deno.readDir(path)) {
        if (isDirectory) await walk(join(path, name));
        else if (await addFile(join(path, name))) found.count++;
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  const addFile = async (path: string): Promise<boolean> => {
    const size = await Deno.lstat(path).then((info) => info.size, () => undefined);
    found.bytes += size ?? 0;
    return size !== undefined;
  };
  await walk(folder);
  return found;
}
