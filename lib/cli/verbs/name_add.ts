/** `gtr name add` */
import { Names } from "../../identity/names.ts";
import type { Call } from "../io.ts";

/** Gives a publisher a name. */
export async function run({ home, operands }: Call): Promise<void> {
  const [name, publisher] = operands as [string, string];
  await new Names(home.names).add(name, publisher);
}
