# The moq-ffi SDK @VERSION@ as a CMake package:
#
#   find_package(moq_ffi 0.1 REQUIRED)
#   target_link_libraries(game PRIVATE moq_ffi::moq_ffi)   # the shared library
#   target_link_libraries(tool PRIVATE moq_ffi::static)    # the static library
#
# Both bring the folder of moq_ffi.h (C) and moq_ffi.hpp (C++17). The package may be moved.

get_filename_component(_moq_ffi_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET moq_ffi::moq_ffi)
  add_library(moq_ffi::moq_ffi SHARED IMPORTED)
  set_target_properties(moq_ffi::moq_ffi PROPERTIES
    IMPORTED_LOCATION "${_moq_ffi_root}/@SHARED@"
    INTERFACE_INCLUDE_DIRECTORIES "${_moq_ffi_root}/include")
  set(_moq_ffi_import_library "@IMPORT_LIBRARY@")
  if(_moq_ffi_import_library)
    set_target_properties(moq_ffi::moq_ffi PROPERTIES
      IMPORTED_IMPLIB "${_moq_ffi_root}/${_moq_ffi_import_library}")
  endif()
  add_library(moq_ffi::shared ALIAS moq_ffi::moq_ffi)

  add_library(moq_ffi::static STATIC IMPORTED)
  set_target_properties(moq_ffi::static PROPERTIES
    IMPORTED_LOCATION "${_moq_ffi_root}/@STATIC@"
    INTERFACE_INCLUDE_DIRECTORIES "${_moq_ffi_root}/include"
    INTERFACE_LINK_LIBRARIES "@SYSTEM_LIBRARIES@")
  unset(_moq_ffi_import_library)
endif()
unset(_moq_ffi_root)
