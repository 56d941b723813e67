// The NativePort of packages/core/src/native/port.ts, call by call.
#include <array>

#include "environment.h"

namespace moq_node {
namespace {

using Info = const Napi::CallbackInfo&;

Napi::Value AbiVersion(Info info) {
  return Napi::Number::New(info.Env(), Environment::Of(info).library.moq_abi_version());
}

Napi::Value Version(Info info) {
  return Napi::String::New(info.Env(), Environment::Of(info).library.moq_version());
}

Napi::Value LastError(Info info) {
  return Napi::String::New(info.Env(), Environment::Of(info).library.moq_last_error());
}

Napi::Value Now(Info info) {
  const uint64_t now = Environment::Of(info).library.moq_now_us();
  return Napi::Number::New(info.Env(), static_cast<double>(now));
}

Napi::Value OpenClient(Info info) {
  Environment& environment = Environment::Of(info);
  const std::string options = TextArg(info, 0);
  uint64_t handle = 0;
  const MoqResultCode code =
      environment.library.moq_client_open(options.data(), options.size(), &handle);
  if (code == MOQ_OK) {
    auto client = std::make_unique<Client>();
    client->wake.gate = environment.gate;
    client->wake.client = handle;
    environment.clients.emplace(handle, std::move(client));
  }
  return HandleOrFailure(info.Env(), code, handle);
}

Napi::Value SupplyToken(Info info) {
  const BytesArg token(info, 2);
  if (!token.valid)
    return Failure(info.Env(), MOQ_ERROR_INVALID_ARGUMENT);
  return CodeOnly(info.Env(),
                  Environment::Of(info).library.moq_client_supply_token(
                      HandleArg(info, 0), HandleArg(info, 1), token.data, token.length));
}

Napi::Value RefuseToken(Info info) {
  const std::string reason = TextArg(info, 2);
  return CodeOnly(info.Env(),
                  Environment::Of(info).library.moq_client_refuse_token(
                      HandleArg(info, 0), HandleArg(info, 1), reason.data(), reason.size()));
}

Napi::Value CloseClient(Info info) {
  Environment& environment = Environment::Of(info);
  const uint64_t client = HandleArg(info, 0);
  const uint32_t flush = NumberArg(info, 1);
  const MoqResultCode code = environment.library.moq_client_close(client, flush);
  if (flush == 0)
    environment.Forget(info.Env(), client);
  return CodeOnly(info.Env(), code);
}

Napi::Value Request(Info info) {
  const Library& library = Environment::Of(info).library;
  const uint64_t client = HandleArg(info, 0);
  const std::string kind = TextArg(info, 1);
  const std::string options = TextArg(info, 2);
  const std::array<std::pair<const char*, decltype(library.moq_fetch_open)>, 5> kinds = {{
      {"publish", library.moq_publication_open},
      {"subscribe", library.moq_subscription_open},
      {"fetch", library.moq_fetch_open},
      {"discover", library.moq_discovery_open},
      {"status", library.moq_status_open},
  }};
  for (const auto& [name, open] : kinds) {
    if (kind != name)
      continue;
    uint64_t handle = 0;
    const MoqResultCode code = open(client, options.data(), options.size(), &handle);
    return HandleOrFailure(info.Env(), code, handle);
  }
  return Failure(info.Env(), MOQ_ERROR_INVALID_ARGUMENT);
}

Napi::Value Publish(Info info) {
  const BytesArg bytes(info, 2);
  if (!bytes.valid)
    return Failure(info.Env(), MOQ_ERROR_INVALID_ARGUMENT);
  const MoqResultCode code = Environment::Of(info).library.moq_publish(
      HandleArg(info, 0), NumberArg(info, 1), bytes.data, bytes.length);
  return CodeOnly(info.Env(), code);
}

Napi::Value Flush(Info info) {
  return CodeOnly(info.Env(), Environment::Of(info).library.moq_publish_flush(HandleArg(info, 0)));
}

Napi::Value End(Info info) {
  return CodeOnly(info.Env(), Environment::Of(info).library.moq_publication_end(
                                  HandleArg(info, 0), NumberArg(info, 1)));
}

Napi::Value CloseHandle(Info info) {
  return CodeOnly(info.Env(), Environment::Of(info).library.moq_handle_close(HandleArg(info, 0)));
}

Napi::Value Update(Info info) {
  const std::string options = TextArg(info, 1);
  return CodeOnly(info.Env(), Environment::Of(info).library.moq_subscription_update(
                                  HandleArg(info, 0), options.data(), options.size()));
}

Napi::Value Hold(Info info) {
  const uint32_t held = info[1].ToBoolean().Value() ? 1 : 0;
  return CodeOnly(info.Env(),
                  Environment::Of(info).library.moq_handle_hold(HandleArg(info, 0), held));
}

// Into the buffer from an offset on. Bytes × 2 + more; −(size needed) − 1000 when the next record
// does not fit.
Napi::Value Poll(Info info) {
  const BytesArg buffer(info, 1);
  const size_t at = NumberArg(info, 2);
  if (!buffer.valid || at > buffer.length)
    return Failure(info.Env(), MOQ_ERROR_INVALID_ARGUMENT);
  MoqPollResult result = {};
  result.struct_size = sizeof(result);
  const MoqResultCode code = Environment::Of(info).library.moq_poll(
      HandleArg(info, 0), buffer.data + at, buffer.length - at, &result);
  if (code == MOQ_ERROR_BUFFER_TOO_SMALL) {
    return Napi::Number::New(info.Env(), -static_cast<double>(result.needed) - 1000);
  }
  if (code != MOQ_OK)
    return Failure(info.Env(), code);
  return Napi::Number::New(info.Env(), static_cast<double>(result.bytes) * 2 + result.more);
}

Napi::Value Stats(Info info) {
  const Library& library = Environment::Of(info).library;
  const uint64_t client = HandleArg(info, 0);
  return Text(info.Env(), [&](char* buffer, size_t capacity, size_t* needed) {
    return library.moq_client_stats(client, buffer, capacity, needed);
  });
}

Napi::Value SetWaker(Info info) {
  Environment& environment = Environment::Of(info);
  const uint64_t handle = HandleArg(info, 0);
  const auto found = environment.clients.find(handle);
  if (found == environment.clients.end())
    return Failure(info.Env(), MOQ_ERROR_INVALID_ARGUMENT);
  Client& client = *found->second;
  if (!info[1].IsFunction()) {
    const MoqResultCode code = environment.library.moq_set_waker(handle, nullptr, nullptr);
    client.on_wake.Reset();
    return CodeOnly(info.Env(), code);
  }
  client.on_wake = Napi::Persistent(info[1].As<Napi::Function>());
  return CodeOnly(info.Env(),
                  environment.library.moq_set_waker(handle, ClientWake::Call, &client.wake));
}

Napi::Value KeepAlive(Info info) {
  Environment& environment = Environment::Of(info);
  const auto found = environment.clients.find(HandleArg(info, 0));
  const bool on = info[1].ToBoolean().Value();
  if (found != environment.clients.end() && found->second->keeps_alive != on) {
    found->second->keeps_alive = on;
    environment.KeepAlive(info.Env(), on);
  }
  return info.Env().Undefined();
}

} // namespace

void DefineCalls(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, Napi::Value (*call)(Info)) {
    exports[name] = Napi::Function::New(env, call, name);
  };
  define("abiVersion", AbiVersion);
  define("version", Version);
  define("lastError", LastError);
  define("now", Now);
  define("open", OpenClient);
  define("supplyToken", SupplyToken);
  define("refuseToken", RefuseToken);
  define("close", CloseClient);
  define("request", Request);
  define("publish", Publish);
  define("flush", Flush);
  define("end", End);
  define("closeHandle", CloseHandle);
  define("update", Update);
  define("hold", Hold);
  define("poll", Poll);
  define("stats", Stats);
  define("setWaker", SetWaker);
  define("keepAlive", KeepAlive);
}

} // namespace moq_node
