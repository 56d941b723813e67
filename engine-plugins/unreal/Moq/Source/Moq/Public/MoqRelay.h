// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
#pragma once

#include "CoreMinimal.h"
#include "MoqHandle.h"
#include "MoqTypes.h"

#include "MoqRelay.generated.h"

struct FMoqRelayJob;

UENUM(BlueprintType)
enum class EMoqRelayState : uint8 { Starting, Running, Stopped };

/**
 * A relay in this process: for listen servers, LAN play and play in the editor. Made by
 * UMoqSubsystem::StartRelay; runs until it is stopped or its game instance ends. Opening and
 * closing its port happens on a thread of the pool.
 */
UCLASS(BlueprintType, meta = (DontUseGenericSpawnObject = "true"))
class MOQ_API UMoqRelay : public UObject {
  GENERATED_BODY()

public:
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqEvent OnStarted;
  /** Once, when it could not start (with the reason) or is stopped (Code Ok). */
  UPROPERTY(BlueprintAssignable, Category = "MoQ")
  FMoqEndEvent OnStopped;
  /** The same for C++. */
  FSimpleMulticastDelegate OnStartedNative;
  FMoqNativeEndEvent OnStoppedNative;

  UFUNCTION(BlueprintPure, Category = "MoQ")
  EMoqRelayState GetState() const { return RelayState; }
  /** https://…: WebTransport, for browsers too. Empty before it runs; so are the next. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FString GetUrl() const { return Url; }
  /** moqt://…: QUIC, for native clients. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FString GetQuicUrl() const { return QuicUrl; }
  /** For a client in this process: no network at all. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FString GetMemoryUrl() const { return MemoryUrl; }
  UFUNCTION(BlueprintPure, Category = "MoQ")
  int32 GetPort() const { return Port; }
  /** SHA-256 in hexadecimal of the development certificate; empty with one of your own. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FString GetCertificateHash() const { return CertificateHash; }
  /** Options that reach this relay over QUIC. */
  UFUNCTION(BlueprintPure, Category = "MoQ")
  FMoqConnectOptions GetConnectOptions() const;

  /** Clients are told to leave, and have so many ms for it. Stopped follows. The port is free then,
   * also when the game ends meanwhile. */
  UFUNCTION(BlueprintCallable, Category = "MoQ")
  void Stop(int32 GraceMs = 0);

  void BeginDestroy() override;

private:
  void Begin(const TSharedRef<FMoqState>& InState, const std::string& Json);
  /** Once a tick: true while a change is under way or it runs. */
  bool Poll();
  /** At once; takes some ms. */
  void StopNow();
  void Finish(const FMoqError& Reason);

  EMoqRelayState RelayState = EMoqRelayState::Starting;
  FString Url;
  FString QuicUrl;
  FString MemoryUrl;
  FString CertificateHash;
  int32 Port = 0;
  TSharedPtr<FMoqRelayJob> Job;

  friend class UMoqSubsystem;
};
