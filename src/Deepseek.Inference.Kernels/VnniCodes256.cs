using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Weights as 8-bit numbers for AVX-VNNI, in the order of <see cref="ActivationOrder.Correction"/>.</summary>
/// <remarks>
/// The instruction multiplies unsigned with signed bytes: so weights are kept 128 higher, and to a block's sum comes −128 times that of its activations, which has been computed
/// with them. Where a processor lacks the instruction the same sums are made of 16-bit products, slowly: for tests.
/// </remarks>
internal readonly unsafe struct VnniCodes256(Vector256<byte> weights) : IProductCodes<VnniCodes256>
{
    /// <summary>What is added to a weight.</summary>
    public const int Offset = 128;

    private readonly Vector256<byte> _weights = weights;

    public static int Bytes => BandLayout.BlockColumns;

    public static int QuadBytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniCodes256 FromNibbles(Vector256<byte> codes) => new(Avx2.Shuffle(ProductTables.OffsetBytes, codes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VnniCodes256 FromBytes(Vector256<byte> codes) => new(codes ^ Vector256.Create((byte)Offset));

    // By turns, since each product waits for the sum before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(byte* x, int quad, ref Vector256<int> first, ref Vector256<int> second)
    {
        if (quad % 2 == 0)
            first = Products(first, _weights, Operand(x, quad).AsSByte());
        else
            second = Products(second, _weights, Operand(x, quad).AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Sum(Vector256<int> first, Vector256<int> second, byte* x) => first + second + Correction(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Arrange(Vector256<byte> rows) => rows;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNibbles(Vector256<byte> codes, int quad, byte* destination) =>
        Avx2.Shuffle(ProductTables.OffsetBytes, codes).Store(destination + (quad * IBandLoops.GroupBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vector256<byte> codes, int quad, byte* destination) =>
        (codes ^ Vector256.Create((byte)Offset)).Store(destination + (quad * IBandLoops.GroupBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Operand(byte* x, nint group) => Vector256.Create(((int*)x)[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SecondOperand(byte* x, nint group) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(byte* x, byte* weights, Vector256<byte> operand, Vector256<byte> second) => Add(Correction(x), weights, operand, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, byte* weights, Vector256<byte> operand, Vector256<byte> second) =>
        Products(sums, Vector256.Load(weights), operand.AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Correction(byte* x) => Vector256.Create(*(int*)(x + BandLayout.BlockColumns));

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
