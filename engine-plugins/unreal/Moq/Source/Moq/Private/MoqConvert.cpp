// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#include "MoqConvert.h"

#include "Dom/JsonValue.h"
#include "Serialization/JsonReader.h"
#include "Serialization/JsonSerializer.h"

namespace MoqConvert {

std::string Utf8(const FString& Text) {
  const FTCHARToUTF8 Converted(*Text);
  return std::string(Converted.Get(), static_cast<std::size_t>(Converted.Length()));
}

FString Text(std::string_view Utf8Text) {
  const FUTF8ToTCHAR Converted(Utf8Text.data(), static_cast<int32>(Utf8Text.size()));
  return FString(Converted.Length(), Converted.Get());
}

EMoqErrorCode Code(MoqResultCode Code) {
  static_assert(static_cast<int>(EMoqErrorCode::RateLimited) == MOQ_ERROR_RATE_LIMITED,
                "EMoqErrorCode is MoqResultCode");
  return Code >= 0 && Code <= MOQ_ERROR_RATE_LIMITED ? static_cast<EMoqErrorCode>(Code)
                                                     : EMoqErrorCode::Other;
}

FMoqError Error(MoqResultCode Code, const std::string& Message) {
  FMoqError Result;
  Result.Code = MoqConvert::Code(Code);
  Result.Message = Text(Message);
  Result.bRetryable = moq::is_retryable(Code);
  return Result;
}

FMoqError Reason(MoqResultCode Code, std::string_view Json) {
  FMoqError Result = Error(Code, std::string());
  if (const TSharedPtr<FJsonObject> Told = Object(Json)) {
    Told->TryGetStringField(TEXT("message"), Result.Message);
    Told->TryGetBoolField(TEXT("retryable"), Result.bRetryable);
    double Peer = 0;
    if (Told->TryGetNumberField(TEXT("peerCode"), Peer))
      Result.PeerCode = static_cast<int64>(Peer);
  }
  return Result;
}

FMoqError Reason(const moq::Record& End) {
  static_assert(static_cast<int>(EMoqCertificateReason::ClientRefused) ==
                    MOQ_CERTIFICATE_CLIENT_REFUSED + 1,
                "EMoqCertificateReason is MoqCertificateReason after None");
  FMoqError Result = Reason(static_cast<MoqResultCode>(End.header.code), End.payload.text());
  if (Result.Code == EMoqErrorCode::Certificate)
    Result.CertificateReason = End.header.extra <= MOQ_CERTIFICATE_CLIENT_REFUSED
                                   ? static_cast<EMoqCertificateReason>(End.header.extra + 1)
                                   : EMoqCertificateReason::Other;
  return Result;
}

TSharedPtr<FJsonObject> Object(std::string_view Json) {
  TSharedPtr<FJsonObject> Result;
  const TSharedRef<TJsonReader<>> Reader = TJsonReaderFactory<>::Create(Text(Json));
  return FJsonSerializer::Deserialize(Reader, Result) ? Result : nullptr;
}

TSharedPtr<FJsonObject> OfTrack(std::string_view Stats, const TCHAR* Kind, uint64 Handle) {
  const TSharedPtr<FJsonObject> Client = Object(Stats);
  const TArray<TSharedPtr<FJsonValue>>* All = nullptr;
  if (!Client.IsValid() || !Client->TryGetArrayField(Kind, All))
    return nullptr;
  for (const TSharedPtr<FJsonValue>& Each : *All) {
    const TSharedPtr<FJsonObject> Json = Each->AsObject();
    double Whose = 0;
    if (Json.IsValid() && Json->TryGetNumberField(TEXT("handle"), Whose) &&
        static_cast<uint64>(Whose) == Handle)
      return Json;
  }
  return nullptr;
}

TArray<FString> Texts(std::string_view Json) {
  TArray<TSharedPtr<FJsonValue>> Values;
  TArray<FString> Result;
  const TSharedRef<TJsonReader<>> Reader = TJsonReaderFactory<>::Create(Text(Json));
  if (FJsonSerializer::Deserialize(Reader, Values))
    for (const TSharedPtr<FJsonValue>& Value : Values)
      Result.Add(Value->AsString());
  return Result;
}

moq::Delivery Delivery(EMoqDelivery Delivery) {
  switch (Delivery) {
  case EMoqDelivery::Latest:
    return moq::Delivery::Latest;
  case EMoqDelivery::Deadline:
    return moq::Delivery::Deadline;
  case EMoqDelivery::Datagram:
    return moq::Delivery::Datagram;
  case EMoqDelivery::Reliable:
    break;
  }
  return moq::Delivery::Reliable;
}

/** Negative numbers of Blueprints become 0, which the library refuses by name where it is no value.
 */
static std::uint64_t Count(int32 Value) {
  return static_cast<std::uint64_t>(FMath::Max(Value, 0));
}

std::string Json(const FMoqConnectOptions& Options) {
  moq::ClientOptions Native;
  Native.url = Utf8(Options.Url);
  for (const FString& Hash : Options.ServerCertificateHashes)
    Native.certificate_hashes.push_back(Utf8(Hash));
  for (const FString& File : Options.CaFiles)
    Native.ca_files.push_back(Utf8(File));
  if (!Options.Token.IsEmpty())
    Native.token = Utf8(Options.Token);
  Native.ask_token = Options.bAskToken;
  Native.reconnect.off = !Options.bReconnect;
  Native.reconnect.timeout = Count(Options.ReconnectTimeout);
  Native.connect_timeout = Count(Options.ConnectTimeout);
  Native.keep_alive = Count(Options.KeepAlive);
  Native.idle_timeout = Count(Options.IdleTimeout);
  Native.insecure = Options.bInsecure;
  return Native.json();
}

std::string Json(const FMoqRelayOptions& Options) {
  moq::detail::JsonObject Native;
  Native.field("listen", std::string_view(Utf8(Options.Listen)));
  if (!Options.CertificateFile.IsEmpty())
    Native.field("certificate", std::string_view(Utf8(Options.CertificateFile)));
  if (!Options.KeyFile.IsEmpty())
    Native.field("key", std::string_view(Utf8(Options.KeyFile)));
  if (!Options.TokenFile.IsEmpty())
    Native.field("tokenFile", std::string_view(Utf8(Options.TokenFile)));
  if (!Options.Names.IsEmpty()) {
    std::vector<std::string> Names;
    for (const FString& Name : Options.Names)
      Names.push_back(Utf8(Name));
    Native.field("names", Names);
  }
  return Native.take();
}

} // namespace MoqConvert
