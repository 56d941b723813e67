#include "Shim/Automation.h"

#include "Shim/Object.h"
#include "Shim/Platform.h"
#include "Shim/Stats.h"
#include "Shim/Ticker.h"

#include <chrono>

namespace {
struct FState {
  std::vector<FAutomationTestBase*> Tests;
  std::vector<TSharedPtr<IAutomationLatentCommand>> Commands;
  FAutomationTestBase* Current = nullptr;
};
FState& State() {
  static auto* Made = new FState();
  return *Made;
}
} // namespace

double IAutomationLatentCommand::GetCurrentRunTime() const {
  return FPlatformTime::Seconds() - StartTime;
}

FAutomationTestBase::FAutomationTestBase(const FString& Name, bool) : TestName(Name) {
  FAutomationTestFramework::Get().Register(this);
}

void FAutomationTestBase::AddInfo(const FString& Message, int32) {
  std::fprintf(stdout, "    %s\n", Shim::ToUtf8(Message.Std()).c_str());
}

void FAutomationTestBase::AddExpectedMessage(const FString& Part,
                                             EAutomationExpectedErrorFlags::MatchType,
                                             int32 Occurrences) {
  // What engines before 5.8 say.
  if (Occurrences < 0)
    return AddError(TEXT("number of expected occurrences must be >= 0"));
  ExpectedMessages.Add({Part, Occurrences, 0});
}

bool FAutomationTestBase::Judge(bool bGood, const TCHAR* What, const FString& Expected,
                                const FString& Actual) {
  if (!bGood)
    AddError(FString::Printf(TEXT("%s: expected %s, was %s"), What, *Expected, *Actual));
  return bGood;
}

FAutomationTestFramework& FAutomationTestFramework::Get() {
  static auto* Framework = new FAutomationTestFramework();
  return *Framework;
}
void FAutomationTestFramework::Register(FAutomationTestBase* Test) {
  State().Tests.push_back(Test);
}
FAutomationTestBase* FAutomationTestFramework::GetCurrentTest() const {
  return State().Current;
}
void FAutomationTestFramework::EnqueueLatentCommand(TSharedPtr<IAutomationLatentCommand> Command) {
  State().Commands.push_back(Command);
}

void FAutomationTestFramework::OnLog(const TCHAR* Text, ELogVerbosity::Type Verbosity) {
  FAutomationTestBase* const Test = State().Current;
  if (Test == nullptr || Verbosity > ELogVerbosity::Warning)
    return;
  for (FAutomationTestBase::FExpected& Expected : Test->ExpectedMessages) {
    if (FString(Text).Contains(Expected.Part)) {
      ++Expected.Seen;
      return;
    }
  }
  if (Verbosity <= ELogVerbosity::Error)
    Test->AddError(Text);
  else
    Test->AddWarning(Text);
}

int32 FAutomationTestFramework::RunAll(const TArray<FString>& Filters, bool bList) {
  int32 Passed = 0;
  int32 Failed = 0;
  for (FAutomationTestBase* Test : State().Tests) {
    const TArray<FString> Parts = Test->ShimParts();
    for (int32 Part = 0; Part < Parts.Num(); ++Part) {
      const auto bIn = [&](const FString& Filter) { return Parts[Part].Contains(Filter); };
      if (!Filters.IsEmpty() && !Filters.ContainsByPredicate(bIn))
        continue;
      std::fprintf(stdout, "%s\n", Shim::ToUtf8(Parts[Part].Std()).c_str());
      if (!bList)
        (Run(Test, Test->ShimPart(Part)) ? Passed : Failed) += 1;
    }
  }
  if (!bList)
    std::fprintf(stdout, "\n%d passed, %d failed\n", Passed, Failed);
  return bList ? 0 : Failed + (Passed + Failed == 0 ? 1 : 0);
}

bool FAutomationTestFramework::Run(FAutomationTestBase* Test, const FString& Part) {
  Test->Errors.Reset();
  Test->Warnings.Reset();
  Test->ExpectedMessages.Reset();
  State().Current = Test;
  const double Started = FPlatformTime::Seconds();
  if (!Test->RunTest(Part))
    Test->AddError(TEXT("RunTest gave false"));
  // The engine's loop: a frame, then the first latent command once.
  double Last = FPlatformTime::Seconds();
  while (!State().Commands.empty()) {
    const TSharedPtr<IAutomationLatentCommand> Command = State().Commands.front();
    if (Command->StartTime == 0)
      Command->StartTime = FPlatformTime::Seconds();
    const double Now = FPlatformTime::Seconds();
    Shim::BeginFrame();
    FTSTicker::GetCoreTicker().Tick(static_cast<float>(Now - Last));
    Last = Now;
    if (Command->Update()) {
      auto& Commands = State().Commands;
      Commands.erase(std::find(Commands.begin(), Commands.end(), Command));
      // A step that is done needs no time: the next one has its frame at once.
      continue;
    }
    FPlatformProcess::Sleep(1.0f / 120.0f);
  }
  for (const FAutomationTestBase::FExpected& Expected : Test->ExpectedMessages) {
    const int32 Wanted = Expected.Occurrences;
    if (Wanted > 0 ? Expected.Seen != Wanted : Wanted == 0 && Expected.Seen == 0)
      Test->AddError(FString::Printf(TEXT("the log said \"%s\" %d times, expected %d"),
                                     *Expected.Part, Expected.Seen, Wanted));
  }
  State().Current = nullptr;
  for (const FString& Error : Test->Errors)
    std::fprintf(stdout, "  error: %s\n", Shim::ToUtf8(Error.Std()).c_str());
  for (const FString& Warning : Test->Warnings)
    std::fprintf(stdout, "  warning: %s\n", Shim::ToUtf8(Warning.Std()).c_str());
  const bool bPassed = Test->Errors.IsEmpty() && Test->Warnings.IsEmpty();
  std::fprintf(stdout, "  %s in %.1f s\n", bPassed ? "passed" : "FAILED",
               FPlatformTime::Seconds() - Started);
  std::fflush(stdout);
  return bPassed;
}

TArray<FString> FAutomationSpecBase::ShimParts() {
  Wanted = INDEX_NONE;
  Parts.Reset();
  Scopes.assign(1, FScope());
  Define();
  return Parts;
}

bool FAutomationSpecBase::RunTest(const FString& Index) {
  Wanted = static_cast<int32>(std::strtol(Shim::ToUtf8(Index.Std()).c_str(), nullptr, 10));
  Parts.Reset();
  Scopes.assign(1, FScope());
  Define();
  return true;
}

void FAutomationSpecBase::Describe(const FString& Text, TFunction<void()> Body) {
  Scopes.push_back({Text, {}, {}});
  Body();
  Scopes.pop_back();
}
void FAutomationSpecBase::BeforeEach(TFunction<void()> Body) {
  Scopes.back().Before.push_back(std::move(Body));
}
void FAutomationSpecBase::AfterEach(TFunction<void()> Body) {
  Scopes.back().After.push_back(std::move(Body));
}

namespace {
// One block of a spec as a latent command; blocks run in the order of their definition.
class FBlock final : public IAutomationLatentCommand {
public:
  FBlock(FAutomationTestBase* InTest, TFunction<void(const FDoneDelegate&)> InBody, double InLimit)
      : Test(InTest), Body(std::move(InBody)), Limit(InLimit) {}
  bool Update() override {
    if (!bBegun) {
      bBegun = true;
      const TSharedRef<bool> Done = bDone;
      Body(FDoneDelegate::CreateLambda([Done]() { *Done = true; }));
    }
    if (!*bDone && GetCurrentRunTime() > Limit) {
      Test->AddError(TEXT("not done in time"));
      return true;
    }
    return *bDone;
  }

private:
  FAutomationTestBase* Test;
  TFunction<void(const FDoneDelegate&)> Body;
  double Limit;
  bool bBegun = false;
  TSharedRef<bool> bDone = MakeShared<bool>(false);
};
} // namespace

void FAutomationSpecBase::LatentIt(const FString& Text, const FTimespan& Timeout,
                                   TFunction<void(const FDoneDelegate&)> Body) {
  FString Whole = GetBeautifiedTestName();
  for (const FScope& Scope : Scopes)
    Whole += Scope.Text.IsEmpty() ? FString() : TEXT(".") + Scope.Text;
  const int32 Index = Parts.Add(Whole + TEXT(" ") + Text);
  if (Index != Wanted)
    return;
  const auto AddPlain = [this](const TFunction<void()>& Plain) {
    const auto Block = [Plain](const FDoneDelegate& Done) {
      Plain();
      Done.Execute();
    };
    ADD_LATENT_AUTOMATION_COMMAND(FBlock(this, Block, 30));
  };
  for (const FScope& Scope : Scopes)
    for (const TFunction<void()>& Before : Scope.Before)
      AddPlain(Before);
  ADD_LATENT_AUTOMATION_COMMAND(FBlock(this, std::move(Body), Timeout.GetTotalSeconds()));
  for (auto Scope = Scopes.rbegin(); Scope != Scopes.rend(); ++Scope)
    for (const TFunction<void()>& After : Scope->After)
      AddPlain(After);
}
void FAutomationSpecBase::LatentIt(const FString& Text,
                                   TFunction<void(const FDoneDelegate&)> Body) {
  LatentIt(Text, FTimespan::FromSeconds(30), std::move(Body));
}
void FAutomationSpecBase::It(const FString& Text, TFunction<void()> Body) {
  LatentIt(Text, [Body](const FDoneDelegate& Done) {
    Body();
    Done.Execute();
  });
}
