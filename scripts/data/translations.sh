#!/usr/bin/env bash
# translations.sh LANGUAGE [-o FILE] [--from FOLDER | PACKAGE...]: writes translations_LANGUAGE.tsv (or FILE) for the task 'pairs':
# English messages and their translations, from the message catalogs (.mo, .po) of the installed packages. With names of
# packages, apt downloads these and installs nothing; with --from, the catalogs below a folder are read.
#
#     translations.sh de
#     translations.sh de coreutils git gnupg-l10n krb5-locales libc-l10n libglib2.0-data libgtk-3-common
#
# Needs gettext and python3. The texts have the licenses of their packages.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

language="" output="" from="" packages=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage ;;
    -o | --from)
      [[ $# -gt 1 ]] || fail "$1 needs a name after it"
      if [[ $1 == -o ]]; then output=$2; else from=$2; fi
      shift
      ;;
    -*) fail "unknown option '$1'; --help lists them" ;;
    *) if [[ -z $language ]]; then language=$1; else packages+=("$1"); fi ;;
  esac
  shift
done
[[ -n $language ]] || usage 64 >&2
[[ $language =~ ^[a-z]{2,3}(_[A-Z]{2})?(@[a-z]+)?$ ]] || fail "'$language' is no language; examples are de, fr and pt_BR"
[[ -z $from || ${#packages[@]} -eq 0 ]] || fail "give packages or --from, not both"
[[ -z $from || -d $from ]] || fail "there is no folder '$from'"
output=${output:-translations_$language.tsv}

[[ -n $from ]] || need_debian
need msgunfmt gettext
need python3 python3
need_new "$output"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[[ ${#packages[@]} -eq 0 ]] || unpack "$work" "${packages[@]}"
folder=/usr/share
[[ ${#packages[@]} -eq 0 ]] || folder=$work
folder=${from:-$folder}
catalogs() { find "$folder" -type f -path "*/$1/LC_MESSAGES/*" \( -name '*.mo' -o -name '*.po' \) | LC_ALL=C sort; }
catalogs "$language" >"$work/catalogs"
[[ -s $work/catalogs ]] || {
  found=$(catalogs '*' | sed 's|/LC_MESSAGES/.*||; s|.*/||' | LC_ALL=C sort -u | head -n 20 | tr '\n' ' ')
  fail "no catalogs of '$language' in ${packages[*]:-$folder}. Languages there: ${found:-none }." \
    "Name packages to download, as 'translations.sh $language coreutils git'."
}

entries() {  # entries CATALOG: its translated messages
  case $1 in
    *.po) msgattrib --translated --no-fuzzy --no-obsolete "$1" ;;
    *) msgunfmt "$1" ;;
  esac | msgconv --to-code=UTF-8 --no-wrap
}
while read -r catalog; do
  if entries "$catalog" >"$work/entries" 2>"$work/log"; then
    cat "$work/entries"
  else
    echo "$(basename "$0"): $catalog is left out: $(head -n 1 "$work/log")" >&2
  fi
done <"$work/catalogs" >"$work/messages"
echo "$(wc -l <"$work/catalogs") catalogs of '$language'"
python3 "$(dirname "${BASH_SOURCE[0]}")/pairs.py" translations "$output" <"$work/messages"
