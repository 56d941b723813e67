// Opens shared libraries with the operating system, where Unreal's FPlatformProcess is not there.
#pragma once

#include <MoqCore/Library.h>

#include <dlfcn.h>

#include <string>

namespace moq_test {

inline moq::unreal::LibraryLoader SystemLoader() {
  moq::unreal::LibraryLoader loader;
  loader.Open = [](const std::string& path, std::string& problem) -> void* {
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
      problem = dlerror();
    return library;
  };
  loader.Find = [](void* library, const char* name) { return dlsym(library, name); };
  loader.Close = [](void* library) { dlclose(library); };
  return loader;
}

} // namespace moq_test
