/** `gtr name import` */
import { RequestError } from "../../common/errors.ts";
import { JSON_OPTION } from "../../common/verb.ts";
import { Names } from "../../identity/names.ts";
import { checkPetname } from "../../identity/petname.ts";
import { idOf } from "../../identity/publisher.ts";
import { Registry } from "../../identity/registry.ts";
import { formatRegistryName, parseRegistryName } from "../../identity/registry_name.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "give a publisher the name that a domain gives them",
  operands: [{ form: "<user@domain>", about: "the name there" }],
  options: [
    { form: "--as <name>", about: "what you call them (default: the user)" },
    { form: "--accept-change", about: "even if it stood for another publisher before" },
    JSON_OPTION,
  ],
  details: [
    "Asks https://<domain>/.well-known/gtr.json whom the name stands for, prints their id and " +
    "keeps it: the name leads to them from then on, whatever the domain says later. Compare " +
    "the id with them over another channel.",
    "torrent://<user>@<domain>/<repository> works without it. The domain is then asked again, at " +
    "most once an hour; if it says that the name has another key, nothing is fetched until you " +
    "accept that with --accept-change.",
  ],
  examples: [
    { command: "gtr name import alice@example.org", about: "torrent://alice/hello works now" },
    { command: "gtr name import alice@example.org --as al", about: "under another name" },
  ],
  run,
};

/** Asks a domain whom one of its names stands for, and keeps the answer as a petname. */
async function run(call: Call): Promise<void> {
  const { home, io, options, services } = call;
  const at = parseRegistryName(call.operands[0]!);
  const from = formatRegistryName(at);
  const name = checkPetname(options.as ?? at.user);
  const names = new Names(home.names);
  const before = await names.find(name);
  if (before && before.from !== from) throw taken(name, before.publisher, from);

  const timeoutMs = (await call.settings()).get("network.timeout") * 1000;
  const registry = new Registry({ path: home.registry, ask: services.askRegistry, timeoutMs });
  const accept = options.acceptChange ?? false;
  const publisher = await registry.confirm(at, accept, io.signal, before?.publisher);
  const id = idOf(publisher);
  const changed = before && idOf(before.publisher) !== id ? before : undefined;
  await names.add(name, publisher, from);
  if (changed) note(io, `${name} was the name of ${idOf(changed.publisher)} until now`);
  if (options.json) printJson(io, { name, publisher, id, from });
  else io.stdout(`${id}\n`);
  note(io, `${name} is this publisher from now on, whatever ${at.domain} says later`);
}

function taken(name: string, publisher: string, from: string): RequestError {
  return new RequestError(
    "name-taken",
    `can't call ${from} '${name}': it is the name of ${idOf(publisher)}`,
    { hint: `gtr name import ${from} --as <name>, or first: gtr name remove ${name}` },
  );
}
