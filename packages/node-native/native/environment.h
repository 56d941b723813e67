// Everything that belongs to one JavaScript environment (the main thread or a worker).
#pragma once

#include <napi.h>

#include <memory>
#include <unordered_map>

#include "library.h"
#include "wake.h"

namespace moq_node {

struct Client {
  ClientWake wake;
  Napi::FunctionReference on_wake;
  bool keeps_alive = false;
};

class Environment {
public:
  explicit Environment(Napi::Env env);

  Library library;
  bool loaded = false;
  std::shared_ptr<WakeGate> gate = std::make_shared<WakeGate>();
  std::unordered_map<uint64_t, std::unique_ptr<Client>> clients;
  // Whether each keeps the process alive.
  std::unordered_map<uint64_t, bool> relays;

  static Environment& Of(const Napi::CallbackInfo& info);

  // How many things want the process to stay alive: the first and the last make the difference.
  void KeepAlive(Napi::Env env, bool on);

  // Forgets a client; the caller has closed it in the library.
  void Forget(Napi::Env env, uint64_t client);

private:
  static void Wake(napi_env env, void* context, uint64_t client);
  static void CleanUp(void* data);

  unsigned alive_ = 0;
};

// Argument helpers. Handles are whole numbers below 2^53; anything else becomes 0, which is no
// handle.
uint64_t HandleArg(const Napi::CallbackInfo& info, size_t index);
uint32_t NumberArg(const Napi::CallbackInfo& info, size_t index);
std::string TextArg(const Napi::CallbackInfo& info, size_t index);
struct BytesArg {
  BytesArg(const Napi::CallbackInfo& info, size_t index);
  uint8_t* data = nullptr;
  size_t length = 0;
  bool valid = false;
};

// A result as scripts get it: what was asked for, or minus the code.
Napi::Value Failure(Napi::Env env, MoqResultCode code);
Napi::Value HandleOrFailure(Napi::Env env, MoqResultCode code, uint64_t handle);
Napi::Value CodeOnly(Napi::Env env, MoqResultCode code);

// Calls a function that fills a text buffer, growing it as needed; empty on failure.
template <typename Function>
Napi::Value Text(Napi::Env env, Function function) {
  std::string text(4096, '\0');
  size_t needed = 0;
  MoqResultCode code = function(text.data(), text.size(), &needed);
  for (int attempt = 0; code == MOQ_ERROR_BUFFER_TOO_SMALL && attempt < 4; ++attempt) {
    text.resize(needed + needed / 4);
    code = function(text.data(), text.size(), &needed);
  }
  text.resize(code == MOQ_OK ? needed : 0);
  return Napi::String::New(env, text);
}

void DefineCalls(Napi::Env env, Napi::Object exports);
void DefineRelay(Napi::Env env, Napi::Object exports);

} // namespace moq_node
