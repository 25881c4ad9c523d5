/**
 * git's smart HTTP transport (gitprotocol-http(5)), for reading.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Duplex, UploadPackForm } from "../../ports/streams.ts";
import { end, type Exchange, NO_CACHE, Refusal, write } from "./reply.ts";
import { requestBody } from "./request_body.ts";

const SERVICE = "git-upload-pack";

/** Says no to pushes and to git older than smart HTTP, or returns. */
export function checkService(service: string | undefined): void {
  if (service === SERVICE) return;
  if (service === "git-receive-pack") throw pushRefused();
  throw new Refusal(403, "this server speaks git's smart HTTP: use git 1.6.6 or newer");
}

/** The answer to `git push`; git shows only the status, curl the text too. */
export function pushRefused(): Refusal {
  return new Refusal(
    403,
    "can't push over https: the repository is signed by its publisher's own gtr.\n" +
      "Its publisher pushes to the address that 'gtr list' shows; " +
      "others propose a change by sharing their own copy: gtr init",
  );
}

/** Starts git, once there is a place for one more. */
export type OpenGit = (exchange: Exchange, form: UploadPackForm) => Promise<GitInPlace>;

/** A running git. */
export interface GitInPlace extends Duplex {
  /** Ends it, and gives its place to another. */
  readonly close: () => void;
}

/** Answers `GET info/refs?service=git-upload-pack`. */
export async function advertiseRefs(exchange: Exchange, openGit: OpenGit): Promise<void> {
  const protocol = protocolVersion(exchange);
  const git = await openGit(exchange, { protocol, stateless: "advertise" });
  using _git = { [Symbol.dispose]: git.close };
  await git.writable.close();
  begin(exchange, "advertisement");
  if (exchange.request.method === "HEAD") {
    await git.readable.cancel();
  } else {
    // Version 2 has its own first line.
    if (protocol !== 2) await write(exchange, Buffer.from(`001e# service=${SERVICE}\n0000`));
    for await (const chunk of git.readable) await write(exchange, chunk);
  }
  await end(exchange);
}

/** Answers `POST git-upload-pack`. The request is read while the answer is sent. */
export async function exchangePack(exchange: Exchange, openGit: OpenGit): Promise<void> {
  const { request, response } = exchange;
  if (request.headers["content-type"] !== `application/x-${SERVICE}-request`) {
    throw new Refusal(415, `the body must be application/x-${SERVICE}-request`);
  }
  const protocol = protocolVersion(exchange);
  const git = await openGit(exchange, { protocol, stateless: "exchange" });
  let failed: unknown;
  const feeding = feed(exchange, git).catch((error) => {
    failed = error;
    git.close();
  });
  try {
    for await (const chunk of git.readable) {
      if (!response.headersSent) begin(exchange, "result");
      await write(exchange, chunk);
    }
    await feeding;
    if (failed) throw failed;
    if (!response.headersSent) begin(exchange, "result");
    await end(exchange);
  } catch (error) {
    throw failed ?? error;
  } finally {
    git.close();
    await feeding;
  }
}

async function feed({ request, touch }: Exchange, git: Duplex): Promise<void> {
  const writer = git.writable.getWriter();
  writer.closed.catch(() => {});
  try {
    for await (const chunk of requestBody(request)) {
      touch();
      // git stops reading at an error of the client's; its answer says which.
      await writer.write(chunk).catch(() => {});
    }
    await writer.close().catch(() => {});
  } catch (error) {
    await writer.abort(error).catch(() => {});
    throw error;
  }
}

function begin({ response }: Exchange, what: "advertisement" | "result"): void {
  response.writeHead(200, {
    "Content-Type": `application/x-${SERVICE}-${what}`,
    "Cache-Control": NO_CACHE,
  });
}

/** The version asked for in `Git-Protocol` (gitprotocol-v2(5)); 0 without it. */
function protocolVersion({ request }: Exchange): 0 | 1 | 2 {
  const asked = request.headers["git-protocol"];
  const versions = String(asked ?? "").slice(0, 100).split(":")
    .flatMap((key) => /^version=([012])$/.exec(key)?.[1] ?? []);
  return Math.max(0, ...versions.map(Number)) as 0 | 1 | 2;
}
