/**
 * A git:// address on loopback that is good for one connection: git's own client gets at a stream
 * that this process has.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { deadline } from "../common/wait.ts";

/** How long it waits for its connection, in milliseconds. */
const CONNECT_MS = 10_000;
/** Until a connection has said what it wants, in milliseconds: git says it at once. */
const REQUEST_MS = 2_000;
/** Longest request, in bytes. git's names the path, the host and the protocol's version. */
const MAX_REQUEST = 512;
/** Connections that have not said yet what they want; more are closed unheard. */
const MAX_PENDING = 16;

/** What is waited for. */
export interface GitPortOptions {
  /** Serves the connection, from behind the request with which git begins. */
  readonly serve: (
    git: {
      readonly readable: ReadableStream<Uint8Array>;
      readonly writable: WritableStream<Uint8Array>;
    },
  ) => Promise<unknown>;
  /** Nobody came, or the signal's abort ended the wait. */
  readonly missed: () => void;
  readonly signal?: AbortSignal;
  /** Milliseconds, by default 10,000. */
  readonly wait?: number;
}

/**
 * Listens for one client of git's protocol (gitprotocol-pack(5), "Git OpenNetwork"). Any process of
 * this machine can reach the port, so the address has a secret in it; who doesn't name it is hung up
 * on, and the wait goes on.
 *
 * @returns the address, for `git fetch-pack`
 */
export function oneTimeGitPort(options: GitPortOptions): Promise<string> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const secret = randomBytes(16).toString("hex");
  void serveOne(listener, secret, options);
  return Promise.resolve(`git://127.0.0.1:${listener.addr.port}/${secret}`);
}

async function serveOne(
  listener: Deno.TcpListener,
  secret: string,
  { serve, missed, signal, wait = CONNECT_MS }: GitPortOptions,
): Promise<void> {
  const found = await firstThatKnows(listener, secret, wait, signal);
  if (!found) return missed();
  try {
    await serve(found);
  } finally {
    hangUp(found);
  }
}

/** Closes the listener and all other connections before it returns. */
async function firstThatKnows(
  listener: Deno.TcpListener,
  secret: string,
  wait: number,
  signal: AbortSignal | undefined,
): Promise<Deno.TcpConn | undefined> {
  using limit = deadline(wait, "git's connection", signal);
  const pending = new Set<Deno.TcpConn>();
  let found: Deno.TcpConn | undefined;
  const stop = () => {
    hangUp(listener);
    pending.forEach(hangUp);
  };
  limit.signal.addEventListener("abort", stop, { once: true });
  if (limit.signal.aborted) stop();
  const hear = async (connection: Deno.TcpConn) => {
    pending.add(connection);
    const late = setTimeout(() => hangUp(connection), REQUEST_MS);
    const knows = await names(connection, secret).catch(() => false);
    clearTimeout(late);
    pending.delete(connection);
    if (!knows || found || limit.signal.aborted) return hangUp(connection);
    connection.setNoDelay(true); // short messages to and fro
    found = connection;
    stop();
  };
  try {
    for await (const connection of listener) {
      const isOver = found !== undefined || limit.signal.aborted;
      if (isOver || pending.size >= MAX_PENDING) hangUp(connection);
      else void hear(connection);
    }
  } catch {
    stop(); // the listener has failed: nobody can come any more
  } finally {
    limit.signal.removeEventListener("abort", stop);
  }
  return found;
}

/** Whether the connection begins with a request that names the secret. No byte more is read. */
async function names(connection: Deno.TcpConn, secret: string): Promise<boolean> {
  const digits = (await readExactly(connection, 4)).toString("latin1");
  const length = /^[0-9a-f]{4}$/i.test(digits) ? parseInt(digits, 16) - 4 : 0;
  if (length < 1 || length > MAX_REQUEST) return false;
  const request = await readExactly(connection, length);
  const asked = request.subarray(0, request.indexOf(0));
  const right = Buffer.from(`git-upload-pack /${secret}`);
  return asked.length === right.length && timingSafeEqual(asked, right);
}

async function readExactly(connection: Deno.TcpConn, count: number): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  for (let at = 0; at < count;) {
    const read = await connection.read(bytes.subarray(at));
    if (read === null) throw new Error("it hung up");
    at += read;
  }
  return bytes;
}

function hangUp(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // it is closed already
  }
}
