/**
 * A build as an archive.
 *
 * @module
 */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { plan, type Planned } from "../install/plan.ts";
import { ReleaseError } from "./error.ts";
import { type Member, tar } from "./tar.ts";

/** Stands in the archive's files for where they will be installed; `install.sh` puts it right. */
const PREFIX = "/@PREFIX@";
/** RFC 1952: the byte that names the system; the same on all. */
const OS_BYTE = 9;
const UNKNOWN = 255;

/**
 * Packs what `make install` installs.
 *
 * @param name of the folder inside
 * @param date of everything inside, in seconds since 1970
 * @throws {ReleaseError} unless dist has standalone binaries
 */
export async function archive(
  root: string,
  name: string,
  os: typeof Deno.build.os,
  date: number,
): Promise<Uint8Array> {
  const state = join(root, "dist", "build.json");
  const { kind, fingerprint } = await Deno.readTextFile(state).then(JSON.parse, () => ({}));
  if (kind !== "binaries" || !fingerprint) {
    throw new ReleaseError("can't pack: dist has no standalone binaries (make KIND=binaries)");
  }
  const planned = await plan(root, PREFIX, os, undefined);
  const first = new Map<string, string>();
  const members: Member[] = [];
  for (const file of planned.sort((a, b) => a.to < b.to ? -1 : 1)) {
    const path = `${name}/${file.to}`;
    const id = await identity(file);
    const same = id && first.get(id);
    if (id && !same) first.set(id, path);
    members.push({
      path,
      mode: file.mode,
      ...same ? { link: same } : { content: await read(file) },
    });
  }
  const packed = gzipSync(tar(members, date), { level: 9 });
  packed[OS_BYTE] = UNKNOWN;
  return packed;
}

async function read({ from }: Planned): Promise<Uint8Array> {
  return "text" in from ? new TextEncoder().encode(from.text) : await Deno.readFile(from.path);
}

/** The same for hard links to one file, such as gti. */
async function identity({ from }: Planned): Promise<string | undefined> {
  if ("text" in from) return undefined;
  const { dev, ino, nlink } = await Deno.stat(from.path);
  return ino && nlink && nlink > 1 ? `${dev} ${ino}` : undefined;
}
