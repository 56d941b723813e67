// The functions of moq-ffi, loaded at run time.
#pragma once

#include <moq_ffi.h>

#include <string>

#define MOQ_FUNCTIONS(X)                                                                           \
  X(moq_abi_version)                                                                               \
  X(moq_version)                                                                                   \
  X(moq_last_error)                                                                                \
  X(moq_now_us)                                                                                    \
  X(moq_set_log)                                                                                   \
  X(moq_client_open)                                                                               \
  X(moq_client_supply_token)                                                                       \
  X(moq_client_refuse_token)                                                                       \
  X(moq_client_close)                                                                              \
  X(moq_set_waker)                                                                                 \
  X(moq_client_stats)                                                                              \
  X(moq_publication_open)                                                                          \
  X(moq_publish)                                                                                   \
  X(moq_publish_flush)                                                                             \
  X(moq_publication_end)                                                                           \
  X(moq_subscription_open)                                                                         \
  X(moq_fetch_open)                                                                                \
  X(moq_discovery_open)                                                                            \
  X(moq_status_open)                                                                               \
  X(moq_subscription_update)                                                                       \
  X(moq_handle_close)                                                                              \
  X(moq_handle_hold)                                                                               \
  X(moq_poll)                                                                                      \
  X(moq_relay_start)                                                                               \
  X(moq_relay_info)                                                                                \
  X(moq_relay_stats)                                                                               \
  X(moq_relay_stop)

namespace moq_node {

struct Library {
#define MOQ_MEMBER(name) decltype(&::name) name = nullptr;
  MOQ_FUNCTIONS(MOQ_MEMBER)
#undef MOQ_MEMBER

  // Loads the library and finds every function, or says in `error` what is missing. The library
  // stays loaded until the process ends: its threads may run in other environments.
  bool Load(const std::string& path, std::string* error);
};

} // namespace moq_node
