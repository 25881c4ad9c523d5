/**
 * Reads a target's corpus and what is made from it, in a thread of its own. The input that is being
 * read lies in shared memory, so that the other thread has it where this one hangs.
 *
 * @module
 */
import { Random } from "../../scripts/local/random.ts";
import { corpusOf } from "./corpus.ts";
import { dictionaryOf } from "./dictionary.ts";
import { Mutator } from "./mutator.ts";
import type { MakeTarget } from "./target.ts";

/** What is to be done. */
export interface Work {
  readonly target: string;
  readonly count: number;
  readonly seed: number;
  /** Milliseconds after which no further input is read. */
  readonly ms: number;
  /** Where an input lies while it is read: its length, its number, then its bytes. */
  readonly shared: SharedArrayBuffer;
  readonly folder: string;
}

/** What the worker says in the end. */
export interface Done {
  readonly inputs: number;
  readonly accepted: number;
  /** Of the corpus. */
  readonly kept: number;
  readonly keptAccepted: number;
  /** What is wrong with the program. */
  readonly fault?: string;
}

/** Inputs that were accepted, from which further ones are made. */
const MAX_POOL = 256;

async function run(work: Work): Promise<Done> {
  const module = await import(`./targets/${work.target}.ts`) as { readonly make: MakeTarget };
  await using target = await module.make(work.folder);
  const done = { inputs: 0, accepted: 0, kept: 0, keptAccepted: 0 };
  const head = new Int32Array(work.shared, 0, 2);
  const bytes = new Uint8Array(work.shared, 8);
  const read = async (input: Uint8Array) => {
    bytes.set(input.subarray(0, bytes.length));
    Atomics.store(head, 0, input.length);
    Atomics.add(head, 1, 1);
    const copy = input.slice();
    const result = target.check(input);
    const right = typeof result === "boolean" ? result : await result;
    if (copy.some((byte, i) => byte !== input[i])) throw new Error("the input was changed");
    return right;
  };
  try {
    const pool = await readCorpus(work.target, read, done);
    const end = performance.now() + work.ms;
    const random = new Random(work.seed);
    const mutator = new Mutator(work.seed, target, await dictionaryOf(work.target));
    for (; done.inputs < work.count && performance.now() < end; done.inputs++) {
      const input = mutator.next(pool);
      if (!await read(input)) continue;
      done.accepted++;
      if (pool.length < MAX_POOL) pool.push(input);
      else if (random.below(8) === 0) pool[done.kept + random.below(MAX_POOL - done.kept)] = input;
    }
    return done;
  } catch (error) {
    return {
      ...done,
      fault: error instanceof Error ? error.stack ?? error.message : String(error),
    };
  }
}

async function readCorpus(
  target: string,
  read: (input: Uint8Array) => Promise<boolean>,
  done: { kept: number; keptAccepted: number },
): Promise<Uint8Array[]> {
  const pool: Uint8Array[] = [];
  for (const { bytes } of await corpusOf(target)) {
    pool.push(bytes);
    done.kept++;
    if (await read(bytes)) done.keptAccepted++;
  }
  return pool;
}

if (typeof self !== "undefined" && "postMessage" in self) {
  const scope = self as unknown as {
    onmessage: (event: MessageEvent<Work>) => void;
    postMessage(done: Done): void;
  };
  // What is thrown where nobody waits for it is a fault, too.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    scope.postMessage({
      inputs: 0,
      accepted: 0,
      kept: 0,
      keptAccepted: 0,
      fault: trace(event.reason),
    });
  });
  scope.onmessage = async ({ data }) => scope.postMessage(await run(data));
}

function trace(error: unknown): string {
  return `nobody waits for: ${error instanceof Error ? error.stack ?? error.message : error}`;
}
