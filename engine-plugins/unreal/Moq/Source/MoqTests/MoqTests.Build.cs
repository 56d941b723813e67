// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.

using UnrealBuildTool;

/// <summary>Automation tests of the plugin: Session Frontend, or -ExecCmds="Automation RunTests Moq".</summary>
public class MoqTests : ModuleRules
{
	public MoqTests(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;

		PrivateDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "Engine", "Moq", "Projects" });
	}
}
