// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqTypes.h"

#include "UObject/Class.h"

FString FMoqError::ToString() const {
  FString Text = StaticEnum<EMoqErrorCode>()->GetNameStringByValue(static_cast<int64>(Code));
  if (!Message.IsEmpty())
    Text += TEXT(": ") + Message;
  if (PeerCode >= 0)
    Text += FString::Printf(TEXT(" (code %lld of the peer)"), PeerCode);
  return Text;
}
