/** `gtr name add` */
import { Names } from "../../identity/names.ts";
import type { Call } from "../io.ts";
import { note } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "give a publisher a name of your own",
  operands: [
    { form: "<name>", about: "what you call them" },
    { form: "<publisher>", about: "their id, public key, or any of their addresses" },
  ],
  options: [],
  details: ["torrent://<name>/<repository> then works wherever an address does, in git too."],
  examples: [
    {
      command: "gtr name add bob 3f1c9a0e5b7d2c4f6a8b0d1e3f5a7c9b1d3e5f70",
      about: "git clone torrent://bob/hello works now",
    },
  ],
  run,
};

/** Gives a publisher a name. */
async function run({ home, operands, io }: Call): Promise<void> {
  const [name, publisher] = operands as [string, string];
  const names = new Names(home.names);
  const before = await names.get(name);
  await names.add(name, publisher);
  // Every remote that says torrent://<name>/ now leads elsewhere: nobody should miss that.
  if (before !== undefined && before !== await names.get(name)) {
    note(io, `${name} was the name of ${before} until now`);
  }
}
