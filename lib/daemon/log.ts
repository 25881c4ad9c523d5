/**
 * gtd's log: one line per event, with the time.
 *
 * @module
 */
import { rename } from "node:fs/promises";

/** Beyond this the file is set aside at the next start, in bytes. */
const ROTATE_AT = 4 << 20;

/** Writes to stderr, which is the journal, a terminal or the log file. */
export function logLine(message: string): void {
  const oneLine = message.replaceAll(/[\r\n]+/g, " ");
  console.error(`${new Date().toISOString()} ${oneLine}`);
}

/** Sets a log that has grown large aside as `<path>.1`. */
export async function rotateLog(path: string): Promise<void> {
  const size = await Deno.stat(path).then((info) => info.size, () => 0);
  if (size > ROTATE_AT) await rename(path, `${path}.1`);
}
