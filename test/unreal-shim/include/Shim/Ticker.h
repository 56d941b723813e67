// FTSTicker: what the engine calls once a frame.
#pragma once

#include "Shim/Delegates.h"

using FTickerDelegate = TDelegate<bool(float)>;

class FTSTicker {
public:
  struct FElement;
  using FDelegateHandle = TWeakPtr<FElement>;

  static FTSTicker& GetCoreTicker();
  // Called every `Delay` seconds (0: every frame) until it gives false.
  FDelegateHandle AddTicker(const FTickerDelegate& Delegate, float Delay = 0.0f);
  static void RemoveTicker(FDelegateHandle Handle);
  void Tick(float DeltaSeconds);
  int32 ShimNum() const { return static_cast<int32>(Elements.size()); }

private:
  std::vector<TSharedPtr<FElement>> Elements;
};
