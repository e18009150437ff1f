# libjeton as others see it: its public headers named one by one, find_package(jeton) and pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(jeton_public_headers
  agent.h
  algorithm.h claims.h error.h failure_budget.h guard.h jws.h key.h key_set.h limits.h path.h policy.h rate_limit.h
  revocation.h revocation_table.h secret.h signer.h single_use.h time.h token_cache.h value.h verified_token.h
  verifier.h version.h)
list(TRANSFORM jeton_public_headers PREPEND ${PROJECT_SOURCE_DIR}/include/jeton/)

target_compile_features(jeton PUBLIC cxx_std_23)
target_include_directories(jeton PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(jeton PRIVATE $<BUILD_INTERFACE:jeton_compile>
  OpenSSL::Crypto PkgConfig::sodium Threads::Threads)

install(TARGETS jeton EXPORT jeton-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${jeton_public_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/jeton)
install(EXPORT jeton-targets NAMESPACE jeton:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/jeton)
configure_package_config_file(cmake/jeton-config.cmake.in ${PROJECT_BINARY_DIR}/jeton-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/jeton)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/jeton-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/jeton-config.cmake ${PROJECT_BINARY_DIR}/jeton-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/jeton)
# Relative, so that `cmake --install --prefix` and a moved prefix are right.
file(RELATIVE_PATH jeton_pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/jeton.pc.in ${PROJECT_BINARY_DIR}/jeton.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/jeton.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
