// Automation tests: simple tests with latent commands, and specs. An error in the log that was not
// expected fails the test, as in the engine.
#pragma once

#include "Shim/Delegates.h"
#include "Shim/Log.h"
#include "Shim/Pointers.h"

#if UE_VERSION_OLDER_THAN(5, 5, 0)
namespace EAutomationTestFlags {
enum Type : uint32 {
  EditorContext = 1,
  ClientContext = 2,
  ServerContext = 4,
  ProductFilter = 0x4000000,
  EngineFilter = 0x2000000,
  StressFilter = 0x8000000
};
constexpr uint32 ApplicationContextMask = 15;
} // namespace EAutomationTestFlags
#else
enum class EAutomationTestFlags : uint32 {
  EditorContext = 1,
  ClientContext = 2,
  ServerContext = 4,
  ProductFilter = 0x4000000,
  EngineFilter = 0x2000000,
  StressFilter = 0x8000000
};
constexpr EAutomationTestFlags operator|(EAutomationTestFlags A, EAutomationTestFlags B) {
  return static_cast<EAutomationTestFlags>(static_cast<uint32>(A) | static_cast<uint32>(B));
}
constexpr EAutomationTestFlags EAutomationTestFlags_ApplicationContextMask =
    static_cast<EAutomationTestFlags>(15);
#endif

namespace EAutomationExpectedErrorFlags {
enum MatchType { Exact, Contains };
}

// Its Update is called once a frame until it gives true.
class IAutomationLatentCommand {
public:
  virtual ~IAutomationLatentCommand() = default;
  virtual bool Update() = 0;
  // Seconds since the first Update.
  double GetCurrentRunTime() const;

private:
  friend class FAutomationTestFramework;
  double StartTime = 0;
};

class FAutomationTestBase {
public:
  FAutomationTestBase(const FString& Name, bool bComplex);
  virtual ~FAutomationTestBase() = default;

  virtual bool RunTest(const FString& Parameters) = 0;
  // A spec is as many tests as it has blocks "It".
  virtual TArray<FString> ShimParts() { return {GetBeautifiedTestName()}; }
  virtual FString ShimPart(int32) { return FString(); }
  virtual FString GetBeautifiedTestName() const = 0;

  void AddError(const FString& Message, int32 = 0) { Errors.Add(Message); }
  void AddWarning(const FString& Message, int32 = 0) { Warnings.Add(Message); }
  void AddInfo(const FString& Message, int32 = 0);
  // Warnings and errors of the log with this in them do not count; `Occurrences` of them must come
  // (0: at least one).
  void AddExpectedError(
      const FString& Part,
      EAutomationExpectedErrorFlags::MatchType = EAutomationExpectedErrorFlags::Contains,
      int32 Occurrences = 1) {
    AddExpectedMessage(Part, EAutomationExpectedErrorFlags::Contains, Occurrences);
  }
  void AddExpectedMessage(const FString& Part, EAutomationExpectedErrorFlags::MatchType,
                          int32 Occurrences = 1);
  bool HasAnyErrors() const { return !Errors.IsEmpty(); }

  bool TestTrue(const TCHAR* What, bool bValue) {
    return Judge(bValue, What, TEXT("true"), TEXT("false"));
  }
  bool TestFalse(const TCHAR* What, bool bValue) {
    return Judge(!bValue, What, TEXT("false"), TEXT("true"));
  }
  bool TestTrue(const FString& What, bool bValue) { return TestTrue(*What, bValue); }
  bool TestFalse(const FString& What, bool bValue) { return TestFalse(*What, bValue); }
  bool TestEqual(const TCHAR* What, int32 Actual, int32 Expected) {
    return Judge(Actual == Expected, What, LexToString(Expected), LexToString(Actual));
  }
  bool TestEqual(const TCHAR* What, int64 Actual, int64 Expected) {
    return Judge(Actual == Expected, What, LexToString(Expected), LexToString(Actual));
  }
  bool TestEqual(const TCHAR* What, const FString& Actual, const FString& Expected) {
    return Judge(Actual == Expected, What, Expected, Actual);
  }
  template <class T>
  bool TestEqual(const TCHAR* What, const T& Actual, const T& Expected) {
    return Judge(Actual == Expected, What, TEXT("the same"), TEXT("another"));
  }
  template <class T>
  bool TestEqual(const FString& What, const T& Actual, const T& Expected) {
    return TestEqual(*What, Actual, Expected);
  }
  bool TestNull(const TCHAR* What, const void* Pointer) {
    return Judge(Pointer == nullptr, What, TEXT("null"), TEXT("something"));
  }
  template <class T>
  bool TestNotNull(const TCHAR* What, const T* Pointer) {
    return Judge(Pointer != nullptr, What, TEXT("something"), TEXT("null"));
  }

  TArray<FString> Errors;
  TArray<FString> Warnings;

private:
  friend class FAutomationTestFramework;
  struct FExpected {
    FString Part;
    int32 Occurrences;
    int32 Seen;
  };
  bool Judge(bool bGood, const TCHAR* What, const FString& Expected, const FString& Actual);

  FString TestName;
  TArray<FExpected> ExpectedMessages;
};

class FAutomationTestFramework {
public:
  static FAutomationTestFramework& Get();
  void EnqueueLatentCommand(TSharedPtr<IAutomationLatentCommand> Command);
  FAutomationTestBase* GetCurrentTest() const;
  // Of the shim.
  void Register(FAutomationTestBase* Test);
  // Runs the tests whose names contain one of the filters, or all; frames last 1/60 s. Gives the
  // number that failed.
  int32 RunAll(const TArray<FString>& Filters, bool bList);
  void OnLog(const TCHAR* Text, ELogVerbosity::Type Verbosity);

private:
  bool Run(FAutomationTestBase* Test, const FString& Part);
};

#define ADD_LATENT_AUTOMATION_COMMAND(...)                                                         \
  FAutomationTestFramework::Get().EnqueueLatentCommand(MakeShareable(new __VA_ARGS__))

#define IMPLEMENT_SIMPLE_AUTOMATION_TEST(Class, Name, Flags)                                       \
  class Class : public FAutomationTestBase {                                                       \
  public:                                                                                          \
    Class(const FString& InName) : FAutomationTestBase(InName, false) {}                           \
    bool RunTest(const FString& Parameters) override;                                              \
    FString GetBeautifiedTestName() const override { return TEXT(Name); }                          \
    static auto GetTestFlags() { return Flags; }                                                   \
  };                                                                                               \
  static Class Class##Instance(TEXT(#Class));

using FDoneDelegate = TDelegate<void()>;

// Describe, BeforeEach, AfterEach, It and LatentIt; each It is reported as a test of its own name.
class FAutomationSpecBase : public FAutomationTestBase {
public:
  using FAutomationTestBase::FAutomationTestBase;
  virtual void Define() = 0;
  TArray<FString> ShimParts() override;
  FString ShimPart(int32 Index) override { return FString::FromInt(Index); }
  bool RunTest(const FString& Index) override;

protected:
  void Describe(const FString& Text, TFunction<void()> Body);
  void It(const FString& Text, TFunction<void()> Body);
  void LatentIt(const FString& Text, TFunction<void(const FDoneDelegate&)> Body);
  void LatentIt(const FString& Text, const class FTimespan& Timeout,
                TFunction<void(const FDoneDelegate&)> Body);
  void BeforeEach(TFunction<void()> Body);
  void AfterEach(TFunction<void()> Body);

private:
  struct FScope {
    FString Text;
    std::vector<TFunction<void()>> Before;
    std::vector<TFunction<void()>> After;
  };
  std::vector<FScope> Scopes;
  TArray<FString> Parts;
  // Which block is run; INDEX_NONE while they are only counted.
  int32 Wanted = INDEX_NONE;
};

class FTimespan {
public:
  static FTimespan FromSeconds(double InSeconds) { return FTimespan(InSeconds); }
  double GetTotalSeconds() const { return Seconds; }

private:
  explicit FTimespan(double InSeconds) : Seconds(InSeconds) {}
  double Seconds;
};

#define BEGIN_DEFINE_SPEC(Class, Name, Flags)                                                      \
  class Class : public FAutomationSpecBase {                                                       \
  public:                                                                                          \
    Class(const FString& InName) : FAutomationSpecBase(InName, false) {}                           \
    FString GetBeautifiedTestName() const override { return TEXT(Name); }                          \
    static auto GetTestFlags() { return Flags; }                                                   \
    void Define() override;
#define END_DEFINE_SPEC(Class)                                                                     \
  }                                                                                                \
  ;                                                                                                \
  static Class Class##Instance(TEXT(#Class));
