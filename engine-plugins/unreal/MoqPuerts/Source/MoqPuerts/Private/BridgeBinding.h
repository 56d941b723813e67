#pragma once

namespace moq::unreal {

// Makes the class MoqBridge known to Puerts. Once in a process, before the first script
// environment.
void RegisterScriptBridge();

} // namespace moq::unreal
