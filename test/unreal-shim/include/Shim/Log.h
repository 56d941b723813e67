// Log categories, and a log that tests can read.
#pragma once

#include "Shim/Text.h"

namespace ELogVerbosity {
enum Type : uint8 {
  NoLogging,
  Fatal,
  Error,
  Warning,
  Display,
  Log,
  Verbose,
  VeryVerbose,
  All = VeryVerbose
};
}

struct FLogCategoryBase {
  FLogCategoryBase(const TCHAR* InName, ELogVerbosity::Type InVerbosity,
                   ELogVerbosity::Type InLimit)
      : Name(InName), Verbosity(InVerbosity), Limit(InLimit) {}
  const FName& GetCategoryName() const { return Name; }
  ELogVerbosity::Type GetVerbosity() const { return Verbosity; }
  void SetVerbosity(ELogVerbosity::Type InVerbosity) { Verbosity = InVerbosity; }
  bool IsSuppressed(ELogVerbosity::Type Level) const { return Level > Verbosity || Level > Limit; }

private:
  FName Name;
  ELogVerbosity::Type Verbosity;
  ELogVerbosity::Type Limit;
};

class FOutputDevice {
public:
  virtual ~FOutputDevice() = default;
  virtual void Serialize(const TCHAR* Text, ELogVerbosity::Type Verbosity,
                         const FName& Category) = 0;
  virtual bool CanBeUsedOnMultipleThreads() const { return false; }
  template <class... Args>
  void Logf(const TCHAR* Format, Args... Arguments) {
    Serialize(*FString::Printf(Format, Arguments...), ELogVerbosity::Log, FName());
  }
};

class FOutputDeviceRedirector : public FOutputDevice {
public:
  void AddOutputDevice(FOutputDevice* Device);
  void RemoveOutputDevice(FOutputDevice* Device);
  void Serialize(const TCHAR* Text, ELogVerbosity::Type Verbosity, const FName& Category) override;
  void Flush() {}
};
extern FOutputDeviceRedirector* GLog;

#define DECLARE_LOG_CATEGORY_EXTERN(Category, Default, Compiled)                                   \
  extern struct FLogCategory##Category : public FLogCategoryBase {                                 \
    FLogCategory##Category()                                                                       \
        : FLogCategoryBase(TEXT(#Category), ELogVerbosity::Default, ELogVerbosity::Compiled) {}    \
  } Category
#define DEFINE_LOG_CATEGORY(Category) FLogCategory##Category Category
#define DEFINE_LOG_CATEGORY_STATIC(Category, Default, Compiled)                                    \
  static FLogCategoryBase Category(TEXT(#Category), ELogVerbosity::Default, ELogVerbosity::Compiled)
#if NO_LOGGING
#define UE_LOG(Category, Verbosity, Format, ...)                                                   \
  {}
#else
// A block, as the engine's: "if (x) UE_LOG(…); else" must not compile.
#define UE_LOG(Category, Verbosity, Format, ...)                                                   \
  {                                                                                                \
    if (!Category.IsSuppressed(ELogVerbosity::Verbosity))                                          \
      GLog->Serialize(*FString::Printf(Format __VA_OPT__(, ) __VA_ARGS__),                         \
                      ELogVerbosity::Verbosity, Category.GetCategoryName());                       \
  }
#endif
#define UE_LOG_ACTIVE(Category, Verbosity) (!Category.IsSuppressed(ELogVerbosity::Verbosity))
#define UE_CLOG(Condition, Category, Verbosity, Format, ...)                                       \
  do {                                                                                             \
    if (Condition)                                                                                 \
      UE_LOG(Category, Verbosity, Format __VA_OPT__(, ) __VA_ARGS__);                              \
  } while (false)

DECLARE_LOG_CATEGORY_EXTERN(LogTemp, Log, All);
DECLARE_LOG_CATEGORY_EXTERN(LogCore, Log, All);
