#!/bin/sh
# SPDX-License-Identifier: MIT
# same_digests.sh EMULATOR FOREIGN NATIVE: the test program FOREIGN of another CPU passes under the
# emulator, and says the same digests, if any, as the one of this CPU.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for which in foreign native; do
  case $which in foreign) run="$1 $2" ;; native) run=$3 ;; esac
  $run >"$work/all" || { cat "$work/all"; echo "$run failed"; exit 1; }
  grep '^digest ' "$work/all" >"$work/$which" || :
done
cat "$work/foreign"
diff "$work/foreign" "$work/native"
