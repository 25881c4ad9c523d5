/**
 * From a request to its answer.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { LiveAnswer, LiveSource } from "../transport.ts";
import type { Offers } from "./offers.ts";
import { type Exchange, IMMUTABLE, NO_CACHE, Refusal, sendBytes, sendFile } from "./reply.ts";
import { parseRequestPath, type RequestPath } from "./request_path.ts";
import { advertiseRefs, checkService, exchangePack, pushRefused } from "./upload_pack.ts";

const NOT_FOUND = "there is nothing here: repositories are at /<publisher>/<name>.git";

/** Answers from `offers`, and git clients from `live`. */
export interface Answers {
  readonly offers: Offers;
  readonly live: LiveAnswer | undefined;
  /** "https://host:port", where others reach this server. */
  readonly origin: string | undefined;
}

/**
 * Answers one request.
 *
 * @throws {Refusal} before anything was sent
 */
export async function answer(answers: Answers, exchange: Exchange): Promise<void> {
  const { request } = exchange;
  const path = parseRequestPath(request.url ?? "");
  if (!path) throw new Refusal(404, NOT_FOUND);
  const { resource } = path;
  checkMethod(request.method, resource.kind.endsWith("-pack") ? ["POST"] : ["GET", "HEAD"]);
  if (resource.kind === "receive-pack") throw pushRefused();
  if (resource.kind === "refs") checkService(resource.service);
  const offer = answers.offers.repository(path.publisher, path.name);
  if (!offer) throw new Refusal(404, NOT_FOUND);
  switch (resource.kind) {
    case "refs":
      return await advertiseRefs(exchange, await liveSource(answers, offer.signed.manifest));
    case "upload-pack":
      return await exchangePack(exchange, await liveSource(answers, offer.signed.manifest));
    case "manifest": {
      const { envelope } = offer;
      const etag = `"${createHash("sha256").update(envelope).digest("hex").slice(0, 32)}"`;
      const headers = { type: "application/json", etag, cache: NO_CACHE };
      return await sendBytes(exchange, envelope, headers);
    }
    case "pack":
    case "torrent":
      return await sendPack(answers, path, resource, exchange);
  }
}

async function sendPack(
  { offers, origin }: Answers,
  { publisher, name }: RequestPath,
  { kind, sha256 }: { readonly kind: "pack" | "torrent"; readonly sha256: string },
  exchange: Exchange,
): Promise<void> {
  const offered = offers.pack(sha256);
  if (!offered) throw new Refusal(404, NOT_FOUND);
  const { pack, path, info } = offered;
  if (kind === "pack") {
    return await sendFile(exchange, { path, size: pack.size, etag: `"${sha256}"` });
  }
  const webSeed = origin === undefined ? "" : `${origin}/${publisher}/${name}/packs/`;
  const torrent = encodeTorrent(await info(), webSeed);
  const etag = `"${createHash("sha256").update(torrent).digest("hex").slice(0, 32)}"`;
  await sendBytes(exchange, torrent, {
    type: "application/x-bittorrent",
    etag,
    cache: webSeed === "" ? IMMUTABLE : NO_CACHE,
  });
}

/** A torrent file (BEP 3), with this server as its web seed (BEP 19). */
function encodeTorrent(info: Uint8Array, webSeed: string): Uint8Array {
  const seeds = webSeed === "" ? "" : `8:url-list${webSeed.length}:${webSeed}`;
  return Buffer.concat([Buffer.from("d4:info"), info, Buffer.from(`${seeds}e`)]);
}

async function liveSource(
  { live }: Answers,
  wanted: { readonly publisher: string; readonly name: string },
): Promise<LiveSource> {
  const source = await live?.(wanted);
  if (source) return source;
  throw new Refusal(503, "the repository is not whole here; try again later", {
    "Retry-After": "60",
  });
}

function checkMethod(method: string | undefined, allowed: readonly string[]): void {
  if (method !== undefined && allowed.includes(method)) return;
  throw new Refusal(405, `use ${allowed.join(" or ")}`, { Allow: allowed.join(", ") });
}
