// Copyright moq-game contributors. Licensed under MIT or Apache-2.0, at your choice.

using System;
using System.IO;
using System.Security.Cryptography;
using UnrealBuildTool;

public class Moq : ModuleRules
{
	public Moq(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;

		PublicDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "DeveloperSettings", "Engine" });
		PrivateDependencyModuleNames.AddRange(new string[] { "Json", "Projects", "TraceLog" });

		// moq_ffi.h and the C++ layer over it. Modules that use MoqCore (MoqPuerts does) need them too.
		PublicSystemIncludePaths.Add(Path.Combine(PluginDirectory, "Source", "ThirdParty", "MoqFfi", "include"));

		StageLibrary(Target);
	}

	/// <summary>
	/// The native library is never linked: it is a file that ships with the game and that the module loads. A platform
	/// without it compiles, and says at run time that MoQ is not available.
	/// </summary>
	private void StageLibrary(ReadOnlyTargetRules Target)
	{
		string Library;
		if (Target.Platform == UnrealTargetPlatform.Win64)
		{
			Library = "Win64/moq_ffi.dll";
		}
		else if (Target.Platform == UnrealTargetPlatform.Linux)
		{
			Library = "Linux/libmoq_ffi.so";
		}
		else if (Target.Platform == UnrealTargetPlatform.LinuxArm64)
		{
			Library = "LinuxArm64/libmoq_ffi.so";
		}
		else if (Target.Platform == UnrealTargetPlatform.Mac)
		{
			Library = "Mac/libmoq_ffi.dylib";
		}
		else
		{
			return;
		}

		string Folder = Path.Combine(PluginDirectory, "Binaries", "ThirdParty", "MoqFfi");
		string FullPath = Path.Combine(Folder, Library);
		if (!File.Exists(FullPath))
		{
			Console.WriteLine("Moq: warning: there is no " + FullPath + ", so MoQ will not be available on " + Target.Platform
				+ ". \"npm run stage-unreal\" puts it there.");
			return;
		}
		CheckHash(Folder, Library);
		RuntimeDependencies.Add("$(PluginDir)/Binaries/ThirdParty/MoqFfi/" + Library);
		// Another library in its place: build again.
		ExternalDependencies.Add(FullPath);
		string Notices = Path.Combine(Folder, "THIRD-PARTY-NOTICES.txt");
		if (File.Exists(Notices))
		{
			RuntimeDependencies.Add("$(PluginDir)/Binaries/ThirdParty/MoqFfi/THIRD-PARTY-NOTICES.txt");
		}
	}

	/// <summary>Compares the library with its line of SHA256SUMS, so that a half-copied plugin is found now.</summary>
	private static void CheckHash(string Folder, string Library)
	{
		string Sums = Path.Combine(Folder, "SHA256SUMS");
		if (!File.Exists(Sums))
		{
			throw new BuildException("Moq: " + Sums + " is missing. Stage the plugin again with \"npm run stage-unreal\".");
		}
		foreach (string Line in File.ReadAllLines(Sums))
		{
			// As sha256sum writes it: hash, two blanks, path.
			int Blank = Line.IndexOf("  ", StringComparison.Ordinal);
			if (Blank < 0 || Line.Substring(Blank + 2) != Library)
			{
				continue;
			}
			if (HashOf(Path.Combine(Folder, Library)) != Line.Substring(0, Blank))
			{
				throw new BuildException("Moq: " + Library + " is not the file that SHA256SUMS records. Stage the plugin again "
					+ "with \"npm run stage-unreal\".");
			}
			return;
		}
		throw new BuildException("Moq: SHA256SUMS has no line for " + Library + ". Stage the plugin again with \"npm run stage-unreal\".");
	}

	private static string HashOf(string File)
	{
		using (SHA256 Hash = SHA256.Create())
		using (FileStream Stream = System.IO.File.OpenRead(File))
		{
			return BitConverter.ToString(Hash.ComputeHash(Stream)).Replace("-", "").ToLowerInvariant();
		}
	}
}
