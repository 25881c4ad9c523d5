/**
 * Accepts publications one after the other and says which are done, until it is killed. Arguments:
 * home, publisher, a file with the publications.
 */
import { Home } from "../../../lib/common/home.ts";
import { verifySignature } from "../../../lib/identity/keys.ts";
import { decodeEnvelope } from "../../../lib/manifest/envelope.ts";
import { verifyManifest } from "../../../lib/manifest/manifest.ts";
import { Store } from "../../../lib/store/store.ts";
import { fetchInto, lenient } from "./fixture.ts";

const [home = "", publisher = "", list = ""] = Deno.args;
const repository = new Store(new Home(home)).repository(publisher, "hello");
for (const { envelope, added } of JSON.parse(await Deno.readTextFile(list))) {
  const { bytes, signature } = decodeEnvelope(new TextEncoder().encode(envelope));
  const signed = verifyManifest(bytes, signature, {}, verifySignature);
  if (signed.manifest.sequence <= await repository.highestSequence()) continue;
  using _lock = await repository.lock(lenient);
  await repository.accept(signed, await fetchInto(repository, { signed, added }), lenient);
  await Deno.stdout.write(new TextEncoder().encode(`${signed.manifest.sequence}\n`));
}
