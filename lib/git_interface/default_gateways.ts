/**
 * The routers that packets to everywhere go to, as the system's own programs tell it. git runs them:
 * this program may run nothing else, and Deno lets nobody read /proc.
 *
 * @module
 */
import { isIPv4 } from "node:net";
import { runGit } from "./run.ts";

/** Flags of a route that is up and leads to a gateway (linux/route.h). */
const UP_TO_GATEWAY = 0x3;
const MAX_TEXT = 1024 * 1024;

/** How one system is asked. */
interface System {
  /** For a shell. */
  readonly command: string;
  readonly read: (text: string) => string[];
}

const SYSTEMS: Partial<Record<typeof Deno.build.os, System>> = {
  linux: { command: "cat /proc/net/route", read: readLinuxRoutes },
  darwin: { command: "/usr/sbin/netstat -rn -f inet", read: readNetstat },
};

/** The IPv4 default gateways, the preferred one first; undefined if the system can't be asked. */
export async function defaultGateways(signal: AbortSignal): Promise<string[] | undefined> {
  const system = SYSTEMS[Deno.build.os];
  if (!system) return undefined;
  const { code, stdout } = await runGit(
    ["-c", `alias.gtr-routes=!${system.command}`, "gtr-routes"],
    {
      cwd: "/",
      signal,
      allowFail: true,
    },
  );
  return code === 0 && stdout.length < MAX_TEXT ? system.read(stdout) : undefined;
}

/** Of /proc/net/route: a line of numbers for each route, addresses in the machine's byte order. */
export function readLinuxRoutes(text: string): string[] {
  const found = text.split("\n").slice(1).flatMap((line) => {
    const [, destination, gateway, flags, , , metric, mask] = line.split("\t");
    const isDefault = destination === "00000000" && mask === "00000000" &&
      (parseInt(flags ?? "", 16) & UP_TO_GATEWAY) === UP_TO_GATEWAY;
    if (!isDefault || !/^[0-9A-F]{8}$/i.test(gateway ?? "")) return [];
    const bytes = [...Uint8Array.fromHex(gateway!)];
    return [{ host: bytes.reverse().join("."), metric: Number(metric) }];
  });
  return [...new Set(found.sort((a, b) => a.metric - b.metric).map(({ host }) => host))];
}

/** Of `netstat -rn -f inet` on macOS. */
export function readNetstat(text: string): string[] {
  return [
    ...new Set(
      text.split("\n").flatMap((line) => {
        const [destination, gateway = ""] = line.trim().split(/\s+/);
        return destination === "default" && isIPv4(gateway) ? [gateway] : [];
      }),
    ),
  ];
}
