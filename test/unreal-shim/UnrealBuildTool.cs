// The slice of UnrealBuildTool that the plugins' *.Build.cs files use, and a program that makes the rules of one module
// for one platform and prints what they ask for, one line each:
//
//   rules.exe MODULE PLATFORM PLUGIN_DIRECTORY
using System;
using System.Collections.Generic;
using System.IO;

namespace UnrealBuildTool
{
	public class BuildException : Exception
	{
		public BuildException(string Message) : base(Message) { }
	}

	public struct UnrealTargetPlatform
	{
		private readonly string Name;
		private UnrealTargetPlatform(string InName) { Name = InName; }
		public static readonly UnrealTargetPlatform Win64 = new UnrealTargetPlatform("Win64");
		public static readonly UnrealTargetPlatform Linux = new UnrealTargetPlatform("Linux");
		public static readonly UnrealTargetPlatform LinuxArm64 = new UnrealTargetPlatform("LinuxArm64");
		public static readonly UnrealTargetPlatform Mac = new UnrealTargetPlatform("Mac");
		public static readonly UnrealTargetPlatform IOS = new UnrealTargetPlatform("IOS");
		public static UnrealTargetPlatform Parse(string Name) { return new UnrealTargetPlatform(Name); }
		public static bool operator ==(UnrealTargetPlatform A, UnrealTargetPlatform B) { return A.Name == B.Name; }
		public static bool operator !=(UnrealTargetPlatform A, UnrealTargetPlatform B) { return A.Name != B.Name; }
		public override bool Equals(object Other) { return Other is UnrealTargetPlatform && ((UnrealTargetPlatform)Other).Name == Name; }
		public override int GetHashCode() { return Name.GetHashCode(); }
		public override string ToString() { return Name; }
	}

	public class ReadOnlyTargetRules
	{
		public readonly UnrealTargetPlatform Platform;
		public ReadOnlyTargetRules(UnrealTargetPlatform InPlatform) { Platform = InPlatform; }
		public bool bBuildEditor { get { return false; } }
	}

	public enum TargetType { Game, Editor, Server }
	public enum BuildSettingsVersion { Latest }
	public enum EngineIncludeOrderVersion { Latest }

	public class TargetInfo { }

	/// <summary>Of the *.Target.cs files of a project, which are compiled only.</summary>
	public class TargetRules
	{
		public TargetRules(TargetInfo Target) { }
		public TargetType Type;
		public BuildSettingsVersion DefaultBuildSettings;
		public EngineIncludeOrderVersion IncludeOrderVersion;
		public readonly List<string> ExtraModuleNames = new List<string>();
	}

	public class RuntimeDependencyList
	{
		public readonly List<string> Paths = new List<string>();
		public void Add(string Path) { Paths.Add(Path); }
	}

	public class ModuleRules
	{
		public enum PCHUsageMode { Default, NoPCHs, UseExplicitOrSharedPCHs }
		public enum CppStandardVersion { Default, Cpp17, Cpp20 }

		// The real tool knows these of a module before its constructor runs.
		public static string ShimPluginDirectory;
		public static string ShimName;

		public readonly ReadOnlyTargetRules Target;
		public ModuleRules(ReadOnlyTargetRules InTarget) { Target = InTarget; }
		public string PluginDirectory { get { return ShimPluginDirectory; } }
		public string ModuleDirectory { get { return Path.Combine(ShimPluginDirectory, "Source", ShimName); } }
		public PCHUsageMode PCHUsage;
		public CppStandardVersion CppStandard;
		public bool bUseRTTI;
		public bool bEnableExceptions;
		public bool bUseUnity = true;
		public readonly List<string> PublicDependencyModuleNames = new List<string>();
		public readonly List<string> PrivateDependencyModuleNames = new List<string>();
		public readonly List<string> PublicIncludePaths = new List<string>();
		public readonly List<string> PrivateIncludePaths = new List<string>();
		public readonly List<string> PublicSystemIncludePaths = new List<string>();
		public readonly List<string> PublicDefinitions = new List<string>();
		public readonly List<string> PrivateDefinitions = new List<string>();
		public readonly List<string> PublicAdditionalLibraries = new List<string>();
		public readonly List<string> PublicDelayLoadDLLs = new List<string>();
		public readonly List<string> ExternalDependencies = new List<string>();
		public readonly RuntimeDependencyList RuntimeDependencies = new RuntimeDependencyList();

		public static int Main(string[] Arguments)
		{
			ShimName = Arguments[0];
			ShimPluginDirectory = Arguments[2];
			ReadOnlyTargetRules Target = new ReadOnlyTargetRules(UnrealTargetPlatform.Parse(Arguments[1]));
			ModuleRules Rules;
			try
			{
				Type Module = typeof(ModuleRules).Assembly.GetType(ShimName);
				Rules = (ModuleRules)Activator.CreateInstance(Module, Target);
			}
			catch (System.Reflection.TargetInvocationException Error)
			{
				BuildException Known = Error.InnerException as BuildException;
				if (Known == null)
				{
					throw;
				}
				Console.WriteLine("error " + Known.Message);
				return 2;
			}
			Print("depends", Rules.PublicDependencyModuleNames);
			Print("depends", Rules.PrivateDependencyModuleNames);
			Print("include", Rules.PublicIncludePaths);
			Print("include", Rules.PrivateIncludePaths);
			Print("include", Rules.PublicSystemIncludePaths);
			Print("links", Rules.PublicAdditionalLibraries);
			Print("watches", Rules.ExternalDependencies);
			Print("stages", Rules.RuntimeDependencies.Paths);
			return 0;
		}

		private static void Print(string Kind, List<string> Values)
		{
			foreach (string Value in Values)
			{
				Console.WriteLine(Kind + " " + Value.Replace("$(PluginDir)", ShimPluginDirectory));
			}
		}
	}
}
