using System.IO.Compression;
using System.Reflection.Metadata;
using System.Xml.Linq;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Docs.Tests.Packaging;

/// <summary>What is in the packages, and the application that a user makes of them.</summary>
public sealed class PackageTests(PackedLibraries packed) : IClassFixture<PackedLibraries>
{
    public static TheoryData<string> Ids => [.. PackedLibraries.Ids];

    [Theory]
    [InlineData("Deepseek.Inference", "Deepseek.Inference.Kernels,Microsoft.Extensions.AI.Abstractions,Microsoft.Extensions.Diagnostics.HealthChecks,Microsoft.Extensions.Hosting.Abstractions,Microsoft.Extensions.Logging.Abstractions,Microsoft.Extensions.Options.ConfigurationExtensions,Microsoft.ML.Tokenizers,System.IO.Hashing,TorchSharp")]
    [InlineData("Deepseek.Inference.Kernels", "")]
    [InlineData("Deepseek.Inference.Nano", "")]
    [InlineData("Deepseek.Inference.Server", "Deepseek.Inference")]
    public void Nuspec_Dependencies_AreTheAgreedOnes(string id, string expected)
    {
        var dependencies = Nuspec(id).Descendants().Where(element => element.Name.LocalName == "dependency");

        // TorchSharp alone: which libtorch it runs on is the application's choice.
        Assert.Equal(expected, string.Join(',', dependencies.Select(element => element.Attribute("id")!.Value).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Nuspec_OwnDependency_HasThePackagesVersion()
    {
        var kernels = Nuspec("Deepseek.Inference").Descendants().Single(element => element.Attribute("id")?.Value == "Deepseek.Inference.Kernels");

        Assert.Equal(packed.Version, kernels.Attribute("version")!.Value);
    }

    [Theory, MemberData(nameof(Ids))]
    public void Nuspec_Metadata_IsComplete(string id)
    {
        var metadata = Nuspec(id).Root!.Elements().Single().Elements().ToLookup(element => element.Name.LocalName);

        Assert.Equal("MIT", metadata["license"].Single().Value);
        Assert.Equal("expression", metadata["license"].Single().Attribute("type")!.Value);
        Assert.NotEmpty(metadata["description"].Single().Value);
        Assert.NotEmpty(metadata["tags"].Single().Value);
        Assert.NotEmpty(metadata["authors"].Single().Value);
        Assert.Empty(metadata["projectUrl"]);
        Assert.DoesNotContain(metadata["repository"], element => element.Attribute("url") is not null);
    }

    [Theory, MemberData(nameof(Ids))]
    public void Package_Readme_IsTheRepositorys(string id)
    {
        var readme = Path.Combine(TestPaths.RepositoryRoot, "README.md");
        Assert.SkipUnless(File.Exists(readme), "README.md does not exist.");
        using var package = ZipFile.OpenRead(packed.Package(id));

        Assert.Contains(Nuspec(id).Descendants(), element => element.Name.LocalName == "readme" && element.Value == "README.md");
        Assert.Equal(new FileInfo(readme).Length, package.GetEntry("README.md")!.Length);
    }

    [Theory, MemberData(nameof(Ids))]
    public void Package_Library_HasDocumentation(string id)
    {
        using var package = ZipFile.OpenRead(packed.Package(id));

        Assert.NotNull(package.GetEntry($"lib/net10.0/{id}.dll"));
        Assert.NotNull(package.GetEntry($"lib/net10.0/{id}.xml"));
    }

    [Theory, MemberData(nameof(Ids))]
    public void Symbols_Documents_TellNothingOfTheMachine(string id)
    {
        using var package = ZipFile.OpenRead(packed.Symbols(id));
        using var entry = package.GetEntry($"lib/net10.0/{id}.pdb")!.Open();
        using var symbols = new MemoryStream();
        entry.CopyTo(symbols);
        symbols.Position = 0;
        using var provider = MetadataReaderProvider.FromPortablePdbStream(symbols); // throws where the format is the old one
        var reader = provider.GetMetadataReader();

        var documents = reader.Documents.Select(document => reader.GetString(reader.GetDocument(document).Name)).ToList();

        Assert.NotEmpty(documents);
        Assert.All(documents, document => Assert.StartsWith("/_/", document, StringComparison.Ordinal));
    }

    [Fact]
    public void NanoPackage_Files_AreTheModelAlone()
    {
        using var package = ZipFile.OpenRead(packed.Package("Deepseek.Inference.Nano"));

        var files = package.Entries.Where(entry => entry.FullName.StartsWith("models/", StringComparison.Ordinal)).Select(entry => entry.Name).ToHashSet();

        Assert.Superset(new HashSet<string> { "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors.index.json", "model-00001-of-000003.safetensors" }, files);
        Assert.DoesNotContain("golden.safetensors", files);
        Assert.DoesNotContain("eval.jsonl", files);
    }

    [Fact]
    public async Task Consumer_OfThePackagesAlone_AnswersAfterBuildAndPublish()
    {
        using var consumer = new Consumer(packed);

        var built = await consumer.BuildAsync();
        var published = await consumer.PublishAsync();

        Assert.Contains("579", (await consumer.RunAsync(built)).RequireSuccess().Output, StringComparison.Ordinal);
        Assert.Contains("579", (await consumer.RunAsync(published)).RequireSuccess().Output, StringComparison.Ordinal);
    }

    private XDocument Nuspec(string id)
    {
        using var package = ZipFile.OpenRead(packed.Package(id));
        using var nuspec = package.GetEntry($"{id}.nuspec")!.Open();
        return XDocument.Load(nuspec);
    }
}
