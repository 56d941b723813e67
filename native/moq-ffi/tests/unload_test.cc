// T13: a program loads the library, uses it, shuts it down and unloads it, 50 times: it is gone
// from memory each time, and leaves no thread, no file and no memory behind. Linked with nothing of
// ours.
#define MOQ_FFI_DYNAMIC
#include <moq_ffi.hpp>

#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

namespace {

constexpr int kRounds = 50;
// What the program itself (the loader, the allocator's arenas) may need once.
constexpr int kSettled = 10;
// Bytes of heap per round that count as none: far below one client or one thread.
constexpr long kNoLeak = 64;

bool Fail(const char* what, const char* why) {
  std::fprintf(stderr, "%s: %s\n", what, why);
  return false;
}

int Entries(const char* folder) {
  DIR* open = opendir(folder);
  int count = 0;
  while (open != nullptr && readdir(open) != nullptr)
    ++count;
  if (open != nullptr)
    closedir(open);
  return count;
}

std::string Field(const std::string& info, const std::string& name) {
  const std::string key = "\"" + name + "\":\"";
  const size_t from = info.find(key) + key.size();
  return info.substr(from, info.find('"', from) - from);
}

// A relay, two clients over QUIC, a hundred objects; then everything is shut down.
bool Use(void* library) {
  moq::Api table;
  if (const char* missing =
          moq::load(table, [&](const char* name) { return dlsym(library, name); }))
    return Fail("the library lacks", missing);
  moq::use(table);
  auto relay = moq::Relay::start();
  if (!relay)
    return Fail("relay", relay.error().message.c_str());
  const std::string info = *relay->info();
  auto publisher = moq::Client::open({Field(info, "quicUrl"), {Field(info, "certificateHash")}});
  auto reader = moq::Client::open({Field(info, "quicUrl"), {Field(info, "certificateHash")}});
  if (!publisher || !reader)
    return Fail("client", moq::last_error());
  auto publication = publisher->publish({{"unload"}, "t"});
  moq::SubscribeOptions options;
  options.track_namespace = "unload";
  options.name = "t";
  options.wait = 10000;
  auto subscription = reader->subscribe(options);
  if (!publication || !subscription)
    return Fail("requests", moq::last_error());
  for (int i = 0; i < 100; ++i) {
    if (publication->send(std::string("object")) != MOQ_OK)
      return Fail("publish", moq::last_error());
  }
  int seen = 0;
  for (int i = 0; i < 15000 && seen < 100; ++i) {
    reader->drain([&](const moq::Object&) { ++seen; });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (seen < 100)
    return Fail("subscription", "not everything arrived in 15 s");
  // Some are closed by their owners, the rest by the shutdown.
  const auto stopped = moq::shutdown();
  return !stopped || Fail("shutdown", moq::last_error());
}

bool Round() {
  void* library = dlopen(MOQ_FFI_PATH, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return Fail("dlopen", dlerror());
  bool ok = false;
  // The last error of a thread lives in the library, which the loader keeps until that thread ends.
  std::thread user([&] { ok = Use(library); });
  user.join();
  dlclose(library);
  if (dlopen(MOQ_FFI_PATH, RTLD_NOW | RTLD_NOLOAD) != nullptr)
    return Fail("dlclose", "the library is still in memory");
  return ok;
}

// A thread that was joined is still counted until the kernel has taken it out.
int ThreadsOnceThereAre(int wanted) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  int threads = Entries("/proc/self/task");
  while (threads != wanted && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    threads = Entries("/proc/self/task");
  }
  return threads;
}

struct Measure {
  explicit Measure(int wanted) : threads(ThreadsOnceThereAre(wanted)) {}

  int threads;
  int files = Entries("/proc/self/fd");
  long heap = static_cast<long>(mallinfo2().uordblks);
};

} // namespace

int main() {
  const int threads = Entries("/proc/self/task");
  Measure settled(threads);
  for (int round = 1; round <= kRounds; ++round) {
    if (!Round())
      return 1;
    const Measure now(threads);
    if (round == kSettled)
      settled = now;
    if (now.threads != threads || (round > kSettled && now.files != settled.files)) {
      std::fprintf(stderr, "round %d: %d threads and %d files, %d and %d before\n", round,
                   now.threads, now.files, threads, settled.files);
      return 1;
    }
  }
  const Measure end(threads);
  const long leaked = (end.heap - settled.heap) / (kRounds - kSettled);
  std::printf("%d rounds: %d threads, %d files, %ld bytes of heap more per round\n", kRounds,
              end.threads - 2, end.files - 2, leaked);
  if (leaked > kNoLeak) {
    std::fprintf(stderr, "%ld bytes leak with every load\n", leaked);
    return 1;
  }
  return 0;
}
