// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqTestListener.h"

#include "MoqClient.h"
#include "MoqRelay.h"
#include "MoqSubscription.h"

void UMoqTestListener::HandleObject(const FMoqObject& Object) {
  Objects.Add(Object);
}

void UMoqTestListener::HandleView(const FMoqObjectView& Object) {
  ++Views;
  LastView = Object.Object;
}

void UMoqTestListener::HandleGap(const FMoqGap& Gap) {
  Gaps.Add(Gap);
}

void UMoqTestListener::HandleEnd(const FMoqError& Reason) {
  Ends.Add(Reason);
}

void UMoqTestListener::HandleState(EMoqClientState State, const FMoqError&) {
  States.Add(State);
}

void UMoqTestListener::HandleNamespace(const FString& Namespace, bool bAdded) {
  Namespaces.Add((bAdded ? TEXT("+") : TEXT("-")) + Namespace);
}

void UMoqTestListener::HandleConnected(UMoqClient* Client, const FMoqError& Error) {
  ++Pins;
  PinObject = Client;
  PinError = Error;
}

void UMoqTestListener::HandleSubscribed(UMoqSubscription* Subscription, const FMoqError& Error) {
  ++Pins;
  PinObject = Subscription;
  PinError = Error;
}

void UMoqTestListener::HandleFetched(const TArray<FMoqObject>& Fetched, const FMoqError& Error) {
  ++Pins;
  Objects = Fetched;
  PinError = Error;
}

void UMoqTestListener::HandleRelay(UMoqRelay* Relay, const FMoqError& Error) {
  ++Pins;
  PinObject = Relay;
  PinError = Error;
}

void UMoqTestListener::HandleFailure(UMoqClient*, const FMoqError& Error) {
  ++Pins;
  PinError = Error;
}
