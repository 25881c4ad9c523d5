/**
 * The server's side of protocol 2 as far as a manifest alone can answer (gitprotocol-v2(5)).
 *
 * @module
 */
import type { Manifest } from "../manifest/types.ts";
import { FLUSH, packetOf } from "../common/pkt_line.ts";

/** What a reader may do with a live stream: what every `git upload-pack` that gtr starts can. */
export const FETCH_FEATURES: readonly string[] = ["shallow", "wait-for-done", "filter"];

/** The capabilities that a conversation begins with. */
export function advertisement(
  { objectFormat }: Pick<Manifest, "objectFormat">,
  agent: string,
): Uint8Array[] {
  return [
    packetOf("version 2\n"),
    packetOf(`agent=${agent}\n`),
    packetOf("ls-refs=unborn\n"),
    packetOf(`fetch=${FETCH_FEATURES.join(" ")}\n`),
    packetOf(`object-format=${objectFormat}\n`),
    FLUSH,
  ];
}

/**
 * The answer to `ls-refs`.
 *
 * @param args what the request says behind its delimiter: "peel", "ref-prefix refs/heads/", ...
 */
export function lsRefs(
  { refs, peeled, head }: Pick<Manifest, "refs" | "peeled" | "head">,
  args: readonly string[],
): Uint8Array[] {
  const prefixes = args.flatMap((arg) => arg.startsWith("ref-prefix ") ? [arg.slice(11)] : []);
  const isAsked = (name: string) =>
    prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));
  const symref = args.includes("symrefs") ? ` symref-target:${head}` : "";
  const lines: string[] = [];
  if (isAsked("HEAD")) {
    if (refs[head] !== undefined) lines.push(`${refs[head]} HEAD${symref}`);
    else if (args.includes("unborn")) lines.push(`unborn HEAD${symref}`);
  }
  for (const name of Object.keys(refs).sort()) {
    if (!isAsked(name)) continue;
    const target = args.includes("peel") && peeled?.[name];
    lines.push(`${refs[name]} ${name}${target ? ` peeled:${target}` : ""}`);
  }
  return [...lines.map((line) => packetOf(`${line}\n`)), FLUSH];
}
