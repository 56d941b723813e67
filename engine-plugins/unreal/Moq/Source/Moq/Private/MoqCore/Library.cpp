#include "MoqCore/Library.h"

#include <utility>

namespace moq::unreal {

struct Library::Log {
  static constexpr std::size_t kMostLines = 256;

  std::mutex Mutex;
  std::deque<LogLine> Waiting;
  std::uint64_t Dropped = 0;
};

namespace {

// The table together with the library that it points into.
struct LoadedLibrary {
  moq::Api Table;
  std::function<void(void*)> Close;
  void* Handle = nullptr;

  ~LoadedLibrary() {
    if (Handle != nullptr && Close)
      Close(Handle);
  }
};

// How it goes on from every failure to load.
constexpr const char* kWhatToDo =
    " MOQ is not available; reinstall the Moq plugin for this platform.";

} // namespace

Library& Library::Get() {
  static Library* const shared = new Library();
  return *shared;
}

Library::Library()
    : LoadProblem("The native library moq_ffi was not loaded yet."),
      Lines(std::make_unique<Log>()) {}

Library::~Library() {
  Shutdown();
}

bool Library::Load(const LibraryLoader& loader, const std::string& path) {
  const std::lock_guard<std::mutex> lock(Mutex);
  if (Table)
    return true;
  auto loaded = std::make_shared<LoadedLibrary>();
  std::string said;
  void* const handle = loader.Open(path, said);
  if (handle == nullptr) {
    LoadProblem = "The native library " + path + " could not be loaded" +
                  (said.empty() ? std::string(".") : ": " + said + ".") + kWhatToDo;
    return false;
  }
  loaded->Handle = handle;
  loaded->Close = loader.Close;
  const char* const missing =
      moq::load(loaded->Table, [&](const char* name) { return loader.Find(handle, name); });
  if (missing != nullptr) {
    LoadProblem = "The native library " + path + " is of another version: ";
    if (loaded->Table.moq_abi_version != nullptr &&
        loaded->Table.moq_abi_version() != MOQ_ABI_VERSION) {
      LoadProblem += "it has ABI " + std::to_string(loaded->Table.moq_abi_version()) +
                     " and this plugin needs " + std::to_string(MOQ_ABI_VERSION) + ".";
    } else {
      LoadProblem += std::string("it has no function ") + missing + ".";
    }
    LoadProblem += kWhatToDo;
    return false;
  }
  LoadProblem.clear();
  Table = ApiRef(loaded, &loaded->Table);
  return true;
}

std::string Library::Problem() const {
  const std::lock_guard<std::mutex> lock(Mutex);
  return LoadProblem;
}

std::string Library::Version() const {
  const ApiRef api = Api();
  return api ? api->moq_version() : "";
}

ApiRef Library::Api() const {
  const std::lock_guard<std::mutex> lock(Mutex);
  return Table;
}

void Library::CollectLog(std::uint32_t level) {
  if (const ApiRef api = Api())
    api->moq_set_log(level > 0 ? &Library::OnLog : nullptr, Lines.get(), level);
}

void Library::OnLog(void* user_data, std::uint32_t level, const char* message, std::size_t length) {
  Log& log = *static_cast<Log*>(user_data);
  const std::lock_guard<std::mutex> lock(log.Mutex);
  if (log.Waiting.size() >= Log::kMostLines) {
    ++log.Dropped;
    return;
  }
  log.Waiting.push_back({level, std::string(message, length)});
}

bool Library::TakeLogLine(LogLine& line) {
  const std::lock_guard<std::mutex> lock(Lines->Mutex);
  if (Lines->Waiting.empty())
    return false;
  line = std::move(Lines->Waiting.front());
  Lines->Waiting.pop_front();
  return true;
}

std::uint64_t Library::DroppedLogLines() const {
  const std::lock_guard<std::mutex> lock(Lines->Mutex);
  return Lines->Dropped;
}

bool Library::Shutdown() {
  const ApiRef api = Api();
  if (!api)
    return true;
  // Without the lock: a callback that runs meanwhile may ask for the table.
  if (api->moq_shutdown() != MOQ_OK)
    return false;
  api->moq_set_log(nullptr, nullptr, 0);
  const std::lock_guard<std::mutex> lock(Mutex);
  Table.reset();
  LoadProblem = "The native library moq_ffi was shut down.";
  return true;
}

} // namespace moq::unreal
