/**
 * What the URL of a request asks for.
 *
 * @module
 */
import { repositoryNameFault } from "../../common/repository_name.ts";

/** The things of a repository that are served. */
export type Resource =
  | { readonly kind: "refs"; readonly service: string | undefined }
  | { readonly kind: "upload-pack" }
  | { readonly kind: "receive-pack" }
  | { readonly kind: "manifest" }
  | { readonly kind: "bundles" }
  | { readonly kind: "bundle"; readonly sha256: string }
  | { readonly kind: "pack" | "torrent"; readonly sha256: string };

/** A repository, and what of it. */
export interface RequestPath {
  /** Id (40 lower-case hex digits) or public key (64). */
  readonly publisher: string;
  readonly name: string;
  readonly resource: Resource;
}

const REPOSITORY = /^\/([0-9a-f]{40}|[0-9a-f]{64})\/([A-Za-z0-9._-]{1,68}?)(?:\.git)?\/(.*)$/i;
const PACK = /^(?:packs\/([0-9a-f]{64})\.(pack|torrent)|bundles\/([0-9a-f]{64})\.bundle)$/;

/**
 * Reads a request's target as it was sent. Nothing in it is decoded or resolved: escapes, `..` and
 * whatever else leads somewhere are no part of any path that there is.
 *
 * @returns undefined where there is nothing of that kind
 */
export function parseRequestPath(target: string): RequestPath | undefined {
  const [, publisher, name, rest] = REPOSITORY.exec(target) ?? [];
  if (publisher === undefined || name === undefined || rest === undefined) return undefined;
  if (repositoryNameFault(name) !== undefined) return undefined;
  const resource = parseResource(rest);
  return resource && { publisher: publisher.toLowerCase(), name, resource };
}

function parseResource(rest: string): Resource | undefined {
  const [, query] = /^info\/refs(?:\?(.*))?$/.exec(rest) ?? [undefined, null];
  if (query !== null) {
    return { kind: "refs", service: /(?:^|&)service=([a-z-]+)(?:&|$)/.exec(query ?? "")?.[1] };
  }
  if (rest === "git-upload-pack") return { kind: "upload-pack" };
  if (rest === "git-receive-pack") return { kind: "receive-pack" };
  if (rest === "manifest") return { kind: "manifest" };
  if (rest === "bundles") return { kind: "bundles" };
  const [, pack, kind, base] = PACK.exec(rest) ?? [];
  if (base !== undefined) return { kind: "bundle", sha256: base };
  return pack === undefined ? undefined : { kind: kind as "pack" | "torrent", sha256: pack };
}
