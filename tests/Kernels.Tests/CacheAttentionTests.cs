namespace Deepseek.Inference.Kernels.Tests;

public sealed partial class CacheAttentionTests
{
    // Around the split (256), the group (32), the pair and the block of rows.
    private static readonly (int First, int Tokens)[] Extents = [(0, 1), (1, 1), (30, 3), (0, 37), (254, 4), (511, 1), (600, 9)];

    private static readonly AttentionWindow[] Windows =
        [AttentionWindow.None, new(1, 0), new(7, 0), new(7, 3), new(300, 0), new(40, 33), new(10, 600), new(int.MaxValue, 5)];

    public static TheoryData<string> Formats => [.. Enum.GetNames<CacheFormat>()];

    // AVX-512 in two halves where the machine has none.
    public static TheoryData<string, KernelPath> FormatsOnPaths =>
        new MatrixTheoryData<string, KernelPath>(Enum.GetNames<CacheFormat>(), Paths);

    public static TheoryData<KernelPath> OnPaths => [.. Paths];

    private static KernelPath[] Paths => [.. KernelPaths.Available.Append(KernelPath.Avx512).Where(path => path != KernelPath.Scalar && (path != KernelPath.Avx512 || KernelPaths.Available.Contains(KernelPath.Avx2))).Distinct()];

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_OddShapes_EqualsScalarBitForBit(string formatName, KernelPath path)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        foreach (var shape in Shapes(format))
        {
            foreach (var (first, tokens) in Extents)
            {
                var attention = new AttentionCase(format, shape, first, tokens, seed: 20260401 + tokens);

                var actual = attention.Run(path);

                AssertSame(attention.Run(KernelPath.Scalar), actual);
            }
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_Windows_EqualsScalarBitForBit(string formatName, KernelPath path)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        foreach (var window in Windows)
        {
            foreach (var (first, tokens) in new[] { (0, 20), (283, 6), (620, 2) })
            {
                foreach (var shape in SomeShapes(format))
                {
                    var attention = new AttentionCase(format, shape, first, tokens, seed: 20260402) { Window = window };

                    var actual = attention.Run(path);

                    AssertSame(attention.Run(KernelPath.Scalar), actual);
                }
            }
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_TokensTogetherOrInChunks_HaveTheSameBits(string formatName, KernelPath path)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        foreach (var window in new[] { AttentionWindow.None, new(100, 4) })
        {
            foreach (var shape in SomeShapes(format))
            {
                var attention = new AttentionCase(format, shape, 200, 90, seed: 20260403) { Window = window };
                var expected = attention.Run(path);

                foreach (var chunks in new int[][] { [1], [2], [3, 50, 1, 7], [64], [5, 11] })
                    AssertSame(expected, attention.Run(path, threads: 2, chunks));
            }
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_AnyThreads_HaveTheSameBits(string formatName, KernelPath path)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        foreach (var (first, tokens) in new[] { (1100, 1), (700, 3), (100, 60) })
        {
            var attention = new AttentionCase(format, Shapes(format)[1], first, tokens, seed: 20260404);
            var expected = attention.Run(path);

            foreach (var threads in new[] { 2, 3, 5 })
                AssertSame(expected, attention.Run(path, threads));
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_OneToken_EqualsScalarBitForBit(string formatName, KernelPath path)
    {
        // Rows that are read as they are cached, and whole numbers, are shared out by groups of positions, then by columns, where whole splits do not come out even. A window leaves whole splits unseen.
        var format = Enum.Parse<CacheFormat>(formatName);
        AttentionShape[] shapes = [AttentionShape.Latent(16, 64, 32), AttentionShape.Latent(5, 136, 16), AttentionShape.Latent(9, 96, 64), AttentionShape.Latent(40, 32, 8)];
        if (format != CacheFormat.Int16)
            shapes = [.. shapes, AttentionShape.Grouped(2, 6, 32), AttentionShape.Grouped(1, 37, 64)];
        foreach (var (positions, threads, window) in new[] { (0, 2, 0), (1, 2, 0), (2, 1, 0), (4, 2, 0), (31, 2, 0), (100, 3, 0), (255, 2, 0), (256, 3, 0), (500, 5, 0), (767, 2, 0), (1300, 5, 0), (1100, 4, 40), (900, 3, 300), (600, 4, 40), (599, 2, 0), (1300, 2, 0), (1100, 3, 0), (2200, 3, 0), (1299, 2, 40), (1600, 3, 700) })
        {
            foreach (var shape in shapes)
            {
                var attention = new AttentionCase(format, shape, positions, 1, seed: 20260410 + positions) { Window = window == 0 ? AttentionWindow.None : new AttentionWindow(window, 3) };

                AssertSame(attention.Run(KernelPath.Scalar), attention.Run(path, threads));
            }
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_OneTokenWithWideValues_EqualsScalarBitForBit(string formatName, KernelPath path)
    {
        // 17 steps of 32 columns are items of two and a last one of one; 530 values are copied and filled up.
        foreach (var width in new[] { 544, 530 })
        {
            var attention = new AttentionCase(Enum.Parse<CacheFormat>(formatName), AttentionShape.Latent(16, width, 64), 100, 1, seed: 20260411);

            AssertSame(attention.Run(KernelPath.Scalar), attention.Run(path, threads: 2));
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_CacheThatEndsBeforeAProtectedPage_ReadsNothingBehind(string formatName, KernelPath path)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pages are protected by a call of Linux.");
        var format = Enum.Parse<CacheFormat>(formatName);
        foreach (var shape in SomeShapes(format))
        {
            foreach (var (first, tokens, threads) in new[] { (0, 1, 1), (32, 1, 2), (259, 1, 1), (301, 1, 2), (290, 7, 1) })
            {
                var attention = new AttentionCase(format, shape, first, tokens, seed: 20260414);

                AssertSame(attention.Run(path, threads), attention.RunBeforeAProtectedPage(path, threads));
            }
        }
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_SequencesTogether_HaveTheBitsOfEachAlone(string formatName, KernelPath path)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        (int First, int Tokens)[][] batches =
        [
            [(5, 1), (40, 1), (0, 1), (255, 1), (63, 1)], // short ones
            [(700, 1), (3, 1), (300, 2)], // fewer than threads, and of several splits
            [(2500, 1), (7, 1), (50, 1), (9, 1), (11, 1), (13, 1), (15, 1), (17, 1), (19, 1), (21, 1), (23, 1), (70, 1)], // a long one among short ones
            [(0, 37), (511, 1), (20, 3), (600, 9), (254, 4), (1, 1), (90, 40), (31, 1), (32, 1), (33, 1), (800, 1), (2, 2)],
            [(5, 1), (40, 1), (300, 1), (255, 1), (63, 1)],
        ];
        var shapes = Shapes(format)[..3];
        using var attention = new CacheAttention(path);
        foreach (var threads in new[] { 1, 2, 3, 5 })
        {
            using var team = new ThreadTeam(threads);
            foreach (var batch in batches)
            {
                var cases = batch.Select((extent, i) => new AttentionCase(format, shapes[i % (batch.Length % 2 == 0 ? shapes.Length : 1)], extent.First, extent.Tokens, seed: 20260407 + i)
                {
                    Window = i % 4 == 3 ? new AttentionWindow(30, 2) : AttentionWindow.None,
                }).ToArray();

                var actual = AttentionCase.RunTogether(cases, attention, team);

                for (var i = 0; i < cases.Length; i++)
                    AssertSame(cases[i].Run(path), actual[i]);
            }
        }
    }

    [Fact]
    public void Begin_AfterAFault_ForgetsWhatWasAdded()
    {
        var (first, second) = (new AttentionCase(CacheFormat.Fp32, AttentionShape.Latent(3, 32, 8), 40, 1, seed: 1), new AttentionCase(CacheFormat.Fp32, AttentionShape.Latent(3, 32, 8), 60, 2, seed: 2));
        using var team = new ThreadTeam(2);
        using var attention = new CacheAttention();
        var forgotten = new float[3 * 32];
        first.Add(attention, forgotten);
        Assert.ThrowsAny<ArgumentException>(() => second.Add(attention, new float[2 * 3 * 32], firstPosition: -1));

        attention.Begin();
        var actual = second.Run(attention, team);

        AssertSame(second.Run(KernelPaths.Selected), actual);
        Assert.All(forgotten, value => Assert.Equal(0, value));
    }

    [Theory, MemberData(nameof(FormatsOnPaths))]
    public void Run_MorePartialResultsThanAreHeldAtOnce_HaveTheSameBits(string formatName, KernelPath path)
    {
        var format = Enum.Parse<CacheFormat>(formatName);
        // 60 heads · 1,024 values · 34 splits · 4 B = 8.4 MB with one token, 75 MB with 9; of these a wave holds 32 MiB.
        var shape = format == CacheFormat.Int16 ? AttentionShape.Latent(60, 1024, 8) : AttentionShape.Grouped(1, 60, 1024);
        var attention = new AttentionCase(format, shape, 1100, 9, seed: 20260405) { Window = new AttentionWindow(400, 4), Scale = 0.01f };
        var expected = attention.Run(path);

        AssertSame(expected, attention.Run(path, threads: 5));
    }

    [Fact]
    public void Run_AgainAndAgain_AllocatesNothing()
    {
        AttentionCase[] cases =
        [
            .. Enum.GetValues<CacheFormat>().Select(format => new AttentionCase(format, Shapes(format)[0], 300, 5, seed: 20260406)),
            new AttentionCase(CacheFormat.Int16, Shapes(CacheFormat.Int16)[0], 300, 1, seed: 20260408),
            new AttentionCase(CacheFormat.Fp32, Shapes(CacheFormat.Fp32)[1], 300, 1, seed: 20260409),
        ];
        using var team = new ThreadTeam(2);
        using var attention = new CacheAttention(Paths[^1]);
        var expected = cases.Select(one => one.Run(attention, team)).ToArray();

        var allocated = cases.Select(one => one.AllocatedByRun(attention, team)).ToArray();
        var together = cases[0].AllocatedByRun(attention, team, times: 20);

        Assert.All(allocated, bytes => Assert.Equal(0, bytes));
        Assert.Equal((cases.Length, 0), (expected.Length, together));
    }

    private static AttentionShape[] Shapes(CacheFormat format)
    {
        AttentionShape[] latent = [AttentionShape.Latent(5, 136, 16), AttentionShape.Latent(16, 64, 32), AttentionShape.Latent(3, 32, 8), AttentionShape.Latent(1, 7, 5), AttentionShape.Latent(9, 96, 64)];
        return format == CacheFormat.Int16 ? latent : [.. latent, AttentionShape.Grouped(2, 4, 32), AttentionShape.Grouped(3, 1, 24), AttentionShape.Grouped(2, 3, 17), new(2, 2, 24, 10, 3, 60), new(1, 4, 32, 64, 0, 0)];
    }

    // Copied and not, of floats with keys and values apart, too.
    private static AttentionShape[] SomeShapes(CacheFormat format) =>
        [AttentionShape.Latent(5, 136, 16), AttentionShape.Latent(16, 64, 32), .. format == CacheFormat.Int16 ? Array.Empty<AttentionShape>() : [AttentionShape.Grouped(2, 6, 32), new(2, 2, 24, 10, 3, 60)]];

    private static void AssertSame(float[] expected, float[] actual)
    {
        Assert.DoesNotContain(expected, float.IsNaN);
        Assert.Equal(AttentionCase.Bits(expected), AttentionCase.Bits(actual));
    }
}
