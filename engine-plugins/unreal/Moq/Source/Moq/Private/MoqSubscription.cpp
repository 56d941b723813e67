// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqSubscription.h"

#include "MoqConvert.h"
#include "MoqState.h"

#include "Dom/JsonObject.h"

void UMoqReader::OnRecord(const moq::Record& Record) {
  if (Record.header.kind != MOQ_RECORD_OBJECT) {
    Super::OnRecord(Record);
    return;
  }
  const MoqRecordHeader& Header = Record.header;
  const bool bPublishedAt = (Header.flags & MOQ_FLAG_PUBLISHED_AT) != 0;
  if (OnObjectNative.IsBound()) {
    FMoqObjectView View;
    View.Group = static_cast<int64>(Header.group);
    View.Object = static_cast<int64>(Header.object);
    View.Subgroup = static_cast<int64>(Header.subgroup);
    View.bKeyframe = (Header.flags & MOQ_FLAG_KEYFRAME) != 0;
    View.PublishedAt = bPublishedAt ? static_cast<int64>(Header.extra) : -1;
    View.ReceivedAt = static_cast<int64>(Header.received_us);
    View.Bytes =
        TConstArrayView<uint8>(Record.payload.data(), static_cast<int32>(Record.payload.size()));
    OnObjectNative.Broadcast(View);
  }
  // The listener above may have closed it.
  if (!IsOpen() || !OnObject.IsBound())
    return;
  Scratch.Group = static_cast<int64>(Header.group);
  Scratch.Object = static_cast<int64>(Header.object);
  Scratch.bKeyframe = (Header.flags & MOQ_FLAG_KEYFRAME) != 0;
  Scratch.PublishedAt = bPublishedAt ? static_cast<int64>(Header.extra) : -1;
  Scratch.Bytes.Reset();
  Scratch.Bytes.Append(Record.payload.data(), static_cast<int32>(Record.payload.size()));
  OnObject.Broadcast(Scratch);
}

bool UMoqSubscription::SetPriority(uint8 Priority) {
  if (!IsOpen() || !Session)
    return false;
  const std::string Options =
      moq::detail::JsonObject().field("priority", std::uint64_t{Priority}).take();
  return Session->UpdateSubscription(Handle, Options) == MOQ_OK;
}

bool UMoqSubscription::Hold(bool bHeld) {
  return IsOpen() && Session && Session->Hold(Handle, bHeld) == MOQ_OK;
}

FMoqSubscriptionStats UMoqSubscription::GetStats() const {
  FMoqSubscriptionStats Stats;
  const TSharedPtr<FJsonObject> Json =
      IsOpen() && Session ? MoqConvert::OfTrack(Session->Stats(), TEXT("subscriptions"), Handle)
                          : nullptr;
  if (!Json.IsValid())
    return Stats;
  MoqConvert::Read(*Json, TEXT("queuedObjects"), Stats.QueuedObjects);
  MoqConvert::Read(*Json, TEXT("queuedBytes"), Stats.QueuedBytes);
  MoqConvert::Read(*Json, TEXT("stale"), Stats.Stale);
  MoqConvert::Read(*Json, TEXT("late"), Stats.Late);
  MoqConvert::Read(*Json, TEXT("overflow"), Stats.Overflow);
  MoqConvert::Read(*Json, TEXT("reset"), Stats.Reset);
  return Stats;
}

void UMoqSubscription::OnRecord(const moq::Record& Record) {
  if (Record.header.kind != MOQ_RECORD_GAP) {
    Super::OnRecord(Record);
    return;
  }
  FMoqGap Gap;
  Gap.FromGroup = static_cast<int64>(Record.header.group);
  Gap.ToGroup = static_cast<int64>(Record.header.object);
  Gap.Objects = (Record.header.flags & MOQ_FLAG_COUNT_KNOWN) != 0
                    ? static_cast<int64>(Record.header.extra)
                    : -1;
  Gap.Reason = Record.header.code <= MOQ_GAP_RECONNECTED
                   ? static_cast<EMoqGapReason>(Record.header.code)
                   : EMoqGapReason::Lost;
  OnGap.Broadcast(Gap);
}
