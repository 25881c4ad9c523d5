/**
 * Stores one publication, or is killed before a step of it. Arguments: home, publisher, a file with
 * the publication, and the step's name, if any.
 */
import { Home } from "../../../lib/common/home.ts";
import { verifySignature } from "../../../lib/identity/keys.ts";
import { decodeEnvelope } from "../../../lib/manifest/envelope.ts";
import { verifyManifest } from "../../../lib/manifest/manifest.ts";
import { Store } from "../../../lib/store/store.ts";
import { fetchInto, lenient } from "./fixture.ts";
import { ACCEPTED, ANNOUNCED, dieBefore } from "./steps.ts";

const [home = "", publisher = "", file = "", step = ""] = Deno.args;
const repository = new Store(new Home(home)).repository(publisher, "hello");
const { envelope, added, packs } = JSON.parse(await Deno.readTextFile(file));
const { bytes, signature } = decodeEnvelope(new TextEncoder().encode(envelope));
const signed = verifyManifest(bytes, signature, {}, verifySignature);
if (packs) {
  if (step) dieBefore(ANNOUNCED[step]!);
  await repository.publish(signed, added, packs);
} else {
  const fetched = await fetchInto(repository, { signed, added });
  if (step) dieBefore(ACCEPTED[step]!);
  await repository.accept(signed, fetched, lenient);
}
