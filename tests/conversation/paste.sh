#!/usr/bin/env bash
# paste.sh JETON: the lines that `tools/run` prints do, when pasted, what is said above them.
set -euo pipefail
cd "$(dirname "$0")/../.."
jeton=$1
. tools/steps.sh
. tools/conversation.sh

directory=$(mktemp -d)
trap '[ -z "${started_pid:-}" ] || kill "$started_pid" 2>/dev/null || true; wait; rm -rf "$directory"' EXIT
log=$directory/log email=dev@example.com password='a pass-word_1'
start_server "$log" --listen 127.0.0.1:0 --data "$directory/data" || { cat "$log"; exit 1; }
url=$started_url issuer=$(issuer_of "$log")
curl_json -f -o /dev/null "$url/api/auth/register" -d "{\"email\":\"$email\",\"password\":\"$password\"}"

print_lines_to_paste | grep -v '^==' >"$directory/lines"
(cd "$directory" && bash lines >said 2>&1) || true

expect() {  # IN THIS ORDER
  local at=0 found text
  for text in "$@"; do
    found=$(tail -n "+$((at + 1))" "$directory/said" | grep -nF -m 1 -- "$text" | cut -d: -f1) || true
    if [ -z "$found" ]; then
      echo "missing after line $at: $text"
      cat -n "$directory/said"
      exit 1
    fi
    at=$((at + found))
  done
}
expect '{"accessToken":"eyJ' 'valid' '{"error":"Access token required"}' '"email":"dev@example.com"' \
  '"email":"dev@example.com"' 'refused' '{"error":"Invalid token"}' '"refreshToken":"jrt1.' '"refreshToken":"jrt1.' \
  '"refreshToken":"jrt1.' '{"error":"Invalid refresh token"}' '{"error":"Invalid refresh token"}' \
  '{"error":"Token revoked"}'
