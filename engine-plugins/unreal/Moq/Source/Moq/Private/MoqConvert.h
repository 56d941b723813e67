// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// Between the engine's types and those of the engine-free core.
#pragma once

#include "MoqCore/Session.h"

#include <moq_ffi/options.hpp>
#include <moq_ffi/records.hpp>

#include "CoreMinimal.h"
#include "Dom/JsonObject.h"
#include "MoqTypes.h"

#include <string>
#include <string_view>

namespace MoqConvert {

std::string Utf8(const FString& Text);
FString Text(std::string_view Utf8);

EMoqErrorCode Code(MoqResultCode Code);
/** An error of a call; `Message` is what the library said. */
FMoqError Error(MoqResultCode Code, const std::string& Message);
/** What a state record tells of its reason. */
FMoqError Reason(MoqResultCode Code, std::string_view Json);
/** What an END tells of its reason. */
FMoqError Reason(const moq::Record& End);

/** Null when it is no object. */
TSharedPtr<FJsonObject> Object(std::string_view Json);
/** A number of an object; left as it is when there is none. */
template <class T>
void Read(const FJsonObject& Json, const TCHAR* Name, T& Value) {
  double Number = 0;
  if (Json.TryGetNumberField(Name, Number))
    Value = static_cast<T>(Number);
}
/** Of a client's statistics those of one track, by its handle; null when there are none. */
TSharedPtr<FJsonObject> OfTrack(std::string_view Stats, const TCHAR* Kind, uint64 Handle);
/** A JSON array of texts. */
TArray<FString> Texts(std::string_view Json);

moq::Delivery Delivery(EMoqDelivery Delivery);
std::string Json(const FMoqConnectOptions& Options);
std::string Json(const FMoqRelayOptions& Options);

} // namespace MoqConvert
