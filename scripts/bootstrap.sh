#!/bin/sh
# Prints the path of a Deno of exactly the version in .deno-version. Where neither PATH nor .tools/
# has it, installs it into .tools/: from the npm package, else by the official installer.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
wanted=$(tr -d '[:space:]' <"$root/.deno-version")
tools=$root/.tools
installed=$tools/deno-$wanted/deno

fail() {
  printf 'bootstrap: %s\n' "$1" >&2
  exit 1
}

# The binary's own path if $1 is a Deno of the wanted version. The `deno` that npm puts on PATH is a
# Node script around the binary: asking the binary for its path leaves that script behind.
real_deno() {
  DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 "$1" eval --no-config --no-lock \
    "if (Deno.version.deno === '$wanted') console.log(Deno.execPath())" 2>/dev/null || true
}

for candidate in "$installed" "$(command -v deno || true)"; do
  [ -n "$candidate" ] && [ -x "$candidate" ] || continue
  found=$(real_deno "$candidate")
  if [ -n "$found" ]; then
    printf '%s\n' "$found"
    exit 0
  fi
done

mkdir -p "$tools" 2>/dev/null || fail "can't install deno $wanted: can't write to $tools"
work=$(mktemp -d "$tools/install.XXXXXX") || fail "can't install deno $wanted: can't write to $tools"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

from_npm() {
  # No scripts: the binary is in a package of its own per platform, which npm picks.
  npm install --prefix "$work" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
    --loglevel=error "deno@$wanted" >"$work/log" 2>&1 </dev/null || return 1
  for binary in "$work"/node_modules/@deno/*/deno "$work"/node_modules/@deno/*/deno.exe; do
    [ -f "$binary" ] && return 0
  done
  echo "the npm package has no binary for this platform" >"$work/log"
  return 1
}

from_installer() {
  curl -fsSL --max-time 60 -o "$work/install.sh" https://deno.land/install.sh >"$work/log" 2>&1 &&
    DENO_INSTALL=$work sh "$work/install.sh" "v$wanted" -y --no-modify-path \
      >"$work/log" 2>&1 </dev/null || return 1
  binary=$work/bin/deno
}

reasons=
try() {
  command -v "$1" >/dev/null || {
    reasons="$reasons; no $1"
    return 1
  }
  printf 'bootstrap: installing deno %s with %s\n' "$wanted" "$1" >&2
  "$2" && return 0
  reasons="$reasons; $1: $(grep -v -e '^$' -e '^npm error code' "$work/log" 2>/dev/null | head -n 1)"
  return 1
}

try npm from_npm || try curl from_installer ||
  fail "can't install deno $wanted: ${reasons#; } (put deno $wanted, npm or curl on PATH)"

chmod 755 "$binary"
[ -n "$(real_deno "$binary")" ] || fail "can't use the deno $wanted just installed: it does not run here"
mkdir -p "${installed%/*}"
mv -f "$binary" "$installed" # a rename: whoever looks sees a whole binary or none
printf '%s\n' "$installed"
