#!/usr/bin/env bash
# fashion_mnist.sh [FOLDER]: unpacks the four IDX files of Fashion-MNIST from Debian's package dataset-fashion-mnist in
# FOLDER (fashion_mnist), without installing it. As root, 'apt-get install dataset-fashion-mnist' puts the same files into
# /usr/share/datasets/fashion-mnist.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
  -h | --help) usage ;;
  -*) fail "unknown option '$1'; --help describes the script" ;;
esac
folder=${1:-fashion_mnist}
need_debian
need_new "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unpack "$work" dataset-fashion-mnist
source=$work/usr/share/datasets/fashion-mnist
number() { gzip -dc "$1" | od -An -tu1 -j4 -N4 | awk '{print (($1 * 256 + $2) * 256 + $3) * 256 + $4}'; }  # of items
for part in train t10k; do
  for file in "$part-images-idx3-ubyte.gz" "$part-labels-idx1-ubyte.gz"; do
    gzip -t "$source/$file" || fail "the package has no readable file $file"
  done
  images=$(number "$source/$part-images-idx3-ubyte.gz") labels=$(number "$source/$part-labels-idx1-ubyte.gz")
  [[ $images == "$labels" ]] || fail "the part $part has $images images but $labels labels"
  echo "$part: $images images"
done
mkdir -p "$folder"
cp "$source"/*-ubyte.gz "$folder"
echo "written to $folder"
