# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Installs the Debian packages of tools/packages.txt that are missing, and nothing when none is.
# Sourced by tools/quickstart and tools/test, from the top of the repository.

# missing_packages PURPOSE...: the packages for these purposes that are not installed.
missing_packages() {
  local purpose name
  while read -r purpose name; do
    case " $* " in *" $purpose "*) ;; *) continue ;; esac
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done < <(grep -v '^#' tools/packages.txt)
}

# as_root COMMAND...: runs it as root; fails when there is no way. Asks for a password only at a
# terminal.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    return 1
  elif [ -t 0 ] && [ -z "${CI:-}" ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# need_packages PURPOSE...: all packages for these purposes are there when it returns 0; otherwise
# it has said which are not.
need_packages() {
  local -a missing
  if ! command -v dpkg-query apt-get >/dev/null; then
    echo "This is no Debian system: nothing is installed. What phasegrid needs, by Debian's names:" >&2
    grep -v '^#' tools/packages.txt >&2
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" = 0 ] && return 0
  echo "Installing ${missing[*]}"
  apt_install "${missing[@]}" && return 0
  echo "Once more with fresh package lists"
  as_root apt-get update -q && apt_install "${missing[@]}" && return 0
  mapfile -t missing < <(missing_packages "$@")
  cat >&2 <<TEXT

These packages are missing and could not be installed here:
  ${missing[*]}
As root, this does it:
  apt-get update && apt-get install ${missing[*]}
TEXT
  return 1
}

# allow_root: mpirun refuses to run as root unless it is told so.
allow_root() {
  if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}
