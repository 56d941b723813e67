// A moq_ffi that does what a test tells it: fails, lies, floods. Its records and wakes come from
// the test, also from threads of their own.
#pragma once

#include <MoqCore/Library.h>
#include <moq_ffi.h>

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace moq_test {

class FakeLibrary {
public:
  // One at a time: its functions have no context.
  FakeLibrary();
  ~FakeLibrary();

  moq::unreal::LibraryLoader Loader();

  // ---- what it does
  bool Missing = false;
  std::string MissingFunction;
  std::uint32_t AbiVersion = MOQ_ABI_VERSION;
  // By function: every call fails with this. Closing a client at once cannot fail.
  std::map<std::string, MoqResultCode> Failing;
  // The so-and-so-many-th call of any of these functions fails.
  int FailingCall = 0;
  MoqResultCode ShutdownResult = MOQ_OK;
  // So many polls say that the buffer is too small, and that this much is needed.
  int TooSmallPolls = 0;
  std::size_t TooSmallNeeded = 0;
  // The next poll gives nothing but zeroes, and says that it wrote so many bytes.
  std::size_t SaysPolled = 0;

  // ---- what was done with it
  int Calls = 0;
  int Opens = 0;
  int Unloads = 0;
  int Shutdowns = 0;
  int Polls = 0;
  std::vector<MoqHandle> ClosedClients;
  std::vector<MoqHandle> ClosedHandles;
  // With the ms to flush.
  std::vector<std::pair<MoqHandle, std::uint32_t>> EndedPublications;
  std::set<MoqHandle> WithWaker;

  // Queues a record and wakes; any thread. `length` 0: as long as it is.
  void Give(MoqHandle client, MoqHandle handle, MoqRecordKind kind, const std::string& payload,
            std::uint32_t length = 0);
  // Queues an END of the client.
  void GiveEnd(MoqHandle client) { Give(client, client, MOQ_RECORD_END, "{}"); }
  // Calls the log function that was set.
  void Log(std::uint32_t level, const std::string& text);

private:
  friend struct FakeFunctions;

  struct Waker {
    MoqWaker Call = nullptr;
    void* UserData = nullptr;
  };

  std::recursive_mutex Mutex;
  MoqHandle NextHandle = 1;
  std::set<MoqHandle> Clients;
  std::deque<std::pair<MoqHandle, std::vector<std::uint64_t>>> Records;
  std::vector<std::pair<MoqHandle, Waker>> Wakers;
  MoqLogCallback LogCallback = nullptr;
  void* LogUserData = nullptr;
};

} // namespace moq_test
