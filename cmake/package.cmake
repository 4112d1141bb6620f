# What `cmake --install` gives to other projects: the public headers, one library of all folders of src/ (static, or
# shared with BUILD_SHARED_LIBS), a CMake package and a pkg-config file. tests/package uses them as a stranger would.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The folders' libraries, and what they link to outside of the project.
get_directory_property(ASSAY_LAYERS BUILDSYSTEM_TARGETS)
list(FILTER ASSAY_LAYERS INCLUDE REGEX "^assay_")
set(ASSAY_OBJECTS "")
set(ASSAY_OUTSIDE "")
foreach(layer IN LISTS ASSAY_LAYERS)
  get_target_property(type ${layer} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    list(APPEND ASSAY_OBJECTS $<TARGET_OBJECTS:${layer}>)
    get_target_property(libraries ${layer} INTERFACE_LINK_LIBRARIES)
    list(APPEND ASSAY_OUTSIDE ${libraries})
  endif()
endforeach()
list(REMOVE_DUPLICATES ASSAY_OUTSIDE)
list(FILTER ASSAY_OUTSIDE EXCLUDE REGEX "assay_")

# For pkg-config a library found as a target is the module of that library; one found as a file is -lNAME.
set(ASSAY_MODULES_TBB::tbb tbb)
set(ASSAY_MODULES_fmt::fmt fmt)
set(ASSAY_MODULES_PkgConfig::HWY libhwy)
set(ASSAY_MODULES_ZLIB::ZLIB zlib)
set(ASSAY_LINKED "")
set(ASSAY_PC_MODULES "")
set(ASSAY_PC_FLAGS "")
foreach(library IN LISTS ASSAY_OUTSIDE)
  if(DEFINED ASSAY_MODULES_${library})
    list(APPEND ASSAY_PC_MODULES ${ASSAY_MODULES_${library}})
    list(APPEND ASSAY_LINKED ${library})
  elseif(TARGET ${library} OR library MATCHES "::|<")
    message(FATAL_ERROR "cmake/package.cmake does not know the pkg-config module of ${library}")
  else()
    cmake_path(GET library STEM name)
    string(REGEX REPLACE "^lib" "" name ${name})
    cmake_path(GET library PARENT_PATH folder)
    if(folder MATCHES "/graphviz$")  # a folder of its own, where neither linkers nor loaders look
      list(APPEND ASSAY_PC_FLAGS -L${folder} -l${name} -Wl,-rpath,${folder})
      list(APPEND ASSAY_LINKED ${library})
    else()
      list(APPEND ASSAY_PC_FLAGS -l${name})
      list(APPEND ASSAY_LINKED ${name})  # by name: the package may be used where the library lies elsewhere
    endif()
  endif()
endforeach()

add_library(libassay ${ASSAY_OBJECTS})
set_target_properties(libassay PROPERTIES OUTPUT_NAME assay EXPORT_NAME assay LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_compile_features(libassay PUBLIC cxx_std_20)
target_include_directories(libassay INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(libassay PRIVATE ${ASSAY_LINKED})

# A program that links a static library links what that needs; one that links a shared library does not.
list(JOIN ASSAY_PC_MODULES " " modules)
list(JOIN ASSAY_PC_FLAGS " " flags)
if(BUILD_SHARED_LIBS)
  set(ASSAY_PC_NEEDS "Requires.private: ${modules}\nLibs: -L\${libdir} -lassay\nLibs.private: ${flags}")
else()
  set(ASSAY_PC_NEEDS "Requires: ${modules}\nLibs: -L\${libdir} -lassay ${flags}")
endif()
# From lib/pkgconfig back to the prefix, so that an installed tree can be moved.
file(RELATIVE_PATH ASSAY_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" ASSAY_PC_UP ${ASSAY_PC_UP})

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/assay)
configure_file(${CMAKE_SOURCE_DIR}/cmake/assay.pc.in ${CMAKE_BINARY_DIR}/generated/assay.pc @ONLY)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/assayConfig.cmake.in
  ${CMAKE_BINARY_DIR}/generated/assayConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/assayConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)

install(TARGETS libassay EXPORT assay)
install(EXPORT assay NAMESPACE assay:: FILE assayTargets.cmake DESTINATION ${config_dir})
install(FILES ${CMAKE_BINARY_DIR}/generated/assayConfig.cmake ${CMAKE_BINARY_DIR}/generated/assayConfigVersion.cmake
  DESTINATION ${config_dir})
install(FILES ${CMAKE_BINARY_DIR}/generated/assay.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/assay DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
