using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>Matrices and activations for tests of products.</summary>
internal static unsafe class ProductData
{
    public static readonly WeightPrecision[] Weights = [WeightPrecision.Nf4, WeightPrecision.Nf4Dynamic, WeightPrecision.Int8, WeightPrecision.Int8Block];

    /// <summary>The bytes of a matrix of normal weights; in Nf4Dynamic of random parts.</summary>
    public static byte[] Matrix(Random random, BandLayout layout)
    {
        if (layout.Precision != WeightPrecision.Nf4Dynamic)
            return BandData.Encode(KernelPaths.Selected, layout, BandData.Normal(random, layout.Rows * layout.Columns), []);

        // What bitsandbytes writes has whole blocks. Of other sizes the header is written here, and the codes are random: no weight fills up a row.
        var bytes = new byte[layout.ByteLength];
        for (var band = 0; band < layout.BandCount; band++)
        {
            var part = BandData.BytesOf(layout, band, bytes);
            random.NextBytes(part);
            var floats = MemoryMarshal.Cast<byte, float>(part)[..(layout.FactorBytesOf(band) / sizeof(float))];
            for (var i = 0; i < floats.Length; i++)
                floats[i] = 0.1f + random.NextSingle();
        }

        return bytes;
    }

    /// <summary>All outputs, [tokens × rows], of activations [tokens × columns].</summary>
    public static float[] Multiply(ActivationOrder order, BandLayout layout, byte[] matrix, float[] activations, ActivationPrecision precision)
    {
        using var x = Prepare(layout.Columns, activations, precision, order);
        return Multiply(layout, matrix, x);
    }

    /// <summary>The outputs of some of the tokens, or of all.</summary>
    public static float[] Multiply(BandLayout layout, byte[] matrix, PreparedActivations x, int[]? tokens = null)
    {
        const int Beyond = 3; // columns of the output that are not the matrix'
        var stride = layout.Rows + Beyond;
        var count = tokens?.Length ?? x.Tokens;
        var y = new float[Math.Max(1, count) * stride];
        Array.Fill(y, -7);
        var bytes = (byte*)NativeMemory.AlignedAlloc((nuint)matrix.Length, BandLayout.LineBytes);
        try
        {
            matrix.CopyTo(new Span<byte>(bytes, matrix.Length));
            fixed (float* to = y)
            fixed (int* some = tokens)
            {
                for (var band = 0; band < layout.BandCount; band++)
                    BandProducts.Multiply(layout, band, bytes + layout.OffsetOf(band), x, some, count, to + (band * BandLayout.BandRows), stride);
            }
        }
        finally
        {
            NativeMemory.AlignedFree(bytes);
        }

        if (count == 0)
            Assert.All(y, value => Assert.Equal(-7, value));
        Assert.All(Enumerable.Range(0, count), token => Assert.Equal([-7f, -7f, -7f], y.AsSpan((token * stride) + layout.Rows, Beyond).ToArray()));
        return [.. Enumerable.Range(0, count).SelectMany(token => y.AsSpan(token * stride, layout.Rows).ToArray())];
    }

    public static PreparedActivations Prepare(int columns, float[] activations, ActivationPrecision precision, ActivationOrder order)
    {
        var x = new PreparedActivations();
        x.Reserve(activations.Length / columns, columns, precision, order);
        fixed (float* from = activations)
            x.PrepareTokens(from, columns, 0, x.Tokens);
        return x;
    }
}
