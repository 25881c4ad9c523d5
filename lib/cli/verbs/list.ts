/** `gtr list` */
import { JSON_OPTION } from "../../common/verb.ts";
import { deadline } from "../../common/wait.ts";
import type { Settings } from "../../common/settings.ts";
import type { OwnStates } from "../../daemon/api.ts";
import { listShared, type SharedRepository, shortBranch } from "../../shares/share.ts";
import { shareState } from "../../shares/share_state.ts";
import { listRefs } from "../../git_interface/refs.ts";
import { formatAddress } from "../../identity/address.ts";
import { type PublisherKey, readKey } from "../../identity/keys.ts";
import { type Flow, flowOf } from "../../manifest/flow.ts";
import { Store } from "../../store/store.ts";
import { STATUS_MS } from "../gtd.ts";
import type { Call } from "../io.ts";
import { networks, ownForms } from "../networks.ts";
import { note, printJson, printTable } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "list what you share",
  operands: [],
  options: [JSON_OPTION],
  details: [
    "One line for each shared branch of all your repositories, with its flow and addresses.",
  ],
  examples: [{ command: "gtr list --json", about: "the same, for programs" }],
  run,
};

/** One shared branch, as `gtr list --json` prints it. */
interface ListedBranch {
  readonly repository: string;
  readonly branch: string;
  /** null before the branch's first commit. */
  readonly oid: string | null;
  /** Where it is another than "both". */
  readonly flow?: Flow;
  /** Where what is here is not what others get; gtr status says why, if it stays so. */
  readonly state?: "not published" | "diverged";
  /** Network -> address. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Lists every shared branch of this user. */
async function run(call: Call): Promise<void> {
  const { io, home } = call;
  const repositories = await listShared(home);
  const key = await readKey(home.identity);
  const states = await askGtd(call);
  const bySettings = await addressesBySettings(call, key);
  const addressesOf = (name: string) => states[name]?.addresses ?? bySettings(name);
  const listed: ListedBranch[] = [];
  for (const repository of repositories) {
    listed.push(...await branchesOf(call, repository, addressesOf(repository.name), key));
  }
  listed.push(...await pushedBranches(call, listed, addressesOf));
  if (call.options.json) return printJson(io, listed);
  if (listed.length === 0) return note(io, "nothing is shared; gtr init shares a repository");
  const withFlow = listed.some(({ flow }) => flow !== undefined);
  const withState = listed.some(({ state }) => state !== undefined);
  printTable(
    io,
    [
      "REPOSITORY",
      "BRANCH",
      "COMMIT",
      ...(withState ? ["STATE"] : []),
      ...(withFlow ? ["FLOW"] : []),
      "ADDRESS",
    ],
    listed.map(({ repository, branch, oid, state, flow, addresses }) => [
      repository,
      branch,
      oid?.slice(0, 10) ?? "-",
      ...(withState ? [state ?? "published"] : []),
      ...(withFlow ? [flow ?? "both"] : []),
      Object.values(addresses).join(" "),
    ]),
  );
  for (const [name, { hindrances }] of Object.entries(states)) {
    for (const why of hindrances) note(io, `warning: ${name}: ${why}`);
  }
}

/** What the gtd that runs says: it may have been started with other settings than this shell has. */
async function askGtd({ services, home, io }: Call): Promise<OwnStates> {
  await using gtd = await services.running(home);
  if (!gtd) return {};
  using limit = deadline(STATUS_MS, "gtd's addresses", io.signal, "gtr daemon logs says why");
  return await gtd.own({}, limit);
}

/** The addresses that a gtd with these settings would serve. */
async function addressesBySettings(
  { io, ...call }: Call,
  key: PublisherKey | undefined,
): Promise<(name: string) => Record<string, string>> {
  const settings = await call.settings();
  const server = serverAddress(settings);
  const forms = await ownForms(settings, key, io.signal);
  const schemes = (await networks(settings.get("transports")))
    // Nobody is reached by an address that has to name a server and doesn't.
    .filter((scheme) => scheme !== "default" || server !== "")
    .filter((scheme) => !forms.has(scheme) || forms.get(scheme) !== undefined);
  return (name) =>
    Object.fromEntries(schemes.map((scheme) => {
      const form = forms.get(scheme);
      if (form) return [scheme, form(name)];
      const host = scheme === "default" ? server : undefined;
      return [scheme, formatAddress({ scheme, host, id: key?.id ?? "", name })];
    }));
}

/** What was shared by pushing to one's own address, and is in no working repository's settings. */
async function pushedBranches(
  { home }: Call,
  listed: readonly ListedBranch[],
  addressesOf: (name: string) => Record<string, string>,
): Promise<ListedBranch[]> {
  const key = await readKey(home.identity);
  const known = new Set(listed.map(({ repository, branch }) => `${repository} ${branch}`));
  const own = (await new Store(home).repositories())
    .filter(({ publisher }) => publisher === key?.publicKeyHex);
  const pushed: ListedBranch[] = [];
  for (const stored of own) {
    const manifest = (await stored.usableManifest())?.manifest;
    if (!manifest) continue;
    const addresses = addressesOf(stored.name);
    const flow = unusual(flowOf(manifest));
    for (const [ref, oid] of Object.entries(manifest.refs)) {
      const branch = shortBranch(ref);
      if (!ref.startsWith("refs/heads/") || known.has(`${stored.name} ${branch}`)) continue;
      pushed.push({ repository: stored.name, branch, oid, ...flow, addresses });
    }
  }
  return pushed;
}

function unusual(flow: Flow): { flow?: Flow } {
  return flow === "both" ? {} : { flow };
}

/** Where others reach this node's server, as far as the settings tell; empty where they don't. */
function serverAddress(settings: Settings): string {
  const listen = settings.get("default.listen");
  if (listen === "") return "";
  const dialable = settings.get("default.tls") && !/^0\.0\.0\.0:|:0$/.test(listen);
  return settings.get("default.address") || (dialable ? listen : "");
}

async function branchesOf(
  { io, home }: Call,
  { gitDir, name, settings }: SharedRepository,
  addresses: Readonly<Record<string, string>>,
  key: PublisherKey | undefined,
): Promise<ListedBranch[]> {
  if (!settings) {
    note(io, `warning: the folder of ${name} is gone: ${gitDir}`);
    note(io, `hint: gtr init where it is now, or gtr remove --repository ${name}`);
    return [];
  }
  if (settings.branches.length === 0) return [];
  // All at once: git takes long to match thousands of refs against thousands of names.
  const oids = await listRefs(gitDir, ["refs/heads"], io.signal);
  const stored = key && new Store(home).repository(key.publicKeyHex, name);
  const published = stored && await shareState({ gitDir, name }, stored, io.signal);
  const stateOf = (branch: string): Pick<ListedBranch, "state"> => {
    if (!published || published.pending.includes(branch)) return { state: "not published" };
    return published.diverged.includes(branch) ? { state: "diverged" } : {};
  };
  return settings.branches.map((branch) => ({
    repository: name,
    branch: shortBranch(branch),
    oid: oids.get(branch) ?? null,
    ...oids.has(branch) ? stateOf(branch) : {},
    ...unusual(settings.flow ?? "both"),
    addresses,
  }));
}
