/**
 * `@nostr-git/core` on Node. Reads one line of JSON on stdin and prints one: for each event in `events`
 * what that package makes of it, for each of `announcements` and `states` the event it builds.
 *
 *     node nostr_git_core.mjs <folder with @nostr-git/core in its node_modules>
 */
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const module = join(process.argv[2], "node_modules/@nostr-git/core/dist/events/index.js");
const git = await import(pathToFileURL(module));
process.env.NOSTR_GIT_VALIDATE_EVENTS = "1";

/**
 * What it does with an event from a relay. It checks the form of announcements; its check of states it
 * never makes: that one refuses all tags but `d`, `refs/...` and `HEAD`.
 */
function parse(event) {
  if (git.isRepoStateEvent(event)) return git.parseRepoStateEvent(event);
  git.assertRepoAnnouncementEvent(event);
  return git.parseRepoAnnouncementEvent(event);
}

const { events = [], announcements = [], states = [] } = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify({
  parsed: events.map(parse),
  announcements: announcements.map(git.createRepoAnnouncementEvent),
  states: states.map(git.createRepoStateEvent),
}));
