#include "Shim/Async.h"
#include "Shim/Console.h"
#include "Shim/Log.h"
#include "Shim/Modules.h"
#include "Shim/Platform.h"
#include "Shim/Ticker.h"

#include "Shim/Automation.h"

#include <chrono>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

DEFINE_LOG_CATEGORY(LogTemp);
DEFINE_LOG_CATEGORY(LogCore);

namespace {
const std::thread::id GameThread = std::this_thread::get_id();

std::string Utf8(const TCHAR* Text) {
  return Shim::ToUtf8(Text);
}
std::string Utf8(const FString& Text) {
  return Shim::ToUtf8(Text.Std());
}

struct FDevices {
  std::mutex Mutex;
  std::vector<FOutputDevice*> All;
};
FDevices& Devices() {
  static auto* Made = new FDevices();
  return *Made;
}
} // namespace

bool IsInGameThread() {
  return std::this_thread::get_id() == GameThread;
}
bool IsRunningDedicatedServer() {
  return std::getenv("MOQ_SHIM_DEDICATED") != nullptr;
}
bool IsRunningCommandlet() {
  return false;
}

namespace Shim {
void Fatal(const char* File, int Line, const char* Message) {
  std::fprintf(stderr, "\n%s:%d: %s\n", File, Line, Message);
  std::fflush(nullptr);
  std::abort();
}
bool Ensure(bool bCondition, const char* File, int Line, const char* Expression) {
  if (!bCondition)
    UE_LOG(LogTemp, Error, TEXT("ensure failed: %hs (%hs:%d)"), Expression, File, Line);
  return bCondition;
}
} // namespace Shim

FOutputDeviceRedirector* GLog = new FOutputDeviceRedirector();

void FOutputDeviceRedirector::AddOutputDevice(FOutputDevice* Device) {
  const std::lock_guard<std::mutex> Lock(Devices().Mutex);
  Devices().All.push_back(Device);
}
void FOutputDeviceRedirector::RemoveOutputDevice(FOutputDevice* Device) {
  const std::lock_guard<std::mutex> Lock(Devices().Mutex);
  auto& All = Devices().All;
  All.erase(std::remove(All.begin(), All.end(), Device), All.end());
}
void FOutputDeviceRedirector::Serialize(const TCHAR* Text, ELogVerbosity::Type Verbosity,
                                        const FName& Category) {
  static const char* const Names[] = {"",        "Fatal", "Error",   "Warning",
                                      "Display", "Log",   "Verbose", "VeryVerbose"};
  std::vector<FOutputDevice*> All;
  {
    const std::lock_guard<std::mutex> Lock(Devices().Mutex);
    std::fprintf(stdout, "    %s: %s: %s\n", Utf8(Category.ToString()).c_str(), Names[Verbosity],
                 Utf8(Text).c_str());
    All = Devices().All;
  }
  if (IsInGameThread())
    FAutomationTestFramework::Get().OnLog(Text, Verbosity);
  for (FOutputDevice* Device : All)
    if (IsInGameThread() || Device->CanBeUsedOnMultipleThreads())
      Device->Serialize(Text, Verbosity, Category);
}

FDelegateHandle::FDelegateHandle(EGenerateNewHandleType) {
  static std::atomic<uint64> Last{0};
  Id = ++Last;
}

struct FTSTicker::FElement {
  FTickerDelegate Delegate;
  double Delay = 0;
  double Left = 0;
  bool bRemoved = false;
};

FTSTicker& FTSTicker::GetCoreTicker() {
  static auto* Ticker = new FTSTicker();
  return *Ticker;
}
FTSTicker::FDelegateHandle FTSTicker::AddTicker(const FTickerDelegate& Delegate, float Delay) {
  const TSharedPtr<FElement> Element = MakeShared<FElement>();
  Element->Delegate = Delegate;
  Element->Delay = Element->Left = static_cast<double>(Delay);
  Elements.push_back(Element);
  return Element;
}
void FTSTicker::RemoveTicker(FDelegateHandle Handle) {
  if (const TSharedPtr<FElement> Element = Handle.Pin()) {
    Element->bRemoved = true;
    auto& Elements = GetCoreTicker().Elements;
    Elements.erase(std::remove(Elements.begin(), Elements.end(), Element), Elements.end());
  }
}
void FTSTicker::Tick(float DeltaSeconds) {
  const std::vector<TSharedPtr<FElement>> Copy = Elements;
  for (const TSharedPtr<FElement>& Element : Copy) {
    if (Element->bRemoved)
      continue;
    Element->Left -= static_cast<double>(DeltaSeconds);
    if (Element->Left > 0)
      continue;
    Element->Left = Element->Delay;
    if (!Element->Delegate.IsBound() || !Element->Delegate.Execute(DeltaSeconds))
      RemoveTicker(Element);
  }
}

double FPlatformTime::Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
             .count() +
         1000.0;
}
uint64 FPlatformTime::Cycles64() {
  return static_cast<uint64>(std::chrono::steady_clock::now().time_since_epoch().count());
}
double FPlatformTime::ToMilliseconds64(uint64 Cycles) {
  return static_cast<double>(Cycles) / 1e6;
}

void* FPlatformProcess::GetDllHandle(const TCHAR* Path) {
  void* const Handle = dlopen(Utf8(Path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (Handle == nullptr)
    UE_LOG(LogCore, Warning, TEXT("dlopen failed: %hs"), dlerror());
  return Handle;
}
void FPlatformProcess::FreeDllHandle(void* Handle) {
  dlclose(Handle);
}
void* FPlatformProcess::GetDllExport(void* Handle, const TCHAR* Name) {
  return dlsym(Handle, Utf8(Name).c_str());
}
void FPlatformProcess::Sleep(float Seconds) {
  std::this_thread::sleep_for(std::chrono::duration<float>(Seconds));
}
FString FPlatformMisc::GetEnvironmentVariable(const TCHAR* Name) {
  const char* const Value = std::getenv(Utf8(Name).c_str());
  return FString(Value == nullptr ? "" : Value);
}
uint32 FPlatformTLS::GetCurrentThreadId() {
  return static_cast<uint32>(std::hash<std::thread::id>()(std::this_thread::get_id()));
}

bool FPaths::FileExists(const FString& Path) {
  return std::filesystem::is_regular_file(Utf8(Path));
}
bool FPaths::DirectoryExists(const FString& Path) {
  return std::filesystem::is_directory(Utf8(Path));
}
FString FPaths::ConvertRelativePathToFull(const FString& Path) {
  return FString(std::filesystem::absolute(Utf8(Path)).lexically_normal().c_str());
}
FString FPaths::ProjectDir() {
  const char* const Given = std::getenv("MOQ_SHIM_PROJECT");
  return FString(Given != nullptr ? Given : std::filesystem::current_path().c_str());
}
FString FPaths::ProjectSavedDir() {
  return FPaths::ProjectDir() / TEXT("Saved");
}

namespace {
class FFileReader final : public FArchive {
public:
  explicit FFileReader(const TCHAR* Path) : File(Utf8(Path), std::ios::binary) {}
  bool IsOpen() const { return File.is_open(); }
  void Serialize(void* To, int64 Length) override {
    bError = bError || !File.read(static_cast<char*>(To), static_cast<std::streamsize>(Length));
  }
  void Seek(int64 Position) override { File.seekg(static_cast<std::streamoff>(Position)); }
  int64 TotalSize() override {
    const auto At = File.tellg();
    File.seekg(0, std::ios::end);
    const int64 Size = static_cast<int64>(File.tellg());
    File.seekg(At);
    return Size;
  }

private:
  std::ifstream File;
};
} // namespace
IFileManager& IFileManager::Get() {
  static auto* Manager = new IFileManager();
  return *Manager;
}
FArchive* IFileManager::CreateFileReader(const TCHAR* Path) {
  auto Reader = std::make_unique<FFileReader>(Path);
  return Reader->IsOpen() ? Reader.release() : nullptr;
}

bool FFileHelper::LoadFileToArray(TArray<uint8>& Bytes, const TCHAR* Path) {
  std::ifstream File(Utf8(Path), std::ios::binary);
  if (!File)
    return false;
  std::string Text(std::filesystem::file_size(Utf8(Path)), '\0');
  if (!File.read(Text.data(), static_cast<std::streamsize>(Text.size())))
    return false;
  Bytes =
      TArray<uint8>(reinterpret_cast<const uint8*>(Text.data()), static_cast<int32>(Text.size()));
  return true;
}
namespace {
// Folders on the way are made, as the engine makes them.
bool Save(std::string_view Bytes, const TCHAR* Path) {
  std::error_code Ignored;
  std::filesystem::create_directories(std::filesystem::path(Utf8(Path)).parent_path(), Ignored);
  std::ofstream File(Utf8(Path), std::ios::binary);
  File.write(Bytes.data(), static_cast<std::streamsize>(Bytes.size()));
  return static_cast<bool>(File.flush());
}
} // namespace
bool FFileHelper::SaveArrayToFile(const TArray<uint8>& Bytes, const TCHAR* Path) {
  return Save({reinterpret_cast<const char*>(Bytes.GetData()), static_cast<SIZE_T>(Bytes.Num())},
              Path);
}
bool FFileHelper::SaveStringToFile(const FString& Text, const TCHAR* Path) {
  return Save(Utf8(Text), Path);
}

namespace {
struct FModule {
  IModuleInterface* (*Make)() = nullptr;
  IModuleInterface* Loaded = nullptr;
};
std::map<std::string, FModule>& Modules() {
  static auto* Made = new std::map<std::string, FModule>();
  return *Made;
}
} // namespace

Shim::FModuleRegistration::FModuleRegistration(const TCHAR* Name, IModuleInterface* (*Make)()) {
  Modules()[Utf8(Name)].Make = Make;
}
FModuleManager& FModuleManager::Get() {
  static auto* Manager = new FModuleManager();
  return *Manager;
}
bool FModuleManager::IsModuleLoaded(FName Name) const {
  return ShimFind(Name) != nullptr;
}
IModuleInterface* FModuleManager::ShimFind(FName Name) const {
  const auto Found = Modules().find(Utf8(Name.ToString()));
  return Found == Modules().end() ? nullptr : Found->second.Loaded;
}
IModuleInterface* FModuleManager::LoadModule(FName Name) {
  const auto Found = Modules().find(Utf8(Name.ToString()));
  if (Found == Modules().end())
    return nullptr;
  FModule& Module = Found->second;
  if (Module.Loaded == nullptr) {
    Module.Loaded = Module.Make();
    Module.Loaded->StartupModule();
  }
  return Module.Loaded;
}
bool FModuleManager::UnloadModule(FName Name) {
  const auto Found = Modules().find(Utf8(Name.ToString()));
  if (Found == Modules().end() || Found->second.Loaded == nullptr)
    return false;
  IModuleInterface* const Module = std::exchange(Found->second.Loaded, nullptr);
  Module->PreUnloadCallback();
  Module->ShutdownModule();
  delete Module;
  return true;
}

IPlugin::IPlugin(FString InBaseDir) : BaseDir(std::move(InBaseDir)) {
  Descriptor.VersionName = TEXT("0.0.0");
}
IPluginManager& IPluginManager::Get() {
  static auto* Manager = new IPluginManager();
  return *Manager;
}
TSharedPtr<IPlugin> IPluginManager::FindPlugin(const FString& Name) {
  const FString Dir = FPlatformMisc::GetEnvironmentVariable(TEXT("MOQ_SHIM_PLUGINS")) / Name;
  if (!FPaths::FileExists(Dir / (Name + TEXT(".uplugin"))))
    return nullptr;
  return MakeShared<IPlugin>(Dir);
}

namespace {
struct FConsole {
  std::map<std::string, IConsoleVariable*> Variables;
  std::map<std::string, std::function<void(const TArray<FString>&, UWorld*, FOutputDevice&)>>
      Commands;
};
FConsole& Console() {
  static auto* Made = new FConsole();
  return *Made;
}
} // namespace

IConsoleManager& IConsoleManager::Get() {
  static auto* Manager = new IConsoleManager();
  return *Manager;
}
IConsoleVariable* IConsoleManager::FindConsoleVariable(const TCHAR* Name) const {
  const auto Found = Console().Variables.find(Utf8(Name));
  return Found == Console().Variables.end() ? nullptr : Found->second;
}
void IConsoleManager::ShimAdd(const TCHAR* Name, IConsoleVariable* Variable) {
  check(FindConsoleVariable(Name) == nullptr);
  Console().Variables[Utf8(Name)] = Variable;
}
void IConsoleManager::ShimAddCommand(
    const TCHAR* Name, std::function<void(const TArray<FString>&, UWorld*, FOutputDevice&)> Run) {
  check(Console().Commands.count(Utf8(Name)) == 0);
  Console().Commands[Utf8(Name)] = std::move(Run);
}
bool IConsoleManager::ProcessUserConsoleInput(const TCHAR* Input, FOutputDevice& Out,
                                              UWorld* World) {
  TArray<FString> Words;
  FString(Input).ParseIntoArray(Words, TEXT(" "));
  const auto Found =
      Words.IsEmpty() ? Console().Commands.end() : Console().Commands.find(Utf8(Words[0]));
  if (Found == Console().Commands.end())
    return false;
  Words.RemoveAt(0);
  Found->second(Words, World, Out);
  return true;
}

namespace {
struct FPool {
  std::mutex Mutex;
  std::vector<std::thread> Threads;
};
FPool& Pool() {
  static auto* Made = new FPool();
  return *Made;
}
} // namespace

void Shim::Launch(std::function<void()> Work) {
  const std::lock_guard<std::mutex> Lock(Pool().Mutex);
  Pool().Threads.emplace_back(std::move(Work));
}
void Shim::JoinAll() {
  std::vector<std::thread> Threads;
  {
    const std::lock_guard<std::mutex> Lock(Pool().Mutex);
    Threads = std::move(Pool().Threads);
  }
  for (std::thread& Thread : Threads)
    Thread.join();
}
