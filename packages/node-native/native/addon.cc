// The addon's entry, and what an environment owns. No state is shared between environments, and
// none is static.
#include "environment.h"

namespace moq_node {

Environment::Environment(Napi::Env env) {
  if (gate->Open(env, this, Wake) != napi_ok) {
    Napi::Error::New(env, "moq-game: the wake function could not be made")
        .ThrowAsJavaScriptException();
    return;
  }
  // After the thread-safe function: hooks run in reverse order, so the gate is closed before Node
  // takes the function apart. Without this a terminated worker aborts the process.
  napi_add_env_cleanup_hook(env, CleanUp, this);
}

Environment& Environment::Of(const Napi::CallbackInfo& info) {
  return *info.Env().GetInstanceData<Environment>();
}

void Environment::KeepAlive(Napi::Env env, bool on) {
  if (on ? alive_++ == 0 : alive_ > 0 && --alive_ == 0)
    gate->KeepAlive(env, on);
}

void Environment::Forget(Napi::Env env, uint64_t client) {
  const auto found = clients.find(client);
  if (found == clients.end())
    return;
  if (found->second->keeps_alive)
    KeepAlive(env, false);
  clients.erase(found);
}

void Environment::Wake(napi_env raw, void* context, uint64_t client) {
  auto* environment = static_cast<Environment*>(context);
  const Napi::Env env(raw);
  const Napi::HandleScope scope(env);
  const auto found = environment->clients.find(client);
  if (found == environment->clients.end() || found->second->on_wake.IsEmpty())
    return;
  // Raw calls: while a worker is torn down, JavaScript cannot run, and that is no error.
  const Napi::Function on_wake = found->second->on_wake.Value();
  napi_value result;
  if (napi_call_function(env, env.Undefined(), on_wake, 0, nullptr, &result) == napi_ok)
    return;
  bool thrown = false;
  napi_value error;
  if (napi_is_exception_pending(env, &thrown) == napi_ok && thrown &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok) {
    napi_fatal_exception(env, error);
  }
}

void Environment::CleanUp(void* data) {
  auto* environment = static_cast<Environment*>(data);
  environment->gate->Close();
  // Closing waits for a waker that runs on another thread; the gate is not locked here.
  for (const auto& entry : environment->clients)
    environment->library.moq_client_close(entry.first, 0);
  environment->clients.clear();
  for (const auto& entry : environment->relays)
    environment->library.moq_relay_stop(entry.first, 0);
  environment->relays.clear();
}

uint64_t HandleArg(const Napi::CallbackInfo& info, size_t index) {
  double value = 0;
  if (napi_get_value_double(info.Env(), info[index], &value) != napi_ok)
    return 0;
  return value > 0 && value < 9007199254740992.0 ? static_cast<uint64_t>(value) : 0;
}

uint32_t NumberArg(const Napi::CallbackInfo& info, size_t index) {
  uint32_t value = 0;
  return napi_get_value_uint32(info.Env(), info[index], &value) == napi_ok ? value : 0;
}

std::string TextArg(const Napi::CallbackInfo& info, size_t index) {
  return info[index].IsString() ? info[index].As<Napi::String>().Utf8Value() : std::string();
}

BytesArg::BytesArg(const Napi::CallbackInfo& info, size_t index) {
  napi_typedarray_type type;
  void* start = nullptr;
  valid = napi_get_typedarray_info(info.Env(), info[index], &type, &length, &start, nullptr,
                                   nullptr) == napi_ok &&
          type == napi_uint8_array;
  data = static_cast<uint8_t*>(start);
  if (!valid)
    length = 0;
}

Napi::Value Failure(Napi::Env env, MoqResultCode code) {
  return Napi::Number::New(env, -static_cast<double>(code));
}

Napi::Value HandleOrFailure(Napi::Env env, MoqResultCode code, uint64_t handle) {
  return code == MOQ_OK ? Napi::Number::New(env, static_cast<double>(handle)) : Failure(env, code);
}

Napi::Value CodeOnly(Napi::Env env, MoqResultCode code) {
  return code == MOQ_OK ? Napi::Number::New(env, 0) : Failure(env, code);
}

namespace {

// load(path): "" or what went wrong.
Napi::Value Load(const Napi::CallbackInfo& info) {
  Environment& environment = Environment::Of(info);
  std::string error;
  if (!environment.loaded)
    environment.loaded = environment.library.Load(TextArg(info, 0), &error);
  return Napi::String::New(info.Env(), error);
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  // The instance data's finalizer runs after the clean-up hook.
  env.SetInstanceData(new Environment(env));
  exports["load"] = Napi::Function::New(env, Load, "load");
  DefineCalls(env, exports);
  DefineRelay(env, exports);
  return exports;
}

} // namespace
} // namespace moq_node

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
  return moq_node::Init(env, exports);
}

NODE_API_MODULE(moq_game_node, InitAddon)
