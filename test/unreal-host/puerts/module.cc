// The MoqPuerts binding as an addon of the tests' Puerts host: what the modules Moq and MoqPuerts
// do when Unreal starts them. MOQ_FFI_LIBRARY names the native library.
#include <pesapi.h>

#include <BridgeBinding.h>
#include <MoqCore/Library.h>

#include "per_object.h"
#include "support/system_loader.h"

#include <cstdlib>

static void StartModules() {
  if (const char* const path = std::getenv("MOQ_FFI_LIBRARY"))
    moq::unreal::Library::Get().Load(moq_test::SystemLoader(), path);
  moq::unreal::RegisterScriptBridge();
  // For the benchmark only.
  if (std::getenv("MOQ_PUERTS_PER_OBJECT") != nullptr)
    moq_test::RegisterPerObject();
}

PESAPI_MODULE(moq, StartModules)
