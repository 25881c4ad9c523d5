/** `gtr name remove` */
import { Names } from "../../identity/names.ts";
import type { Call } from "../io.ts";

/** Forgets a name. */
export async function run({ home, operands }: Call): Promise<void> {
  const [name] = operands as [string];
  await new Names(home.names).remove(name);
}
