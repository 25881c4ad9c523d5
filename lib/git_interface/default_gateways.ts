/**
 * The routers that packets to everywhere go to, as the system's own programs tell it. git runs them:
 * this program may run nothing else, and Deno lets nobody read /proc.
 *
 * @module
 */
import { isIPv4 } from "node:net";
import { ipText } from "../common/ip_address.ts";
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
  linux: {
    // There is no such file where IPv6 is switched off; what counts is whether the other can be read.
    command: "cat /proc/net/ipv6_route 2>/dev/null; cat /proc/net/route",
    read: (text) => [...readLinuxRoutes(text), ...readLinuxRoutes6(text)],
  },
  darwin: { command: "/usr/sbin/netstat -rn -f inet", read: readNetstat },
};

/**
 * The default gateways, the preferred one of each family first, those of IPv6 (on Linux only) with the
 * link that they are on ("fe80::1%eth0"); undefined if the system can't be asked.
 */
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

/** Of /proc/net/ipv6_route: destination, source, gateway, metric, counters, flags, interface. */
export function readLinuxRoutes6(text: string): string[] {
  const found = text.split("\n").flatMap((line) => {
    const [destination, length, , , gateway = "", metric, , , flags, link = ""] = line.trim()
      .split(/ +/);
    const isDefault = /^0{32}$/.test(destination!) && length === "00" &&
      (parseInt(flags ?? "", 16) & UP_TO_GATEWAY) === UP_TO_GATEWAY;
    if (!isDefault || !/^[0-9a-f]{32}$/i.test(gateway) || !/^[\w.-]{1,15}$/.test(link)) return [];
    return [{
      host: `${ipText(Uint8Array.fromHex(gateway))}%${link}`,
      metric: parseInt(metric!, 16),
    }];
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
