/** `gtr name add` */
import { Names } from "../../identity/names.ts";
import type { Call } from "../io.ts";
import { note } from "../output.ts";

/** Gives a publisher a name. */
export async function run({ home, operands, io }: Call): Promise<void> {
  const [name, publisher] = operands as [string, string];
  const names = new Names(home.names);
  const before = await names.get(name);
  await names.add(name, publisher);
  // Every remote that says torrent://<name>/ now leads elsewhere: nobody should miss that.
  if (before !== undefined && before !== await names.get(name)) {
    note(io, `${name} was the name of ${before} until now`);
  }
}
