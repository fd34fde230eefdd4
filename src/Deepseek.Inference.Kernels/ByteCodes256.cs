using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>64 weights as 8-bit numbers for AVX2, in the order of <see cref="ActivationOrder.Magnitudes"/>.</summary>
/// <remarks>
/// The instruction multiplies unsigned with signed bytes and adds pairs in 16 bits: so the activations' signs go to the weights. 2 · 127 · 127 fits: nothing saturates.
/// </remarks>
internal readonly unsafe struct ByteCodes256(Vector256<sbyte> low, Vector256<sbyte> high) : IProductCodes<ByteCodes256>
{
    private readonly Vector256<sbyte> _low = low; // columns 0 to 31
    private readonly Vector256<sbyte> _high = high;

    public static int Bytes => 2 * Vector256<byte>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteCodes256 FromNibbles(Vector256<byte> first, Vector256<byte> second) =>
        new(Avx2.Shuffle(ProductTables.Bytes, first).AsSByte(), Avx2.Shuffle(ProductTables.Bytes, second).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteCodes256 FromBytes(Vector256<byte> first, Vector256<byte> second) => new(first.AsSByte(), second.AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<byte> Low, Vector256<byte> High) MixRows(Vector256<byte> first, Vector256<byte> second) => LaneSum.MixRows(first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<byte> Low, Vector256<byte> High) MixPairs(Vector256<byte> first, Vector256<byte> second) => LaneSum.MixPairs(first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNibbles(Vector256<byte> codes, int quad, byte* destination) =>
        Avx2.Shuffle(ProductTables.Bytes, codes).Store(destination + (quad * IBandLoops.GroupBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vector256<byte> codes, int quad, byte* destination) => codes.Store(destination + (quad * IBandLoops.GroupBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<int> Multiply(byte* x, int offset) => Products(_low, x, offset) + Products(_high, x, offset + 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(byte* x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Operand(byte* x, nint group) => Vector256.Create(((int*)x)[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SecondOperand(byte* x, nint group) => Vector256.Create(((int*)(x + BandLayout.BlockColumns))[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, byte* weights, Vector256<byte> operand, Vector256<byte> second)
    {
        var pairs = Avx2.MultiplyAddAdjacent(second, Avx2.Sign(Vector256.Load((sbyte*)weights), operand.AsSByte()));
        return sums + Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(Vector256<sbyte> weights, byte* x, int offset)
    {
        var pairs = Avx2.MultiplyAddAdjacent(Vector256.Load(x + (offset + BandLayout.BlockColumns)), Avx2.Sign(weights, Vector256.Load(x + offset).AsSByte()));
        return Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
    }
}
