// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// Between the engine's types and those of the engine-free core.
#pragma once

#include "MoqCore/Session.h"

#include <moq_ffi/options.hpp>
#include <moq_ffi/records.hpp>

#include "CoreMinimal.h"
#include "MoqTypes.h"

#include <string>
#include <string_view>

class FJsonObject;

namespace MoqConvert {

std::string Utf8(const FString& Text);
FString Text(std::string_view Utf8);

EMoqErrorCode Code(MoqResultCode Code);
/** An error of a call; `Message` is what the library said. */
FMoqError Error(MoqResultCode Code, const std::string& Message);
/** What an END or a state record tells of its reason. */
FMoqError Reason(MoqResultCode Code, std::string_view Json);

/** Null when it is no object. */
TSharedPtr<FJsonObject> Object(std::string_view Json);
/** A JSON array of texts. */
TArray<FString> Texts(std::string_view Json);

moq::Delivery Delivery(EMoqDelivery Delivery);
std::string Json(const FMoqConnectOptions& Options);
std::string Json(const FMoqRelayOptions& Options);

} // namespace MoqConvert
