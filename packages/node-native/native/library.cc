#include "library.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace moq_node {
namespace {

#ifdef _WIN32
void* Open(const std::string& path, std::string* error) {
  const int size = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
  std::wstring wide(size > 0 ? static_cast<size_t>(size) : 1, L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, wide.data(), size);
  HMODULE module = LoadLibraryExW(wide.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (module == nullptr)
    *error = "cannot load " + path + ": error " + std::to_string(GetLastError());
  return module;
}

void* Find(void* module, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(module), name));
}
#else
void* Open(const std::string& path, std::string* error) {
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    const char* reason = dlerror();
    *error = reason != nullptr ? reason : "cannot load " + path;
  }
  return module;
}

void* Find(void* module, const char* name) {
  return dlsym(module, name);
}
#endif

} // namespace

bool Library::Load(const std::string& path, std::string* error) {
  void* module = Open(path, error);
  if (module == nullptr)
    return false;
#define MOQ_FIND(name)                                                                             \
  name = reinterpret_cast<decltype(name)>(Find(module, #name));                                    \
  if (name == nullptr) {                                                                           \
    *error = path + " has no function " #name ": it is of another version";                        \
    return false;                                                                                  \
  }
  MOQ_FUNCTIONS(MOQ_FIND)
#undef MOQ_FIND
  if (moq_abi_version() != MOQ_ABI_VERSION) {
    *error = path + " has ABI version " + std::to_string(moq_abi_version()) +
             " and this addon was built for " + std::to_string(MOQ_ABI_VERSION);
    return false;
  }
  return true;
}

} // namespace moq_node
