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
    public static ByteCodes256 FromLowNibbles(byte* line) => Levels(Vector256.Load(line), Vector256.Load(line + 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteCodes256 FromHighNibbles(byte* line) => Levels(
        Vector256.ShiftRightLogical(Vector256.Load((ushort*)line), 4).AsByte(), Vector256.ShiftRightLogical(Vector256.Load((ushort*)(line + 32)), 4).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteCodes256 FromBytes(byte* line) => new(Vector256.Load((sbyte*)line), Vector256.Load((sbyte*)line + 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(byte* destination)
    {
        _low.Store((sbyte*)destination);
        _high.Store((sbyte*)destination + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<int> Multiply(byte* x) => Products(_low, x) + Products(_high, x + 32);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(byte* x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Operand(byte* x, int group) => Vector256.Create(((int*)x)[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SecondOperand(byte* x, int group) => Vector256.Create(((int*)(x + BandLayout.BlockColumns))[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, Vector256<byte> weights, Vector256<byte> operand, Vector256<byte> second)
    {
        var pairs = Avx2.MultiplyAddAdjacent(second, Avx2.Sign(weights.AsSByte(), operand.AsSByte()));
        return sums + Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(Vector256<sbyte> weights, byte* x)
    {
        var pairs = Avx2.MultiplyAddAdjacent(Vector256.Load(x + BandLayout.BlockColumns), Avx2.Sign(weights, Vector256.Load((sbyte*)x)));
        return Avx2.MultiplyAddAdjacent(pairs, Vector256<short>.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ByteCodes256 Levels(Vector256<byte> low, Vector256<byte> high)
    {
        var (mask, table) = (Vector256.Create((byte)0xF), ProductTables.Bytes);
        return new(Avx2.Shuffle(table, low & mask).AsSByte(), Avx2.Shuffle(table, high & mask).AsSByte());
    }
}
