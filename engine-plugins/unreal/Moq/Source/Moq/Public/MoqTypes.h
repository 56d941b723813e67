// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.
// The enums and structs that Blueprints see. Their names and defaults are those of the TypeScript
// interface (@moq-game/core) and of moq_ffi.h.
#pragma once

#include "Containers/ArrayView.h"
#include "CoreMinimal.h"

#include "MoqTypes.generated.h"

/** What happens when the network cannot keep up. */
UENUM(BlueprintType)
enum class EMoqDelivery : uint8 {
  /** Every object once, in order. Send gives "Queue Full" while the connection is behind. */
  Reliable,
  /** Only ever newer updates; may skip; the last one arrives. */
  Latest,
  /** In order and in time; what is late is counted, not delivered. */
  Deadline,
  /** One datagram for each update: only ever newer ones; may skip. At most about 1,100 bytes. */
  Datagram
};

UENUM(BlueprintType)
enum class EMoqClientState : uint8 { Connecting, Open, Reconnecting, Closed };

/** Where a subscription begins. */
UENUM(BlueprintType)
enum class EMoqStart : uint8 {
  /** At the newest group's first object, joined with what follows. */
  LatestGroup,
  /** At the next group. */
  NextGroup,
  /** At the next object. */
  Now
};

/** What became of an update. */
UENUM(BlueprintType)
enum class EMoqSend : uint8 {
  Accepted,
  /** Nothing was accepted; the event Writable follows. */
  QueueFull,
  /** Larger than the limit of its class; the log names it (that of another thread's sender not). */
  TooLarge,
  /** The publication or the client is over. */
  Closed,
  /** The log says why. */
  Failed
};

/** Result codes: the same list as MoqResultCode and as ERROR_CODES in TypeScript. */
UENUM(BlueprintType)
enum class EMoqErrorCode : uint8 {
  Ok,
  InvalidArgument,
  ConnectionFailed,
  NotConnected,
  Timeout,
  Internal,
  Unsupported,
  BufferTooSmall,
  Closed,
  WouldBlock,
  TooLarge,
  LimitExceeded,
  Unauthorized,
  Certificate,
  ProtocolMismatch,
  ProtocolViolation,
  NotFound,
  Cancelled,
  GoingAway,
  TooFarBehind,
  MalformedTrack,
  Duplicate,
  Busy,
  Unavailable,
  RateLimited,
  /** A code of a newer library. */
  Other = 254
};

/** Why a certificate was not accepted, of errors with the code Certificate. */
UENUM(BlueprintType)
enum class EMoqCertificateReason : uint8 {
  /** The error is not about a certificate. */
  None,
  /** The message says more. */
  Other,
  Expired,
  /** Or a clock is wrong. */
  NotYetValid,
  /** It is not for the host in the URL. */
  WrongName,
  /** Self-signed, or of an authority that is not trusted here. */
  UnknownIssuer,
  /** Not among Server Certificate Hashes. */
  WrongHash,
  Revoked,
  /** The relay wants a certificate of this client. */
  ClientMissing,
  /** The relay does not take this client's certificate. */
  ClientRefused
};

/** Why objects will not be delivered. */
UENUM(BlueprintType)
enum class EMoqGapReason : uint8 { Lost, Reset, Late, Stale, Overflow, TooFarBehind, Reconnected };

/** What happened, and what to do next. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqError {
  GENERATED_BODY()

  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  EMoqErrorCode Code = EMoqErrorCode::Ok;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  FString Message;
  /** Whether the same can succeed later. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  bool bRetryable = false;
  /** The peer's own code; -1 when it told none. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 PeerCode = -1;
  /** Of the code Certificate: why, to branch on. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  EMoqCertificateReason CertificateReason = EMoqCertificateReason::None;

  bool IsError() const { return Code != EMoqErrorCode::Ok; }
  /** One line, for a log: "NotFound: no such track (code 16 of the peer)". */
  FString ToString() const;
};

/** Of Connect. Times in ms. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqConnectOptions {
  GENERATED_BODY()

  /** https://host:port/path (WebTransport), moqt://host:port (QUIC), or a relay's memory URL. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  FString Url;
  /** Sent as authorization token; empty: none. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  FString Token;
  /** Each connection asks for a token of its own: see Token Wanted. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  bool bAskToken = false;
  /** SHA-256 in hexadecimal of certificates to accept, for development certificates. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  TArray<FString> ServerCertificateHashes;
  /** PEM files of further certificate authorities. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  TArray<FString> CaFiles;
  /** Accepts any certificate. For development only; a warning is logged. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  bool bInsecure = false;
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ", meta = (ClampMin = "1"))
  int32 ConnectTimeout = 10000;
  /** 0 turns it off. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ", meta = (ClampMin = "0"))
  int32 KeepAlive = 4000;
  /** The connection counts as lost after this silence. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ", meta = (ClampMin = "1"))
  int32 IdleTimeout = 15000;
  /** Repairs a connection that is lost; without it a loss closes the client. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  bool bReconnect = true;
  /** The client closes after so long without a connection; 0: never. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ", meta = (ClampMin = "0"))
  int32 ReconnectTimeout = 120000;
};

/** Of Publish. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqPublishOptions {
  GENERATED_BODY()

  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  EMoqDelivery Delivery = EMoqDelivery::Reliable;
  /** Of the class Deadline: age in ms after which an update is worthless. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ",
            meta = (ClampMin = "1", ClampMax = "60000"))
  int32 Deadline = 200;
  /** 0 is the highest, 255 the lowest. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  uint8 Priority = 128;
  /** Most bytes that may wait before Send gives "Queue Full". */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ", meta = (ClampMin = "1"))
  int32 QueueBytes = 1048576;
};

/** Of Subscribe. Times in ms. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqSubscribeOptions {
  GENERATED_BODY()

  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  EMoqStart Start = EMoqStart::LatestGroup;
  /** How to read a track whose publisher did not say its class. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  EMoqDelivery Delivery = EMoqDelivery::Reliable;
  /** 0 is the highest, 255 the lowest. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  uint8 Priority = 128;
  /** How long to wait for a publisher to appear. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ", meta = (ClampMin = "0"))
  int32 Wait = 0;
  /** What waited longer for the game is dropped; 0: no limit. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ", meta = (ClampMin = "0"))
  int32 MaxAge = 0;
  /** Most bytes that may wait for the game: Reliable then pauses, the others drop the oldest. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ", meta = (ClampMin = "1"))
  int32 QueueBytes = 8388608;
};

/** Of Fetch. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqFetchOptions {
  GENERATED_BODY()

  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  int64 FromGroup = 0;
  /** Inclusive. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  int64 ToGroup = 0;
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  bool bDescending = false;
};

/** Of Start Relay. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqRelayOptions {
  GENERATED_BODY()

  /** UDP address; port 0 is any free one. "0.0.0.0:4443" lets other machines in. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  FString Listen = TEXT("127.0.0.1:0");
  /** PEM files; without them a development certificate is made, for Names too. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  FString CertificateFile;
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  FString KeyFile;
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  TArray<FString> Names;
  /** JSON file of tokens and their rights; without it everybody may do everything. */
  UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "MoQ")
  FString TokenFile;
};

/** One object, with a copy of its bytes. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqObject {
  GENERATED_BODY()

  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Group = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Object = 0;
  /** The first object of its group. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  bool bKeyframe = false;
  /** The publisher's unix time in ms; -1 when it told none. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 PublishedAt = -1;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  TArray<uint8> Bytes;
};

/** Something that will not be delivered. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqGap {
  GENERATED_BODY()

  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 FromGroup = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 ToGroup = 0;
  /** How many objects; -1 when that cannot be known. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Objects = -1;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  EMoqGapReason Reason = EMoqGapReason::Lost;
};

/** What was negotiated. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqProtocol {
  GENERATED_BODY()

  /** MoQ Transport draft, for example 18; 0 before the client is open. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int32 Draft = 0;
  /** webtransport, quic or memory. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  FString Transport;
  /** What the peer calls itself. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  FString Peer;
};

/** Counters of a client since Connect; a few ms old. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqClientStats {
  GENERATED_BODY()

  /** Smoothed round-trip time in ms; -1 when it is not known. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  double RoundTrip = -1;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int32 Reconnects = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 BytesSent = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 BytesReceived = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 PacketsSent = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 PacketsLost = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 DatagramsDropped = 0;
};

/** Counters of a publication since it was made; a few ms old. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqPublicationStats {
  GENERATED_BODY()

  /** What was accepted. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Objects = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Bytes = 0;
  /** What waits for the network. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 QueuedObjects = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 QueuedBytes = 0;
  /** Replaced by a newer one, dropped, or given up after their deadline, before they were sent. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Dropped = 0;
};

/** Counters of a subscription since it was made; a few ms old. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqSubscriptionStats {
  GENERATED_BODY()

  /** What waits for the game's tick. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 QueuedObjects = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 QueuedBytes = 0;
  /** Dropped because a newer one was there, or because of Max Age. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Stale = 0;
  /** Dropped because it came after its deadline. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Late = 0;
  /** Dropped because Queue Bytes were full. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Overflow = 0;
  /** Lost because a stream was given up before its end. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Reset = 0;
};

/** What one game instance drained. Times in µs. */
USTRUCT(BlueprintType)
struct MOQ_API FMoqTickStats {
  GENERATED_BODY()

  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Ticks = 0;
  /** Ticks that ended at their budget, with more waiting. */
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 TicksOverBudget = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Objects = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 Bytes = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 LongestTick = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int64 TimeInTicks = 0;
  UPROPERTY(BlueprintReadOnly, Category = "MoQ")
  int32 Clients = 0;
};

/** One object for C++: the bytes hold during the call only. */
struct FMoqObjectView {
  int64 Group = 0;
  int64 Object = 0;
  int64 Subgroup = 0;
  bool bKeyframe = false;
  /** The publisher's unix time in ms; -1 when it told none. */
  int64 PublishedAt = -1;
  /** When it arrived, in µs of the library's clock. */
  int64 ReceivedAt = 0;
  TConstArrayView<uint8> Bytes;
};
