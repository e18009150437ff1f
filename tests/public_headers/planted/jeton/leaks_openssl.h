// What a public header must not do; tests/public_headers proves that it would be noticed.
#pragma once

#include <openssl/crypto.h>
