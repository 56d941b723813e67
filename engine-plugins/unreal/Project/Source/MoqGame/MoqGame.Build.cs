// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.

using UnrealBuildTool;

public class MoqGame : ModuleRules
{
	public MoqGame(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;

		// JsEnv is the module of the plugin Puerts that makes script environments. Moq is for C++ of your own.
		PublicDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "Engine", "JsEnv", "Moq" });
	}
}
