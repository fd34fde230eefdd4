#!/usr/bin/env bash
# Writes the PublicAPI.Unshipped.txt of every library anew, from what the analyzer reports against an empty one.
# PublicAPI.Shipped.txt stays: it changes with a release alone. Usage: eng/update-public-api.sh
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C # one order on every machine

log=$(mktemp)
trap 'rm -f "$log"' EXIT

symbols() { # of one diagnostic in one library; the build of a library reports on those that it uses, too
  sed -nE "s/.*(warning|error) $1: Symbol '(.*)' is (not )?part of the declared.*\/$2\.csproj\]$/\2/p" "$log" | sort -u
}

for file in src/*/PublicAPI.Unshipped.txt; do
  library=$(basename "$(dirname "$file")")
  before=$(cat "$file")
  echo '#nullable enable' > "$file"
  if ! dotnet build -c Release --no-incremental -p:WarningsNotAsErrors=RS0016%3BRS0017 "src/$library/$library.csproj" > "$log" 2>&1; then
    printf '%s\n' "$before" > "$file"
    grep -E ' error ' "$log" | sort -u >&2
    echo "$library does not build; $file is as before." >&2
    exit 1
  fi
  symbols RS0016 "$library" >> "$file"
  symbols RS0017 "$library" | sed 's/^/*REMOVED*/' >> "$file"
  echo "$file: $(($(wc -l < "$file") - 1)) entries"
done
