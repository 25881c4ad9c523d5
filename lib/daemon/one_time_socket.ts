/**
 * A UNIX socket for one connection.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { deadline } from "../common/wait.ts";

/** How long it waits for its connection, in milliseconds. */
const CONNECT_MS = 10_000;

/** What is waited for. */
export interface OneTimeOptions {
  /** A folder that is open to this user only. */
  readonly folder: string;
  /** Serves the connection. */
  readonly serve: (connection: Deno.UnixConn) => Promise<void>;
  /** Nobody came. */
  readonly missed: () => void;
  /** Milliseconds, by default 10,000. */
  readonly wait?: number;
}

/** Listens, and returns the path; the socket is removed with the first connection or in time. */
export async function oneTimeSocket(options: OneTimeOptions): Promise<string> {
  // The name is that of a temporary file: what a killed process leaves is removed some day.
  const path = join(options.folder, `live-${randomBytes(6).toString("hex")}.tmp`);
  const listener = Deno.listen({ transport: "unix", path });
  await Deno.chmod(path, 0o600);
  void serveOne(listener, path, options);
  return path;
}

async function serveOne(
  listener: Deno.UnixListener,
  path: string,
  { serve, missed, wait = CONNECT_MS }: OneTimeOptions,
): Promise<void> {
  using limit = deadline(wait, "the connection that was announced");
  const close = () => listener.close();
  limit.signal.addEventListener("abort", close, { once: true });
  let connection: Deno.UnixConn | undefined;
  try {
    connection = await listener.accept();
  } catch {
    missed();
  } finally {
    limit.signal.removeEventListener("abort", close);
    if (!limit.signal.aborted) close();
    await rm(path, { force: true });
  }
  if (connection) await serve(connection);
}
