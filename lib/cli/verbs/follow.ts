/** `gtr follow` */
import { UsageError } from "../../common/errors.ts";
import { formatAddress } from "../../identity/address.ts";
import { publisherId } from "../../identity/keys.ts";
import { isBranchName, listNames, MAX_BRANCHES } from "../../manifest/branches.ts";
import { Follows } from "../../store/follows.ts";
import { Store } from "../../store/store.ts";
import { withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { formatBytes, note, printJson, printTable } from "../output.ts";

/** A first fetch takes as long as the repository is large; gtd gives up by itself when it stalls. */
const FETCH_MS = 24 * 3_600_000;

/** One followed repository, as `gtr follow --json` prints it. */
interface ListedFollow {
  readonly address: string;
  /** null where its copy is not in the store, until gtd has fetched it again. */
  readonly sequence: number | null;
  readonly bytes: number | null;
  /** When what is here was published, seconds since 1970. */
  readonly created: number | null;
  /** Where it is followed for these only. */
  readonly branches?: readonly string[];
}

/** Keeps a copy of a repository up to date, or lists what is kept so. */
export async function run(call: Call): Promise<void> {
  const { io, operands: [url], options } = call;
  const branches = readBranches(options.branches);
  if (url === undefined && branches) {
    throw new UsageError("usage", "can't run gtr follow: --branches needs an address", {
      hint: "gtr follow <address> --branches <names>",
    });
  }
  if (url === undefined) return await list(call);
  const { address, name, sequence, warning } = await withGtd(
    call,
    FETCH_MS,
    `the packs of ${url}`,
    (gtd, { signal, progress }) =>
      gtd.follow({ url, branches }, {
        signal,
        progress: progress && ((done, total, what) => progress(done, total, `Packs ${what}`)),
      }),
  );
  if (warning !== undefined) note(io, `warning: ${warning}`);
  if (options.json) printJson(io, { address, sequence });
  else io.stdout(`${address}\n`);
  const what = branches ? ` with ${listNames(branches)}` : "";
  note(io, `following ${name}: gtd keeps the copy up to date${what}`);
}

/** @throws {UsageError} "bad-branches" */
function readBranches(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(",").map((name) => name.replace(/^refs\/heads\//, ""));
  const wrong = names.find((name) => !isBranchName(name));
  const many = names.length > MAX_BRANCHES;
  if (wrong === undefined && !many) return [...new Set(names)];
  const why = many ? `${MAX_BRANCHES} is the most` : `'${wrong}' can't be the name of a branch`;
  throw new UsageError("bad-branches", `can't follow these branches: ${why}`, {
    hint: "gtr follow <address> --branches main,dev; patterns are not understood",
  });
}

async function list(call: Call): Promise<void> {
  const { io, home } = call;
  const store = new Store(home);
  const follows = await new Follows(home).list();
  const listed = await Promise.all(
    follows.map(async ({ scheme, publisher, name, branches }): Promise<ListedFollow> => {
      const manifest = (await store.repository(publisher, name).usableManifest())?.manifest;
      return {
        address: formatAddress({ scheme, id: publisherId(Uint8Array.fromHex(publisher)), name }),
        sequence: manifest?.sequence ?? null,
        bytes: manifest?.packs.reduce((sum, { size }) => sum + size, 0) ?? null,
        created: manifest?.created ?? null,
        ...(branches && { branches }),
      };
    }),
  );
  if (call.options.json) return printJson(io, listed);
  if (listed.length === 0) return note(io, "nothing is followed; gtr follow <address> follows");
  printTable(
    io,
    ["ADDRESS", "PUBLISHED", "SIZE", "BRANCHES"],
    listed.map(({ address, bytes, created, branches }) => [
      address,
      created === null ? "-" : new Date(created * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
      bytes === null ? "-" : formatBytes(bytes),
      branches ? listNames(branches) : "all",
    ]),
  );
}
