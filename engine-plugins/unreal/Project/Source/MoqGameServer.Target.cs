// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.

using UnrealBuildTool;

public class MoqGameServerTarget : TargetRules
{
	public MoqGameServerTarget(TargetInfo Target) : base(Target)
	{
		Type = TargetType.Server;
		DefaultBuildSettings = BuildSettingsVersion.Latest;
		IncludeOrderVersion = EngineIncludeOrderVersion.Latest;
		ExtraModuleNames.Add("MoqGame");
	}
}
