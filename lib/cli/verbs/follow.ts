/** `gtr follow` */
import { UsageError } from "../../common/errors.ts";
import { JSON_OPTION } from "../../common/verb.ts";
import { formatAddress } from "../../identity/address.ts";
import { publisherId } from "../../identity/keys.ts";
import { isBranchName, listNames, MAX_BRANCHES } from "../../manifest/branches.ts";
import { Follows } from "../../store/follows.ts";
import { Store } from "../../store/store.ts";
import { withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { formatBytes, note, printJson, printTable } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "keep a copy of someone's repository up to date, and pass it on",
  operands: [{ form: "[address]", about: "what to follow (default: list what is followed)" }],
  options: [
    {
      form: "--branches <names>",
      about: "update the copy only when one of these changes, such as main,dev (default: any)",
    },
    JSON_OPTION,
  ],
  details: [
    "Fetches the repository into gtd's store. From then on peers tell gtd of each publication. It " +
    "also looks for one from time to time, and keeps the old state while nobody answers.",
    "With --branches the copy is brought up to date when one of those branches is moved, created " +
    "or deleted. Publications that change only other branches or tags are not fetched. The copy is " +
    "always whole, with all branches, as of the last publication that mattered, and is passed on " +
    "as such; git fetch still brings everything up to date. Following again replaces the names; " +
    "without --branches it is any branch again.",
    "What does not fit into store.repositoryQuota and store.quota is refused before it is " +
    "fetched. To make room, copies that were only cloned are evicted, the least recently used " +
    "first; never what is followed, and never your own.",
  ],
  examples: [
    { command: "gtr follow torrent://bob/tools", about: "help Bob keep his tools available" },
    {
      command: "gtr follow torrent://bob/tools --branches main,stable",
      about: "only as these two change",
    },
    { command: "gtr follow", about: "what is followed, and its newest state here" },
  ],
  run,
};

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
async function run(call: Call): Promise<void> {
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
