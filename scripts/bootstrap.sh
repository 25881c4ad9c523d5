#!/bin/sh
# Prints the path of a Deno of exactly the version in .deno-version. If neither PATH nor .tools/ has
# it, installs it into .tools/: from the npm package, else from Deno's release. Only an executable
# whose SHA-256 is in .deno-checksums is installed; the one on PATH is the user's own.
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

case $(uname -s) in
  Linux) system=unknown-linux-gnu ;;
  Darwin) system=apple-darwin ;;
  MINGW* | MSYS*) system=pc-windows-msvc ;;
  *) fail "can't install deno $wanted on $(uname -s): put it on PATH" ;;
esac
case $(uname -m) in
  x86_64 | amd64) target=x86_64-$system ;;
  aarch64 | arm64) target=aarch64-$system ;;
  *) fail "can't install deno $wanted on a $(uname -m): put it on PATH" ;;
esac

checksum=
while read -r sum name; do
  if [ "$name" = "v$wanted/deno-$target" ]; then checksum=$sum; fi
done <"$root/.deno-checksums"
[ -n "$checksum" ] ||
  fail "can't install deno $wanted: .deno-checksums has no checksum of it for $target (put it on PATH)"

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

from_release() {
  command -v unzip >/dev/null || {
    echo "no unzip" >"$work/log"
    return 1
  }
  curl --proto =https --proto-redir =https --tlsv1.2 -fsSL --max-time 600 -o "$work/deno.zip" \
    "https://dl.deno.land/release/v$wanted/deno-$target.zip" >"$work/log" 2>&1 &&
    unzip -q -o "$work/deno.zip" -d "$work" >"$work/log" 2>&1 </dev/null || return 1
  for binary in "$work/deno" "$work/deno.exe"; do
    [ -f "$binary" ] && return 0
  done
  echo "the archive has no deno" >"$work/log"
  return 1
}

sha256() {
  if command -v sha256sum >/dev/null; then
    sha256sum <"$1"
  elif command -v shasum >/dev/null; then
    shasum -a 256 <"$1"
  else
    fail "can't check the deno just fetched: neither sha256sum nor shasum is installed"
  fi
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

try npm from_npm || try curl from_release ||
  fail "can't install deno $wanted: ${reasons#; } (put deno $wanted, npm or curl on PATH)"

# Before it runs for the first time.
found=$(sha256 "$binary")
[ "${found%% *}" = "$checksum" ] ||
  fail "can't use the deno $wanted just fetched: its SHA-256 is ${found%% *}, not that in .deno-checksums"
chmod 755 "$binary"
[ -n "$(real_deno "$binary")" ] || fail "can't use the deno $wanted just fetched: it does not run here"
mkdir -p "${installed%/*}"
mv -f "$binary" "$installed" # a rename: whoever looks sees a whole binary or none
printf '%s\n' "$installed"
