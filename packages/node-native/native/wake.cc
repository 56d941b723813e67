#include "wake.h"

#include <thread>

namespace moq_node {
namespace {

// For how long a turn wakes clients before other work of the script has its turn.
constexpr std::chrono::milliseconds kTurn(8);
// For how long after the last wake the event loop is kept turning, where that was worth it last
// time: waking it costs more, on both sides.
constexpr std::chrono::microseconds kLinger(50);

} // namespace

napi_status WakeGate::Open(napi_env env, void* context, Wake wake) {
  napi_value name;
  napi_status status = napi_create_string_utf8(env, "moq-game wake", NAPI_AUTO_LENGTH, &name);
  if (status != napi_ok)
    return status;
  status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                           this, CallJs, &function_);
  if (status != napi_ok)
    return status;
  status = napi_unref_threadsafe_function(env, function_);
  if (status != napi_ok)
    return status;
  status = MakeTurns(env);
  if (status != napi_ok)
    return status;
  const std::lock_guard<std::mutex> lock(mutex_);
  context_ = context;
  wake_ = wake;
  open_ = true;
  return napi_ok;
}

void WakeGate::Notify(uint64_t client) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!open_)
    return;
  pending_.push_back(client);
  if (awake_)
    return;
  // Called under the lock so that Close cannot come between the look at open_ and the call.
  awake_ = napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) == napi_ok;
}

void WakeGate::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  open_ = false;
  pending_.clear();
}

void WakeGate::KeepAlive(napi_env env, bool on) {
  keeps_alive_ = on;
  if (on) {
    napi_ref_threadsafe_function(env, function_);
  } else {
    napi_unref_threadsafe_function(env, function_);
  }
}

napi_status WakeGate::MakeTurns(napi_env env) {
  napi_value global;
  napi_value set_immediate;
  napi_valuetype type;
  napi_status status = napi_get_global(env, &global);
  if (status == napi_ok)
    status = napi_get_named_property(env, global, "setImmediate", &set_immediate);
  if (status == napi_ok)
    status = napi_typeof(env, set_immediate, &type);
  if (status != napi_ok || type != napi_function)
    return status;
  napi_value on_turn;
  status = napi_create_function(env, "moq-game turn", NAPI_AUTO_LENGTH, OnTurn, this, &on_turn);
  if (status == napi_ok)
    status = napi_create_reference(env, on_turn, 1, &on_turn_);
  if (status == napi_ok)
    status = napi_create_reference(env, set_immediate, 1, &set_immediate_);
  return status;
}

void WakeGate::CallJs(napi_env env, napi_value, void* context, void*) {
  auto* gate = static_cast<WakeGate*>(context);
  if (env == nullptr)
    return;
  gate->worked_ = Clock::now();
  gate->brief_ = gate->worked_ - gate->slept_ < kLinger;
  gate->Turn(env);
}

napi_value WakeGate::OnTurn(napi_env env, napi_callback_info info) {
  void* gate = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &gate) == napi_ok)
    static_cast<WakeGate*>(gate)->Turn(env);
  return nullptr;
}

void WakeGate::Turn(napi_env env) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!open_)
      return;
    calling_.swap(pending_);
  }
  const bool idle = calling_.empty();
  const Clock::time_point begun = Clock::now();
  if (!idle)
    worked_ = begun;
  size_t done = 0;
  while (done < calling_.size() && (done == 0 || Clock::now() - begun < kTurn))
    wake_(env, context_, calling_[done++]);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    pending_.insert(pending_.begin(), calling_.begin() + static_cast<std::ptrdiff_t>(done),
                    calling_.end());
    calling_.clear();
    // Looking again keeps the process alive, which is not for those to do who wait for nothing.
    const bool lingers = keeps_alive_ && brief_ && begun - worked_ < kLinger;
    if (!open_)
      return;
    if (pending_.empty() && !lingers) {
      awake_ = false;
      slept_ = Clock::now();
      return;
    }
  }
  // Whoever produces what is waited for may want this processor.
  if (idle)
    std::this_thread::yield();
  if (NextTurn(env))
    return;
  const std::lock_guard<std::mutex> lock(mutex_);
  awake_ = open_ && !pending_.empty() &&
           napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) == napi_ok;
}

bool WakeGate::NextTurn(napi_env env) {
  napi_value set_immediate;
  napi_value on_turn;
  napi_value receiver;
  napi_value result;
  return set_immediate_ != nullptr &&
         napi_get_reference_value(env, set_immediate_, &set_immediate) == napi_ok &&
         napi_get_reference_value(env, on_turn_, &on_turn) == napi_ok &&
         napi_get_undefined(env, &receiver) == napi_ok &&
         napi_call_function(env, receiver, set_immediate, 1, &on_turn, &result) == napi_ok;
}

void ClientWake::Call(void* user_data) {
  const auto* wake = static_cast<ClientWake*>(user_data);
  wake->gate->Notify(wake->client);
}

} // namespace moq_node
