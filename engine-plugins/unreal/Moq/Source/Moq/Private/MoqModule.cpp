// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqModule.h"

#include "MoqCore/Host.h"
#include "MoqCore/Library.h"
#include "MoqCore/LogThrottle.h"

#include "MoqConvert.h"
#include "MoqLibraryFile.h"
#include "MoqSettings.h"

#include "Containers/Ticker.h"
#include "HAL/IConsoleManager.h"
#include "HAL/PlatformProcess.h"
#include "Interfaces/IPluginManager.h"
#include "Misc/CoreDelegates.h"
#include "Misc/Paths.h"
#include "Modules/ModuleManager.h"

#include <optional>

DEFINE_LOG_CATEGORY(LogMoq);

static TAutoConsoleVariable<int32>
    CVarMoqLogLevel(TEXT("moq.LogLevel"), -1,
                    TEXT("How much of the native library's log goes to LogMoq: 0 nothing, 1 "
                         "errors, 2 warnings, 3 information, "
                         "4 details, 5 everything; -1: as the project settings say."),
                    ECVF_Default);

namespace {

#if PLATFORM_WINDOWS
const TCHAR* const LibraryFile = TEXT("Win64/moq_ffi.dll");
#elif PLATFORM_MAC
const TCHAR* const LibraryFile = TEXT("Mac/libmoq_ffi.dylib");
#elif defined(__aarch64__)
const TCHAR* const LibraryFile = TEXT("LinuxArm64/libmoq_ffi.so");
#else
const TCHAR* const LibraryFile = TEXT("Linux/libmoq_ffi.so");
#endif

/** Opens libraries the way the engine does, so that its search rules and its crash reports know
 * them. */
moq::unreal::LibraryLoader EngineLoader() {
  moq::unreal::LibraryLoader Loader;
  Loader.Open = [](const std::string& Path, std::string& Problem) -> void* {
    const FString File = MoqConvert::Text(Path);
    if (!FPaths::FileExists(File)) {
      Problem = "there is no such file";
      return nullptr;
    }
    Problem = MoqLibraryFile::Problem(File);
    if (!Problem.empty())
      return nullptr;
    void* const Handle = FPlatformProcess::GetDllHandle(*File);
    if (Handle == nullptr)
      Problem = "the system could not load it: it may be built for another platform, or lack a "
                "library that it needs";
    return Handle;
  };
  Loader.Find = [](void* Library, const char* Name) -> void* {
    return FPlatformProcess::GetDllExport(Library, UTF8_TO_TCHAR(Name));
  };
  Loader.Close = [](void* Library) { FPlatformProcess::FreeDllHandle(Library); };
  return Loader;
}

class FMoqModule final : public IMoqModule {
public:
  void StartupModule() override {
    bExiting = false;
    Ticker =
        FTSTicker::GetCoreTicker().AddTicker(FTickerDelegate::CreateRaw(this, &FMoqModule::OnTick));
    // Before the engine takes its threads and its log down.
    OnExit = FCoreDelegates::OnPreExit.AddRaw(this, &FMoqModule::OnPreExit);
  }

  void ShutdownModule() override {
    FTSTicker::RemoveTicker(Ticker);
    FCoreDelegates::OnPreExit.Remove(OnExit);
    UnloadLibrary();
    bExiting = true;
  }

  /** Live Coding patches code in place; unloading the module under running games is not supported.
   */
  bool SupportsDynamicReloading() override { return false; }

  bool EnsureLibrary() override {
    if (!bTried && !bExiting)
      LoadLibraryFrom(GetLibraryPath());
    return moq::unreal::Library::Get().IsAvailable();
  }

  bool LoadLibraryFrom(const FString& Path) override {
    bTried = true;
    moq::unreal::Library& Library = moq::unreal::Library::Get();
    if (!Library.Load(EngineLoader(), MoqConvert::Utf8(Path))) {
      UE_LOG(LogMoq, Warning, TEXT("%s"), *MoqConvert::Text(Library.Problem()));
      return false;
    }
    LogLevel = -1;
    UE_LOG(LogMoq, Log, TEXT("moq_ffi %s, from %s"), *MoqConvert::Text(Library.Version()), *Path);
    return true;
  }

  bool UnloadLibrary() override {
    bTried = false;
    moq::unreal::Library& Library = moq::unreal::Library::Get();
    if (!Library.IsAvailable())
      return true;
    FlushLog();
    // That relays and clients of this process leave each other is no news while all of them are
    // closed.
    Library.CollectLog(0);
    Throttle.emplace();
    const bool bGone = Library.Shutdown();
    // Nor are lines that it lost, which were told as far as they were news.
    DroppedLines = Library.DroppedLogLines();
    return bGone;
  }

  FString GetLibraryPath() const override {
    const TSharedPtr<IPlugin> Plugin = IPluginManager::Get().FindPlugin(TEXT("Moq"));
    const FString Base = Plugin.IsValid() ? Plugin->GetBaseDir() : FString();
    return FPaths::ConvertRelativePathToFull(
        FPaths::Combine(Base, TEXT("Binaries/ThirdParty/MoqFfi"), LibraryFile));
  }

private:
  void OnPreExit() {
    UnloadLibrary();
    bExiting = true;
  }

  bool OnTick(float) {
    FlushLog();
    return true;
  }

  /** The native library logs on its own threads; its lines come here on the game thread. */
  void FlushLog() {
    moq::unreal::Library& Library = moq::unreal::Library::Get();
    if (!Library.IsAvailable())
      return;
    const int32 Wanted = CVarMoqLogLevel.GetValueOnGameThread() < 0
                             ? GetDefault<UMoqSettings>()->NativeLogLevel
                             : CVarMoqLogLevel.GetValueOnGameThread();
    if (Wanted != LogLevel) {
      LogLevel = Wanted;
      Library.CollectLog(static_cast<std::uint32_t>(FMath::Clamp(Wanted, 0, 5)));
    }
    moq::unreal::LogLine Line;
    while (Library.TakeLogLine(Line)) {
      FString Text = MoqConvert::Text(Line.Text);
      // A relay that stays away is tried again and again: the same line once, then now and then.
      std::uint64_t Suppressed = 0;
      if (Line.Level <= 2 &&
          !Throttle->ShouldLog(Line.Text, moq::unreal::SteadyMicroseconds(), Suppressed))
        continue;
      if (Suppressed > 0)
        Text += FString::Printf(TEXT(" (%llu more times since the last line)"),
                                static_cast<uint64>(Suppressed));
      switch (Line.Level) {
      case 1:
        UE_LOG(LogMoq, Error, TEXT("%s"), *Text);
        break;
      case 2:
        UE_LOG(LogMoq, Warning, TEXT("%s"), *Text);
        break;
      case 3:
        UE_LOG(LogMoq, Log, TEXT("%s"), *Text);
        break;
      case 4:
        UE_LOG(LogMoq, Verbose, TEXT("%s"), *Text);
        break;
      default:
        UE_LOG(LogMoq, VeryVerbose, TEXT("%s"), *Text);
        break;
      }
    }
    // Perhaps in every tick: said now and then, with how many since.
    const std::uint64_t Dropped = Library.DroppedLogLines();
    std::uint64_t Ticks = 0;
    if (Dropped != DroppedLines &&
        Throttle->ShouldLog("lines dropped", moq::unreal::SteadyMicroseconds(), Ticks)) {
      UE_LOG(LogMoq, Warning, TEXT("%llu lines of the native library's log came too fast to keep"),
             static_cast<uint64>(Dropped - DroppedLines));
      DroppedLines = Dropped;
    }
  }

  std::optional<moq::unreal::LogThrottle> Throttle{std::in_place};
  std::uint64_t DroppedLines = 0;
  FTSTicker::FDelegateHandle Ticker;
  FDelegateHandle OnExit;
  bool bTried = false;
  /** The engine goes down: the library is not loaded any more. */
  bool bExiting = false;
  int32 LogLevel = -1;
};

} // namespace

IMoqModule& IMoqModule::Get() {
  return FModuleManager::LoadModuleChecked<IMoqModule>(TEXT("Moq"));
}

IMPLEMENT_MODULE(FMoqModule, Moq)
