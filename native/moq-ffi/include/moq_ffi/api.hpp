// The functions of moq_ffi.h as a table, so that a program may link the library or load it.
#ifndef MOQ_FFI_API_HPP
#define MOQ_FFI_API_HPP

#include <moq_ffi.h>

// Every function that this layer calls; a test compares the list with moq_ffi.h.
#define MOQ_FFI_FUNCTIONS(X)                                                                       \
  X(moq_abi_version)                                                                               \
  X(moq_version)                                                                                   \
  X(moq_last_error)                                                                                \
  X(moq_now_us)                                                                                    \
  X(moq_set_log)                                                                                   \
  X(moq_shutdown)                                                                                  \
  X(moq_client_open)                                                                               \
  X(moq_client_supply_token)                                                                       \
  X(moq_client_refuse_token)                                                                       \
  X(moq_client_close)                                                                              \
  X(moq_set_waker)                                                                                 \
  X(moq_client_stats)                                                                              \
  X(moq_publication_open)                                                                          \
  X(moq_publish)                                                                                   \
  X(moq_publish_batch)                                                                             \
  X(moq_publish_flush)                                                                             \
  X(moq_publish_packed)                                                                            \
  X(moq_publication_end)                                                                           \
  X(moq_subscription_open)                                                                         \
  X(moq_fetch_open)                                                                                \
  X(moq_discovery_open)                                                                            \
  X(moq_status_open)                                                                               \
  X(moq_subscription_update)                                                                       \
  X(moq_handle_close)                                                                              \
  X(moq_poll)                                                                                      \
  X(moq_handle_hold)                                                                               \
  X(moq_relay_start)                                                                               \
  X(moq_relay_info)                                                                                \
  X(moq_relay_stats)                                                                               \
  X(moq_relay_stop)

namespace moq {

// One pointer for each function, under its own name.
struct Api {
#define MOQ_FFI_MEMBER(name) decltype(&::name) name = nullptr;
  MOQ_FFI_FUNCTIONS(MOQ_FFI_MEMBER)
#undef MOQ_FFI_MEMBER
};

// Fills a table with what `resolve(const char* name)` gives as `void*`, for example of dlsym or
// GetProcAddress. Gives NULL when the table is complete and the library speaks this header's ABI,
// otherwise the name of the first function that is missing; "moq_abi_version" also stands for a
// library of another ABI version.
template <class Resolve>
const char* load(Api& api, Resolve&& resolve) {
#define MOQ_FFI_RESOLVE(name)                                                                      \
  api.name = reinterpret_cast<decltype(&::name)>(resolve(#name));                                  \
  if (api.name == nullptr)                                                                         \
    return #name;
  MOQ_FFI_FUNCTIONS(MOQ_FFI_RESOLVE)
#undef MOQ_FFI_RESOLVE
  return api.moq_abi_version() == MOQ_ABI_VERSION ? nullptr : "moq_abi_version";
}

#ifdef MOQ_FFI_DYNAMIC

namespace detail {
inline const Api*& loaded() {
  static const Api* table = nullptr;
  return table;
}
} // namespace detail

// Makes all objects of this layer call through `table`, which must outlive them. Call it once,
// before anything else; nothing here works without it.
inline void use(const Api& table) {
  detail::loaded() = &table;
}

inline const Api& api() {
  return *detail::loaded();
}

#else

// The library that the program is linked with.
inline const Api& api() {
  static const Api table = [] {
    Api linked;
#define MOQ_FFI_LINK(name) linked.name = &::name;
    MOQ_FFI_FUNCTIONS(MOQ_FFI_LINK)
#undef MOQ_FFI_LINK
    return linked;
  }();
  return table;
}

#endif // MOQ_FFI_DYNAMIC

} // namespace moq

#endif // MOQ_FFI_API_HPP
