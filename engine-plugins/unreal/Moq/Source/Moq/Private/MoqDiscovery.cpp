// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqDiscovery.h"

#include "MoqConvert.h"

void UMoqDiscovery::OnRecord(const moq::Record& Record) {
  if (Record.header.kind != MOQ_RECORD_NAMESPACE) {
    Super::OnRecord(Record);
    return;
  }
  const FString Namespace = FString::Join(MoqConvert::Texts(Record.payload.text()), TEXT("/"));
  const bool bAdded = (Record.header.flags & MOQ_FLAG_REMOVED) == 0;
  if (bAdded)
    Namespaces.AddUnique(Namespace);
  else
    Namespaces.Remove(Namespace);
  OnNamespace.Broadcast(Namespace, bAdded);
}
