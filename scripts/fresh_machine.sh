#!/bin/sh
# Proves that a machine with git, make, npm and ca-certificates is enough: makes a bare Debian, puts a
# clean clone of this repository into it, and runs the README's two commands there as a normal user.
#
#     sudo scripts/fresh_machine.sh [target...]      by default: demo test
#
# SUITE (stable) and MIRROR (this machine's own, else deb.debian.org) choose the Debian; FOLDER is
# where it is made (a temporary one). Nothing is taken from this machine's caches.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
suite=${SUITE:-stable}
[ $# -gt 0 ] || set -- demo test

fail() {
  printf 'fresh machine: %s\n' "$1" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "can't make one: debootstrap, mount and chroot need root (sudo)"
for tool in debootstrap git unshare chroot; do
  command -v "$tool" >/dev/null || fail "can't make one: no $tool (apt-get install $tool)"
done

mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Component: main' \
  2>/dev/null | grep '/debian/$' | head -n 1 || true)}
mirror=${mirror:-http://deb.debian.org/debian/}

work=$(mktemp -d "${FOLDER:-${TMPDIR:-/tmp}}/fresh-machine.XXXXXX") || fail "can't make a folder"
machine=$work/debian
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM

started=$(date +%s)
debootstrap --variant=minbase "$suite" "$machine" "$mirror" >"$work/log" 2>&1 ||
  fail "can't make one: debootstrap: $(tail -n 1 "$work/log")"
cp /etc/resolv.conf "$machine/etc/resolv.conf"
DEBIAN_FRONTEND=noninteractive chroot "$machine" apt-get install -q -y --no-install-recommends \
  git make npm ca-certificates >"$work/log" 2>&1 ||
  fail "can't install git, make and npm in it: $(tail -n 1 "$work/log")"

# Behind a company's proxy, its certificates are part of the network and not of the machine.
set_certificates=:
if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then
  cp /usr/local/share/ca-certificates/*.crt "$machine/usr/local/share/ca-certificates/"
  chroot "$machine" update-ca-certificates >"$work/log" 2>&1 || fail "can't add certificates"
  bundle=/etc/ssl/certs/ca-certificates.crt
  set_certificates="export NODE_EXTRA_CA_CERTS=$bundle DENO_CERT=$bundle"
fi

chroot "$machine" useradd --create-home --shell /bin/sh user
git clone --quiet --no-hardlinks "$root" "$machine/home/user/gtr"
chroot "$machine" chown -R user:user /home/user/gtr
commit=$(git -C "$machine/home/user/gtr" rev-parse --short HEAD 2>/dev/null ||
  git -C "$root" rev-parse --short HEAD)
prepared=$(($(date +%s) - started))

# Runs a command in it as its user: mounts that end with the command, and no variable of ours.
within() {
  unshare --mount --propagation private sh -c '
    mount -t proc proc "$0/proc" && mount -t tmpfs -o mode=1777 tmp "$0/tmp" &&
      mount -t tmpfs -o mode=1777 shm "$0/dev/shm" || exit 1
    exec chroot --userspec=user:user "$0" /usr/bin/env -i HOME=/home/user USER=user LANG=C.UTF-8 \
      PATH=/usr/local/bin:/usr/bin:/bin http_proxy="$2" https_proxy="$3" \
      sh -c "cd /home/user/gtr && $1"
  ' "$machine" "$1" "${http_proxy:-}" "${https_proxy:-}"
}

summary=$work/summary
{
  printf '| what | result | time |\n| --- | --- | --- |\n'
  printf '| Debian %s with git %s, make %s, npm %s; commit %s | made | %s s |\n' \
    "$(cat "$machine/etc/debian_version")" \
    "$(within 'git version' | cut -d ' ' -f 3)" "$(within 'make --version' | sed -n '1s/.* //p')" \
    "$(within 'npm --version' 2>/dev/null)" "$commit" "$prepared"
} >"$summary"

failed=0
for target in "$@"; do
  printf '\n== make %s\n' "$target"
  started=$(date +%s)
  status=0
  within "$set_certificates; make $target" >"$work/output" 2>&1 </dev/null || status=$?
  cat "$work/output"
  last=$(grep -v '^[[:space:]]*$' "$work/output" | tail -n 1)
  result="exit code $status"
  [ "$status" = 0 ] && result=passed || failed=1
  printf '| `make %s`: %s | %s | %s s |\n' \
    "$target" "$last" "$result" $(($(date +%s) - started)) >>"$summary"
done

printf '\n'
cat "$summary"
exit "$failed"
