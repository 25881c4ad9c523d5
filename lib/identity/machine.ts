/**
 * A name for each home of one identity, so that its publications can be told apart
 * (`machine.json`). It is random, and says nothing about the machine.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";

const MachineFile = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  /** The home's folder when the name was made: a copy of the home is another machine. */
  folder: v.string(),
  /** The public key that was made in this home, in hex. */
  madeKey: v.optional(v.string()),
});

/** One home of an identity. */
export interface Machine {
  /** 16 hex digits. */
  readonly id: string;
  /** The public key that was made here, in hex: nobody can have published with it elsewhere before. */
  readonly madeKey?: string;
}

/**
 * What the home in `folder` is called, named when it is first asked. A home that was copied or
 * restored gets a name of its own; so does one whose file is damaged, which costs nothing.
 *
 * @throws {StoreError} "not-writable", "disk-full"
 */
export async function loadMachine(folder: string): Promise<Machine> {
  const text = await readTextIfPresent(fileIn(folder));
  if (text !== undefined) {
    const known = v.safeParse(MachineFile, parsed(text));
    if (known.success && known.output.folder === await identityOf(folder)) return known.output;
  }
  return await nameMachine(folder);
}

/**
 * Names the home anew.
 *
 * @param madeKey the public key that has just been made here, in hex
 * @throws {StoreError} "not-writable", "disk-full"
 */
export async function nameMachine(folder: string, madeKey?: string): Promise<Machine> {
  const machine = { id: randomBytes(8).toString("hex"), ...(madeKey && { madeKey }) };
  const content = { version: 1, ...machine, folder: await identityOf(folder) };
  await writeFileAtomic(fileIn(folder), JSON.stringify(content) + "\n");
  return machine;
}

function fileIn(folder: string): string {
  return join(folder, "machine.json");
}

/** Another for a copy of a folder, and the same for as long as it stays where it is. */
async function identityOf(folder: string): Promise<string> {
  return String((await Deno.stat(folder)).ino);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
