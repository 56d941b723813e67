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
  // Namespaces are bytes: "Match" and "match" are two, which FString's own comparison takes for
  // one.
  const int32 Known = Namespaces.IndexOfByPredicate([&Namespace](const FString& Each) {
    return Each.Equals(Namespace, ESearchCase::CaseSensitive);
  });
  if (bAdded && Known == INDEX_NONE)
    Namespaces.Add(Namespace);
  else if (!bAdded && Known != INDEX_NONE)
    Namespaces.RemoveAt(Known);
  OnNamespace.Broadcast(Namespace, bAdded);
}
