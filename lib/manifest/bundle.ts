/**
 * The head of a bundle: a signed manifest and its packs in one file, for carrying by hand.
 *
 * A bundle is the line `# gtr bundle v1 <n>` and a newline, the manifest's envelope of n bytes, and
 * the packs, whole, in the manifest's order, with nothing between or after them: the manifest says
 * how long each is.
 *
 * @module
 */
import { VerificationError } from "../common/errors.ts";
import { encodeEnvelope, MAX_ENVELOPE_BYTES } from "./envelope.ts";
import type { Manifest, SignedManifest } from "./types.ts";

/** The first line is never longer than this, in bytes. */
export const MAX_BUNDLE_LINE = 64;

const LINE = /^# gtr bundle v(\d{1,9})(?: (\d{1,9}))?\n/;

/** All that comes before the packs. */
export function encodeBundleHead(signed: Pick<SignedManifest, "bytes" | "signature">): Uint8Array {
  const envelope = encodeEnvelope(signed);
  const line = new TextEncoder().encode(`# gtr bundle v1 ${envelope.length}\n`);
  const head = new Uint8Array(line.length + envelope.length);
  head.set(line);
  head.set(envelope, line.length);
  return head;
}

/**
 * Where the envelope of a bundle is.
 *
 * @param start the first {@linkcode MAX_BUNDLE_LINE} bytes of the file, or all it has
 * @throws {VerificationError} "bad-bundle" where it is another file, or of a later version
 */
export function decodeBundleLine(start: Uint8Array): { offset: number; length: number } {
  const text = String.fromCharCode(...start.subarray(0, MAX_BUNDLE_LINE));
  const [line, version, digits] = LINE.exec(text) ?? [];
  if (line === undefined) {
    throw /^# v\d+ git bundle\n/.test(text)
      ? badBundle("it is a bundle of git's own", "git clone <file>, or git bundle unbundle <file>")
      : badBundle("it is not a gtr bundle", "gtr bundle export makes one");
  }
  if (version !== "1") throw badBundle(`it has version ${version}`, "install a newer gtr");
  const length = Number(digits ?? NaN);
  if (!(length > 0 && length <= MAX_ENVELOPE_BYTES)) {
    throw badBundle("its first line is damaged", "copy it again from where it came");
  }
  return { offset: line.length, length };
}

/** The bytes that all packs of a manifest have together. */
export function packBytes({ packs }: Pick<Manifest, "packs">): number {
  return packs.reduce((sum, { size }) => sum + size, 0);
}

function badBundle(why: string, hint: string): VerificationError {
  return new VerificationError("bad-bundle", why, { hint });
}
