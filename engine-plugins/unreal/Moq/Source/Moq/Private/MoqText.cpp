// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqText.h"

#include "MoqConvert.h"

TArray<uint8> UMoqText::ToBytes(const FString& Text) {
  const std::string Utf8 = MoqConvert::Utf8(Text);
  return TArray<uint8>(reinterpret_cast<const uint8*>(Utf8.data()),
                       static_cast<int32>(Utf8.size()));
}

FString UMoqText::FromBytes(const TArray<uint8>& Bytes) {
  return MoqConvert::Text(
      {reinterpret_cast<const char*>(Bytes.GetData()), static_cast<std::size_t>(Bytes.Num())});
}
