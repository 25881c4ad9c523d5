/**
 * The `fetch` command for a repository that is published without gtr: the network tells its refs,
 * git servers have the objects.
 *
 * @module
 */
import { NetworkError } from "../common/errors.ts";
import type { RemoteState } from "../daemon/api.ts";
import { gitFetch } from "../git_interface/git_fetch.ts";
import { configEnvironment } from "../git_interface/user_environment.ts";
import { type PartRequest, removePartialPacks } from "./fetch_part.ts";
import type { LocalRepository } from "./local_repository.ts";

/**
 * Fetches what is wanted from the first server that has it. A server can't deceive: object ids say
 * what may come.
 *
 * @throws {NetworkError} "no-server" with each server's reason
 */
export async function fetchForeign(
  { address, servers = [] }: Pick<RemoteState, "address" | "servers">,
  local: LocalRepository,
  { wanted, options, env, progress }: PartRequest,
  signal: AbortSignal,
): Promise<void> {
  const failures: string[] = [];
  for (const server of servers) {
    try {
      return await gitFetch(server, {
        gitDir: local.gitDir,
        objectDirectory: local.objectDirectory,
        alternates: local.alternates,
        env: configEnvironment(env),
        wants: wanted,
        ...options.part,
        cloning: options.cloning,
        refetch: options.refetch,
        progress: options.progress && options.verbosity > 0 ? progress : undefined,
        signal,
      });
    } catch (error) {
      if (signal.aborted || !(error instanceof NetworkError)) throw error;
      // Nobody else writes into a repository that is being cloned, so this is the server's.
      if (options.cloning) await removePartialPacks(local);
      failures.push(`${server}: ${error.message}`);
    }
  }
  throw new NetworkError(
    "no-server",
    failures.length === 0
      ? `can't fetch ${address}: its maintainers name no git server that anyone can fetch from`
      : `can't fetch ${address} from any of its git servers: ${failures.join("; ")}`,
    { hint: "try again later, or tell its maintainers" },
  );
}
