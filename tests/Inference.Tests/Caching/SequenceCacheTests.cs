using Deepseek.Inference.Caching;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Caching;

public sealed class SequenceCacheTests
{
    [Fact]
    public void Append_AcrossSeveralGrowths_KeepsEveryToken()
    {
        using var scope = NewDisposeScope();
        using var cache = Passes.Cache(latent: 1, rope: 0, layers: 2);

        for (var (token, step) = (0, 1); token < 1500; token += step, step = (step * 7 % 50) + 1)
            Add(cache, [.. Enumerable.Range(token, step)]);

        Assert.Equal(Enumerable.Range(0, cache.Length), cache.Ids);
        Assert.Equal(cache.Ids.Select(id => (float)id), cache.Read(0, 0, cache.Length).ToArray<float>());
        Assert.Equal(cache.Ids.Select(id => -(float)id), cache.Read(1, 0, cache.Length).ToArray<float>());
        Assert.Equal(2 * 4 * 2048, cache.ByteSize); // two layers, doubled from 256
    }

    [Fact]
    public void Append_UpToTheMaximum_AllocatesNoMore()
    {
        using var scope = NewDisposeScope();
        using var cache = Passes.Cache(latent: 1, rope: 0, maxLength: 300);

        Add(cache, [.. Enumerable.Range(0, 257)]);
        Add(cache, [.. Enumerable.Range(257, 43)]);

        Assert.Equal((300, 300, 4 * 300), (cache.Length, cache.MaxLength, cache.ByteSize));
    }

    [Theory]
    [InlineData(CachePrecision.Float32, 4, 1.0009765625f + 0.0001f)]
    [InlineData(CachePrecision.Float16, 2, 1.0009765625f)] // 1 + 2⁻¹⁰, the next after 1
    [InlineData(CachePrecision.BFloat16, 2, 1f)] // the next would be 1 + 2⁻⁷
    public void Append_Precision_RoundsToIt(CachePrecision precision, int bytes, float expected)
    {
        using var scope = NewDisposeScope();
        using var cache = Passes.Cache(latent: 1, rope: 0, options: new CacheOptions { Precision = precision });

        cache.Append(0, tensor(new float[] { 1.0009765625f + 0.0001f }, [1, 1]));

        Assert.Equal(expected, cache.Read(0, 0, 1).to(ScalarType.Float32).item<float>());
        Assert.Equal(256 * bytes, cache.ByteSize);
    }

    [Fact]
    public void Append_WithoutAdvance_DoesNotCount()
    {
        using var scope = NewDisposeScope();
        using var cache = Passes.Cache(latent: 1, rope: 0);
        Add(cache, [1, 2]);

        cache.Append(0, zeros(3, 1));

        Assert.Equal([1, 2], cache.Ids);
        Add(cache, [9]);
        Assert.Equal([1, 2, 9], cache.Read(0, 0, 3).ToArray<float>());
    }

    [Fact]
    public void Truncate_ThenAppend_ContinuesFromTheCut()
    {
        using var scope = NewDisposeScope();
        using var cache = Passes.Cache(latent: 1, rope: 0);
        Add(cache, [.. Enumerable.Range(0, 400)]);

        cache.Truncate(2);
        Add(cache, [.. Enumerable.Range(1000, 900)]);

        Assert.Equal([0, 1, 1000, 1001], cache.Ids.Take(4));
        Assert.Equal(cache.Ids.Select(id => (float)id), cache.Read(0, 0, 902).ToArray<float>());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void Truncate_OutOfRange_NamesIt(int length)
    {
        using var cache = Passes.Cache();
        cache.Advance([1, 2, 3]);

        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => cache.Truncate(length));

        Assert.StartsWith("The cache holds 3 tokens; it can be cut back to 0 to 3. (Parameter 'length')", fault.Message, StringComparison.Ordinal);
        Assert.Equal(length, fault.ActualValue);
        Assert.Equal(3, cache.Length);
    }

    [Fact]
    public void Copy_Continued_DoesNotTouchTheOriginal()
    {
        using var scope = NewDisposeScope();
        using var cache = Passes.Cache(latent: 1, rope: 0, layers: 2, options: new CacheOptions { Precision = CachePrecision.Float16, Window = new(3, 1) }, maxLength: 500);
        Add(cache, [1, 2, 3]);

        using var copy = cache.Copy();
        Add(copy, [40]);
        Add(cache, [50, 60]);
        copy.Truncate(1);
        Add(copy, [70]);

        Assert.Equal([1, 2, 3, 50, 60], cache.Ids);
        Assert.Equal([1, 70], copy.Ids);
        Assert.Equal([1, 2, 3, 50, 60], cache.Read(0, 0, 5).to(ScalarType.Float32).ToArray<float>());
        Assert.Equal([-1, -70], copy.Read(1, 0, 2).to(ScalarType.Float32).ToArray<float>());
        Assert.Equal((cache.Options, cache.MaxLength, cache.Owner), (copy.Options, copy.MaxLength, copy.Owner));
        Assert.IsType<LatentCache>(copy);
    }

    [Fact]
    public void Copy_OfABeginning_HoldsThatAlone()
    {
        using var scope = NewDisposeScope();
        using var cache = Passes.Cache(latent: 1, rope: 0, layers: 2, maxLength: 500);
        Add(cache, [1, 2, 3, 4]);

        using var copy = cache.Copy(2);
        Add(copy, [9]);

        Assert.Equal([1, 2, 9], copy.Ids);
        Assert.Equal([1, 2, 9], copy.Read(0, 0, 3).to(ScalarType.Float32).ToArray<float>());
        Assert.Equal([1, 2, 3, 4], cache.Ids);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void Copy_OutOfRange_NamesIt(int length)
    {
        using var cache = Passes.Cache();
        cache.Advance([1, 2, 3]);

        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => cache.Copy(length));

        Assert.StartsWith("The cache holds 3 tokens; the first 0 to 3 of them can be copied. (Parameter 'length')", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Copy_Empty_IsEmpty()
    {
        using var cache = new KeyValueCache(new object(), 2, 2, 4, 10, new CacheOptions(), CPU);

        using var copy = cache.Copy();

        Assert.Equal((0, 0L), (copy.Length, copy.ByteSize));
        Assert.IsType<KeyValueCache>(copy);
    }

    [Fact]
    public void Copy_InsideAScope_OutlivesIt()
    {
        using var cache = Passes.Cache(latent: 1, rope: 0);
        SequenceCache copy;
        using (NewDisposeScope())
        {
            Add(cache, [1, 2]);
            copy = cache.Copy();
        }

        using (copy)
        using (var read = copy.Read(0, 0, 2))
            Assert.Equal([1, 2], read.ToArray<float>());
        using var original = cache.Read(0, 0, 2);
        Assert.Equal([1, 2], original.ToArray<float>());
    }

    [Fact]
    public void RequireRoom_TooManyTokens_SaysWhatToDo()
    {
        using var cache = Passes.Cache(maxLength: 10);
        cache.Advance([1, 2, 3]);
        cache.RequireRoom(7);

        var fault = Assert.Throws<ArgumentException>(() => cache.RequireRoom(8));

        Assert.Equal("8 tokens do not fit: the cache holds 3 of at most 10. Shorten the text, cut the cache back, or make it with a larger MaxLength where the model allows.", fault.Message);
    }

    [Fact]
    public void SharedWith_Texts_CountsTheCommonBeginning()
    {
        using var cache = Passes.Cache();
        cache.Advance([1, 2, 3]);

        Assert.Equal([0, 0, 2, 3, 3], new int[][] { [], [9, 2, 3], [1, 2, 9], [1, 2, 3], [1, 2, 3, 4] }.Select(cache.SharedWith));
    }

    [Fact]
    public void Dispose_ThenAnyUse_IsRefused()
    {
        var cache = Passes.Cache(latent: 1, rope: 0);
        using (NewDisposeScope())
            Add(cache, [1]);

        cache.Dispose();
        cache.Dispose();

        Assert.Equal(0, cache.ByteSize);
        Assert.Throws<ObjectDisposedException>(() => cache.Truncate(0));
        Assert.Throws<ObjectDisposedException>(cache.Copy);
        Assert.Throws<ObjectDisposedException>(() => cache.RequireRoom(1));
    }

    /// <summary>Stores a token's number in the first layer and its negative in the second.</summary>
    private static void Add(SequenceCache cache, int[] ids)
    {
        using var values = tensor(Array.ConvertAll(ids, id => (float)id), [ids.Length, 1]);
        cache.Append(0, values);
        using var negative = values.neg();
        if (cache.LayerCount > 1)
            cache.Append(1, negative);
        cache.Advance(ids);
    }
}
