// MOQ_API marks what other modules may call: Unreal's build tool defines it for the module "Moq",
// as an export while that module is compiled and as an import in others. Elsewhere it is nothing.
//
// MoqCore is engine-free C++17: the standard library only, no exceptions, no RTTI. Its headers lie
// in the module's Public folder, so that MoqPuerts, a library of its own in an editor build, uses
// the same core through Moq: one function table, one set of sessions. Both modules need
// - moq_ffi.h and moq_ffi/*.hpp on the include path (copies are staged with the plugin), and
// - "Moq" among the public dependencies of MoqPuerts.
#pragma once

#if defined(MOQ_API)
#include "HAL/Platform.h" // what MOQ_API expands to
#else
#define MOQ_API
#endif

// The C++ layer's own table is not used, and must not be linked.
#ifndef MOQ_FFI_DYNAMIC
#define MOQ_FFI_DYNAMIC
#endif
