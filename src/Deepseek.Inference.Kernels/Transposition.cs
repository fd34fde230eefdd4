using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Turns rows of 32-bit elements into columns.</summary>
internal static unsafe class Transposition
{
    private const int Side = 8;

    /// <summary>Any rows and columns.</summary>
    /// <param name="from">The first row.</param>
    /// <param name="stride">Elements from one row to the next.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="to">Receives the first column.</param>
    /// <param name="step">Elements from one column to the next.</param>
    public static void Run(int* from, int stride, int rows, int columns, int* to, int step)
    {
        if (rows % Side != 0 || columns % Side != 0)
        {
            Plain(from, stride, rows, columns, to, step);
            return;
        }

        for (var row = 0; row < rows; row += Side)
        {
            for (var column = 0; column < columns; column += Side)
            {
                var first = from + (row * (nint)stride) + column;
                Eight((byte*)first, (byte*)(first + (Side / 2 * (nint)stride)), stride * sizeof(int), (byte*)(to + (column * (nint)step) + row), step * sizeof(int));
            }
        }
    }

    /// <summary>Eight rows of eight 32-bit elements become eight columns.</summary>
    /// <param name="first">The first four rows.</param>
    /// <param name="second">The last four.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <param name="destination">Receives the first column.</param>
    /// <param name="step">Bytes from one column to the next.</param>
    [MethodImpl(HotLoop.Options)]
    public static void Eight(byte* first, byte* second, int stride, byte* destination, int step)
    {
        if (!Avx2.IsSupported)
        {
            // Only tests of what other processors have come here.
            Plain((int*)first, stride / sizeof(int), Side / 2, Side, (int*)destination, step / sizeof(int));
            Plain((int*)second, stride / sizeof(int), Side / 2, Side, (int*)destination + (Side / 2), step / sizeof(int));
            return;
        }

        var (a, b) = MixRows(Vector256.Load(first), Vector256.Load(first + stride));
        var (c, d) = MixRows(Vector256.Load(first + (2 * stride)), Vector256.Load(first + (3 * stride)));
        var (e, f) = MixRows(Vector256.Load(second), Vector256.Load(second + stride));
        var (g, h) = MixRows(Vector256.Load(second + (2 * stride)), Vector256.Load(second + (3 * stride)));
        var (low, high) = (MixPairs(a, c), MixPairs(e, g));
        StoreColumns(low.Low, high.Low, destination, 4 * step);
        StoreColumns(low.High, high.High, destination + step, 4 * step);
        (low, high) = (MixPairs(b, d), MixPairs(f, h));
        StoreColumns(low.Low, high.Low, destination + (2 * step), 4 * step);
        StoreColumns(low.High, high.High, destination + (3 * step), 4 * step);
    }

    private static void Plain(int* from, int stride, int rows, int columns, int* to, int step)
    {
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                to[(column * (nint)step) + row] = from[(row * (nint)stride) + column];
        }
    }

    /// <summary>The first step of turning rows of 32-bit elements into columns: mixes two rows within halves of a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<byte> Low, Vector256<byte> High) MixRows(Vector256<byte> first, Vector256<byte> second) =>
        (Avx2.UnpackLow(first.AsInt32(), second.AsInt32()).AsByte(), Avx2.UnpackHigh(first.AsInt32(), second.AsInt32()).AsByte());

    /// <summary>The second step: mixes two such pairs of rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<byte> Low, Vector256<byte> High) MixPairs(Vector256<byte> first, Vector256<byte> second) =>
        (Avx2.UnpackLow(first.AsInt64(), second.AsInt64()).AsByte(), Avx2.UnpackHigh(first.AsInt64(), second.AsInt64()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreColumns(Vector256<byte> low, Vector256<byte> high, byte* destination, int step)
    {
        Avx2.Permute2x128(low, high, 0x20).Store(destination);
        Avx2.Permute2x128(low, high, 0x31).Store(destination + step);
    }
}
