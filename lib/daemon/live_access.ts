/**
 * How git's client, in another process, gets at a live stream.
 *
 * @module
 */
import type { Engine } from "../engine/engine.ts";
import type { Dialled } from "../engine/live/dial.ts";
import { joinLive } from "../engine/live/git_client.ts";
import { oneTimeGitPort } from "../git_interface/git_port.ts";

/**
 * The store's repository, or a new address that leads to the peer, for `git fetch-pack`. The stream
 * lives on after this was told, until git or the peer has had enough, or nobody connects.
 */
export async function liveAccess(
  { parts, stopping }: Engine,
  dialled: Dialled,
): Promise<string> {
  if ("gitDir" in dialled) return dialled.gitDir;
  const { stream } = dialled;
  return await oneTimeGitPort({
    missed: () => stream.close(),
    signal: stopping,
    serve: async (git) => {
      const failure = await joinLive(git, stream, {
        idleMs: parts.settings.get("live.idle") * 1000,
        signal: stopping,
        dropped: (reason) => parts.dropped.add(reason),
      });
      if (!failure) return;
      const { name } = stream.manifest.manifest;
      parts.log(`can't serve git ${name} from ${stream.peer}: ${failure.message}`);
    },
  });
}
