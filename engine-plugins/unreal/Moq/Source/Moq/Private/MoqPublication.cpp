// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqPublication.h"

#include "MoqConvert.h"
#include "MoqState.h"

#include "Dom/JsonObject.h"

static EMoqSend MoqSendResult(MoqResultCode Code) {
  switch (Code) {
  case MOQ_OK:
    return EMoqSend::Accepted;
  case MOQ_ERROR_WOULD_BLOCK:
    return EMoqSend::QueueFull;
  case MOQ_ERROR_TOO_LARGE:
    return EMoqSend::TooLarge;
  case MOQ_ERROR_CLOSED:
    return EMoqSend::Closed;
  default:
    return EMoqSend::Failed;
  }
}

EMoqSend FMoqSender::Send(TConstArrayView<uint8> Bytes, bool bKeyframe) const {
  if (!Session)
    return EMoqSend::Closed;
  return MoqSendResult(Session->Publish(Handle, bKeyframe ? MOQ_PUBLISH_KEYFRAME : 0,
                                        Bytes.GetData(), static_cast<std::size_t>(Bytes.Num())));
}

EMoqSend UMoqPublication::SendBytes(TConstArrayView<uint8> Bytes, bool bKeyframe) {
  if (Handle == 0 || !Session)
    return EMoqSend::Closed;
  const MoqResultCode Code =
      Session->Publish(Handle, bKeyframe ? MOQ_PUBLISH_KEYFRAME : 0, Bytes.GetData(),
                       static_cast<std::size_t>(Bytes.Num()));
  const EMoqSend Result = MoqSendResult(Code);
  if (Result == EMoqSend::TooLarge || Result == EMoqSend::Failed)
    if (const TSharedPtr<FMoqState> Pinned = State.Pin())
      Pinned->Complain(*FString::Printf(TEXT("Send on %s %s"), *TrackNamespace, *TrackName), Code,
                       Session->LastError());
  return Result;
}

EMoqSend UMoqPublication::Send(const TArray<uint8>& Bytes) {
  return SendBytes(Bytes, false);
}

EMoqSend UMoqPublication::SendKeyframe(const TArray<uint8>& Bytes) {
  return SendBytes(Bytes, true);
}

FMoqSender UMoqPublication::GetSender() const {
  FMoqSender Sender;
  Sender.Session = Session;
  Sender.Handle = Handle;
  return Sender;
}

void UMoqPublication::End(int32 FlushMs) {
  if (Handle != 0 && Session)
    Session->EndPublication(Handle, static_cast<std::uint32_t>(FMath::Max(FlushMs, 0)));
}

FMoqPublicationStats UMoqPublication::GetStats() const {
  FMoqPublicationStats Stats;
  const TSharedPtr<FJsonObject> Json =
      IsOpen() && Session ? MoqConvert::OfTrack(Session->Stats(), TEXT("publications"), Handle)
                          : nullptr;
  if (!Json.IsValid())
    return Stats;
  MoqConvert::Read(*Json, TEXT("objects"), Stats.Objects);
  MoqConvert::Read(*Json, TEXT("bytes"), Stats.Bytes);
  MoqConvert::Read(*Json, TEXT("queuedObjects"), Stats.QueuedObjects);
  MoqConvert::Read(*Json, TEXT("queuedBytes"), Stats.QueuedBytes);
  MoqConvert::Read(*Json, TEXT("dropped"), Stats.Dropped);
  return Stats;
}

void UMoqPublication::OnRecord(const moq::Record& Record) {
  switch (Record.header.kind) {
  case MOQ_RECORD_SUBSCRIBERS:
    Subscribers = static_cast<int32>(Record.header.extra);
    OnSubscribers.Broadcast(Subscribers);
    break;
  case MOQ_RECORD_KEYFRAME_WANTED:
    OnKeyframeWanted.Broadcast();
    break;
  case MOQ_RECORD_WRITABLE:
    OnWritable.Broadcast();
    break;
  default:
    Super::OnRecord(Record);
  }
}
