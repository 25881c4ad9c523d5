#!/bin/sh
# Prints the lines of .deno-checksums for the version in .deno-version. Every executable is fetched
# twice, from the npm registry and from Deno's own host: they have to be the same.
#
#     sh scripts/release/deno_checksums.sh
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
version=$(tr -d '[:space:]' <"$root/.deno-version")

fail() {
  printf 'deno checksums: %s\n' "$1" >&2
  exit 1
}

for tool in curl npm sha256sum tar unzip; do
  command -v "$tool" >/dev/null || fail "can't fetch deno $version: no $tool"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

download() { # archive
  curl --proto =https --proto-redir =https --tlsv1.2 -fsSL --max-time 600 -o "$work/$1" \
    "https://dl.deno.land/release/v$version/$1" || fail "can't fetch $1"
}

sum() {
  sha256sum | cut -d ' ' -f 1
}

while read -r package target file; do
  (cd "$work" && npm pack --silent "@deno/$package@$version" >/dev/null </dev/null) ||
    fail "can't fetch @deno/$package@$version"
  npm=$(tar -xzOf "$work/deno-$package-$version.tgz" "package/$file" | sum)
  download "deno-$target.zip"
  release=$(unzip -p "$work/deno-$target.zip" "$file" | sum)
  [ "$npm" = "$release" ] ||
    fail "deno-$target differs: $npm from the npm registry, $release from Deno's host"
  download "denort-$target.zip"
  printf '%s  %s\n' "$npm" "v$version/deno-$target" \
    "$(sum <"$work/denort-$target.zip")" "v$version/denort-$target.zip"
  rm -f "$work"/deno*
done <<END
linux-x64-glibc x86_64-unknown-linux-gnu deno
linux-arm64-glibc aarch64-unknown-linux-gnu deno
darwin-x64 x86_64-apple-darwin deno
darwin-arm64 aarch64-apple-darwin deno
win32-x64 x86_64-pc-windows-msvc deno.exe
win32-arm64 aarch64-pc-windows-msvc deno.exe
END
