// moq_ffi.hpp over a library that the program loads itself, as game engines do: compiled without
// exceptions and without RTTI, linked with nothing of ours.
#define MOQ_FFI_DYNAMIC
#include <moq_ffi.hpp>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

namespace {

int Fail(const char* what, const char* why) {
  std::fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

#ifdef _WIN32
void* Open() {
  return reinterpret_cast<void*>(::LoadLibraryA(MOQ_FFI_PATH));
}
void* Find(void* library, const char* name) {
  return reinterpret_cast<void*>(::GetProcAddress(static_cast<HMODULE>(library), name));
}
void Close(void* library) {
  ::FreeLibrary(static_cast<HMODULE>(library));
}
#else
void* Open() {
  return ::dlopen(MOQ_FFI_PATH, RTLD_NOW | RTLD_LOCAL);
}
void* Find(void* library, const char* name) {
  return ::dlsym(library, name);
}
void Close(void* library) {
  ::dlclose(library);
}
#endif

int Run(void* library) {
  moq::Api table;
  if (moq::load(table, [](const char*) { return static_cast<void*>(nullptr); }) == nullptr)
    return Fail("load", "an empty library was taken");
  if (const char* missing = moq::load(table, [&](const char* name) { return Find(library, name); }))
    return Fail("the library lacks", missing);
  moq::use(table);

  auto relay = moq::Relay::start();
  if (!relay)
    return Fail("relay", relay.error().message.c_str());
  const std::string info = *relay->info();
  const std::string key = "\"memoryUrl\":\"";
  const size_t from = info.find(key) + key.size();
  auto client = moq::Client::open({info.substr(from, info.find('"', from) - from)});
  if (!client)
    return Fail("client", client.error().message.c_str());
  auto publication = client->publish({{"dynamic"}, "t"});
  moq::SubscribeOptions options;
  options.track_namespace = "dynamic";
  options.name = "t";
  options.wait = 5000;
  auto subscription = client->subscribe(options);
  if (!publication || !subscription)
    return Fail("requests", moq::last_error());
  if (publication->keyframe(std::string("hello")) != MOQ_OK)
    return Fail("publish", moq::last_error());
  bool seen = false;
  for (int i = 0; i < 10000 && !seen; ++i) {
    client->drain([&](const moq::Object& object) { seen = object.payload.text() == "hello"; });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (!seen)
    return Fail("subscription", "nothing arrived in 10 s");
  return 0;
}

} // namespace

int main() {
  void* library = Open();
  if (library == nullptr)
    return Fail("the library cannot be loaded", MOQ_FFI_PATH);
  const int code = Run(library);
  if (moq::shutdown())
    return Fail("shutdown", moq::last_error());
  Close(library);
  return code;
}
