# profiles/*.toml become one source file, so that the library needs no file at run time:
#   cmake -DOUT=... -DDIR=... -P profiles.cmake   (as a script) writes it;
#   include(profiles)                             adds it to assay_profiles.
if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB files ${DIR}/*.toml)
  list(SORT files)
  set(rows "")
  foreach(path IN LISTS files)
    get_filename_component(name ${path} NAME_WE)
    file(READ ${path} text)
    # Raw strings of 8 KiB: compilers are only obliged to take short literals.
    set(pieces "")
    string(LENGTH "${text}" length)
    set(at 0)
    while(at LESS length)
      string(SUBSTRING "${text}" ${at} 8192 piece)
      string(APPEND pieces "R\"assay(${piece})assay\"\n")
      math(EXPR at "${at} + 8192")
    endwhile()
    string(APPEND rows "    {\"${name}\", \"profiles/${name}.toml\", ${pieces}},\n")
  endforeach()
  file(WRITE ${OUT} "// Made from profiles/*.toml by cmake/profiles.cmake.\n#include \"profiles/built_in.h\"\n\n"
    "namespace assay::profiles {\nnamespace {\nconstexpr BuiltIn kFiles[] = {\n${rows}};\n}  // namespace\n"
    "std::span<const BuiltIn> built_in_files() { return kFiles; }\n}  // namespace assay::profiles\n")
else()
  file(GLOB profile_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/profiles/*.toml)
  set(profile_source ${CMAKE_BINARY_DIR}/generated/profiles_built_in.cc)
  add_custom_command(OUTPUT ${profile_source}
    COMMAND ${CMAKE_COMMAND} -DOUT=${profile_source} -DDIR=${CMAKE_SOURCE_DIR}/profiles -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${profile_files} ${CMAKE_CURRENT_LIST_FILE} VERBATIM)
  target_sources(assay_profiles PRIVATE ${profile_source})
  if(TARGET profiles_test)
    target_compile_definitions(profiles_test PRIVATE ASSAY_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  endif()
  set_source_files_properties(${profile_source} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
endif()
