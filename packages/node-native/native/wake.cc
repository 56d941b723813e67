#include "wake.h"

namespace moq_node {

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
  if (scheduled_)
    return;
  // Called under the lock so that Close cannot come between the look at open_ and the call.
  scheduled_ = napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking) == napi_ok;
}

void WakeGate::Close() {
  const std::lock_guard<std::mutex> lock(mutex_);
  open_ = false;
  pending_.clear();
}

void WakeGate::KeepAlive(napi_env env, bool on) {
  if (on) {
    napi_ref_threadsafe_function(env, function_);
  } else {
    napi_unref_threadsafe_function(env, function_);
  }
}

void WakeGate::CallJs(napi_env env, napi_value, void* context, void*) {
  auto* gate = static_cast<WakeGate*>(context);
  {
    const std::lock_guard<std::mutex> lock(gate->mutex_);
    gate->scheduled_ = false;
    if (!gate->open_ || env == nullptr)
      return;
    gate->calling_.swap(gate->pending_);
  }
  for (const uint64_t client : gate->calling_)
    gate->wake_(env, gate->context_, client);
  gate->calling_.clear();
}

void ClientWake::Call(void* user_data) {
  const auto* wake = static_cast<ClientWake*>(user_data);
  wake->gate->Notify(wake->client);
}

} // namespace moq_node
