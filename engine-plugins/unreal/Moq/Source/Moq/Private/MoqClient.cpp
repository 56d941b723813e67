// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqClient.h"

#include "Dom/JsonObject.h"
#include "MoqConvert.h"
#include "MoqDiscovery.h"
#include "MoqPublication.h"
#include "MoqState.h"
#include "MoqSubscription.h"
#include "MoqSubsystem.h"

using moq::unreal::RequestKind;

template <class T>
T* UMoqClient::Open(int32 Kind, const std::string& Json, const FString& Namespace,
                    const FString& Name) {
  const TSharedPtr<FMoqState> Pinned = State.Pin();
  const FString What = FString::Printf(TEXT("%s %s"), *Namespace, *Name);
  if (Handle == 0 || !Session || !Pinned.IsValid()) {
    if (Pinned.IsValid())
      Pinned->Complain(*What, MOQ_ERROR_CLOSED,
                       "the client was closed or has ended: connect again");
    return nullptr;
  }
  MoqHandle Opened = 0;
  const MoqResultCode Code = Session->Request(static_cast<RequestKind>(Kind), Json, Opened);
  if (Code != MOQ_OK) {
    Pinned->Complain(*What, Code, Session->LastError());
    return nullptr;
  }
  T* const Request = NewObject<T>(this);
  Request->TrackNamespace = Namespace;
  Request->TrackName = Name;
  UMoqRequest* const Base = Request;
  Base->Attach(Pinned.ToSharedRef(), Session, Opened);
  Requests.Add(Base);
  return Request;
}

UMoqPublication* UMoqClient::Publish(const FString& Namespace, const FString& Name,
                                     const FMoqPublishOptions& Options) {
  moq::PublishOptions Native;
  Native.track_namespace = MoqConvert::Utf8(Namespace);
  Native.name = MoqConvert::Utf8(Name);
  Native.delivery = MoqConvert::Delivery(Options.Delivery);
  if (Options.Delivery == EMoqDelivery::Deadline)
    Native.deadline = static_cast<std::uint64_t>(FMath::Max(Options.Deadline, 0));
  Native.priority = Options.Priority;
  Native.queue_bytes = static_cast<std::uint64_t>(FMath::Max(Options.QueueBytes, 0));
  return Open<UMoqPublication>(static_cast<int32>(RequestKind::Publish), Native.json(), Namespace,
                               Name);
}

UMoqSubscription* UMoqClient::Subscribe(const FString& Namespace, const FString& Name,
                                        const FMoqSubscribeOptions& Options) {
  moq::SubscribeOptions Native;
  Native.track_namespace = MoqConvert::Utf8(Namespace);
  Native.name = MoqConvert::Utf8(Name);
  Native.start = Options.Start == EMoqStart::NextGroup ? moq::Start::Next
                 : Options.Start == EMoqStart::Now     ? moq::Start::Now
                                                       : moq::Start::LatestGroup;
  Native.delivery = MoqConvert::Delivery(Options.Delivery);
  Native.priority = Options.Priority;
  Native.wait = static_cast<std::uint64_t>(FMath::Max(Options.Wait, 0));
  Native.max_age = static_cast<std::uint64_t>(FMath::Max(Options.MaxAge, 0));
  Native.queue_bytes = static_cast<std::uint64_t>(FMath::Max(Options.QueueBytes, 0));
  return Open<UMoqSubscription>(static_cast<int32>(RequestKind::Subscribe), Native.json(),
                                Namespace, Name);
}

UMoqFetch* UMoqClient::Fetch(const FString& Namespace, const FString& Name,
                             const FMoqFetchOptions& Options) {
  moq::FetchOptions Native;
  Native.track_namespace = MoqConvert::Utf8(Namespace);
  Native.name = MoqConvert::Utf8(Name);
  Native.from_group = static_cast<std::uint64_t>(FMath::Max(Options.FromGroup, int64(0)));
  Native.to_group = static_cast<std::uint64_t>(FMath::Max(Options.ToGroup, int64(0)));
  Native.descending = Options.bDescending;
  return Open<UMoqFetch>(static_cast<int32>(RequestKind::Fetch), Native.json(), Namespace, Name);
}

UMoqDiscovery* UMoqClient::Discover(const FString& Prefix) {
  moq::detail::JsonObject Native;
  if (Prefix.IsEmpty())
    Native.field("prefix", std::vector<std::string>());
  else
    moq::Namespace(MoqConvert::Utf8(Prefix)).write(Native, "prefix");
  return Open<UMoqDiscovery>(static_cast<int32>(RequestKind::Discover), Native.take(), Prefix,
                             FString());
}

void UMoqClient::SupplyToken(int64 Attempt, const FString& Token) {
  const std::string Utf8 = MoqConvert::Utf8(Token);
  if (!IsOpen() || !Session)
    return;
  const MoqResultCode Code =
      Session->SupplyToken(static_cast<std::uint64_t>(Attempt), Utf8.data(), Utf8.size());
  if (Code == MOQ_OK)
    return;
  if (const TSharedPtr<FMoqState> Pinned = State.Pin())
    Pinned->Complain(TEXT("Supply Token"), Code, Session->LastError());
}

void UMoqClient::RefuseToken(int64 Attempt, const FString& Reason) {
  if (IsOpen() && Session)
    Session->RefuseToken(static_cast<std::uint64_t>(Attempt), MoqConvert::Utf8(Reason));
}

void UMoqClient::Close(int32 FlushMs) {
  if (Handle == 0)
    return;
  if (FlushMs > 0 && Session) {
    const MoqResultCode Code = Session->BeginClose(static_cast<std::uint32_t>(FlushMs));
    // It closes already: its End is on its way, and what was accepted before it.
    if (Code == MOQ_OK || Code == MOQ_ERROR_CLOSED)
      return;
  }
  Drop();
}

void UMoqClient::Drop() {
  const TSharedPtr<FMoqState> Pinned = State.Pin();
  DropRequests();
  const uint64 Had = Detach();
  ClientState = EMoqClientState::Closed;
  if (Pinned.IsValid())
    Pinned->Host.Close(Had);
  Session.reset();
}

FMoqClientStats UMoqClient::GetStats() const {
  FMoqClientStats Stats;
  const TSharedPtr<FJsonObject> Json = Session ? MoqConvert::Object(Session->Stats()) : nullptr;
  if (!Json.IsValid())
    return Stats;
  const auto Read = [&Json](const TCHAR* Name, auto& Value) {
    MoqConvert::Read(*Json, Name, Value);
  };
  Read(TEXT("rtt"), Stats.RoundTrip);
  Read(TEXT("reconnects"), Stats.Reconnects);
  Read(TEXT("bytesSent"), Stats.BytesSent);
  Read(TEXT("bytesReceived"), Stats.BytesReceived);
  Read(TEXT("packetsSent"), Stats.PacketsSent);
  Read(TEXT("packetsLost"), Stats.PacketsLost);
  Read(TEXT("datagramsDropped"), Stats.DatagramsDropped);
  return Stats;
}

void UMoqClient::OnRecord(const moq::Record& Record) {
  switch (Record.header.kind) {
  case MOQ_RECORD_STATE:
    OnStateRecord(Record);
    break;
  case MOQ_RECORD_TOKEN_WANTED:
    OnTokenWanted.Broadcast(static_cast<int64>(Record.header.extra));
    break;
  case MOQ_RECORD_END:
    ClientState = EMoqClientState::Closed;
    Super::OnRecord(Record);
    break;
  default:
    Super::OnRecord(Record);
  }
}

void UMoqClient::OnStateRecord(const moq::Record& Record) {
  FMoqError Reason;
  switch (Record.header.code) {
  case MOQ_CLIENT_OPEN: {
    ClientState = EMoqClientState::Open;
    if (const TSharedPtr<FJsonObject> Json = MoqConvert::Object(Record.payload.text())) {
      double Draft = 0;
      if (Json->TryGetNumberField(TEXT("draft"), Draft))
        Protocol.Draft = static_cast<int32>(Draft);
      Json->TryGetStringField(TEXT("transport"), Protocol.Transport);
      Json->TryGetStringField(TEXT("peer"), Protocol.Peer);
    }
    break;
  }
  case MOQ_CLIENT_RECONNECTING:
    ClientState = EMoqClientState::Reconnecting;
    Reason =
        MoqConvert::Reason(static_cast<MoqResultCode>(Record.header.extra), Record.payload.text());
    break;
  default:
    return;
  }
  OnStateNative.Broadcast(ClientState, Reason);
  // The listener above may have closed it.
  if (IsOpen())
    OnState.Broadcast(ClientState, Reason);
}

void UMoqClient::DropRequests() {
  const TArray<TObjectPtr<UMoqRequest>> Ending = MoveTemp(Requests);
  Requests.Reset();
  for (const TObjectPtr<UMoqRequest>& Request : Ending)
    if (Request != nullptr)
      Request->Detach();
}

void UMoqClient::OnDetached() {
  Session.reset();
  // The ends of its requests came before its own; what is left here was opened meanwhile.
  DropRequests();
  // Those that the game has destroyed are null.
  if (UMoqSubsystem* const Subsystem = GetTypedOuter<UMoqSubsystem>())
    Subsystem->Clients.RemoveAll(
        [this](const TObjectPtr<UMoqClient>& Each) { return Each == nullptr || Each == this; });
}
