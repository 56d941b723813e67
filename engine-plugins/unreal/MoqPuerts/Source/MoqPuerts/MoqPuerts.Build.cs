// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.

using UnrealBuildTool;

public class MoqPuerts : ModuleRules
{
	public MoqPuerts(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;

		// Moq carries the core and the headers of moq_ffi; JsEnv is the module of the plugin Puerts with Binding.hpp.
		PublicDependencyModuleNames.AddRange(new string[] { "Core", "Moq" });
		PrivateDependencyModuleNames.AddRange(new string[] { "CoreUObject", "Engine", "JsEnv" });
	}
}
