#!/usr/bin/env bash
# Writes the PublicAPI.Unshipped.txt of every library anew, from what the analyzer reports against an empty one.
# PublicAPI.Shipped.txt stays: it changes with a release alone. Usage: eng/update-public-api.sh
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C # one order on every machine

message() { # the symbols of one diagnostic in the build's output
  sed -nE "s/.*(warning|error) $1: Symbol '(.*)' is (not )?part of the declared.*/\2/p" "$2" | sort -u
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Dependencies first, so that a build never meets another library's old file.
for library in Deepseek.Inference.Kernels Deepseek.Inference Deepseek.Inference.Nano; do
  file=src/$library/PublicAPI.Unshipped.txt
  before=$(cat "$file")
  echo '#nullable enable' > "$file"
  if ! dotnet build -c Release --no-incremental -p:WarningsNotAsErrors=RS0016%3BRS0017 "src/$library/$library.csproj" > "$log" 2>&1; then
    printf '%s\n' "$before" > "$file"
    grep -E ' error ' "$log" | sort -u >&2
    echo "$library does not build; $file is as before." >&2
    exit 1
  fi
  message RS0016 "$log" >> "$file"
  message RS0017 "$log" | sed 's/^/*REMOVED*/' >> "$file"
  echo "$file: $(($(wc -l < "$file") - 1)) entries"
done
