using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Rounds blocks of 64 activations to whole numbers and puts them in a kernel's order. Every instruction set finds the same numbers and scales.</summary>
internal static unsafe partial class ActivationBlocks
{
    private const int Columns = BandLayout.BlockColumns;
    private const int Margin = 200; // more than twice 64 halves

    /// <summary>The order in which a path reads activations of a precision.</summary>
    public static ActivationOrder OrderOf(KernelPath path, ActivationPrecision precision) => (path, precision) switch
    {
        (KernelPath.Scalar or KernelPath.Vector128, _) => ActivationOrder.Columns,
        (KernelPath.Avx512Vnni, ActivationPrecision.Int8) => ActivationOrder.DotBytes,
        (KernelPath.Avx512Vnni, _) => ActivationOrder.DotWords,
        (_, ActivationPrecision.Int8) => AvxVnni.IsSupported ? ActivationOrder.Correction : ActivationOrder.Magnitudes,
        (KernelPath.Avx2, _) => WordTiles.IsSupported ? ActivationOrder.TileWords : ActivationOrder.Words,
        _ => ActivationOrder.EvenOdd,
    };

    /// <summary>Bytes of a block.</summary>
    public static int BytesOf(ActivationOrder order) => order == ActivationOrder.DotBytes ? Columns : PreparedActivations.BlockBytes;

    /// <summary>32-bit numbers that go with a block: its scale, and perhaps a correction.</summary>
    public static int ScalesOf(ActivationOrder order) => order == ActivationOrder.DotBytes ? 2 : 1;

    /// <summary>Rounds a token's activations.</summary>
    /// <param name="values">[columns].</param>
    /// <param name="columns">Activations.</param>
    /// <param name="largest">The largest whole number.</param>
    /// <param name="order">The order of the result.</param>
    /// <param name="scales">Receives <see cref="ScalesOf"/> numbers a block.</param>
    /// <param name="destination">Receives <see cref="BytesOf"/> bytes a block; what has no column is 0.</param>
    public static void Round(float* values, int columns, int largest, ActivationOrder order, float* scales, byte* destination)
    {
        var whole = columns / Columns;
        for (var block = 0; block < whole; block++)
            RoundBlock(values + (block * Columns), largest, order, scales + (block * ScalesOf(order)), destination + ((long)block * BytesOf(order)));
        if (whole * Columns == columns)
            return;

        var last = stackalloc float[Columns];
        new Span<float>(last, Columns).Clear();
        new ReadOnlySpan<float>(values + (whole * Columns), columns - (whole * Columns)).CopyTo(new Span<float>(last, Columns));
        RoundBlock(last, largest, order, scales + (whole * ScalesOf(order)), destination + ((long)whole * BytesOf(order)));
    }

    /// <summary>Rounds 64 activations.</summary>
    /// <param name="values">[64].</param>
    /// <param name="largest">The largest whole number.</param>
    /// <param name="order">The order of the result.</param>
    /// <param name="scale">Receives <see cref="ScalesOf"/> numbers.</param>
    /// <param name="destination">Receives <see cref="BytesOf"/> bytes.</param>
    public static void RoundBlock(float* values, int largest, ActivationOrder order, float* scale, byte* destination)
    {
        var inverse = InverseOf(Nf4.LargestMagnitude(new ReadOnlySpan<float>(values, Columns)), largest, scale);
        if (Rounds512(order))
        {
            RoundBlock512(values, inverse, order, scale, destination);
            return;
        }

        var words = stackalloc short[Columns];
        if (inverse == 0)
            new Span<short>(words, Columns).Clear();
        else
            ToWords(values, inverse, words);
        if (largest * Columns > ProductShape.LargestSum && Sum(words, magnitudes: true) is var sum && sum > ProductShape.LargestSum)
            ToWords(values, inverse * Shrink(sum, scale), words);

        Arrange(words, order, scale, destination);
    }

    /// <summary>The scale of a block, and what its numbers are multiplied by; 0 where all become 0, or are not finite: then the scale says so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float InverseOf(float magnitude, int largest, float* scale)
    {
        var inverse = largest / magnitude;
        *scale = float.IsPositiveInfinity(inverse) ? 0 : magnitude / largest;
        return float.IsNormal(inverse) ? inverse : 0;
    }

    /// <summary>For a sum of magnitudes that is too large: the factor for smaller numbers, by which their scale grows. Each of 64 roundings adds at most a half, before and then, which the margin covers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Shrink(int sum, float* scale)
    {
        var shrink = (ProductShape.LargestSum - Margin) / (float)sum;
        *scale /= shrink;
        return shrink;
    }

    /// <summary>The sum of numbers, or of their magnitudes.</summary>
    private static int Sum(short* words, bool magnitudes)
    {
        if (!Avx2.IsSupported)
        {
            var sum = 0;
            for (var i = 0; i < Columns; i++)
                sum += magnitudes ? Math.Abs((int)words[i]) : words[i];
            return sum;
        }

        var sums = Vector256<int>.Zero;
        for (var i = 0; i < Columns; i += Vector256<short>.Count)
        {
            var some = Vector256.Load(words + i);
            sums += Avx2.MultiplyAddAdjacent(magnitudes ? Vector256.Abs(some) : some, Vector256<short>.One);
        }

        return Vector256.Sum(sums);
    }

    /// <summary>To the nearest, ties to even.</summary>
    private static void ToWords(float* values, float inverse, short* words)
    {
        if (Avx2.IsSupported)
        {
            var factor = Vector256.Create(inverse);
            for (var i = 0; i < Columns; i += 16)
            {
                var first = Avx.ConvertToVector256Int32(Vector256.Load(values + i) * factor);
                var second = Avx.ConvertToVector256Int32(Vector256.Load(values + i + 8) * factor);
                Pack(first, second).Store(words + i);
            }

            return;
        }

        for (var i = 0; i < Columns; i++)
            words[i] = (short)MathF.Round(values[i] * inverse);
    }

    private static void Arrange(short* words, ActivationOrder order, float* scale, byte* destination)
    {
        var to = (short*)destination;
        switch (order)
        {
            case ActivationOrder.Columns or ActivationOrder.Words or ActivationOrder.TileWords:
                new ReadOnlySpan<short>(words, Columns).CopyTo(new Span<short>(to, Columns));
                break;
            case ActivationOrder.EvenOdd or ActivationOrder.DotWords:
                ArrangeEvenOdd(words, to);
                break;
            default:
                ArrangeBytes(words, order, (sbyte*)destination, order == ActivationOrder.DotBytes ? (int*)scale + 1 : (int*)(destination + Columns));
                break;
        }
    }

    /// <summary>The even columns, then the odd ones. Halves of 32 bits are widened and packed again: nothing saturates.</summary>
    private static void ArrangeEvenOdd(short* words, short* to)
    {
        const int odd = Columns / 2;
        if (!Avx2.IsSupported)
        {
            for (var i = 0; i < odd; i++)
                (to[i], to[odd + i]) = (words[2 * i], words[(2 * i) + 1]);
            return;
        }

        for (var i = 0; i < Columns; i += 32, to += 16)
        {
            var (first, second) = (Vector256.Load((int*)(words + i)), Vector256.Load((int*)(words + i + 16)));
            Pack(Vector256.ShiftRightArithmetic(Vector256.ShiftLeft(first, 16), 16), Vector256.ShiftRightArithmetic(Vector256.ShiftLeft(second, 16), 16)).Store(to);
            Pack(Vector256.ShiftRightArithmetic(first, 16), Vector256.ShiftRightArithmetic(second, 16)).Store(to + odd);
        }
    }

    /// <summary>Sixteen numbers that fit 16 bits, in their order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pack(Vector256<int> first, Vector256<int> second) =>
        Avx2.Permute4x64(Avx2.PackSignedSaturate(first, second).AsInt64(), 0b11_01_10_00).AsInt16();

    private static void ArrangeBytes(short* words, ActivationOrder order, sbyte* to, int* correction)
    {
        // The numbers fit bytes: nothing saturates.
        for (var i = 0; i < Columns; i += Vector128<sbyte>.Count)
        {
            var bytes = Vector128.NarrowWithSaturation(Vector128.Load(words + i), Vector128.Load(words + i + 8));
            bytes.Store(to + i);
            if (order == ActivationOrder.Magnitudes)
                Vector128.Abs(bytes).Store(to + Columns + i);
        }

        if (order != ActivationOrder.Magnitudes)
            *correction = -VnniCodes256.Offset * Sum(words, magnitudes: false);
    }
}
