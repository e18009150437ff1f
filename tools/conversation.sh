# The conversation of a client, a thief and another service with Jeton. Sourced by tools/run, which has set `jeton` to
# the binary. Every step of it is shown, and every answer is checked.

curl_json() { curl -sS --max-time 30 --noproxy '*' -H 'Content-Type: application/json' "$@"; }

# start_server LOG ARGUMENT…: waits until it is ready; sets started_pid and started_url. Fails if the server ends.
start_server() {
  local log=$1
  shift
  "$jeton" serve "$@" >"$log" 2>&1 </dev/null &
  started_pid=$!
  started_url=
  while kill -0 "$started_pid" 2>/dev/null; do
    started_url=$(sed -n 's/^jeton [^ ]* serves \(http:[^ ]*\) .*/\1/p' "$log")
    if [ -n "$started_url" ] && curl_json -o /dev/null -f "$started_url/healthz" 2>/dev/null; then
      return 0
    fi
    sleep 0.05
  done
  wait "$started_pid" || true
  return 1
}

issuer_of() { sed -n 's/^jeton .* (issuer \([^ ,]*\),.*/\1/p' "$1"; }

# member NAME: the text of that member of the last answer.
member() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p' <<<"$body"; }

print_lines_to_paste() {
  cat <<EOT

== Jeton is ready at $url. Lines to paste into another terminal, in this order:

post() { curl -s $url/api/auth/\$1 -H 'Content-Type: application/json' -d "\$2"; }
pick() { sed "s/.*\"\$1\":\"\([^\"]*\)\".*/\1/" <<<"\$answer"; }

# log in
answer=\$(post login '{"email":"$email","password":"$password"}'); echo "\$answer"
access=\$(pick accessToken) refresh=\$(pick refreshToken) stolen=\$refresh

# what is in the token, in plain words
curl -s $url/.well-known/jwks.json -o jwks.json
$jeton explain --jwks jwks.json <<<"\$access"

# call a protected endpoint: without the token, and with it
curl -s $url/api/auth/me; echo
curl -s $url/api/auth/me -H "Authorization: Bearer \$access"; echo

# another service verifies it with nothing but the published keys; so it would in an hour
$jeton token verify --jwks jwks.json --issuer $issuer --audience api <<<"\$access"
$jeton token verify --jwks jwks.json --issuer $issuer --audience api \\
  --now \$((\$(date +%s) + 3600)) <<<"\$access"

# what a changed token gets
curl -s $url/api/auth/me -H "Authorization: Bearer \${access%?????}AAAAA"; echo

# refresh, three times: each answer holds a new refresh token, the one before is spent
for i in 1 2 3; do
  answer=\$(post refresh "{\"refreshToken\":\"\$refresh\"}"); echo "\$answer"; refresh=\$(pick refreshToken)
done

# what a thief gets for the first one, stolen: nothing; and the session ends, its access tokens with it
post refresh "{\"refreshToken\":\"\$stolen\"}"; echo
post refresh "{\"refreshToken\":\"\$refresh\"}"; echo
curl -s $url/api/auth/me -H "Authorization: Bearer \$access"; echo

== Ctrl-C stops it. The log is in $log.
EOT
}

# --- the demo --------------------------------------------------------------------------------------------------------

title() { printf '\n-- %s\n' "$*"; }

judge() {  # WHAT CAME, AS TEXT; WAS IT RIGHT (true/false); WHAT WAS EXPECTED
  answers=$((answers + 1))
  if $2; then
    printf '   right\n'
  else
    printf '   WRONG: expected %s\n' "$3"
    wrong=$((wrong + 1))
  fi
}

# ask STATUS BODY_REGEX METHOD URL [CURL ARGUMENT…]: sets status and body.
ask() {
  local expected_status=$1 expected_body=$2 method=$3 url=$4 right=false
  shift 4
  printf '   %s %s\n' "$method" "$url"
  status=$(curl_json -X "$method" -o "$work/body" -w '%{http_code}' "$@" "$url") || status="none"
  body=$(cat "$work/body" 2>/dev/null || true)
  rm -f "$work/body"
  printf '   %s %s\n' "$status" "$body"
  [[ $status == "$expected_status" && $body =~ ^$expected_body$ ]] && right=true
  judge "$status $body" $right "$expected_status $expected_body"
}

# verify EXIT_CODE OUTPUT_REGEX TOKEN [ARGUMENT…]: another process, with an empty environment and the key file alone.
verify() {
  local expected_code=$1 expected_output=$2 token=$3 code=0 output right=false
  shift 3
  printf '   jeton token verify --jwks jwks.json --issuer %s --audience api%s\n' "$issuer" "${*:+ $*}"
  output=$(env -i "$jeton" token verify --jwks "$work/jwks.json" --issuer "$issuer" --audience api "$@" \
    <<<"$token" 2>&1) || code=$?
  printf '%s\n' "$output" | sed 's/^/   /'
  [[ $code == "$expected_code" && $output =~ $expected_output ]] && right=true
  judge "$output" $right "exit $expected_code, and $expected_output"
}

stop_servers() {
  local pid
  for pid in "${servers[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${servers[@]}"; do wait "$pid" 2>/dev/null || true; done
  servers=()
}

clean_up() {
  stop_servers
  rm -rf "$work"
}

begin_demo_server() {  # NAME ARGUMENT…
  local log=$work/$1.log
  shift
  if ! start_server "$log" --listen 127.0.0.1:0 --data "$work/data" "$@"; then
    echo "the server ended:" >&2
    cat "$log" >&2
    exit 1
  fi
  servers+=("$started_pid")
}

base64url() { base64 -w0 | tr '+/' '-_' | tr -d '='; }

refresh_with() { printf '{"refreshToken":"%s"}' "$1"; }

hold_conversation() {
  answers=0 wrong=0 servers=()
  work=$(mktemp -d)
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  local password email=dev@example.com
  password=$(head -c 12 /dev/urandom | base64 | tr '+/' '-_')

  say "a server, and its first user"
  begin_demo_server first
  url=$started_url
  issuer=$(issuer_of "$work/first.log")
  echo "   $issuer, with an embedded database in an empty directory"
  local credentials="{\"email\":\"$email\",\"password\":\"$password\"}"
  local no='"error":"' text='"[^"]+"'
  local rest='"tokenType":"Bearer","expiresIn":900'
  local tokens="\{\"accessToken\":\"eyJ[^\"]+\",\"refreshToken\":\"jrt1\.[^\"]+\",$rest\}"
  title "register"
  ask 201 "\{\"sub\":$text,\"email\":\"$email\"\}" POST "$url/api/auth/register" -d "$credentials"
  title "the same address again"
  ask 409 "\{$no.+\"\}" POST "$url/api/auth/register" -d "$credentials"

  converse_as_client
  converse_as_thief
  converse_as_service
  converse_about_expiry

  say "stop"
  local pids=("${servers[@]}") pid
  stop_servers
  for pid in "${pids[@]}"; do
    if kill -0 "$pid" 2>/dev/null; then
      judge "process $pid still runs" false "every server to have stopped"
    fi
  done
  if [ "$wrong" != 0 ]; then
    printf '\n%s of %s answers were wrong\n' "$wrong" "$answers"
    exit 1
  fi
  printf '\nall %s answers were right\n' "$answers"
}

converse_as_client() {
  say "a client"
  title "log in with a wrong password"
  ask 401 '\{"error":"Invalid credentials"\}' POST "$url/api/auth/login" \
    -d "{\"email\":\"$email\",\"password\":\"not this one\"}"
  title "log in"
  ask 200 "$tokens" POST "$url/api/auth/login" -d "$credentials"
  access=$(member accessToken) first_refresh=$(member refreshToken)
  title "call without a token"
  ask 401 '\{"error":"Access token required"\}' GET "$url/api/auth/me"
  title "call with the token"
  ask 200 "\{.*\"email\":\"$email\".*\}" GET "$url/api/auth/me" -H "Authorization: Bearer $access"
  title "refresh"
  ask 200 "$tokens" POST "$url/api/auth/refresh" -d "$(refresh_with "$first_refresh")"
  local second_refresh
  second_refresh=$(member refreshToken)
  title "refresh again with the same one, as a client does that lost the answer: it gets the same refresh token"
  ask 200 "\{\"accessToken\":\"eyJ[^\"]+\",\"refreshToken\":\"${second_refresh//./\\.}\",$rest\}" \
    POST "$url/api/auth/refresh" -d "$(refresh_with "$first_refresh")"
  title "and on, twice"
  ask 200 "$tokens" POST "$url/api/auth/refresh" -d "$(refresh_with "$second_refresh")"
  ask 200 "$tokens" POST "$url/api/auth/refresh" -d "$(refresh_with "$(member refreshToken)")"
  access=$(member accessToken) refresh=$(member refreshToken)
  title "call with the new access token"
  ask 200 "\{.*\"email\":\"$email\".*\}" GET "$url/api/auth/me" -H "Authorization: Bearer $access"
  title "sign in on another device"
  ask 200 "$tokens" POST "$url/api/auth/login" -d "$credentials"
  other_access=$(member accessToken) other_refresh=$(member refreshToken)
}

converse_as_thief() {
  say "a thief"
  title "changes the payload of a token (another subject, the old signature)"
  local header=${access%%.*} signature=${access##*.} payload
  payload=$(printf '{"iss":"%s","sub":"admin","aud":"api","exp":9999999999}' "$issuer" | base64url)
  ask 403 '\{"error":"Invalid token"\}' GET "$url/api/auth/me" -H "Authorization: Bearer $header.$payload.$signature"
  title "says that no signature is needed"
  header=$(printf '{"alg":"none","typ":"at+jwt"}' | base64url)
  ask 403 '\{"error":"Invalid token"\}' GET "$url/api/auth/me" -H "Authorization: Bearer $header.$payload."
  title "makes up a refresh token"
  ask 401 '\{"error":"Invalid refresh token"\}' POST "$url/api/auth/refresh" \
    -d "$(refresh_with "${other_refresh%?????}AAAAA")"
  title "uses a stolen refresh token that its owner has long since used: refused, and the session ends"
  ask 401 '\{"error":"Invalid refresh token"\}' POST "$url/api/auth/refresh" -d "$(refresh_with "$first_refresh")"
  title "the newest refresh token of that session ends with it"
  ask 401 '\{"error":"Invalid refresh token"\}' POST "$url/api/auth/refresh" -d "$(refresh_with "$refresh")"
  title "and its access token"
  ask 401 '\{"error":"Token revoked"\}' GET "$url/api/auth/me" -H "Authorization: Bearer $access"
  title "the other device notices nothing"
  ask 200 "$tokens" POST "$url/api/auth/refresh" -d "$(refresh_with "$other_refresh")"
  other_refresh=$(member refreshToken)
}

converse_as_service() {
  say "another service: another process, which knows only the published keys"
  title "fetch the keys"
  ask 200 '\{"keys":\[\{.+\}\]\}' GET "$url/.well-known/jwks.json"
  printf '%s' "$body" >"$work/jwks.json"
  title "verify a good token"
  verify 0 "$email" "$other_access"
  title "a changed one"
  local signature=${other_access##*.}
  case $signature in A*) signature=B${signature#?} ;; *) signature=A${signature#?} ;; esac
  verify 1 'bad_signature' "${other_access%.*}.$signature"
  title "the same good one in an hour"
  verify 1 'expired' "$other_access" --now $(($(date +%s) + 3600))
}

converse_about_expiry() {
  say "a second server on the same data, whose access tokens last one second"
  printf '[tokens]\naccess_lifetime = "1s"\n' >"$work/short.toml"
  begin_demo_server second --config "$work/short.toml"
  title "log in there"
  ask 200 "${tokens/900/1}" POST "$started_url/api/auth/login" -d "$credentials"
  local short short_refresh
  short=$(member accessToken) short_refresh=$(member refreshToken)
  sleep 1.1
  title "call with the token that has ended, there and at the first server"
  ask 401 '\{"error":"Token expired"\}' GET "$started_url/api/auth/me" -H "Authorization: Bearer $short"
  ask 401 '\{"error":"Token expired"\}' GET "$url/api/auth/me" -H "Authorization: Bearer $short"
  title "its refresh token still works, at either"
  ask 200 "$tokens" POST "$url/api/auth/refresh" -d "$(refresh_with "$short_refresh")"
  access=$(member accessToken) refresh=$(member refreshToken)
  title "log out"
  ask 204 '' POST "$url/api/auth/logout" -d "$(refresh_with "$refresh")"
  title "nothing of that session is left"
  ask 401 '\{"error":"Invalid refresh token"\}' POST "$started_url/api/auth/refresh" \
    -d "$(refresh_with "$refresh")"
  ask 401 '\{"error":"Token revoked"\}' GET "$url/api/auth/me" -H "Authorization: Bearer $access"
}
