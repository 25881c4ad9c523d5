/**
 * The manual pages, from the same descriptions as `--help` and from the table of settings.
 *
 * @module
 */
import { relative } from "node:path";
import { synopsis } from "../../lib/cli/help.ts";
import { GTR_USAGE } from "../../lib/cli/usage.ts";
import { loadAll } from "../../lib/cli/verb.ts";
import { VERBS } from "../../lib/cli/verbs.ts";
import { Home } from "../../lib/common/home.ts";
import { type SettingName, SETTINGS, settingVariable } from "../../lib/common/settings.ts";
import { capitalized, type Described, type ProgramUsage } from "../../lib/common/usage.ts";
import type { NamedUsage } from "../../lib/common/verb.ts";
import { VERSION } from "../../lib/common/version.ts";
import { GTD_USAGE } from "../../lib/daemon/usage.ts";
import { helperUsage } from "../../lib/remote_helper/usage.ts";
import { ANY_NETWORK } from "../../lib/transports/known.ts";
import {
  bold,
  examples,
  form,
  page,
  paragraphs,
  section,
  subsection,
  terms,
  text,
} from "./roff.ts";

const ALL_VERBS = await loadAll(VERBS);

/**
 * gtr(1)
 *
 * @param schemes of the networks that there are
 */
export function gtrPage(schemes: readonly string[]): string {
  return page(GTR_USAGE.name, GTR_USAGE.summary, VERSION, [
    ...head(GTR_USAGE),
    section("VERBS", ...ALL_VERBS.map(verbSection)),
    section(
      "ADDRESSES",
      ...terms([{
        form: `${ANY_NETWORK}://<publisher>/<name>`,
        about: "one of the following, looked for on all networks at once",
      }]),
      ...schemes.flatMap((scheme) =>
        terms([
          {
            form: `${scheme}://<id>/<name>`,
            about: "the repository <name> of the publisher <id>",
          },
          {
            form: `${scheme}://<petname>/<name>`,
            about: "the same, by a name of your own: gtr name add",
          },
          {
            form: `${scheme}://<user>@<domain>/<name>`,
            about: "the same, by a name that a domain gives: gtr name import",
          },
        ])
      ),
    ),
    settings(),
    environment(),
    files(),
    exits(GTR_USAGE),
    section(
      "NOTES",
      text(
        "Some systems have another gtr: Homebrew's coreutils calls GNU tr so. This one is also " +
          "installed as gti.",
      ),
    ),
    seeAlso("gtd(1)", "git-remote-gtr(1)", "git(1)"),
  ]);
}

/** gtd(1) */
export function gtdPage(): string {
  return page(GTD_USAGE.name, GTD_USAGE.summary, VERSION, [
    ...head(GTD_USAGE),
    section(
      "SIGNALS",
      ...terms([
        { form: "SIGTERM, SIGINT", about: "end in an orderly way, within five seconds" },
        { form: "SIGHUP", about: "read the settings again" },
      ]),
    ),
    settings(),
    environment(),
    files(),
    exits(GTD_USAGE),
    seeAlso("gtr(1)", "git-remote-gtr(1)", "systemd.unit(5)"),
  ]);
}

/** git-remote-gtr(1), one page for the helpers of all networks. */
export function helperPage(schemes: readonly string[]): string {
  const usage = helperUsage("<network>");
  const address = `${ANY_NETWORK}://bob/tools`;
  const summary = "git's remote helpers for the addresses of peer-to-peer networks";
  return page("git-remote-gtr", summary, VERSION, [
    ...head(usage),
    section(
      "NETWORKS",
      text(
        `This manual came with the helpers for: ${
          schemes.join(", ")
        }. git-remote-${ANY_NETWORK} is ` +
          `for ${ANY_NETWORK}:// addresses, which are looked for on all networks at once.`,
      ),
    ),
    section(
      "EXAMPLES",
      ...examples([
        { form: `git clone ${address}`, about: "clone what bob shares as tools" },
        { form: `git clone --depth 1 ${address}`, about: "without its history" },
        { form: `git ls-remote ${address}`, about: "see the branches only" },
      ]),
    ),
    environment(),
    files(),
    exits(usage),
    seeAlso("gtr(1)", "gtd(1)", "git-clone(1)", "gitremote-helpers(7)"),
  ]);
}

function head(usage: ProgramUsage): string[] {
  const synopses = usage.forms.map((words, i) => {
    const [left, about] = words.split("    ");
    const line = `${bold(usage.name)} ${form(left!)}`;
    return `${i === 0 ? "" : ".br\n"}${line}${about ? ` (${text(about)})` : ""}`;
  });
  return [
    section("SYNOPSIS", ...synopses),
    section("DESCRIPTION", ...paragraphs(usage.details)),
    section("OPTIONS", ...terms(usage.options)),
  ];
}

function verbSection(verb: NamedUsage): string {
  const [name, ...rest] = synopsis(verb).split(/ (?=[[<])/);
  return subsection(
    name!,
    [bold(name!), ...rest.map(form)].join(" "),
    ".PP",
    ...paragraphs([`${capitalized(verb.summary)}.`, ...verb.details]),
    ...terms([...verb.operands, ...verb.options]),
    ".PP",
    "Examples:",
    ...examples(verb.examples.map(({ command, about }) => ({ form: command, about }))),
  );
}

function settings(): string {
  const names = Object.keys(SETTINGS) as SettingName[];
  return section(
    "SETTINGS",
    text("Shown and changed with gtr config. gtd reads them when it starts, and on SIGHUP."),
    ...terms(
      names.map((name) => {
        const { about, form, fallback } = SETTINGS[name];
        const value = fallback === undefined ? "" : ` (default: ${fallback})`;
        return { form: name, about: `${capitalized(about)}${value}. Form: ${form}.` };
      }),
      bold,
    ),
  );
}

function environment(): string {
  const names = Object.keys(SETTINGS) as SettingName[];
  const variables: Described[] = [
    { form: "GTR_HOME", about: "where this user's files are; see FILES" },
    { form: "XDG_DATA_HOME", about: "without GTR_HOME, they are in its folder gtr" },
    { form: "GIT_DIR, GIT_WORK_TREE", about: "the repository meant, as for git itself" },
    {
      form: "GTR_TRACE",
      about: "1: git's helper writes each step of a clone, fetch or push on stderr, with " +
        "milliseconds since its start",
    },
    ...names.map((name) => ({
      form: settingVariable(name),
      about: `overrides the setting ${name}: ${SETTINGS[name].about}`,
    })),
  ];
  return section("ENVIRONMENT", ...terms(variables, bold));
}

function files(): string {
  const home = new Home("/home");
  const inHome = (path: string) => `$GTR_HOME/${relative(home.root, path)}`;
  const rows: Described[] = [
    { form: "$GTR_HOME", about: "by default $XDG_DATA_HOME/gtr, or ~/.local/share/gtr" },
    { form: inHome(home.identity), about: "the private key: whoever has it is you. Keep a copy" },
    { form: inHome(home.config), about: "settings" },
    { form: inHome(home.names), about: "the names you gave to publishers" },
    { form: inHome(home.shares), about: "the repositories you share" },
    { form: inHome(home.store), about: "what is published and what was fetched" },
    { form: inHome(home.socket), about: "where gtd is asked" },
    { form: inHome(home.log), about: "gtd's log, unless the service manager keeps it" },
    { form: ".git/gtr/settings.json", about: "what a repository shares" },
  ];
  return section("FILES", ...terms(rows, (path) => `\\fI${text(path)}\\fP`));
}

function exits({ exits }: ProgramUsage): string {
  return section("EXIT STATUS", ...terms(exits, bold));
}

function seeAlso(...pages: readonly string[]): string {
  const references = pages.map((reference) => {
    const [, name, number] = /^(.+)\((\d)\)$/.exec(reference)!;
    return `.BR ${text(name!)} (${number})`;
  });
  return section(
    "SEE ALSO",
    ...references.map((line, i) => i < pages.length - 1 ? `${line},` : line),
  );
}
