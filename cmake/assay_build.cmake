# Compiler settings that every target shares, and the one function that makes a library out of a folder of src/.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# Programs lie at the top of their build folder: build/release/assay.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
enable_testing()

# Files of models and arrays are read in place, and their bytes are little-endian.
if(CMAKE_CXX_BYTE_ORDER STREQUAL BIG_ENDIAN)
  message(FATAL_ERROR "Assay needs a little-endian machine; this compiler is big-endian.")
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # With these ccache trusts precompiled headers, whose content it hashes.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND NOT CMAKE_CROSSCOMPILING)
  add_link_options(-fuse-ld=mold)
endif()

add_library(assay_flags INTERFACE)
# Contraction would fuse multiplies and adds behind our back: the engine's bits are its product.
target_compile_options(assay_flags INTERFACE -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow -Wno-psabi -Werror)
# With optimisation GCC 12 takes moved-from members of std::variant for uninitialised ones; Debug builds keep the warning.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(assay_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:-Wno-maybe-uninitialized>)
endif()
target_include_directories(assay_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
# Kernels are compiled for AVX2 and AVX-512 on x86-64 and for NEON on arm64; Highway's EMU128 is the scalar path
# (docs/decisions/0001-highway.md).
# Highway would replace EMU128 by the poorer SCALAR for GCC before 12.3, because of a GCC bug (106322) that does not occur
# on x86-64 and arm64; and it leaves EMU128 out where a baseline is better (arm64), though tests want it.
option(ASSAY_FEW_TARGETS "Leave AVX-512 out, which builds sooner (fuzz)" OFF)
if(ASSAY_FEW_TARGETS)
  set(ASSAY_LEFT_OUT "|HWY_AVX3|HWY_AVX3_DL")
endif()
target_compile_definitions(assay_flags INTERFACE
  "HWY_DISABLED_TARGETS=(HWY_SSSE3|HWY_SSE4|HWY_SVE|HWY_SVE2|HWY_SVE_256|HWY_SVE2_128${ASSAY_LEFT_OUT})"
  HWY_BROKEN_EMU128=0 HWY_COMPILE_ALL_ATTAINABLE=1)

if(ASSAY_TESTS OR NOT DEFINED ASSAY_TESTS)
  find_package(GTest)
endif()
include(GoogleTest)

# What nearly every file includes, compiled once per library.
set(ASSAY_COMMON_HEADERS <algorithm> <functional> <map> <memory> <optional> <span> <string> <variant> <vector>)

# assay_library(NAME [SMALL] [LIBS ...] [HEADERS ...|HEADERS_OF LIBRARY]): library assay_NAME from src/NAME/**/*.cc, and
# its unit tests *_test.cc beside the code. HEADERS are compiled once, before the sources (HEADERS_OF: those of another
# library serve); a source still includes what it uses. SMALL: little time is spent here, and Release builds save bytes.
function(assay_library name)
  cmake_parse_arguments(ARG "SMALL" "HEADERS_OF" "LIBS;HEADERS" ${ARGN})
  set(dir ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(sources)
    add_library(assay_${name} STATIC ${sources})
    target_link_libraries(assay_${name} PUBLIC ${ARG_LIBS} PRIVATE assay_flags)
    target_include_directories(assay_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
    if(ARG_SMALL AND CMAKE_BUILD_TYPE STREQUAL Release)
      target_compile_options(assay_${name} PRIVATE -Os)
      if(ARG_HEADERS_OF)  # headers compiled with other options do not serve
        get_target_property(ARG_HEADERS assay_${ARG_HEADERS_OF} PRECOMPILE_HEADERS)
      endif()
    endif()
    if(ARG_HEADERS OR ARG_HEADERS_OF)
      if(ARG_HEADERS)
        target_precompile_headers(assay_${name} PRIVATE ${ARG_HEADERS})
      else()
        target_precompile_headers(assay_${name} REUSE_FROM assay_${ARG_HEADERS_OF})
      endif()
      if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        target_compile_options(assay_${name} PRIVATE -fpch-preprocess)  # for ccache
      endif()
    endif()
  else()
    add_library(assay_${name} INTERFACE)
    target_link_libraries(assay_${name} INTERFACE ${ARG_LIBS})
  endif()
  if(tests AND ASSAY_TESTS)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE assay_${name} assay_flags GTest::gtest_main ${ASSAY_TEST_LIBS_${name}})
    target_compile_definitions(${name}_test PRIVATE "ASSAY_TEST_DATA=\"${CMAKE_SOURCE_DIR}/tests/data\"")
    gtest_discover_tests(${name}_test PROPERTIES LABELS unit DISCOVERY_MODE PRE_TEST)
  endif()
endfunction()

set(ASSAY_TEST_LIBS_num mpfr gmp)
