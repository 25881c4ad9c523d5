/**
 * How a client in another process gets at a live stream.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Engine } from "../engine/engine.ts";
import type { Dialled } from "../engine/live.ts";
import { joinLive } from "../engine/live_git.ts";
import type { DialledState } from "./api.ts";
import { oneTimeSocket } from "./one_time_socket.ts";
import { socketPath } from "./socket.ts";

/**
 * The store's repository, or a new socket that leads to the peer. The stream lives on after this
 * was told, until git or the peer has had enough, or nobody connects.
 */
export async function liveAccess(
  { parts, stopping }: Engine,
  dialled: Dialled,
): Promise<Pick<DialledState, "gitDir" | "socket">> {
  if ("gitDir" in dialled) return { gitDir: dialled.gitDir };
  const { stream } = dialled;
  const socket = await oneTimeSocket({
    folder: dirname(socketPath(parts.home)),
    missed: () => stream.close(),
    serve: (git) =>
      joinLive(git, stream, {
        idle: parts.settings.get("live.idle") * 1000,
        signal: stopping,
        dropped: (reason) => parts.dropped.add(reason),
      }),
  });
  return { socket };
}
