using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

/// <summary>Rows widened in raw memory against rows widened as tensors.</summary>
public sealed unsafe class WidenRowsTests
{
    private const int Rows = MadeMatrix.Rows;

    /// <summary>Every form of a matrix, by its name and its columns: whole blocks, ragged ones, and NF4 whose rows begin in the middle of a block or of a byte.</summary>
    public static TheoryData<string, int> Matrices => new(
        [
            .. from type in Floats from columns in (int[])[1, 40, 300] select (type.ToString(), columns),
            .. from columns in (int[])[8, 21, 160, 300] select ("Fp8Block", columns),
            .. from columns in (int[])[1, 7, 40, 64, 101, 192] from form in (string[])["Nf4Plain", "Nf4Double"] select (form, columns),
            .. from precision in Enum.GetValues<WeightPrecision>() from columns in (int[])[64, 192, 448] select ("Band" + precision, columns),
        ]);

    private static readonly TensorType[] Floats = [TensorType.F64, TensorType.F32, TensorType.F16, TensorType.BF16, TensorType.F8E4M3, TensorType.F8E5M2];

    [Theory, MemberData(nameof(Matrices))]
    public void WidenRows_AnyRows_EqualTheWidenedTensor(string form, int columns)
    {
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix(form, columns);
        var expected = made.Definition();
        var destination = new float[(Rows * columns) + 3];

        foreach (var (first, count) in new[] { (0, Rows), (0, 1), (1, 1), (7, 3), (63, 2), (64, 64), (65, 68), (132, 1), (133, 0), (5, 0) })
        {
            Array.Fill(destination, -7);
            fixed (float* to = destination)
                made.Matrix.WidenRows(first, count, to);

            Assert.True(Bits(expected.AsSpan(first * columns, count * columns)).SequenceEqual(Bits(destination.AsSpan(0, count * columns))), $"rows {first} to {first + count}");
            Assert.All(destination[(count * columns)..], value => Assert.Equal(-7, value));
        }

        Assert.Equal(Bits(expected), Bits(made.Matrix.Widen().ToArray<float>()));
        Assert.Equal(Bits(expected.AsSpan(77 * columns, columns)), Bits(made.Matrix.Gather(tensor(new long[] { 77 })).ToArray<float>()));
    }

    [Theory, MemberData(nameof(Matrices))]
    public void WidenRows_AnyForm_AllocatesNothing(string form, int columns)
    {
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix(form, columns);
        var destination = new float[Rows * columns];

        fixed (float* to = destination)
        {
            var place = (nint)to;
            Assert.Equal(0, Allocations.LeastOf(() =>
            {
                made.Matrix.WidenRows(1, Rows - 1, (float*)place);
                made.Matrix.TryAddress(3);
            }));
        }
    }

    [Theory]
    [InlineData("Fp8Block", 300)]
    [InlineData("Nf4Double", 101)]
    [InlineData("BandNf4", 192)]
    public void WidenRows_SeveralThreads_WidenTheirOwn(string form, int columns)
    {
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix(form, columns);
        var (matrix, destination) = (made.Matrix, new float[Rows * columns]);

        fixed (float* to = destination)
        {
            var start = (nint)to;
            Parallel.For(0, Rows, row => matrix.WidenRows(row, 1, (float*)start + (row * columns)));
        }

        Assert.Equal(Bits(made.Definition()), Bits(destination));
    }

    [Fact]
    public void TryAddress_Float32_IsTheStoredMemory()
    {
        using var scope = NewDisposeScope();
        using var matrix = new FloatMatrix(Passes.Counting(4, 3));
        using var later = new FloatMatrix(Passes.Counting(4, 3).narrow(0, 1, 3));

        Assert.Equal([6, 7, 8, 9, 10, 11], new ReadOnlySpan<float>(matrix.TryAddress(2), 6).ToArray());
        Assert.Equal([3, 4, 5], new ReadOnlySpan<float>(later.TryAddress(0), 3).ToArray());
    }

    [Theory, MemberData(nameof(Matrices))]
    public void TryAddress_OtherForms_IsNull(string form, int columns)
    {
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix(form, columns);

        Assert.Equal(form == "F32", made.Matrix.TryAddress(0) is not null);
    }

    [Fact]
    public void WidenRowsAndTryAddress_NoSuchRows_NameThem()
    {
        using var scope = NewDisposeScope();
        using var matrix = new FloatMatrix(zeros(4, 3));
        var value = 0f;
        var to = (nint)(&value);

        var first = Assert.Throws<ArgumentOutOfRangeException>("first", () => matrix.WidenRows(5, 0, (float*)to));
        var count = Assert.Throws<ArgumentOutOfRangeException>("count", () => matrix.WidenRows(3, 2, (float*)to));

        Assert.StartsWith("The matrix has 4 rows, counted from 0.", first.Message, StringComparison.Ordinal);
        Assert.StartsWith("The matrix has 4 rows, of which 1 are left from row 3 on.", count.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>("first", () => matrix.WidenRows(-1, 1, (float*)to));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => matrix.WidenRows(0, -1, (float*)to));
        Assert.Throws<ArgumentNullException>("destination", () => matrix.WidenRows(0, 1, null));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => { matrix.TryAddress(4); });
    }

    [Fact]
    public void WidenRows_NotOnTheHost_NamesTheWeight()
    {
        using var scope = NewDisposeScope();
        using var matrix = new FloatMatrix(zeros([4, 3], device: META)) { Name = "w" };
        var value = 0f;
        var to = (nint)(&value);

        var error = Assert.Throws<InvalidOperationException>(() => matrix.WidenRows(0, 1, (float*)to));

        Assert.Equal("The weights of w do not lie in the host's memory, where alone rows can be widened; use Widen.", error.Message);
        Assert.True(matrix.TryAddress(0) is null);
    }

    private static int[] Bits(ReadOnlySpan<float> values) => MemoryMarshal.Cast<float, int>(values).ToArray();
}
