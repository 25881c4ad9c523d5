/**
 * Completion for fish, 3.0 and newer.
 *
 * @module
 */
import {
  COMPLETED,
  firstWords,
  groups,
  type Kind,
  secondWords,
  SED,
  SETTING_NAMES,
} from "./table.ts";

const OFFERS: Readonly<Record<Kind, string>> = {
  "branch": "(__gtr_branches)",
  "shared branch": "(__gtr_shared_branches)",
  "shared repository": "(__gtr_shared_repositories)",
  "petname": "(__gtr_petnames)",
  "setting": SETTING_NAMES.join(" "),
  "directory": "(__fish_complete_directories (commandline -ct))",
  "verb": firstWords().map(([word]) => word).join(" "),
  "text": "",
};

/**
 * The script for one name of gtr.
 *
 * @param schemes of the networks whose addresses are completed
 */
export function fishCompletion(name: string, schemes: readonly string[]): string {
  return `# fish completion for ${name}. Made by scripts/completions.ts.

function __gtr_file
    set -l home $HOME/.local/share/gtr
    string match -q '/*' -- "$XDG_DATA_HOME"; and set home $XDG_DATA_HOME/gtr
    test -n "$GTR_HOME"; and set home $GTR_HOME
    test -r $home/$argv[1]; and sed -n $argv[2] $home/$argv[1]
end

function __gtr_petnames
    __gtr_file names.json ${quoted(SED.petname)}
end

function __gtr_shared_repositories
    __gtr_file shares.json ${quoted(SED["shared repository"])}
end

function __gtr_branches
    git for-each-ref --format='%(refname:lstrip=2)' refs/heads 2>/dev/null
end

function __gtr_shared_branches
    set -l dir (git rev-parse --git-common-dir 2>/dev/null)
    and test -r $dir/gtr/settings.json
    and sed -n ${quoted(SED["shared branch"])} $dir/gtr/settings.json
end

# Whether the words so far are gtr and exactly these.
function __gtr_at
    set -l words (commandline -opc)
    test "$words[2..-1]" = "$argv"
end

# Whether the words so far are gtr, these, and perhaps more; with -n N, and N operands.
function __gtr_in
    argparse -s n= -- $argv
    set -l words (commandline -opc)
    set -l last (math 1 + (count $argv))
    test "$words[2..$last]" = "$argv"; or return 1
    set -q _flag_n; or return 0
    set -e words[1..$last]
    set -l operands (string match -v -- '-*' $words)
    test (count $operands) -eq $_flag_n
end

# Whether the first word is no verb of gtr: it is git's then, and so is its completion.
function __gtr_is_git
    set -l words (commandline -opc)
    set -q words[2]; and not contains -- $words[2] ${firstWords().map(([word]) => word).join(" ")}
end

function __gtr_git
    set -l words (commandline -opc)
    complete -C (string join ' ' -- git (string escape -- $words[2..-1]) (commandline -ct))
end

function __gtr_addresses
    for scheme in ${schemes.join(" ")}
        if string match -q "$scheme://*" -- (commandline -ct)
            printf "$scheme://%s/\\n" (__gtr_petnames)
        else
            echo $scheme://
        end
    end
end

complete -c ${name} -f
complete -c ${name} -n '__gtr_at' -s h -l help -d 'print this'
complete -c ${name} -n '__gtr_at' -s V -l version -d 'print the version'
complete -c ${name} -n '__gtr_at' -a '(__gtr_git)'
complete -c ${name} -n '__gtr_is_git' -a '(__gtr_git)'
complete -c ${name} -n '__gtr_is_git' -a '(__gtr_addresses)'
${[...verbLines(name)].join("\n")}
`;
}

function* verbLines(name: string): Generator<string> {
  for (const [word, about] of firstWords()) {
    yield `complete -c ${name} -n '__gtr_at' -a ${word} -d ${quoted(about)}`;
  }
  for (const group of groups()) {
    for (const [word, about] of secondWords(group)) {
      yield `complete -c ${name} -n '__gtr_at ${group}' -a ${word} -d ${quoted(about)}`;
    }
  }
  for (const { words, options, operands } of COMPLETED) {
    const verb = words.join(" ");
    for (const { names, about, value } of options) {
      const forms = names.map((form) =>
        form.startsWith("--") ? `-l ${form.slice(2)}` : `-s ${form.slice(1)}`
      );
      const offer = value === undefined ? "" : ` -x -a ${quoted(OFFERS[value])}`;
      yield `complete -c ${name} -n '__gtr_in ${verb}' ${forms.join(" ")}${offer} -d ${
        quoted(about)
      }`;
    }
    for (const [i, { kind, repeated }] of operands.entries()) {
      if (kind === "text") continue;
      const where = repeated ? `__gtr_in ${verb}` : `__gtr_in -n ${i} ${verb}`;
      yield `complete -c ${name} -n '${where}' -a ${quoted(OFFERS[kind])}`;
    }
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
