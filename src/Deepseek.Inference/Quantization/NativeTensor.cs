using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>Tensors over memory that somebody else owns, and copies of tensors' values.</summary>
/// <remarks>
/// TorchSharp has no <c>from_blob</c> over a pointer: its native part is called directly. Its element types have no names for FP8, but pass
/// their numbers on (c10/core/ScalarType.h of PyTorch 2.10: Float8_e5m2 is 23, Float8_e4m3fn 24).
/// </remarks>
internal static unsafe class NativeTensor
{
    private const ScalarType Float8E5M2 = (ScalarType)23;
    private const ScalarType Float8E4M3 = (ScalarType)24;

    private static readonly Lazy<nint> NewExport = new(() => HostMemory.Export("THSTensor_new"));

    /// <summary>Torch's element type for a stored one.</summary>
    public static ScalarType ToScalarType(this TensorType type) => type switch
    {
        TensorType.F64 => ScalarType.Float64,
        TensorType.F32 => ScalarType.Float32,
        TensorType.F16 => ScalarType.Float16,
        TensorType.BF16 => ScalarType.BFloat16,
        TensorType.F8E4M3 => Float8E4M3,
        TensorType.F8E5M2 => Float8E5M2,
        TensorType.I64 => ScalarType.Int64,
        TensorType.I32 => ScalarType.Int32,
        TensorType.I16 => ScalarType.Int16,
        TensorType.I8 => ScalarType.Int8,
        TensorType.U8 => ScalarType.Byte,
        TensorType.Bool => ScalarType.Bool,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Torch has no such element type; store the tensor in one of F64 to F8, I64 to I8, U8 or BOOL."),
    };

    /// <summary>The stored type of a floating-point tensor's elements.</summary>
    public static TensorType ToTensorType(this ScalarType type) => type switch
    {
        ScalarType.Float64 => TensorType.F64,
        ScalarType.Float32 => TensorType.F32,
        ScalarType.Float16 => TensorType.F16,
        ScalarType.BFloat16 => TensorType.BF16,
        Float8E4M3 => TensorType.F8E4M3,
        Float8E5M2 => TensorType.F8E5M2,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "The type must be of floating point, 64 to 8 bits."),
    };

    /// <summary>A CPU tensor over memory that outlives it; nothing is copied.</summary>
    /// <param name="address">The first element, aligned to the element's size.</param>
    /// <param name="type">The elements' type.</param>
    /// <param name="shape">The tensor's shape; the memory holds its product.</param>
    public static Tensor Over(nint address, ScalarType type, ReadOnlySpan<long> shape) => Create(address, type, shape, &KeepMemory);

    /// <summary>A CPU tensor over memory of its own, filled piece by piece.</summary>
    /// <param name="type">The elements' type.</param>
    /// <param name="shape">The tensor's shape.</param>
    /// <param name="byteLength">Bytes of the tensor.</param>
    /// <param name="fill">Receives the offset of a piece and the piece to fill.</param>
    public static Tensor Filled(ScalarType type, ReadOnlySpan<long> shape, long byteLength, FillPiece fill)
    {
        const int alignment = 64; // a cache line, and a vector of AVX-512
        const long piece = 1L << 30;
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, byteLength), alignment);
        try
        {
            for (var offset = 0L; offset < byteLength; offset += piece)
                fill(offset, new Span<byte>(memory + offset, (int)Math.Min(piece, byteLength - offset)));
        }
        catch
        {
            NativeMemory.AlignedFree(memory);
            throw;
        }

        return Create((nint)memory, type, shape, &FreeMemory);
    }

    /// <summary>Copies a tensor's values to managed memory, whatever its device.</summary>
    public static T[] ToArray<T>(this Tensor tensor)
        where T : unmanaged
    {
        using var scope = NewDisposeScope();
        return tensor.cpu().contiguous().data<T>().ToArray();
    }

    private static Tensor Create(nint address, ScalarType type, ReadOnlySpan<long> shape, delegate* unmanaged<void*, void> release)
    {
        var create = (delegate* unmanaged<void*, delegate* unmanaged<void*, void>, long*, int, sbyte, sbyte, int, int, byte, nint>)NewExport.Value;
        fixed (long* sizes = shape)
        {
            var handle = create((void*)address, release, sizes, shape.Length, (sbyte)type, (sbyte)type, 0, -1, 0);
            if (handle == 0)
                CheckForErrors();
            return Tensor.UnsafeCreateTensor(handle);
        }
    }

    [UnmanagedCallersOnly]
    private static void KeepMemory(void* memory)
    {
        // The memory belongs to the checkpoint's mapping, which the model holds longer than its tensors.
    }

    [UnmanagedCallersOnly]
    private static void FreeMemory(void* memory) => NativeMemory.AlignedFree(memory);
}

/// <summary>Fills a piece of a tensor's bytes that begins at an offset.</summary>
internal delegate void FillPiece(long offset, Span<byte> piece);
