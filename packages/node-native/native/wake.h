// Brings "records wait" from threads of the library to the script's own thread.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace moq_node {

// One per environment. Threads of the library may outlive the environment (a worker is terminated
// while data flows), so they reach it only through this gate, which clean-up closes.
class WakeGate {
public:
  // `wake` is called on the script's thread, once for each client that woke since the last time.
  using Wake = void (*)(napi_env env, void* context, uint64_t client);

  // Makes the thread-safe function, unreferenced: waiting for wakes alone keeps no process alive.
  napi_status Open(napi_env env, void* context, Wake wake);

  // From any thread.
  void Notify(uint64_t client);

  // From the environment's clean-up. After this no thread touches the environment.
  void Close();

  // On the script's thread: keeps the process alive, or lets it end.
  void KeepAlive(napi_env env, bool on);

private:
  static void CallJs(napi_env env, napi_value callback, void* context, void* data);

  std::mutex mutex_;
  bool open_ = false;
  bool scheduled_ = false;
  std::vector<uint64_t> pending_;
  std::vector<uint64_t> calling_;
  napi_threadsafe_function function_ = nullptr;
  void* context_ = nullptr;
  Wake wake_ = nullptr;
};

// What the waker of one client points to.
struct ClientWake {
  std::shared_ptr<WakeGate> gate;
  uint64_t client = 0;

  // The function for `moq_set_waker`.
  static void Call(void* user_data);
};

} // namespace moq_node
