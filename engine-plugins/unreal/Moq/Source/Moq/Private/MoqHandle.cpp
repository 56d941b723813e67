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
  if (const TSharedPtr<FMoqState> Pinned = State.Pin())
    Pinned->Objects.Remove(Had);
  OnDetached();
  return Had;
}

void UMoqHandle::Finish(const FMoqError& Reason) {
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
  // Only when its game instance went away without ending it, as a half-built world does.
  if (Handle != 0) {
    if (const TSharedPtr<FMoqState> Pinned = State.Pin())
      Pinned->Objects.Remove(Handle);
    if (Session)
      Session->CloseHandle(Handle);
    Handle = 0;
  }
  Session.reset();
  Super::BeginDestroy();
}

void UMoqRequest::Close() {
  // Kept: letting go of it below may drop the last reference.
  const std::shared_ptr<moq::unreal::Session> Held = Session;
  const uint64 Had = Detach();
  if (Had != 0 && Held)
    Held->CloseHandle(Had);
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
  if (UMoqClient* const Client = GetTypedOuter<UMoqClient>())
    Client->Requests.RemoveSwap(this);
}
