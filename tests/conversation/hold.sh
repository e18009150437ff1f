#!/usr/bin/env bash
# hold.sh JETON: a client, a thief, another service and an expired token, each with the answer that is due.
#
# mission row 9: the answers of a protected endpoint: no token, expired, invalid, and the claims with a good one.
# mission row 10: a changed payload fails the signature; a token is useless after its expiry.
# mission row 14: access tokens of one second, and the session goes on by its refresh token.
# mission row 17: POST /api/auth/refresh and its answers.
set -euo pipefail
cd "$(dirname "$0")/../.."
jeton=$1
. tools/steps.sh
. tools/conversation.sh
hold_conversation
