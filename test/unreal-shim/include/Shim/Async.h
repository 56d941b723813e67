// Async: work on threads of the pool, which here are threads of their own; the shim waits for them
// at its end.
#pragma once

#include "Shim/Pointers.h"

enum class EAsyncExecution { TaskGraph, Thread, ThreadPool };

namespace Shim {
void Launch(std::function<void()> Work);
void JoinAll();
} // namespace Shim

template <class F>
void Async(EAsyncExecution, F Work) {
  Shim::Launch(std::function<void()>(std::move(Work)));
}
