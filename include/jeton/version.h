// The version of the library, as numbers and as text. The only macros of the public face.
#pragma once

#define JETON_VERSION_MAJOR 0
#define JETON_VERSION_MINOR 1
#define JETON_VERSION_PATCH 0
#define JETON_VERSION "0.1.0"
