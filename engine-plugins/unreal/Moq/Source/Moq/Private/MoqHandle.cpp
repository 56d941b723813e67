// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqHandle.h"

#include "MoqClient.h"
#include "MoqConvert.h"
#include "MoqState.h"

#include <utility>

void UMoqHandle::Attach(const TSharedRef<FMoqState>& InState,
                        const std::shared_ptr<moq::unreal::Session>& InSession, uint64 InHandle) {
  State = InState;
  Session = InSession;
  Handle = InHandle;
  InState->Objects.Insert(InHandle, this);
}

uint64 UMoqHandle::Detach() {
  const uint64 Had = std::exchange(Handle, 0);
  if (Had == 0)
    return 0;
  if (const TSharedPtr<FMoqState> Pinned = State.Pin()) {
    Pinned->Objects.Remove(Had);
    if (OnDroppedNative.IsBound())
      Pinned->Dropped.Add(MoveTemp(OnDroppedNative));
  }
  OnDetached();
  return Had;
}

void UMoqHandle::Drop() {
  // Kept: letting go of it below may drop the last reference.
  const std::shared_ptr<moq::unreal::Session> Held = Session;
  const uint64 Had = Detach();
  if (Had != 0 && Held)
    Held->CloseHandle(Had);
}

void UMoqHandle::Finish(const FMoqError& Reason) {
  // End tells it.
  OnDroppedNative.Clear();
  if (Detach() == 0)
    return;
  OnEndNative.Broadcast(Reason);
  OnEnd.Broadcast(Reason);
}

void UMoqHandle::OnRecord(const moq::Record& Record) {
  if (Record.header.kind != MOQ_RECORD_END)
    return;
  Finish(MoqConvert::Reason(Record));
}

void UMoqHandle::BeginDestroy() {
  // Open still: its game instance went away without ending it, as a half-built world does, or the
  // game destroyed it.
  Drop();
  Session.reset();
  Super::BeginDestroy();
}

void UMoqRequest::Close() {
  Drop();
}

void UMoqRequest::OnRecord(const moq::Record& Record) {
  if (Record.header.kind != MOQ_RECORD_READY) {
    Super::OnRecord(Record);
    return;
  }
  bReady = true;
  OnReadyNative.Broadcast();
  OnReady.Broadcast();
}

void UMoqRequest::OnDetached() {
  Session.reset();
  // Those that the game has destroyed are null.
  if (UMoqClient* const Client = GetTypedOuter<UMoqClient>())
    Client->Requests.RemoveAll(
        [this](const TObjectPtr<UMoqRequest>& Each) { return Each == nullptr || Each == this; });
}
