namespace Deepseek.Inference.Docs.Tests.Architecture;

public sealed class PartUsesTests
{
    [Theory]
    [InlineData("src/Deepseek.Inference/Layers/RmsNorm.cs", "Layers")]
    [InlineData("src/Deepseek.Inference/Tokenization/Templates/Lexer.cs", "Tokenization")]
    [InlineData("src/Deepseek.Inference.Kernels/Widen.cs", "Kernels")]
    [InlineData("src/Deepseek.Cli/Commands/ChatCommand.cs", "Cli")]
    public void PartOf_Path_IsFolderOrProject(string file, string expected)
    {
        Assert.Equal(expected, PartUses.PartOf(file));
    }

    [Theory]
    [InlineData("using Deepseek.Inference.Models;", "Models")]
    [InlineData("using static Deepseek.Inference.Compute.TorchAttention;", "Compute")]
    [InlineData("using X = Deepseek.Inference.Store.StoreReader;", "Store")]
    [InlineData("var x = new Deepseek.Inference.Offload.ResidentExperts();", "Offload")]
    [InlineData("using Deepseek.Inference.Kernels;", "Kernels")]
    [InlineData("using Deepseek.Cli.Terminal;", "Cli")]
    [InlineData("throw new Sampling.LogitBias();", "Sampling")]
    public void Parts_NameInCode_IsFound(string source, string expected)
    {
        Assert.Equal([expected], PartUses.Parts(source, (part, type) => part == "Sampling" && type == "LogitBias"));
    }

    [Theory]
    [InlineData("// Deepseek.Inference.Models knows")]
    [InlineData("/* Deepseek.Inference.Models\n knows */")]
    [InlineData("/// <see cref=\"Deepseek.Inference.Models.LanguageModel\"/>")]
    [InlineData("var s = \"Deepseek.Inference.Models\";")]
    [InlineData("Sampling.Validate();")]
    [InlineData("options.Sampling.LogitBias;")]
    public void Parts_NameInTextOrMember_IsNot(string source)
    {
        Assert.Empty(PartUses.Parts(source, (part, type) => part == "Sampling" && type == "LogitBias"));
    }

    [Fact]
    public void Outside_UsingsAndFullNames_AreFound()
    {
        var names = PartUses.Outside("using System.IO;\nusing static TorchSharp.torch;\nSystem.Net.Http.HttpClient client; // Microsoft.ML");

        Assert.Equal(["System.IO", "TorchSharp", "System.Net.Http.HttpClient"], names);
    }

    [Theory]
    [InlineData("Layers", "Compute", true)]
    [InlineData("Layers", "Diagnostics", true)]
    [InlineData("Sampling", "Configuration", true)]
    [InlineData("Layers", "Offload", false)]
    [InlineData("Compute", "Layers", false)]
    [InlineData("Generation", "Tokenization", false)]
    public void MayUse_Pair_FollowsTheDesign(string part, string used, bool expected)
    {
        Assert.Equal(expected, PartTable.MayUse(part, used));
    }

    [Theory]
    [InlineData("Kernels", "TorchSharp", true)]
    [InlineData("Models", "System.Net.Http.HttpClient", true)]
    [InlineData("Hub", "System.Net.Http", false)]
    [InlineData("Models", "System.Numerics", false)]
    public void IsForbidden_Namespace_FollowsTheDesign(string part, string name, bool expected)
    {
        Assert.Equal(expected, PartTable.IsForbidden(part, name));
    }
}
