// What "stat Moq", Unreal Insights and the settings page show, with the shim's own view of them.
#include "MoqScene.h"

#include "Engine/Engine.h"
#include "Engine/GameInstance.h"
#include "MoqSettings.h"
#include "Shim/Platform.h"
#include "Shim/Stats.h"
#include "Shim/Trace.h"

namespace {

int64 ValueOf(const TCHAR* Name) {
  Shim::FStat* const Stat = Shim::FindStat(Name);
  check(Stat != nullptr);
  return Stat->Value;
}

// What the last frames gave, added up at the end of each.
struct FSums {
  int64 Records = 0;
  int64 Bytes = 0;
  int64 Drains = 0;
  int64 Time = 0;
  int64 OverBudget = 0;
  int64 Frames = 0;

  void Take() {
    Records += ValueOf(TEXT("STAT_MoqRecords"));
    Bytes += ValueOf(TEXT("STAT_MoqBytes"));
    OverBudget += ValueOf(TEXT("STAT_MoqOverBudget"));
    Time += ValueOf(TEXT("STAT_MoqDrain"));
    Drains += Shim::FindStat(TEXT("STAT_MoqDrain"))->Calls;
    ++Frames;
  }
};

} // namespace

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqStatsTest, "Moq.Instruments.StatMoqShowsWhatWasDrained",
                                 MoqTestFlags)

bool FMoqStatsTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const TSharedRef<FSums> Sums = MakeShared<FSums>();
  const TSharedRef<TWeakObjectPtr<UMoqClient>> Second = MakeShared<TWeakObjectPtr<UMoqClient>>();
  const TSharedRef<TWeakObjectPtr<UMoqSubscription>> Reader =
      MakeShared<TWeakObjectPtr<UMoqSubscription>>();
  TestEqual(TEXT("the group's name"), Shim::FindStatGroup(TEXT("STATGROUP_Moq"))->Description,
            FString(TEXT("MoQ")));
  TestEqual(TEXT("clients before"), ValueOf(TEXT("STAT_MoqClients")), int64(0));
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  const auto SendTen = [Scene]() {
    Scene->Do([Scene]() {
      Scene->Listener->Objects.Reset();
      for (int32 Index = 0; Index < 10; ++Index)
        Scene->Publication->Send(FMoqScene::Bytes(Index));
    });
    Scene->Until(TEXT("10 objects"), [Scene]() { return Scene->Listener->Objects.Num() == 10; });
  };
  SendTen();
  Scene->Do([Scene]() {
    Scene->Test.TestEqual(TEXT("nothing is recorded while it is not shown"),
                          ValueOf(TEXT("STAT_MoqRecords")), int64(0));
    Scene->Test.TestEqual(TEXT("clients are"), ValueOf(TEXT("STAT_MoqClients")), int64(1));
    Scene->Test.TestTrue(TEXT("stat Moq"),
                         GEngine->Exec(Scene->Games[0]->GetWorld(), TEXT("stat Moq")));
  });
  Scene->Do([Scene, Sums]() {
    *Sums = FSums();
    Scene->Listener->Objects.Reset();
    for (int32 Index = 0; Index < 10; ++Index)
      Scene->Publication->Send(FMoqScene::Bytes(Index));
  });
  Scene->Until(TEXT("10 objects more"), [Scene, Sums]() {
    Sums->Take();
    return Scene->Listener->Objects.Num() == 10;
  });
  Scene->Do([Scene, Sums, Second]() {
    Scene->Test.TestTrue(TEXT("records"), Sums->Records >= 10);
    Scene->Test.TestEqual(TEXT("bytes"), Sums->Bytes, int64(40));
    Scene->Test.TestEqual(TEXT("a drain for each frame"), Sums->Drains, Sums->Frames);
    Scene->Test.TestTrue(TEXT("which took time"), Sums->Time > 0);
    Scene->Test.TestEqual(TEXT("ticks at their budget"), Sums->OverBudget, int64(0));
    // A second game: the process's counters are of both.
    Scene->StartGame();
    FMoqConnectOptions Options;
    Options.Url = Scene->Relay->GetMemoryUrl();
    FMoqError Error;
    *Second = Scene->Moq(1)->Connect(Options, Error);
  });
  Scene->Until(TEXT("open"), [Second]() { return (*Second)->GetState() == EMoqClientState::Open; });
  Scene->Do([Scene, Second, Reader]() {
    UMoqSubscription* const Subscription =
        (*Second)->Subscribe(TEXT("test/unreal"), TEXT("track"), FMoqSubscribeOptions());
    Subscription->OnObject.AddDynamic(Scene->Listener.Get(), &UMoqTestListener::HandleObject);
    *Reader = Subscription;
  });
  Scene->Until(TEXT("two subscribers"), [Scene]() {
    Scene->Publication->SendKeyframe(FMoqScene::Bytes(0));
    return Scene->Listener->Objects.Num() > 15;
  });
  Scene->Frames(30);
  Scene->Do([Scene, Reader]() {
    Scene->Test.TestEqual(TEXT("clients of both"), ValueOf(TEXT("STAT_MoqClients")), int64(2));
    Scene->Listener->Objects.Reset();
    // Held, so that both get it in the same frame.
    Scene->Subscription->Hold(true);
    (*Reader)->Hold(true);
    Scene->Publication->Send(FMoqScene::Bytes(1));
  });
  Scene->Until(TEXT("it waits for both"), [Scene, Reader]() {
    return Scene->Subscription->GetStats().QueuedObjects == 1 &&
           (*Reader)->GetStats().QueuedObjects == 1;
  });
  Scene->Do([Scene, Sums, Reader]() {
    Scene->Subscription->Hold(false);
    (*Reader)->Hold(false);
    *Sums = FSums();
    Shim::TraceEvents().clear();
    UE::Trace::ToggleChannel(TEXT("counters"), true);
  });
  Scene->Until(TEXT("both got it"), [Scene, Sums]() {
    Sums->Take();
    return Scene->Listener->Objects.Num() == 2;
  });
  Scene->Do([Scene, Sums]() {
    UE::Trace::ToggleChannel(TEXT("counters"), false);
    Scene->Test.TestEqual(TEXT("bytes of both"), Sums->Bytes, int64(8));
    Scene->Test.TestEqual(TEXT("a drain of each"), Sums->Drains, 2 * Sums->Frames);
    int64 Most = 0;
    for (const Shim::FTraceEvent& Event : Shim::TraceEvents())
      if (Event.Name == TEXT("MoQ/Bytes"))
        Most = FMath::Max(Most, Event.Number);
    Scene->Test.TestEqual(TEXT("bytes of both in one frame of a trace"), Most, int64(8));
    Shim::TraceEvents().clear();
    Scene->EndGame(Scene->Games.Last().Get());
    Scene->Test.TestEqual(TEXT("clients of the first"), ValueOf(TEXT("STAT_MoqClients")), int64(1));
    GEngine->Exec(Scene->Games[0]->GetWorld(), TEXT("stat Moq"));
  });
  Scene->End();
  Scene->Do([Scene]() {
    Scene->Test.TestEqual(TEXT("clients after"), ValueOf(TEXT("STAT_MoqClients")), int64(0));
  });
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqTraceTest, "Moq.Instruments.InsightsGetsTheChannelMoq",
                                 MoqTestFlags)

bool FMoqTraceTest::RunTest(const FString&) {
  const TSharedRef<FMoqScene> Scene = MakeShared<FMoqScene>(*this);
  const auto CountOf = [](Shim::FTraceEvent::EKind Kind, const TCHAR* Name) {
    int32 Count = 0;
    for (const Shim::FTraceEvent& Event : Shim::TraceEvents())
      Count += Event.Kind == Kind && Event.Name == Name ? 1 : 0;
    return Count;
  };
  using EKind = Shim::FTraceEvent::EKind;
  for (const TCHAR* const Name : {TEXT("moq"), TEXT("Moq"), TEXT("MoqChannel")})
    TestTrue(TEXT("the channel is known as ") + FString(Name), UE::Trace::IsChannel(Name));
  TestFalse(TEXT("another is not"), UE::Trace::IsChannel(TEXT("moqrelay")));
  Shim::TraceEvents().clear();
  Scene->StartGameWithRelay();
  Scene->StartTrack(FMoqPublishOptions());
  const auto SendTen = [Scene]() {
    Scene->Do([Scene]() {
      Shim::TraceEvents().clear();
      Scene->Listener->Objects.Reset();
      for (int32 Index = 0; Index < 10; ++Index)
        Scene->Publication->Send(FMoqScene::Bytes(Index));
    });
    Scene->Until(TEXT("10 objects"), [Scene]() { return Scene->Listener->Objects.Num() == 10; });
    Scene->Frames(3);
  };
  const auto Toggle = [](const TCHAR* Name, bool bOn) {
    check(UE::Trace::ToggleChannel(Name, bOn) == bOn);
  };
  SendTen();
  Scene->Do([Scene, Toggle]() {
    Scene->Test.TestEqual(TEXT("events while it is off"),
                          static_cast<int32>(Shim::TraceEvents().size()), 0);
    Toggle(TEXT("moq"), true);
  });
  SendTen();
  Scene->Do([Scene, Toggle]() {
    Scene->Test.TestEqual(TEXT("events without cpu, which is part of default"),
                          static_cast<int32>(Shim::TraceEvents().size()), 0);
    Toggle(TEXT("cpu"), true);
  });
  SendTen();
  Scene->Do([Scene, Toggle, CountOf]() {
    const int32 Begun = CountOf(EKind::Begin, TEXT("MoqDrain"));
    Scene->Test.TestTrue(TEXT("a scope for each frame"), Begun >= 3);
    Scene->Test.TestEqual(TEXT("each ends"), CountOf(EKind::End, TEXT("MoqDrain")), Begun);
    Scene->Test.TestEqual(TEXT("values without counters"), CountOf(EKind::Value, TEXT("MoQ/Bytes")),
                          0);
    Toggle(TEXT("counters"), true);
    Toggle(TEXT("cpu"), false);
  });
  SendTen();
  Scene->Do([Scene, Toggle, CountOf]() {
    Scene->Test.TestEqual(TEXT("scopes without cpu"), CountOf(EKind::Begin, TEXT("MoqDrain")), 0);
    Scene->Test.TestTrue(TEXT("records are told"), CountOf(EKind::Value, TEXT("MoQ/Records")) >= 2);
    int64 Bytes = 0;
    int64 Last = -1;
    for (const Shim::FTraceEvent& Event : Shim::TraceEvents()) {
      if (Event.Name != TEXT("MoQ/Bytes"))
        continue;
      Bytes += Event.Number;
      Last = Event.Number;
    }
    // Told when it changes: two frames with the same sum are one event.
    Scene->Test.TestTrue(TEXT("bytes"), Bytes > 0 && Bytes <= 40);
    Scene->Test.TestEqual(TEXT("and none in the end"), Last, int64(0));
    Toggle(TEXT("counters"), false);
    Toggle(TEXT("moq"), false);
    Shim::TraceEvents().clear();
  });
  Scene->End();
  return true;
}

IMPLEMENT_SIMPLE_AUTOMATION_TEST(FMoqConfigTest, "Moq.Instruments.SettingsComeFromTheProjectsIni",
                                 MoqTestFlags)

bool FMoqConfigTest::RunTest(const FString&) {
  UMoqSettings* const Settings = GetMutableDefault<UMoqSettings>();
  const Shim::FClassInfo& Info = UMoqSettings::StaticClass()->Shim();
  TestEqual(TEXT("the name of the page"), Info.Meta.FindRef(TEXT("DisplayName")),
            FString(TEXT("MoQ")));
  for (const Shim::FPropertyInfo& Property : Info.Properties)
    if (Property.Type != TEXT("bool"))
      TestEqual(*(Property.Name + TEXT(": the page takes nothing below")),
                Property.Meta.FindRef(TEXT("ClampMin")), FString(TEXT("0")));

  const FString Ini = FPaths::ProjectDir() / TEXT("Config/DefaultGame.ini");
  TArray<uint8> Before;
  TestTrue(TEXT("the template has its own"), FFileHelper::LoadFileToArray(Before, *Ini));
  TestTrue(
      TEXT("its section is ours"),
      FString(FUTF8ToTCHAR(reinterpret_cast<const char*>(Before.GetData()), Before.Num()).Get())
          .Contains(TEXT("[/Script/Moq.MoqSettings]")));
  const UMoqSettings Plain;
  const auto Load = [Settings, &Ini](const TCHAR* Text) {
    FFileHelper::SaveStringToFile(Text, *Ini);
    Settings->ReloadConfig();
  };
  Load(TEXT("[/Script/Moq.MoqSettings]\n; A comment\nBudgetMilliseconds=4.5\nBudgetRecords=7\n"
            "BudgetBytes=4096\nbOnDedicatedServers=False\nNativeLogLevel=4\n"
            "[/Script/Moq.OtherSettings]\nBudgetRecords=1\n"));
  TestTrue(TEXT("milliseconds"), Settings->BudgetMilliseconds == 4.5f);
  TestEqual(TEXT("records"), Settings->BudgetRecords, 7);
  TestEqual(TEXT("bytes"), Settings->BudgetBytes, 4096);
  TestFalse(TEXT("dedicated servers"), Settings->bOnDedicatedServers);
  TestEqual(TEXT("log level"), Settings->NativeLogLevel, 4);
  // What is not named stays as it is; what is no number too.
  Load(TEXT("[/Script/Moq.MoqSettings]\nBudgetRecords=many\nbOnDedicatedServers=True\n"));
  TestEqual(TEXT("records, as before"), Settings->BudgetRecords, 7);
  TestTrue(TEXT("dedicated servers, again"), Settings->bOnDedicatedServers);
  FFileHelper::SaveArrayToFile(Before, *Ini);
  Settings->ReloadConfig();
  // What the template says is what the code has.
  TestTrue(TEXT("the template's milliseconds"),
           Settings->BudgetMilliseconds == Plain.BudgetMilliseconds);
  TestEqual(TEXT("the template's records"), Settings->BudgetRecords, Plain.BudgetRecords);
  TestEqual(TEXT("the template's bytes"), Settings->BudgetBytes, Plain.BudgetBytes);
  TestEqual(TEXT("the template's servers"), Settings->bOnDedicatedServers,
            Plain.bOnDedicatedServers);
  TestEqual(TEXT("the template's level"), Settings->NativeLogLevel, Plain.NativeLogLevel);
  return true;
}
