using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Weights as 8-bit numbers for AVX2, in the order of <see cref="ActivationOrder.Magnitudes"/>.</summary>
/// <remarks>
/// The instruction multiplies unsigned with signed bytes and adds pairs in 16 bits: so the activations' signs go to the weights. 2 · 127 · 127 fits: nothing saturates.
/// </remarks>
internal readonly unsafe struct ByteCodes256(Vector256<sbyte> weights) : IProductCodes<ByteCodes256>
{
    private readonly Vector256<sbyte> _weights = weights;

    public static int Bytes => BandLayout.BlockColumns;

    public static int QuadBytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteCodes256 FromNibbles(Vector256<byte> codes) => new(Avx2.Shuffle(ProductTables.Bytes, codes).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ByteCodes256 FromBytes(Vector256<byte> codes) => new(codes.AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(byte* x, int quad, ref Vector256<int> first, ref Vector256<int> second) =>
        first += Products(_weights, Operand(x, quad), SecondOperand(x, quad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Sum(Vector256<int> first, Vector256<int> second, byte* x) => first;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Arrange(Vector256<byte> rows) => rows;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNibbles(Vector256<byte> codes, int quad, byte* destination) =>
        Avx2.Shuffle(ProductTables.Bytes, codes).Store(destination + (quad * IBandLoops.GroupBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vector256<byte> codes, int quad, byte* destination) => codes.Store(destination + (quad * IBandLoops.GroupBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Operand(byte* x, nint group) => Vector256.Create(((int*)x)[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SecondOperand(byte* x, nint group) => Vector256.Create(((int*)(x + BandLayout.BlockColumns))[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(byte* x, byte* weights, Vector256<byte> operand, Vector256<byte> second) => Products(Vector256.Load((sbyte*)weights), operand, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, byte* weights, Vector256<byte> operand, Vector256<byte> second) =>
        sums + Products(Vector256.Load((sbyte*)weights), operand, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(Vector256<sbyte> weights, Vector256<byte> operand, Vector256<byte> magnitudes) =>
        Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(magnitudes, Avx2.Sign(weights, operand.AsSByte())), Vector256<short>.One);
}
