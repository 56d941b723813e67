// moq_ffi, loaded at run time: found, checked, shut down. A game without it, or with one of another
// version, gets one clear message and goes on without.
#pragma once

#include "MoqCore/Export.h"

#include <moq_ffi/api.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace moq::unreal {

// How the host opens a shared library: in Unreal FPlatformProcess::GetDllHandle and its siblings,
// elsewhere dlopen or LoadLibrary.
struct LibraryLoader {
  // The library, or NULL and what the system said.
  std::function<void*(const std::string& path, std::string& problem)> Open;
  // NULL when there is no such function.
  std::function<void*(void* library, const char* name)> Find;
  std::function<void(void* library)> Close;
};

// The loaded functions. Whoever holds it keeps the library loaded, so no call can reach code that
// is gone.
using ApiRef = std::shared_ptr<const moq::Api>;

// A line of the native library's log.
struct LogLine {
  // 1 errors, 2 warnings, 3 information, 4 details, 5 everything.
  std::uint32_t Level = 0;
  std::string Text;
};

// The library of this process. Load and Shutdown belong to one thread (in Unreal the game thread);
// the rest may be called from any.
class MOQ_API Library {
public:
  // The one that all modules share. Never destroyed: threads may outlive static objects.
  static Library& Get();

  Library();
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // Loads the library from a file, or says in Problem() why not. Loaded already: does nothing.
  bool Load(const LibraryLoader& loader, const std::string& path);

  bool IsAvailable() const { return Api() != nullptr; }
  // One line: what is wrong and what to do. Empty while the library is available.
  std::string Problem() const;
  // Version of the loaded library; empty without one.
  std::string Version() const;
  // NULL without a library.
  ApiRef Api() const;

  // Collects the library's log up to `level` (0: none); LibraryLog hands it out.
  void CollectLog(std::uint32_t level);
  // The oldest line; false when there is none. At most 256 wait, more are dropped and counted.
  bool TakeLogLine(LogLine& line);
  std::uint64_t DroppedLogLines() const;

  // Closes every client, joins every thread of the library, and lets go of it: it is unloaded when
  // the last session that still holds it is gone. Gives false inside a callback of the library,
  // which then stays as it is. Takes some ms. Load() may follow.
  bool Shutdown();

private:
  struct Log;

  static void OnLog(void* user_data, std::uint32_t level, const char* message, std::size_t length);

  mutable std::mutex Mutex;
  ApiRef Table;
  std::string LoadProblem;
  std::unique_ptr<Log> Lines;
};

} // namespace moq::unreal
