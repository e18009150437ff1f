#!/usr/bin/env bash
# notice.sh JETON: the conversation fails, and leaves no process and no file, if one answer is not as it must be: here
# registration is switched off. And it fails if the server does not start at all.
set -euo pipefail
cd "$(dirname "$0")/../.."
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
printf '[accounts]\nregistration = false\n' >"$directory/closed.toml"
cat >"$directory/closed" <<EOT
#!/bin/sh
[ "\$1" = serve ] || exec "$1" "\$@"
shift
case "\$*" in *--config*) exec "$1" serve "\$@" ;; esac
exec "$1" serve "\$@" --config "$directory/closed.toml"
EOT
chmod +x "$directory/closed"

fails_with() {  # TEXT BINARY
  local code=0
  mkdir "$directory/tmp"
  TMPDIR=$directory/tmp bash tests/conversation/hold.sh "$2" >"$directory/said" 2>&1 || code=$?
  if [ "$code" != 1 ] || ! grep -q -- "$1" "$directory/said"; then
    echo "expected exit 1 and \"$1\", got exit $code and:"
    cat "$directory/said"
    exit 1
  fi
  [ -z "$(ls -A "$directory/tmp")" ] || { echo "left behind: $(ls -A "$directory/tmp")"; exit 1; }
  rmdir "$directory/tmp"
  ! pgrep -f "$directory" >/dev/null || { echo "a process is left"; exit 1; }
}

fails_with 'WRONG: expected 201' "$directory/closed"
fails_with 'answers were wrong' "$directory/closed"
fails_with 'the server ended' /bin/false
