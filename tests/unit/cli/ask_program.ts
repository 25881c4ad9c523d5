/** Asks two questions, prints the answers, says that it is ready, and reads what follows. */
import { secretsFromStdin } from "../../../lib/cli/ask_secret.ts";
import { toGtrError } from "../../../lib/common/errors.ts";

const ask = secretsFromStdin();
const { signal } = new AbortController();
try {
  const answers = [await ask("First: ", signal), await ask("Second: ", signal)];
  console.log(JSON.stringify(answers.map((answer) => answer ?? null)));
  Deno.stderr.writeSync(new TextEncoder().encode("ready"));
  await Deno.stdin.read(new Uint8Array(100));
} catch (error) {
  console.log(toGtrError(error).message);
}
