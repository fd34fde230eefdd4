using Deepseek.Inference.Configuration;
using Deepseek.Inference.Planning;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Tests.Planning;

public sealed class ModelWorkTests
{
    [Fact]
    public void AttentionOperations_KnownModels_AreTheKnownOnes()
    {
        Assert.Equal(70, 4096 * ModelWork.AttentionOperations(KnownModels.R1) / 1e9, 0);
        Assert.Equal(3.85, 4096 * ModelWork.AttentionOperations(KnownModels.V2Lite) / 1e9, 2);
    }

    [Fact]
    public void ProductOperations_KnownModels_AreTheKnownOnes()
    {
        Assert.Equal(71, ModelWork.ProductOperations(KnownModels.R1, 8192) / 1e9, 0);
        Assert.Equal(4.48, ModelWork.ProductOperations(KnownModels.V2Lite, 8192) / 1e9, 2);
    }

    [Fact]
    public void CacheBytes_OfAToken_FollowThePrecision()
    {
        Assert.Equal(61 * 1160, ModelWork.CacheBytes(KnownModels.R1, onDevice: false));
        Assert.Equal(61 * 2304, ModelWork.CacheBytes(KnownModels.R1, onDevice: true));
    }

    [Fact]
    public void CacheBytes_GroupedQueries_AreKeysAndValuesInFp32()
    {
        var dense = ModelConfig.Load(Path.Combine(TestPaths.RepositoryRoot, "tests", "fixtures", "distill-qwen2"));

        Assert.Equal(dense.LayerCount * 2L * dense.KeyValueHeadCount * dense.HeadSize * 4, ModelWork.CacheBytes(dense, onDevice: false));
        Assert.Equal(4.0 * dense.LayerCount * dense.HeadCount * dense.HeadSize, ModelWork.AttentionOperations(dense));
    }

    [Fact]
    public void Footprint_V2Lite_IsWhatATokenReads()
    {
        var footprint = StoreSynthesizer.Footprint(KnownModels.V2Lite, new SyntheticOptions(), new StoreOptions());

        Assert.InRange((footprint.AlwaysReadBytes + footprint.ChosenBytes) / 1e9, 1.298, 1.3); // bench counts 1.2982, without norms
        Assert.True(footprint.WidenedBytes < 0.2 * footprint.AlwaysReadBytes);
        Assert.True(footprint.Bytes - footprint.AlwaysUsedBytes - footprint.AllExpertBytes is >= 0 and < 1 << 20); // headers
    }
}
