/**
 * A name for each home of one identity, so that its publications can be told apart
 * (`store/machine.json`). It is random, and says nothing about the machine. It goes with the store: a
 * home that has lost that doesn't know what it published, and is another machine.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import { readTextIfPresent, storeError, writeFileAtomic } from "../common/atomic_file.ts";

const FILE = "machine.json";

const MachineFile = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  /** The store's folder when the name was made: a copy of the home is another machine. */
  folder: v.string(),
  /** The public key that was made in this home, in hex. */
  madeKey: v.optional(v.string()),
});

/** One home of an identity. */
export interface Machine {
  /** 16 hex digits; they don't leave this home, see {@linkcode writerName}. */
  readonly id: string;
  /** The public key that was made here, in hex: nobody can have published with it elsewhere before. */
  readonly madeKey?: string;
}

/**
 * What the home in `folder` is called, named when it is first asked. A home that was copied or
 * restored gets a name of its own; so does one whose file is damaged, which costs a look-up.
 *
 * @throws {StoreError} "not-writable", "disk-full"
 */
export async function loadMachine(folder: string): Promise<Machine> {
  const store = join(folder, "store");
  const text = await readTextIfPresent(join(store, FILE));
  if (text !== undefined) {
    const known = v.safeParse(MachineFile, parsed(text));
    if (known.success && known.output.folder === await identityOf(store)) return known.output;
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
  const store = join(folder, "store");
  try {
    await Deno.mkdir(store, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw storeError(`can't make ${store}`, error);
  }
  const content = { version: 1, ...machine, folder: await identityOf(store) };
  await writeFileAtomic(join(store, FILE), JSON.stringify(content) + "\n");
  return machine;
}

/** Another for a copy of a folder, and the same for as long as it stays where it is. */
async function identityOf(folder: string): Promise<string> {
  // Numbers are given out again, as to what takes a removed folder's place.
  const { ino, birthtime } = await Deno.stat(folder);
  return `${ino} ${birthtime?.getTime() ?? ""}`;
}

/**
 * What a machine is called in the manifests of one repository: 16 hex digits, which tell nobody that
 * those of another repository are the same machine's.
 */
export function writerName({ id }: Machine, repository: string): string {
  return createHash("sha256").update(`gtr writer\0${id}\0${repository}`).digest("hex").slice(0, 16);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
