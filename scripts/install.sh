#!/bin/sh
# Installs a release of gtr: downloads it, checks it, and puts it into PREFIX, by default ~/.local.
#
#     curl --proto '=https' --tlsv1.2 -fsSL <release>/install.sh | sh
#
# Only the version that this installer is of is installed, and only if the release key has signed it,
# wherever it comes from. GTR_RELEASE is the address below which the release's files are.
set -eu

# Who may sign a release, in the form of ssh-keygen's allowed signers.
signers='@SIGNERS@'
version='@VERSION@'

fail() {
  printf 'install: %s\n' "$1" >&2
  exit 1
}

find_platform() {
  case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=macos ;;
    MINGW* | MSYS*) system=windows ;;
    *) fail "can't install on $(uname -s): there are releases for Linux, macOS and Windows" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) processor=x64 ;;
    aarch64 | arm64) processor=arm64 ;;
    *) fail "can't install on a $(uname -m): there are releases for x64 and arm64" ;;
  esac
  if [ "$system" = linux ] && ls /lib/ld-musl-* >/dev/null 2>&1; then
    fail "can't install here: the releases need glibc, and this system has musl (build it: make)"
  fi
  platform=$system-$processor
}

download() { # what, into
  curl --proto =https --proto-redir =https --tlsv1.2 -fsSL --retry 2 --connect-timeout 30 \
    --speed-limit 1000 --speed-time 60 -o "$2" "$base/$1" 2>"$work/why" || fail "can't download $base/$1: $(tail -n 1 "$work/why")"
}

# SHA256SUMS is the release key's word for the archives.
check_signature() {
  printf '%s\n' "$signers" >"$work/signers"
  ssh-keygen -Y verify -f "$work/signers" -I release -n gtr-release -s "$work/sums.sig" \
    <"$work/sums" >"$work/why" 2>&1 ||
    fail "can't use this release: its SHA256SUMS is not signed by the release key"
}

sha256() {
  if command -v sha256sum >/dev/null; then
    sha256sum "$1"
  else
    shasum -a 256 "$1"
  fi | cut -d ' ' -f 1
}

# Fails where a program of that name is there that is not ours: GNU tr is called gtr, too.
check_foreign() {
  for name in gtr gtd; do
    there=$prefix/bin/$name
    [ -e "$there" ] || continue
    case $("$there" --version 2>/dev/null </dev/null) in "$name "[0-9]*) continue ;; esac
    fail "can't install $there: another program is there (choose another PREFIX, or remove it)"
  done
}

# The lines of a file as strings of JSON.
strings() {
  sed -e 's/.*/"&"/' -e '$!s/$/,/' "$1" | tr -d '\n'
}

# Lists what the installation before had and this one has not. Bundles stay, for a gtd that runs from
# them, until make uninstall.
list_old() {
  : >"$work/old"
  [ -f "$record" ] || return 0
  tr ',[]' '\n\n\n' <"$record" | sed -n 's/^ *"\([^"]*\)" *$/\1/p' | grep -v -x -F -f "$work/list" |
    grep -v -e '^/' -e '\.\.' >"$work/old" || true
}

# Every file is renamed into place: who looks sees the old one or the new one, whole.
place() {
  record=$prefix/share/gtr/installed.json
  (cd "$work/new" && find . -type f) | sed 's|^\./||' | LC_ALL=C sort >"$work/list"
  list_old
  grep '^lib/gtr/' "$work/old" >"$work/bundles" || true
  escaped=$(printf %s "$prefix" | sed 's/[&|\\]/\\&/g')
  for file in lib/systemd/user/gtd.service share/gtr/org.gtr.gtd.plist; do
    [ -f "$work/new/$file" ] || continue
    sed "s|/@PREFIX@|$escaped|g" "$work/new/$file" >"$work/service"
    cat "$work/service" >"$work/new/$file"
  done
  mkdir -p "$prefix/share/gtr"
  {
    printf '{"version":1,"folders":[],"replaced":['
    strings "$work/bundles"
    printf '],"files":['
    strings "$work/list"
    printf ']}\n'
  } >"$work/installed.json"
  mv -f "$work/installed.json" "$record"
  while IFS= read -r file; do
    mkdir -p "$prefix/${file%/*}" && mv -f "$work/new/$file" "$prefix/$file" ||
      fail "can't write $prefix/$file"
  done <"$work/list"
  while IFS= read -r file; do
    case $file in lib/gtr/*) continue ;; esac
    [ ! -f "$prefix/$file" ] || rm -f "$prefix/$file"
  done <"$work/old"
}

next() {
  printf 'installed %s into %s\n' "$("$prefix/bin/gtr" --version)" "$prefix/bin"
  case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) printf '  put it on PATH: export PATH="%s/bin:$PATH"\n' "$prefix" ;;
  esac
  other=$(command -v gtr || true)
  case $other in
    '' | "$prefix/bin/gtr") ;;
    *) printf '  another gtr comes first on PATH: %s; call this one gti\n' "$other" ;;
  esac
  command -v git >/dev/null || printf '  install git 2.34 or newer: it is not on PATH\n'
  printf '  share a repository: cd <its folder> && gtr init\n'
}

main() {
  base=${GTR_RELEASE:-@RELEASE@}
  case $base in
    https://*) ;;
    *) fail "can't download from $base: GTR_RELEASE has to be an https address" ;;
  esac
  prefix=${PREFIX:-${HOME:?}/.local}
  case $prefix in
    /*) ;;
    *) fail "can't install to PREFIX=$prefix: it has to be an absolute path" ;;
  esac
  case $signers in
    release\ *) ;;
    *) fail "can't install: this install.sh is not a release's and knows no release key" ;;
  esac
  command -v curl >/dev/null || fail "can't download: curl is not installed"
  command -v tar >/dev/null || fail "can't unpack: tar is not installed"
  command -v ssh-keygen >/dev/null ||
    fail "can't check who made the release: ssh-keygen is not installed (it is part of OpenSSH)"
  command -v sha256sum >/dev/null || command -v shasum >/dev/null ||
    fail "can't check the download: neither sha256sum nor shasum is installed"
  find_platform
  mkdir -p "$prefix" 2>/dev/null || fail "can't install to $prefix: can't make that folder"
  work=$(mktemp -d "$prefix/.gtr-install.XXXXXX" 2>/dev/null) ||
    fail "can't install to $prefix: can't write there (choose another PREFIX)"
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM

  download SHA256SUMS "$work/sums"
  download SHA256SUMS.sig "$work/sums.sig"
  check_signature
  name=gtr-$version-$platform.tar.gz
  sum=
  while read -r one file; do
    if [ "$file" = "$name" ]; then sum=$one; fi
  done <"$work/sums"
  [ -n "$sum" ] || fail "can't install: this release has no $name"
  download "$name" "$work/archive"
  [ "$(sha256 "$work/archive")" = "$sum" ] ||
    fail "can't use $name: it is not what SHA256SUMS says (download it again)"
  mkdir "$work/new"
  tar -xzf "$work/archive" -C "$work/new" --strip-components=1 2>"$work/why" ||
    fail "can't unpack $name: $(tail -n 1 "$work/why")"
  check_foreign
  place
  next
}

main # at the end, so that half a download does nothing
