// The embedded relay. Starting and stopping block for a moment, so stopping runs on a worker
// thread.
#include "environment.h"

namespace moq_node {
namespace {

using Info = const Napi::CallbackInfo&;

Napi::Value Start(Info info) {
  Environment& environment = Environment::Of(info);
  const std::string options = TextArg(info, 0);
  uint64_t relay = 0;
  const MoqResultCode code =
      environment.library.moq_relay_start(options.data(), options.size(), &relay);
  if (code == MOQ_OK) {
    environment.relays.emplace(relay, true);
    environment.KeepAlive(info.Env(), true);
  }
  return HandleOrFailure(info.Env(), code, relay);
}

void SetKeepAlive(Napi::Env env, Environment& environment, uint64_t relay, bool on) {
  const auto found = environment.relays.find(relay);
  if (found == environment.relays.end() || found->second == on)
    return;
  found->second = on;
  environment.KeepAlive(env, on);
}

Napi::Value RelayKeepAlive(Info info) {
  SetKeepAlive(info.Env(), Environment::Of(info), HandleArg(info, 0), info[1].ToBoolean().Value());
  return info.Env().Undefined();
}

Napi::Value RelayInfo(Info info) {
  const Library& library = Environment::Of(info).library;
  const uint64_t relay = HandleArg(info, 0);
  return Text(info.Env(), [&](char* buffer, size_t capacity, size_t* needed) {
    return library.moq_relay_info(relay, buffer, capacity, needed);
  });
}

Napi::Value RelayStats(Info info) {
  const Library& library = Environment::Of(info).library;
  const uint64_t relay = HandleArg(info, 0);
  return Text(info.Env(), [&](char* buffer, size_t capacity, size_t* needed) {
    return library.moq_relay_stats(relay, buffer, capacity, needed);
  });
}

class StopWorker : public Napi::AsyncWorker {
public:
  StopWorker(Napi::Env env, const Library& library, uint64_t relay, uint32_t grace)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), library_(library),
        relay_(relay), grace_(grace) {}

  Napi::Promise Promise() const { return deferred_.Promise(); }

protected:
  void Execute() override { code_ = library_.moq_relay_stop(relay_, grace_); }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    deferred_.Resolve(CodeOnly(Env(), code_));
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

private:
  Napi::Promise::Deferred deferred_;
  const Library library_;
  const uint64_t relay_;
  const uint32_t grace_;
  MoqResultCode code_ = MOQ_OK;
};

// relayStop(relay, graceMs): a promise of 0 or minus the code.
Napi::Value Stop(Info info) {
  Environment& environment = Environment::Of(info);
  const uint64_t relay = HandleArg(info, 0);
  SetKeepAlive(info.Env(), environment, relay, false);
  environment.relays.erase(relay);
  auto* worker = new StopWorker(info.Env(), environment.library, relay, NumberArg(info, 1));
  const Napi::Promise promise = worker->Promise();
  worker->Queue();
  return promise;
}

} // namespace

void DefineRelay(Napi::Env env, Napi::Object exports) {
  const auto define = [&](const char* name, Napi::Value (*call)(Info)) {
    exports[name] = Napi::Function::New(env, call, name);
  };
  define("relayStart", Start);
  define("relayInfo", RelayInfo);
  define("relayStats", RelayStats);
  define("relayStop", Stop);
  define("relayKeepAlive", RelayKeepAlive);
}

} // namespace moq_node
