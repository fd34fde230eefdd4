using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Configuration;

namespace Deepseek.Inference.Tests.Store;

public sealed class StorePlanTests
{
    [Theory]
    [InlineData("moe_intermediate_size", "1048576", "model.layers.1.mlp.experts.0.gate_proj.weight")]
    [InlineData("n_routed_experts", "65536", "model.layers.1.mlp.gate.weight")]
    public void Create_PageLongerThanAnyReaderTakes_IsRefusedByName(string key, string value, string name)
    {
        var config = ConfigText.Parse("v3-bf16", ("hidden_size", "8192"), (key, value));

        var fault = Assert.Throws<CheckpointFormatException>(() => StorePlan.Create(config, "{}"u8.ToArray(), new Unwritten(), prediction: false));

        Assert.Equal($"{name}: its page would be longer than 1073741824 bytes, the most that a store's page may have. Choose a precision of fewer bits.", fault.Message);
    }

    [Fact]
    public void Create_AnyModel_CutsMatricesIntoPagesOfSomeMegabytes()
    {
        var config = ConfigText.Parse("v3-bf16", ("hidden_size", "2048"), ("intermediate_size", "8192"));

        var plan = StorePlan.Create(config, "{}"u8.ToArray(), new Unwritten(), prediction: false);

        var resident = plan.Layout.Shards.Single(shard => shard.File == StorePlan.ResidentFile);
        Assert.All(resident.PageLengths, length => Assert.InRange(length, 1, 4 << 20));
        Assert.True(resident.PageLengths.Count > plan.Layout.Tensors.Count + 10, "No matrix was cut.");
        Assert.Equal(plan.Pages.Select(pages => pages.Select(page => page.Length)), plan.Layout.Shards.Select(shard => shard.PageLengths));
    }

    /// <summary>Single precision, and nothing behind it.</summary>
    private sealed class Unwritten : IStoreContent
    {
        public bool Has(CatalogTensor tensor) => true;

        public StorePrecision? PrecisionOf(CatalogTensor tensor) => tensor.IsWeight ? StorePrecision.F32 : null;

        public TensorType TypeOf(CatalogTensor tensor) => TensorType.F32;

        public void ReadPlain(CatalogTensor tensor, Span<byte> destination) => throw new NotSupportedException();

        public MatrixEncoder Encoder(CatalogTensor tensor, StorePrecision precision) => throw new NotSupportedException();
    }
}
