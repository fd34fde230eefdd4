using System.Xml.Linq;
using Deepseek.Inference.Docs.Tests.Support;

namespace Deepseek.Inference.Docs.Tests.Packaging;

/// <summary>An application outside the repository that knows nothing but the packages; its program is the sample QuickStart's.</summary>
/// <remarks>
/// The packages under test go to a folder of its own. All others come from the user's package folder, which serves as a fallback:
/// half a gigabyte of libtorch need not be unpacked again, and nothing is left behind.
/// </remarks>
internal sealed class Consumer : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public Consumer(PackedLibraries packed)
    {
        _folder.Write("nuget.config", $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{_folder.At("global")}" /></config>
              <fallbackPackageFolders><add key="user" value="{UserPackages()}" /></fallbackPackageFolders>
              <packageSources><add key="packed" value="{packed.Packages}" /></packageSources>
            </configuration>
            """);
        // Linked, not copied: libtorch again.
        _folder.Write("App.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>true</CreateHardLinksForCopyFilesToOutputDirectoryIfPossible>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
                <CreateHardLinksForPublishFilesIfPossible>true</CreateHardLinksForPublishFilesIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Deepseek.Inference" Version="{packed.Version}" />
                <PackageReference Include="Deepseek.Inference.Nano" Version="{packed.Version}" />
                <PackageReference Include="TorchSharp-cpu" Version="{TorchSharpVersion()}" />
              </ItemGroup>
            </Project>
            """);
        _folder.Write("Program.cs", RepositoryFiles.Read("samples/QuickStart/Program.cs"));
    }

    /// <summary>Builds it; returns the path of the program.</summary>
    public async Task<string> BuildAsync()
    {
        (await Command.DotnetAsync(_folder.FullPath, "", "build", "-c", "Release", "-o", "built")).RequireSuccess();
        return _folder.At("built", "App.dll");
    }

    /// <summary>Publishes it; returns the path of the program.</summary>
    public async Task<string> PublishAsync()
    {
        (await Command.DotnetAsync(_folder.FullPath, "", "publish", "-c", "Release", "--no-restore", "-o", "published")).RequireSuccess();
        return _folder.At("published", "App.dll");
    }

    /// <summary>Runs the program.</summary>
    public Task<CommandResult> RunAsync(string program) => Command.DotnetAsync(_folder.FullPath, "", program);

    public void Dispose() => _folder.Dispose();

    private static string UserPackages() => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static string TorchSharpVersion() => XDocument.Parse(RepositoryFiles.Read("Directory.Packages.props")).Descendants("TorchSharpVersion").Single().Value;
}
