# How everything is compiled: C++23, warnings as errors, hardened.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)

add_library(jeton_compile INTERFACE)
target_compile_options(jeton_compile INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Werror -Wno-missing-field-initializers -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(jeton_compile INTERFACE -Wno-missing-designated-field-initializers -Wimplicit-fallthrough)
else()
  # g++ 12 reports false positives of these three through std::expected and std::variant.
  target_compile_options(jeton_compile INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-pointer)
endif()
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT JETON_SANITIZE)
  target_compile_options(jeton_compile INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
target_compile_definitions(jeton_compile INTERFACE _GLIBCXX_ASSERTIONS)
target_include_directories(jeton_compile INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)

if(JETON_SANITIZE)
  add_compile_options(-fsanitize=${JETON_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${JETON_SANITIZE})
endif()
if(JETON_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(JETON_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

find_program(ccache_program ccache)
if(ccache_program)
  # Another checkout, and another build directory beside this one, find what this one compiled.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      ${ccache_program})
endif()
find_program(mold_program mold)
if(mold_program AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=mold)
endif()
