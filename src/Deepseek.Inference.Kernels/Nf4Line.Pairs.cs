using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Codes as bitsandbytes keeps them: two neighbours a byte, the earlier one in the high nibble. One vector form serves all instruction sets: memory is the limit.
internal static partial class Nf4Line
{
    /// <summary>Bytes in which 64 codes lie as pairs.</summary>
    public const int PairBytes = Block / 2;

    private const int Step = 16;

    /// <summary>Makes a line of two blocks of pairs.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="low">The first 64 codes, [32].</param>
    /// <param name="high">The last 64, [32].</param>
    /// <param name="line">Receives the line, [64].</param>
    public static void FromPairs(KernelPath path, ReadOnlySpan<byte> low, ReadOnlySpan<byte> high, Span<byte> line)
    {
        Lengths.Require(nameof(low), low.Length, PairBytes);
        Lengths.Require(nameof(high), high.Length, PairBytes);
        Lengths.Require(nameof(line), line.Length, Bytes);
        if (path == KernelPath.Scalar)
        {
            for (var i = 0; i < Block; i++)
                line[i] = (byte)(CodeAt(low, i) | CodeAt(high, i) << 4);
            return;
        }

        ref var first = ref MemoryMarshal.GetReference(low);
        ref var second = ref MemoryMarshal.GetReference(high);
        ref var to = ref MemoryMarshal.GetReference(line);
        for (var i = 0; i < Block; i += Step)
            (Nf4.Unpack(ref first, i / 2) | Vector128.ShiftLeft(Nf4.Unpack(ref second, i / 2), 4)).StoreUnsafe(ref to, (nuint)i);
    }

    /// <summary>Takes a line apart into two blocks of pairs.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="line">The line, [64].</param>
    /// <param name="low">Receives the first 64 codes, [32].</param>
    /// <param name="high">Receives the last 64, [32].</param>
    public static void ToPairs(KernelPath path, ReadOnlySpan<byte> line, Span<byte> low, Span<byte> high)
    {
        Lengths.Require(nameof(low), low.Length, PairBytes);
        Lengths.Require(nameof(high), high.Length, PairBytes);
        Lengths.Require(nameof(line), line.Length, Bytes);
        if (path == KernelPath.Scalar)
        {
            for (var i = 0; i < PairBytes; i++)
            {
                var (earlier, later) = (line[2 * i], line[(2 * i) + 1]);
                low[i] = (byte)(earlier << 4 | (later & 0xF));
                high[i] = (byte)((earlier & 0xF0) | later >> 4);
            }

            return;
        }

        ref var from = ref MemoryMarshal.GetReference(line);
        ref var first = ref MemoryMarshal.GetReference(low);
        ref var second = ref MemoryMarshal.GetReference(high);
        for (var i = 0; i < Block; i += Step)
        {
            var codes = Vector128.LoadUnsafe(ref from, (nuint)i);
            Nf4.Pack(codes & Vector128.Create((byte)0xF), ref first, i / 2);
            Nf4.Pack(Vector128.ShiftRightLogical(codes, 4), ref second, i / 2);
        }
    }

    private static int CodeAt(ReadOnlySpan<byte> pairs, int index) => pairs[index / 2] >> (index % 2 == 0 ? 4 : 0) & 0xF;
}
