# Everything comes from Debian's packages; tools/install-dependencies installs them.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto SSL)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)

if(JETON_SERVER)
  find_package(Boost 1.81 REQUIRED)
  find_package(SQLite3 REQUIRED)
  find_package(fmt REQUIRED)
  find_package(spdlog REQUIRED)
  find_package(CLI11 REQUIRED)
  pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
  pkg_check_modules(maxminddb REQUIRED IMPORTED_TARGET libmaxminddb)
endif()
if(JETON_TESTS)
  find_package(GTest REQUIRED)
  find_package(simdjson REQUIRED)  # a second opinion on what is JSON
endif()
