namespace Deepseek.Inference.Kernels.Tests;

public sealed partial class CacheAttentionTests
{
    // Root-mean-square errors relative to the root mean square of the outputs, somewhat above those that the data of the test give.
    private static double LargestError(CacheFormat format) => format switch
    {
        CacheFormat.Fp32 => 1e-6,
        CacheFormat.BF16 => 3e-3, // of the cache: 8 bits
        CacheFormat.F16 => 4e-4, // of the cache: 11 bits
        _ => 3e-4, // of queries and weights, which share 65,000 in a lane
    };

    [Theory, MemberData(nameof(Formats))]
    public void Run_NormalData_IsNearAttentionInDoublePrecision(string formatName)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        foreach (var (window, scale) in new[] { (AttentionWindow.None, 0.02f), (AttentionWindow.None, 0.06f), (AttentionWindow.None, 0.1f), (new AttentionWindow(100, 4), 0.06f) })
        {
            var attention = new AttentionCase(format, AttentionShape.Latent(4, 512, 64), 1000, 2, seed: 20260410) { Window = window, Scale = scale };

            var actual = attention.Run(KernelPaths.Selected);

            var expected = attention.Expected();
            var error = Math.Sqrt(expected.Zip(actual).Sum(pair => Math.Pow(pair.First - pair.Second, 2)) / expected.Sum(value => value * value));
            TestContext.Current.TestOutputHelper?.WriteLine($"{format} {window} {scale}: {error:G3}");
            Assert.InRange(error, 0, LargestError(format));
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_RowThatIsNotFinite_MakesNaNOfWhatSeesItAlone(string formatName, KernelPath path)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        foreach (var poisoned in new[] { 17, 301, 303 })
        {
            foreach (var window in new[] { AttentionWindow.None, new(2, 5), new(290, 0) })
            {
                foreach (var (value, isRope, element) in new[] { (float.NaN, false, 0), (float.NaN, true, 14), (float.PositiveInfinity, false, 3), (float.NegativeInfinity, true, 4) })
                {
                    // 16 rows of several tokens, with copied rows and without.
                    AssertNotFinite(format, path, AttentionShape.Latent(5, 136, 16), window, poisoned, element + (isRope ? 136 : 0), value);
                    AssertNotFinite(format, path, AttentionShape.Latent(8, 64, 32), window, poisoned, element + (isRope ? 64 : 0), value);
                }
            }
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_QueryThatIsNotFinite_MakesItsHeadNaNAlone(string formatName, KernelPath path)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        foreach (var value in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            var attention = new AttentionCase(format, AttentionShape.Latent(5, 136, 16), 300, 2, seed: 20260412);
            var clean = attention.Run(path);
            attention.Queries[(2 * 152) + 9] = value;

            var actual = attention.Run(path);

            Assert.All(actual[(2 * 136)..(3 * 136)], output => Assert.True(float.IsNaN(output)));
            AssertSame(clean[..(2 * 136)], actual[..(2 * 136)]);
            AssertSame(clean[(3 * 136)..], actual[(3 * 136)..]);
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_QueryThatIsNotFiniteSharedOutByGroups_MakesItsHeadNaNAlone(string formatName, KernelPath path)
    {
        // 16 heads fill vectors of 512 bits; a NaN may have any bits. Of 16-bit floats, which are copied, rows are shared out instead.
        foreach (var value in new[] { float.NaN, BitConverter.Int32BitsToSingle(0x7FC01234), float.PositiveInfinity, float.NegativeInfinity })
        {
            var attention = new AttentionCase(Enum.Parse<CacheFormat>(formatName), AttentionShape.Latent(16, 64, 32), 300, 1, seed: 20260413);
            var clean = attention.Run(path, threads: 2);
            attention.Queries[(2 * 96) + 9] = value;

            var actual = attention.Run(path, threads: 2);

            Assert.All(actual[(2 * 64)..(3 * 64)], output => Assert.True(float.IsNaN(output)));
            AssertSame(clean[..(2 * 64)], actual[..(2 * 64)]);
            AssertSame(clean[(3 * 64)..], actual[(3 * 64)..]);
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_ZeroRowsAndTinyAndLargeValues_EqualsScalarBitForBit(string formatName, KernelPath path)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        foreach (var size in new[] { 0f, 1e-44f, 1e-38f, 1e-20f, 30000f })
        {
            var attention = new AttentionCase(format, AttentionShape.Latent(4, 64, 32), 280, 3, seed: 20260413);
            foreach (var position in new[] { 0, 1, 2, 3, 64, 65, 279, 281 })
                attention.Write(position, [.. attention.Values.AsSpan(position * 96, 96).ToArray().Select(value => value * size)]);

            var actual = attention.Run(path);

            Assert.Equal(AttentionCase.Bits(attention.Run(KernelPath.Scalar)), AttentionCase.Bits(actual));
        }
    }

    [Fact]
    public void Run_OnePosition_GivesItsValue()
    {
        var attention = new AttentionCase(CacheFormat.Fp32, AttentionShape.Grouped(2, 2, 8), 0, 1, seed: 20260414);

        var actual = attention.Run(KernelPaths.Selected);

        Assert.Equal([.. attention.Values[16..24], .. attention.Values[16..24], .. attention.Values[24..32], .. attention.Values[24..32]], actual);
    }

    private static void AssertNotFinite(CacheFormat format, KernelPath path, AttentionShape shape, AttentionWindow window, int poisoned, int element, float value)
    {
        const int First = 300;
        var (heads, latent, width) = (shape.Heads, shape.ValueWidth, shape.KeyWidth);
        var attention = new AttentionCase(format, shape, First, 6, seed: 20260411) { Window = window };
        var clean = attention.Run(path);
        var row = attention.Values[(poisoned * width)..((poisoned + 1) * width)];
        row[element] = value;
        attention.Write(poisoned, row);

        foreach (var actual in new[] { attention.Run(path), attention.Run(path, 2, 1), attention.Run(KernelPath.Scalar) })
        {
            for (var t = 0; t < attention.Tokens; t++)
            {
                var (i, some) = (First + t, (t * heads * latent)..((t + 1) * heads * latent));
                var sees = poisoned <= i && (i - poisoned < window.Recent || poisoned < window.Sink);
                if (!sees)
                    AssertSame(clean[some], actual[some]);
                else if (float.IsNaN(value) || format == CacheFormat.Int16)
                    Assert.All(actual[some], output => Assert.True(float.IsNaN(output)));
                else
                    Assert.All(Enumerable.Range(0, heads), head => Assert.True(element >= latent || !float.IsFinite(actual[some][(head * latent) + element])));
            }
        }
    }
}
