/**
 * Git servers that strangers named: where exactly git may connect to, and with nothing of the user's.
 *
 * git and curl would look the name up by themselves, follow redirects, and send what the user's
 * configuration has for servers: passwords of `~/.netrc`, headers, cookies.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { NetworkError } from "../common/errors.ts";
import { gitServerUrl, hostOf } from "../common/git_server_url.ts";
import { insideAddress } from "../common/lookup.ts";
import { mayDial, type Reach, reachOf } from "../common/reach.ts";
import { abortable } from "../common/wait.ts";

/** What git is run with to fetch from one server and nowhere else. */
export interface PinnedServer {
  readonly url: string;
  /** Options that come before git's subcommand. */
  readonly options: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A variable of the environment for `--config-env`. */
const EMPTY = "GTR_EMPTY";

/** Looks a name up: all its addresses, none if there is no such host. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const MAX_REDIRECTS = 5;
/** What git asks for first (gitprotocol-http(5)); a redirect has to keep it. */
const ADVERTISEMENT = "/info/refs?service=git-upload-pack";

/**
 * Finds out where a server is: its name is looked up once, its addresses are checked, and redirects
 * are followed here, each checked in the same way.
 *
 * @param server an https, http or git URL
 * @throws {NetworkError} "server-failed" if the URL is invalid; "inside-address" if it leads to this machine
 * or its network, and its name doesn't say so; "unknown-host"
 */
export async function pinServer(
  server: string,
  signal: AbortSignal,
  resolve: Resolve = lookUp,
): Promise<PinnedServer> {
  const given = gitServerUrl(server);
  if (given === undefined) {
    throw new NetworkError("server-failed", "it is not an https, http or git URL");
  }
  // A server's own name says how near it may be: what a public one leads to has to be public.
  const nearest = reachOf(hostOf(given).host);
  const first = await pin(given, nearest, signal, resolve);
  if (given.startsWith("git:")) return overGit(given, first);
  let [url, addresses] = [given, first];
  for (let hops = 0; hops < MAX_REDIRECTS; hops++) {
    const next = await redirect(url, addresses, signal);
    if (next === undefined) return overHttp(url, addresses);
    url = next;
    addresses = await pin(url, nearest, signal, resolve);
  }
  throw new NetworkError("server-failed", "it sends on without end");
}

/** The host's addresses, none of them nearer than it may be. */
async function pin(
  url: string,
  nearest: Reach,
  signal: AbortSignal,
  resolve: Resolve,
): Promise<readonly string[]> {
  const { host } = hostOf(url);
  if (!mayDial(host, nearest)) throw insideAddress(host);
  if (isIP(host) !== 0) return [host];
  const found = await abortable(resolve(host), signal);
  const addresses = found.filter((address) => mayDial(address, nearest));
  if (addresses.length === 0) {
    throw found.length > 0
      ? insideAddress(host)
      : new NetworkError("unknown-host", `can't find the host ${host}`);
  }
  return addresses;
}

async function lookUp(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}

function overGit(url: string, addresses: readonly string[]): PinnedServer {
  const { host, port } = hostOf(url);
  const [address] = addresses as [string, ...string[]];
  const path = url.replace(/^git:\/\/[^/]*/, "");
  return {
    url: `git://${bracketed(address)}:${port}${path}`,
    options: [],
    env: {
      // By it the server tells its virtual hosts apart (git-daemon(1)).
      GIT_OVERRIDE_VIRTUAL_HOST: `${bracketed(host)}:${port}`,
      // Empty, it keeps core.gitProxy from being run.
      GIT_PROXY_COMMAND: "",
    },
  };
}

function overHttp(url: string, addresses: readonly string[]): PinnedServer {
  const { host, port } = hostOf(url);
  const resolved = isIP(host) === 0
    ? [`${host}:${port}:${addresses.map(bracketed).join(",")}`]
    : [];
  const settings = [
    ...resolved.map((entry) => `http.curloptResolve=${entry}`),
    // An empty value takes back what other configuration files add.
    "http.extraHeader=",
    "http.cookieFile=",
    "http.followRedirects=false",
    "http.saveCookies=false",
    "http.emptyAuth=false",
  ];
  // The URL's own wins over theirs. Not by `-c`, which ends a name at the first "=": a stranger's URL
  // could have a setting in it.
  const own = ["extraHeader", "cookieFile"];
  return {
    url,
    options: [
      ...settings.flatMap((setting) => ["-c", setting]),
      ...own.map((name) => `--config-env=http.${url}.${name}=${EMPTY}`),
    ],
    env: { [EMPTY]: "" },
  };
}

function bracketed(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}

/** Where the server sends git on to; undefined where it doesn't, or says nothing. */
function redirect(
  url: string,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const asked = new URL(url.replace(/\/$/, "") + ADVERTISEMENT);
  const [address] = addresses as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const start = asked.protocol === "https:" ? httpsRequest : httpRequest;
    const request = start(asked, {
      // Only for the place where to go on: git checks the certificate when it fetches.
      rejectUnauthorized: false,
      signal,
      lookup: (_host, options, callback) => {
        const family = isIP(address);
        if (options.all) callback(null, [{ address, family }]);
        else callback(null, address, family);
      },
    }, (answer) => {
      answer.destroy();
      const { statusCode = 0, headers: { location } } = answer;
      if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) {
        return resolve(undefined);
      }
      const next = URL.canParse(location, asked) ? new URL(location, asked).href : "";
      const base = gitServerUrl(next.slice(0, -ADVERTISEMENT.length));
      const isKept = next.endsWith(ADVERTISEMENT) && base !== undefined && !base.startsWith("git:");
      if (!isKept || (url.startsWith("https:") && !base.startsWith("https:"))) {
        return reject(new NetworkError("server-failed", "it sends on to nowhere"));
      }
      resolve(base);
    });
    request.on("error", () => signal.aborted ? reject(signal.reason) : resolve(undefined));
    request.end();
  });
}
