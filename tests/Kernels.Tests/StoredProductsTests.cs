using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

/// <summary>Every code of every form, in rows of neighbouring ones: sums are as small as the smallest of them.</summary>
public sealed unsafe partial class StoredProductsTests
{
    private const int Columns = 16;
    private const int Tokens = 7;

    private static readonly float[] Scales = [3.7e-4f];

    [Fact]
    public void Multiply_EveryBFloat16_HasTheBitsOfWidenedRows() => AssertSame<BFloat16Form, ushort>(
        [.. Enumerable.Range(0, 1 << 16).Select(code => (ushort)code)],
        (codes, widened) => Widen.From(Widen.Format.BFloat16, KernelPath.Scalar, codes, widened));

    [Fact]
    public void Multiply_EveryFiniteHalf_HasTheBitsOfWidenedRows() => AssertSame<HalfForm, ushort>(
        [.. Enumerable.Range(0, 1 << 16).Select(code => (ushort)code).Where(code => Half.IsFinite(BitConverter.UInt16BitsToHalf(code)))],
        (codes, widened) => Widen.From(Widen.Format.Half, KernelPath.Scalar, codes, widened));

    [Fact]
    public void Multiply_EveryE4M3ButNaN_HasTheBitsOfWidenedRows() => AssertSame<Fp8Form, byte>(
        [.. Enumerable.Range(0, 1 << 8).Select(code => (byte)((code & 0x7F) == 0x7F ? code - 1 : code))],
        (codes, widened) => Fp8E4M3.Decode(KernelPath.Scalar, codes, Scales[0], widened));

    [Theory]
    [InlineData(0x7C00)]
    [InlineData(0xFC00)]
    [InlineData(0x7C01)]
    [InlineData(0xFFFF)]
    public void Multiply_HalfThatIsNoNumber_SaysSo(int code) => Assert.False(IsRight<HalfForm, ushort>((ushort)code));

    [Theory]
    [InlineData(0x7F)]
    [InlineData(0xFF)]
    public void Multiply_E4M3ThatIsNaN_SaysSo(int code) => Assert.False(IsRight<Fp8Form, byte>((byte)code));

    [Fact]
    public void Multiply_ThreadThatTakesSubnormalsForZeros_RefusesE4M3()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "Only the C library of Linux is asked to set it.");
        SkipUnlessThereAreVectors();
        var (fp8, half) = (IsRight<Fp8Form, byte>(1), !IsRight<HalfForm, ushort>(1)); // compiled before: constants are computed by the thread that compiles
        Assert.Equal((true, false), (fp8, half));
        var thread = new Thread(() =>
        {
            const int control = 28, zeros = 0x8040; // MXCSR in fenv_t of x86-64; flush to zero, and denormals are zeros
            var environment = stackalloc byte[64];
            _ = GetFloatingPoint(environment);
            *(uint*)(environment + control) |= zeros;
            _ = SetFloatingPoint(environment);
            (fp8, half) = (IsRight<Fp8Form, byte>(1), IsRight<HalfForm, ushort>(1));
        });

        thread.Start();
        thread.Join();

        Assert.Equal((false, true), (fp8, half));
        Assert.True(IsRight<Fp8Form, byte>(1));
    }

    [Theory]
    [InlineData(KernelPath.Avx2, 64, 64, 8, true)]
    [InlineData(KernelPath.Avx512, 64, 128, 1, true)]
    [InlineData(KernelPath.Avx2, 40, 40, 1, false)]
    [InlineData(KernelPath.Avx2, 64, 24, 1, false)]
    [InlineData(KernelPath.Avx2, 64, 64, 9, false)]
    [InlineData(KernelPath.Vector128, 64, 64, 1, false)]
    [InlineData(KernelPath.Scalar, 64, 64, 1, false)]
    public void Supports_PathColumnsBlocksAndTokens_AsTheKernelCan(KernelPath path, int columns, int blockColumns, int tokens, bool supported) =>
        Assert.Equal(supported, StoredProducts.Supports(path, columns, blockColumns, tokens));

    [LibraryImport("libm.so.6", EntryPoint = "fegetenv")]
    private static partial int GetFloatingPoint(byte* environment);

    [LibraryImport("libm.so.6", EntryPoint = "fesetenv")]
    private static partial int SetFloatingPoint(byte* environment);

    private delegate void Widening<T>(ReadOnlySpan<T> codes, Span<float> widened);

    private static void AssertSame<TForm, T>(T[] codes, Widening<T> widen)
        where TForm : struct, IStoredForm
        where T : unmanaged
    {
        SkipUnlessThereAreVectors();
        var rows = codes.Length / Columns;
        var (x, widened) = (BandData.Normal(new Random(20261129), Tokens * Columns), new float[codes.Length]);
        widen(codes, widened);

        foreach (var tokens in (int[])[1, 2, Tokens])
        {
            var (expected, actual) = (new float[tokens * rows], new float[tokens * rows]);
            fixed (T* stored = codes)
            fixed (float* w = widened, from = x, e = expected, a = actual, scales = Scales)
            {
                FloatProducts.Multiply(KernelPath.Scalar, w, Columns, rows, from, Columns, tokens, Columns, e, rows);

                Assert.True(StoredProducts.Multiply<TForm>((byte*)stored, scales, Columns, rows, Columns, from, Columns, tokens, a, rows));
            }

            // Which NaN comes of one is left open.
            Assert.Equal(expected.Select(float.IsNaN), actual.Select(float.IsNaN));
            Assert.Equal(Bits(expected), Bits(actual));
        }
    }

    private static bool IsRight<TForm, T>(T code)
        where TForm : struct, IStoredForm
        where T : unmanaged
    {
        SkipUnlessThereAreVectors();
        var (codes, x, y) = (new T[3 * Columns], new float[Columns], new float[3]);
        codes[(2 * Columns) - 1] = code;
        fixed (T* stored = codes)
        fixed (float* from = x, to = y, scales = Scales)
            return StoredProducts.Multiply<TForm>((byte*)stored, scales, Columns, 3, Columns, from, Columns, 1, to, 3);
    }

    private static int[] Bits(float[] values) => MemoryMarshal.Cast<float, int>(Array.ConvertAll(values, value => float.IsNaN(value) ? 0 : value)).ToArray();

    private static void SkipUnlessThereAreVectors() => Assert.SkipUnless(KernelPaths.Available.Contains(KernelPath.Avx2), "This processor has no AVX2.");
}
