/**
 * From a request to its answer.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { deadline } from "../../common/wait.ts";
import { packInfo } from "../../manifest/pack_torrent.ts";
import type { LiveAnswer, UploadPackForm } from "../../ports/streams.ts";
import { bundleHeader, bundleList } from "./bundle.ts";
import { parseEndpoint } from "./endpoint.ts";
import { etagOf, type Offer, type Offers } from "./offers.ts";
import { type Exchange, IMMUTABLE, NO_CACHE, Refusal, sendBytes, sendFile } from "./reply.ts";
import type { Places } from "./places.ts";
import { parseRequestPath, type RequestPath } from "./request_path.ts";
import {
  advertiseRefs,
  checkService,
  exchangePack,
  type GitInPlace,
  pushRefused,
} from "./upload_pack.ts";

const NOT_FOUND = "there is nothing here: repositories are at /<publisher>/<name>.git";

/** Answers from `offers`, and git clients from `live`. */
export interface Answers {
  readonly offers: Offers;
  readonly live: LiveAnswer;
  /** "https://host:port", where others reach this server. */
  readonly origin: string | undefined;
  /** "http" or "https", as the socket is. */
  readonly protocol: string;
  /** Of git processes. */
  readonly processes: Places;
  /** Milliseconds to wait for one of these. */
  readonly queueMs: number;
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
  const { resource, publisher, name } = path;
  checkMethod(request.method, resource.kind.endsWith("-pack") ? ["POST"] : ["GET", "HEAD"]);
  if (resource.kind === "receive-pack") throw pushRefused();
  if (resource.kind === "refs") checkService(resource.service);
  const offer = answers.offers.repository(publisher, name);
  if (!offer) throw new Refusal(404, NOT_FOUND);
  switch (resource.kind) {
    case "refs":
      return await advertiseRefs(
        exchange,
        (_, form) => openGit(answers, offer, path, exchange, form),
      );
    case "upload-pack":
      return await exchangePack(
        exchange,
        (_, form) => openGit(answers, offer, path, exchange, form),
      );
    case "manifest": {
      const headers = { type: "application/json", etag: offer.etag, cache: NO_CACHE };
      return await sendBytes(exchange, offer.envelope, headers);
    }
    case "bundles": {
      const list = Buffer.from(bundleList(baseBundle(answers, offer, path, exchange)));
      const headers = { type: "text/plain; charset=utf-8", etag: etagOf(list), cache: NO_CACHE };
      return await sendBytes(exchange, list, headers);
    }
    case "bundle": {
      const pack = offer.bases.find(({ sha256 }) => sha256 === resource.sha256);
      const offered = pack && answers.offers.pack(pack.sha256);
      if (!offered) throw new Refusal(404, NOT_FOUND);
      const head = bundleHeader(pack);
      const etag = etagOf(Buffer.concat([head, Buffer.from(pack.sha256)]));
      return await sendFile(exchange, { path: offered.path, size: pack.size, etag, head });
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
  const { pack, path, pieces } = offered;
  if (kind === "pack") {
    return await sendFile(exchange, { path, size: pack.size, etag: `"${sha256}"` });
  }
  const webSeed = origin === undefined ? "" : `${origin}/${publisher}/${name}/packs/`;
  const torrent = encodeTorrent(packInfo(sha256, pack.size, await pieces()), webSeed);
  await sendBytes(exchange, torrent, {
    type: "application/x-bittorrent",
    etag: etagOf(torrent),
    cache: webSeed === "" ? IMMUTABLE : NO_CACHE,
  });
}

/** A torrent file (BEP 3), with this server as its web seed (BEP 19). */
function encodeTorrent(info: Uint8Array, webSeed: string): Uint8Array {
  const seeds = webSeed === "" ? "" : `8:url-list${webSeed.length}:${webSeed}`;
  return Buffer.concat([Buffer.from("d4:info"), info, Buffer.from(`${seeds}e`)]);
}

async function openGit(
  answers: Answers,
  offer: Offer,
  path: RequestPath,
  exchange: Exchange,
  form: UploadPackForm,
): Promise<GitInPlace> {
  const source = await answers.live(offer.signed.manifest);
  if (!source) {
    throw new Refusal(503, "the repository is not whole here; try again later", {
      "Retry-After": "60",
    });
  }
  using queue = deadline(answers.queueMs, "a git process", exchange.signal);
  const place = await answers.processes.wait(exchange.peer, queue.signal).catch((error) => {
    if (exchange.signal.aborted) throw error;
    throw new Refusal(503, "too many are being served", { "Retry-After": "30" });
  });
  const ended = new AbortController();
  const signal = AbortSignal.any([exchange.signal, ended.signal]);
  const close = () => {
    ended.abort();
    place[Symbol.dispose]();
  };
  try {
    const bundle = form.protocol === 2 ? baseBundle(answers, offer, path, exchange) : undefined;
    const { readable, writable } = await source.open(signal, { ...form, bundle });
    return { readable, writable, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * The address of the first pack as a bundle. Where this server doesn't know its own, it is as the
 * client calls it: nobody else is told that.
 */
function baseBundle(
  { origin, protocol, offers }: Answers,
  { bases: [base] }: Offer,
  { publisher, name }: RequestPath,
  { request: { headers: { host } } }: Exchange,
): string | undefined {
  const called = parseEndpoint(host ?? "") ? `${protocol}://${host}` : undefined;
  const from = origin ?? called;
  if (!base || from === undefined || !offers.pack(base.sha256)) return undefined;
  return `${from}/${publisher}/${name}.git/bundles/${base.sha256}.bundle`;
}

function checkMethod(method: string | undefined, allowed: readonly string[]): void {
  if (method !== undefined && allowed.includes(method)) return;
  throw new Refusal(405, `use ${allowed.join(" or ")}`, { Allow: allowed.join(", ") });
}
