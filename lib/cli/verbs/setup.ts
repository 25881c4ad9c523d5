/** `gtr setup` */
import { readTextIfPresent } from "../../common/atomic_file.ts";
import { writeSetting } from "../../common/settings.ts";
import { JSON_OPTION } from "../../common/verb.ts";
import { checkGit } from "../../git_interface/version.ts";
import { loadOrCreateKey, readKey } from "../../identity/keys.ts";
import type { Call } from "../io.ts";
import { printJson, printTable } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "prepare this user's folder, identity and settings",
  operands: [],
  options: [JSON_OPTION],
  details: [
    "Other commands do this by themselves when they need it. It also checks that git is there " +
    "and new enough.",
  ],
  examples: [{ command: "gtr setup", about: "prepare, and say what was there and what is new" }],
  run,
};

/** Prepares home, identity and settings, checks git, and says what was there and what is new. */
async function run(call: Call): Promise<void> {
  const { home, io } = call;
  const git = await checkGit();
  const made: string[] = [];
  if (!await Deno.stat(home.root).then((info) => info.isDirectory, () => false)) made.push("home");
  await home.ensure();
  if (!await readKey(home.identity)) made.push("identity");
  const { id, publicKeyHex } = await loadOrCreateKey(home.identity);
  if (await readTextIfPresent(home.config) === undefined) {
    made.push("settings");
    await writeSetting(home, "transports", undefined); // a file with no setting in it
  }
  await call.settings(); // refuses a damaged file
  if (call.options.json) {
    return printJson(io, {
      git,
      home: home.root,
      identity: { id, publicKey: publicKeyHex },
      settings: home.config,
      made,
    });
  }
  const state = (part: string) => made.includes(part) ? "made" : "present";
  printTable(io, ["PART", "STATE", "VALUE"], [
    ["git", "present", git],
    ["home", state("home"), home.root],
    ["identity", state("identity"), id],
    ["settings", state("settings"), home.config],
  ]);
}
