# common.sh: what the scripts of this folder share; they source it.

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

usage() {  # prints the comment at the top of the script
  awk 'NR > 1 {if (!/^#/) exit; sub(/^# ?/, ""); print}' "$0"
  exit "${1:-0}"
}

need_debian() {
  for program in apt-get dpkg-deb; do
    command -v "$program" >/dev/null || fail "$program is missing. This script reads packages of Debian or Ubuntu." \
      "On another system, train 'pairs' on a TSV file of your own (docs/tasks.md)."
  done
}

need() {  # need PROGRAM PACKAGE
  command -v "$1" >/dev/null || fail "$1 is missing. Install it: apt-get install $2"
}

need_new() {  # need_new FILE: a file of the user is not replaced
  [[ ! -e $1 ]] || fail "$1 exists. Remove it, or choose another name."
}

unpack() {  # unpack FOLDER PACKAGE...: downloads the packages and unpacks them in the folder; installs nothing
  local folder=$1 package deb
  shift
  mkdir -p "$folder/debs"
  for package in "$@"; do
    (cd "$folder/debs" && apt-get -qq download "$package") 2>"$folder/log" || {
      cat "$folder/log" >&2
      fail "apt cannot download '$package'. Look for its name with 'apt-cache search', or update: apt-get update"
    }
  done
  for deb in "$folder"/debs/*.deb; do dpkg-deb --extract "$deb" "$folder"; done
}

records() {  # records LIST: prints apt's lists of a kind, Packages or Translations (descriptions, in English)
  local files file
  files=$(apt-get -o Acquire::Languages=en indextargets --format '$(FILENAME)' "Created-By: $1" |
    grep . | LC_ALL=C sort) || fail "apt has no such lists here ($1). Get them: apt-get -o Acquire::Languages=en update"
  while read -r file; do /usr/lib/apt/apt-helper cat-file "$file"; done <<<"$files"
}

records_to_pairs() {  # records_to_pairs KIND LIST [-o FILE]: all that summaries.sh and questions.sh do
  local kind=$1 list=$2 output=$1.tsv
  shift 2
  while [[ $# -gt 0 ]]; do
    case $1 in
      -h | --help) usage ;;
      -o)
        [[ $# -gt 1 ]] || fail "-o needs a name after it"
        output=$2
        shift
        ;;
      *) fail "unknown option '$1'; --help lists them" ;;
    esac
    shift
  done
  need_debian
  need python3 python3
  need_new "$output"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  records "$list" >"$work/records"
  python3 "$(dirname "${BASH_SOURCE[0]}")/pairs.py" "$kind" "$output" <"$work/records"
}
