// Brings "records wait" from threads of the library to the script's own thread.
#pragma once

#include <node_api.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace moq_node {

// One per environment. The first wake goes through a thread-safe function of Node. While records
// keep coming, the gate looks again in each turn of the event loop by itself: a busy library makes
// no system call for each wake, and other work of the script has its turn in between.
//
// Threads of the library may outlive the environment (a worker is terminated while data flows), so
// they reach it only through this gate, which clean-up closes.
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
  using Clock = std::chrono::steady_clock;

  static void CallJs(napi_env env, napi_value callback, void* context, void* data);
  static napi_value OnTurn(napi_env env, napi_callback_info info);

  // Functions for NextTurn, where the host has setImmediate.
  napi_status MakeTurns(napi_env env);
  // Wakes the clients that wait, as many as there is time for, and sees to the rest.
  void Turn(napi_env env);
  bool NextTurn(napi_env env);

  std::mutex mutex_;
  bool open_ = false;
  // A turn comes that will look at `pending_`: the event loop need not be woken.
  bool awake_ = false;
  std::vector<uint64_t> pending_;

  // Of the script's thread alone.
  std::vector<uint64_t> calling_;
  bool keeps_alive_ = false;
  // It was woken soon after it had gone to sleep, so it is worth looking again for a while.
  bool brief_ = false;
  Clock::time_point slept_;
  Clock::time_point worked_;
  napi_ref set_immediate_ = nullptr;
  napi_ref on_turn_ = nullptr;

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
