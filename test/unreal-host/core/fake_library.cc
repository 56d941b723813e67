#include "fake_library.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace moq_test {

namespace {
FakeLibrary* current = nullptr;
} // namespace

// The functions of moq_ffi.h, on the fake that is current.
struct FakeFunctions {
  using Lock = std::lock_guard<std::recursive_mutex>;

  // What a function is to give instead of doing something; counts the call.
  static MoqResultCode Told(const char* name) {
    const Lock lock(current->Mutex);
    ++current->Calls;
    if (current->Calls == current->FailingCall)
      return MOQ_ERROR_INTERNAL;
    const auto failing = current->Failing.find(name);
    return failing == current->Failing.end() ? MOQ_OK : failing->second;
  }
#define FAIL_IF_TOLD(name)                                                                         \
  if (const MoqResultCode told = Told(name); told != MOQ_OK)                                       \
  return told

  static std::uint32_t abi_version() {
    return current->AbiVersion;
  }
  static const char* version() {
    return "0.0.0-fake";
  }
  static const char* last_error() {
    return "the fake said no";
  }
  static std::uint64_t now_us() {
    return 1;
  }
  static MoqResultCode set_log(MoqLogCallback callback, void* user_data, std::uint32_t) {
    const Lock lock(current->Mutex);
    current->LogCallback = callback;
    current->LogUserData = user_data;
    return MOQ_OK;
  }
  static MoqResultCode shutdown() {
    if (current->ShutdownResult == MOQ_OK)
      ++current->Shutdowns;
    return current->ShutdownResult;
  }
  static MoqResultCode client_open(const char*, std::size_t, MoqHandle* client) {
    const Lock lock(current->Mutex);
    FAIL_IF_TOLD("moq_client_open");
    ++current->Opens;
    *client = current->NextHandle++;
    current->Clients.insert(*client);
    return MOQ_OK;
  }
  static MoqResultCode supply_token(MoqHandle, std::uint64_t, const std::uint8_t*, std::size_t) {
    FAIL_IF_TOLD("moq_client_supply_token");
    return MOQ_OK;
  }
  static MoqResultCode refuse_token(MoqHandle, std::uint64_t, const char*, std::size_t) {
    FAIL_IF_TOLD("moq_client_refuse_token");
    return MOQ_OK;
  }
  // As the real one: when it returns, the waker does not run; Give calls it under the lock.
  static MoqResultCode client_close(MoqHandle client, std::uint32_t flush_ms) {
    const Lock lock(current->Mutex);
    if (current->Clients.count(client) == 0)
      return MOQ_ERROR_CLOSED;
    if (flush_ms > 0) {
      FAIL_IF_TOLD("moq_client_close");
      current->GiveEnd(client);
      return MOQ_OK;
    }
    current->Clients.erase(client);
    current->ClosedClients.push_back(client);
    current->WithWaker.erase(client);
    auto& wakers = current->Wakers;
    wakers.erase(std::remove_if(wakers.begin(), wakers.end(),
                                [&](const auto& entry) { return entry.first == client; }),
                 wakers.end());
    return MOQ_OK;
  }
  static MoqResultCode set_waker(MoqHandle client, MoqWaker call, void* user_data) {
    const Lock lock(current->Mutex);
    FAIL_IF_TOLD("moq_set_waker");
    current->Wakers.push_back({client, {call, user_data}});
    current->WithWaker.insert(client);
    return MOQ_OK;
  }
  static MoqResultCode client_stats(MoqHandle, char* buffer, std::size_t capacity,
                                    std::size_t* needed) {
    FAIL_IF_TOLD("moq_client_stats");
    const std::string json(3000, '7');
    *needed = json.size();
    if (capacity < json.size())
      return MOQ_ERROR_BUFFER_TOO_SMALL;
    std::memcpy(buffer, json.data(), json.size());
    return MOQ_OK;
  }
  template <int Kind>
  static MoqResultCode request_open(MoqHandle client, const char*, std::size_t, MoqHandle* handle) {
    static constexpr const char* names[] = {"moq_publication_open", "moq_subscription_open",
                                            "moq_fetch_open", "moq_discovery_open",
                                            "moq_status_open"};
    const Lock lock(current->Mutex);
    FAIL_IF_TOLD(names[Kind]);
    if (current->Clients.count(client) == 0)
      return MOQ_ERROR_CLOSED;
    *handle = current->NextHandle++;
    return MOQ_OK;
  }
  static MoqResultCode publish(MoqHandle, std::uint32_t, const std::uint8_t*, std::size_t) {
    FAIL_IF_TOLD("moq_publish");
    return MOQ_OK;
  }
  static MoqResultCode publish_batch(MoqUpdate*, std::size_t) {
    return MOQ_OK;
  }
  static MoqResultCode publish_flush(MoqHandle) {
    return Told("moq_publish_flush");
  }
  static MoqResultCode publish_packed(const std::uint8_t*, std::size_t, std::int32_t*, std::size_t,
                                      std::size_t* count) {
    *count = 0;
    return MOQ_OK;
  }
  static bool is_handle(MoqHandle handle) {
    return handle != 0 && handle < current->NextHandle;
  }
  static MoqResultCode publication_end(MoqHandle publication, std::uint32_t flush_ms) {
    const Lock lock(current->Mutex);
    FAIL_IF_TOLD("moq_publication_end");
    if (!is_handle(publication))
      return MOQ_ERROR_CLOSED;
    current->EndedPublications.emplace_back(publication, flush_ms);
    return MOQ_OK;
  }
  static MoqResultCode subscription_update(MoqHandle, const char*, std::size_t) {
    return Told("moq_subscription_update");
  }
  static MoqResultCode handle_close(MoqHandle handle) {
    const Lock lock(current->Mutex);
    FAIL_IF_TOLD("moq_handle_close");
    if (!is_handle(handle))
      return MOQ_ERROR_CLOSED;
    current->ClosedHandles.push_back(handle);
    return MOQ_OK;
  }
  static MoqResultCode poll(MoqHandle client, std::uint8_t* buffer, std::size_t capacity,
                            MoqPollResult* result) {
    const Lock lock(current->Mutex);
    ++current->Polls;
    FAIL_IF_TOLD("moq_poll");
    if (current->TooSmallPolls > 0) {
      --current->TooSmallPolls;
      result->needed = current->TooSmallNeeded;
      return MOQ_ERROR_BUFFER_TOO_SMALL;
    }
    if (current->SaysPolled > 0) {
      result->bytes = std::exchange(current->SaysPolled, 0);
      std::memset(buffer, 0, capacity);
      current->Records.clear();
      return MOQ_OK;
    }
    auto& records = current->Records;
    for (auto at = records.begin(); at != records.end();) {
      if (at->first != client) {
        ++at;
        continue;
      }
      const std::size_t size = at->second.size() * 8;
      if (result->bytes + size > capacity) {
        if (result->count == 0) {
          result->needed = size;
          return MOQ_ERROR_BUFFER_TOO_SMALL;
        }
        result->more = 1;
        break;
      }
      std::memcpy(buffer + result->bytes, at->second.data(), size);
      result->bytes += size;
      ++result->count;
      at = records.erase(at);
    }
    return MOQ_OK;
  }
  static MoqResultCode handle_hold(MoqHandle, std::uint32_t) {
    return Told("moq_handle_hold");
  }
  static MoqResultCode relay_start(const char*, std::size_t, MoqHandle*) {
    return MOQ_ERROR_UNSUPPORTED;
  }
  static MoqResultCode relay_text(MoqHandle, char*, std::size_t, std::size_t*) {
    return MOQ_ERROR_UNSUPPORTED;
  }
  static MoqResultCode relay_stop(MoqHandle, std::uint32_t) {
    return MOQ_ERROR_UNSUPPORTED;
  }

#undef FAIL_IF_TOLD

  static void* Find(const std::string& name) {
#define AS(function) reinterpret_cast<void*>(&FakeFunctions::function)
    static const std::map<std::string, void*> functions = {
        {"moq_abi_version", AS(abi_version)},
        {"moq_version", AS(version)},
        {"moq_last_error", AS(last_error)},
        {"moq_now_us", AS(now_us)},
        {"moq_set_log", AS(set_log)},
        {"moq_shutdown", AS(shutdown)},
        {"moq_client_open", AS(client_open)},
        {"moq_client_supply_token", AS(supply_token)},
        {"moq_client_refuse_token", AS(refuse_token)},
        {"moq_client_close", AS(client_close)},
        {"moq_set_waker", AS(set_waker)},
        {"moq_client_stats", AS(client_stats)},
        {"moq_publication_open", AS(request_open<0>)},
        {"moq_publish", AS(publish)},
        {"moq_publish_batch", AS(publish_batch)},
        {"moq_publish_flush", AS(publish_flush)},
        {"moq_publish_packed", AS(publish_packed)},
        {"moq_publication_end", AS(publication_end)},
        {"moq_subscription_open", AS(request_open<1>)},
        {"moq_fetch_open", AS(request_open<2>)},
        {"moq_discovery_open", AS(request_open<3>)},
        {"moq_status_open", AS(request_open<4>)},
        {"moq_subscription_update", AS(subscription_update)},
        {"moq_handle_close", AS(handle_close)},
        {"moq_poll", AS(poll)},
        {"moq_handle_hold", AS(handle_hold)},
        {"moq_relay_start", AS(relay_start)},
        {"moq_relay_info", AS(relay_text)},
        {"moq_relay_stats", AS(relay_text)},
        {"moq_relay_stop", AS(relay_stop)},
    };
#undef AS
    const auto found = functions.find(name);
    return found == functions.end() ? nullptr : found->second;
  }
};

FakeLibrary::FakeLibrary() {
  if (current != nullptr)
    std::abort();
  current = this;
}

FakeLibrary::~FakeLibrary() {
  current = nullptr;
}

moq::unreal::LibraryLoader FakeLibrary::Loader() {
  moq::unreal::LibraryLoader loader;
  loader.Open = [this](const std::string&, std::string& problem) -> void* {
    if (Missing)
      problem = "no such file";
    return Missing ? nullptr : this;
  };
  loader.Find = [this](void*, const char* name) {
    return name == MissingFunction ? nullptr : FakeFunctions::Find(name);
  };
  loader.Close = [this](void*) { ++Unloads; };
  return loader;
}

void FakeLibrary::Give(MoqHandle client, MoqHandle handle, MoqRecordKind kind,
                       const std::string& payload, std::uint32_t length) {
  MoqRecordHeader header = {};
  const std::size_t words = (sizeof(header) + payload.size() + 7) / 8;
  header.length = length > 0 ? length : static_cast<std::uint32_t>(words * 8);
  header.kind = static_cast<std::uint16_t>(kind);
  header.handle = handle;
  header.payload_length = static_cast<std::uint32_t>(payload.size());
  std::vector<std::uint64_t> record(words);
  std::memcpy(record.data(), &header, sizeof(header));
  if (!payload.empty())
    std::memcpy(record.data() + sizeof(header) / 8, payload.data(), payload.size());
  const std::lock_guard<std::recursive_mutex> lock(Mutex);
  const bool empty = std::none_of(Records.begin(), Records.end(),
                                  [&](const auto& entry) { return entry.first == client; });
  Records.emplace_back(client, std::move(record));
  if (!empty)
    return;
  for (const auto& [owner, waker] : Wakers) {
    if (owner == client)
      waker.Call(waker.UserData);
  }
}

void FakeLibrary::Log(std::uint32_t level, const std::string& text) {
  const std::lock_guard<std::recursive_mutex> lock(Mutex);
  if (LogCallback != nullptr)
    LogCallback(LogUserData, level, text.c_str(), text.size());
}

} // namespace moq_test
