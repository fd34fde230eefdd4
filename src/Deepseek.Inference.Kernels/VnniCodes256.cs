using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>64 weights as 8-bit numbers for AVX-VNNI, in the order of <see cref="ActivationOrder.Correction"/>.</summary>
/// <remarks>
/// The instruction multiplies unsigned with signed bytes: so weights are kept 128 higher, and a block's sum begins at −128 times that of its activations, which has been computed
/// with them. Where a processor lacks the instruction the same sums are made of 16-bit products, slowly: for tests.
/// </remarks>
internal readonly unsafe struct VnniCodes256(Vector256<byte> low, Vector256<byte> high) : IProductCodes<VnniCodes256>
{
    /// <summary>What is added to a weight.</summary>
    public const int Offset = 128;

    private readonly Vector256<byte> _low = low; // columns 0 to 31
    private readonly Vector256<byte> _high = high;

    public static int Bytes => 2 * Vector256<byte>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniCodes256 FromNibbles(Vector256<byte> first, Vector256<byte> second) =>
        new(Avx2.Shuffle(ProductTables.OffsetBytes, first), Avx2.Shuffle(ProductTables.OffsetBytes, second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniCodes256 FromBytes(Vector256<byte> first, Vector256<byte> second) => new(first ^ Vector256.Create((byte)Offset), second ^ Vector256.Create((byte)Offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<byte> Low, Vector256<byte> High) MixRows(Vector256<byte> first, Vector256<byte> second) => LaneSum.MixRows(first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<byte> Low, Vector256<byte> High) MixPairs(Vector256<byte> first, Vector256<byte> second) => LaneSum.MixPairs(first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNibbles(Vector256<byte> codes, int quad, byte* destination) =>
        Avx2.Shuffle(ProductTables.OffsetBytes, codes).Store(destination + (quad * IBandLoops.GroupBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vector256<byte> codes, int quad, byte* destination) =>
        (codes ^ Vector256.Create((byte)Offset)).Store(destination + (quad * IBandLoops.GroupBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<int> Multiply(byte* x, int offset)
    {
        var sums = Vector256.CreateScalar(*(int*)(x + (offset + BandLayout.BlockColumns)));
        return Products(Products(sums, _low, Vector256.Load(x + offset).AsSByte()), _high, Vector256.Load(x + (offset + 32)).AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(byte* x) => Vector256.Create(*(int*)(x + BandLayout.BlockColumns));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Operand(byte* x, nint group) => Vector256.Create(((int*)x)[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SecondOperand(byte* x, nint group) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, byte* weights, Vector256<byte> operand, Vector256<byte> second) =>
        Products(sums, Vector256.Load(weights), operand.AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(Vector256<int> sums, Vector256<byte> weights, Vector256<sbyte> x) =>
        AvxVnni.IsSupported ? AvxVnni.MultiplyWideningAndAdd(sums, weights, x) : ProductsOfWords(sums, weights, x);

    private static Vector256<int> ProductsOfWords(Vector256<int> sums, Vector256<byte> weights, Vector256<sbyte> x)
    {
        Span<int> added = stackalloc int[Vector256<int>.Count];
        for (var column = 0; column < Vector256<byte>.Count; column++)
            added[column / sizeof(int)] += weights.GetElement(column) * x.GetElement(column);
        return sums + Vector256.Create<int>(added);
    }
}
