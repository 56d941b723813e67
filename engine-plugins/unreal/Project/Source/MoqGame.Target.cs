// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.

using UnrealBuildTool;

public class MoqGameTarget : TargetRules
{
	public MoqGameTarget(TargetInfo Target) : base(Target)
	{
		Type = TargetType.Game;
		DefaultBuildSettings = BuildSettingsVersion.Latest;
		IncludeOrderVersion = EngineIncludeOrderVersion.Latest;
		ExtraModuleNames.Add("MoqGame");
	}
}
