/** `gtr bundle export` */
import { resolve } from "node:path";
import { JSON_OPTION } from "../../common/verb.ts";
import { formatAddress } from "../../identity/address.ts";
import { loadOrCreateKey, verifySignature } from "../../identity/keys.ts";
import { decodeEnvelope } from "../../manifest/envelope.ts";
import { verifyManifest } from "../../manifest/manifest.ts";
import { writeBundle } from "../../store/write_bundle.ts";
import { PACKING_MS, withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { networks } from "../networks.ts";
import { formatBytes, note, printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "write a repository into one file, to carry it by hand",
  operands: [
    {
      form: "<repository>",
      about: "an address, or the name of a repository that you share",
      offer: "shared repository",
    },
    { form: "<file>", about: "the bundle to write; an existing file is replaced" },
  ],
  options: [JSON_OPTION],
  details: [
    "The file holds what the address leads to, signed by its publisher: nobody who carries it can " +
    "change it unnoticed. The newest publication is fetched first; if nobody answers, the copy " +
    "kept here is written. git's own: git bundle.",
  ],
  examples: [{
    command: "gtr bundle export hello /media/usb/hello.gtr",
    about: "to a usb stick",
  }],
  run,
};

/** Writes a repository, as it is published, into one file. */
async function run(call: Call): Promise<void> {
  const { io, options } = call;
  const [what, operand] = call.operands as [string, string];
  const url = await addressOf(call, what);
  const file = resolve(io.cwd, operand);
  const { size, state } = await withGtd(
    call,
    PACKING_MS,
    "the bundle to be written",
    async (gtd, wait) => {
      const state = await gtd.exportBundle({ url }, wait);
      const { bytes, signature } = decodeEnvelope(new TextEncoder().encode(state.envelope));
      const signed = verifyManifest(bytes, signature, { name: state.name }, verifySignature);
      return { state, size: await writeBundle(file, signed, state.packs, wait) };
    },
  );
  const { address, sequence, warning } = state;
  if (warning) note(io, `warning: ${warning}`);
  if (options.json) printJson(io, { address, sequence, file, bytes: size });
  else note(io, `wrote ${address} to ${operand}: ${formatBytes(size)}`);
}

/** What is no address is the name of a repository of one's own. */
async function addressOf(call: Call, what: string): Promise<string> {
  if (what.includes("://")) return what;
  const [scheme] = await networks();
  const { id } = await loadOrCreateKey(call.home.identity);
  return formatAddress({ scheme: scheme!, id, name: what });
}
