/** `gtr list` */
import type { Settings } from "../../common/settings.ts";
import { listShared, type SharedRepository, shortBranch } from "../../exporter/share.ts";
import { listRefs } from "../../git_interface/refs.ts";
import { formatAddress } from "../../identity/address.ts";
import { loadOrCreateKey } from "../../identity/keys.ts";
import type { Call, Io } from "../io.ts";
import { networks } from "../networks.ts";
import { note, printJson, printTable } from "../output.ts";

/** One shared branch, as `gtr list --json` prints it. */
interface ListedBranch {
  readonly repository: string;
  readonly branch: string;
  /** null before the branch's first commit. */
  readonly oid: string | null;
  /** Network -> address. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Lists every shared branch of this user. */
export async function run(call: Call): Promise<void> {
  const { io, home } = call;
  const repositories = await listShared(home);
  const settings = await call.settings();
  const chosen = settings.get("transports");
  const server = serverAddress(settings);
  const schemes = (await networks())
    .filter((scheme) => chosen?.includes(scheme) ?? true)
    // Nobody is reached by an address that has to name a server and doesn't.
    .filter((scheme) => scheme !== "default" || server !== "");
  const id = repositories.length > 0 ? (await loadOrCreateKey(home.identity)).id : "";
  const listed: ListedBranch[] = [];
  for (const repository of repositories) {
    const addresses = Object.fromEntries(
      schemes.map((scheme) => {
        const host = scheme === "default" ? server : undefined;
        return [scheme, formatAddress({ scheme, host, id, name: repository.name })];
      }),
    );
    listed.push(...await branchesOf(repository, addresses, io));
  }
  if (call.options.json) return printJson(io, listed);
  if (listed.length === 0) return note(io, "nothing is shared; gtr init shares a repository");
  printTable(
    io,
    ["REPOSITORY", "BRANCH", "COMMIT", "ADDRESS"],
    listed.map(({ repository, branch, oid, addresses }) => [
      repository,
      branch,
      oid?.slice(0, 10) ?? "-",
      Object.values(addresses).join(" "),
    ]),
  );
}

/** Where others reach this node's server, as far as the settings tell; empty where they don't. */
function serverAddress(settings: Settings): string {
  const listen = settings.get("default.listen");
  if (listen === "") return "";
  const dialable = settings.get("default.tls") && !/^0\.0\.0\.0:|:0$/.test(listen);
  return settings.get("default.address") || (dialable ? listen : "");
}

async function branchesOf(
  { gitDir, name, settings }: SharedRepository,
  addresses: Readonly<Record<string, string>>,
  io: Io,
): Promise<ListedBranch[]> {
  if (!settings) {
    note(io, `warning: the folder of ${name} is gone: ${gitDir}`);
    note(io, `hint: gtr init where it is now, or gtr remove --repository ${name}`);
    return [];
  }
  if (settings.branches.length === 0) return [];
  // All at once: git takes long to match thousands of refs against thousands of names.
  const oids = await listRefs(gitDir, ["refs/heads"], io.signal);
  return settings.branches.map((branch) => ({
    repository: name,
    branch: shortBranch(branch),
    oid: oids.get(branch) ?? null,
    addresses,
  }));
}
