using System.Buffers;
using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Quantization;

/// <summary>Reads elements of floating-point tensors in fp32, through a small buffer.</summary>
/// <remarks>The bits are those of a conversion by torch: exact but for F64, which is rounded to the nearest.</remarks>
internal static class StoredFloats
{
    private const int PieceElements = 1 << 16;

    /// <summary>Reads consecutive elements.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="entry">A tensor of a floating-point type.</param>
    /// <param name="first">First element.</param>
    /// <param name="destination">Receives as many elements as it is long.</param>
    public static void Read(ICheckpointSource source, TensorEntry entry, long first, Span<float> destination)
    {
        var size = entry.Type.Size();
        if (entry.Type == TensorType.F32)
        {
            // Little-endian, as every platform with a libtorch package is.
            source.Read(entry, first * size, MemoryMarshal.AsBytes(destination));
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(Math.Min(destination.Length, PieceElements) * size);
        for (var done = 0; done < destination.Length; done += PieceElements)
        {
            var part = destination.Slice(done, Math.Min(PieceElements, destination.Length - done));
            var stored = buffer.AsSpan(0, part.Length * size);
            source.Read(entry, (first + done) * size, stored);
            Decode(entry.Type, stored, part);
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Decodes elements.</summary>
    /// <param name="type">Their type, of floating point.</param>
    /// <param name="stored">Their bytes, little-endian.</param>
    /// <param name="destination">Receives as many elements.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is another.</exception>
    public static void Decode(TensorType type, ReadOnlySpan<byte> stored, Span<float> destination)
    {
        switch (type)
        {
            case TensorType.F32:
                MemoryMarshal.Cast<byte, float>(stored).CopyTo(destination);
                break;
            case TensorType.F64:
                var doubles = MemoryMarshal.Cast<byte, double>(stored);
                for (var i = 0; i < doubles.Length; i++)
                    destination[i] = (float)doubles[i];
                break;
            case TensorType.F16:
                Widen.FromHalf(MemoryMarshal.Cast<byte, Half>(stored), destination);
                break;
            case TensorType.BF16:
                Widen.FromBFloat16(MemoryMarshal.Cast<byte, ushort>(stored), destination);
                break;
            case TensorType.F8E4M3:
                Fp8E4M3.Decode(stored, destination);
                break;
            case TensorType.F8E5M2:
                DecodeE5M2(stored, destination);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "The type must be one of F64 to F8.");
        }
    }

    /// <summary>A code is the upper half of a half.</summary>
    private static void DecodeE5M2(ReadOnlySpan<byte> codes, Span<float> destination)
    {
        const int piece = 512;
        Span<ushort> halves = stackalloc ushort[piece];
        for (var done = 0; done < codes.Length; done += piece)
        {
            var part = codes.Slice(done, Math.Min(piece, codes.Length - done));
            for (var i = 0; i < part.Length; i++)
                halves[i] = (ushort)(part[i] << 8);
            Widen.FromHalf(MemoryMarshal.Cast<ushort, Half>(halves[..part.Length]), destination.Slice(done, part.Length));
        }
    }
}
