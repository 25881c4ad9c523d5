#!/bin/sh
# Signs a release's SHA256SUMS as its maintainer, and checks that installers will believe it.
#
#     sh scripts/release/sign.sh <folder that has SHA256SUMS> <key>
#
# The key is an Ed25519 key of OpenSSH's whose public half is in scripts/release/allowed_signers
# (ssh-keygen -t ed25519 -f gtr-release makes one), or that half, if an agent has the key.
set -eu

fail() {
  printf 'sign: %s\n' "$1" >&2
  exit 1
}

[ $# = 2 ] || fail 'usage: sign.sh <folder that has SHA256SUMS> <key>'
signers=$(dirname -- "$0")/allowed_signers
sums=$1/SHA256SUMS
[ -f "$sums" ] || fail "can't sign: there is no $sums"

rm -f "$sums.sig" # ssh-keygen asks before it overwrites
ssh-keygen -q -Y sign -f "$2" -n gtr-release "$sums" || fail "can't sign with $2"
ssh-keygen -q -Y verify -f "$signers" -I release -n gtr-release -s "$sums.sig" <"$sums" >/dev/null || {
  rm -f "$sums.sig"
  fail "can't use $2: it is not a key of $signers"
}
printf '%s\n' "$sums.sig"
