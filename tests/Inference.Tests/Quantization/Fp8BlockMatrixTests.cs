using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

public sealed class Fp8BlockMatrixTests
{
    [Theory]
    [InlineData(128, 128, 128, 128)]
    [InlineData(1, 1, 128, 128)]
    [InlineData(130, 257, 128, 128)]
    [InlineData(300, 96, 128, 128)] // columns within one block
    [InlineData(12, 21, 4, 8)]
    [InlineData(7, 9, 1, 3)]
    public void Widen_KernelAndTorch_GiveTheSameBits(int rows, int columns, int blockRows, int blockColumns)
    {
        using var scope = NewDisposeScope();
        using var matrix = Fp8Matrices.Random(new Random(rows + columns), rows, columns, blockRows, blockColumns);

        Assert.Equal((blockRows, rows, columns), (matrix.RowAlignment, matrix.Rows, matrix.Columns));
        for (var first = 0; first < rows; first += blockRows)
        {
            foreach (var count in new[] { 1, blockRows, rows - first }.Where(count => first + count <= rows))
                Assert.Equal(Bits(matrix.WidenByTorch(first, count)), Bits(matrix.Widen(first, count)));
        }
    }

    [Fact]
    public void Widen_HandWorkedBlocks_MultipliesEachByItsScale()
    {
        using var scope = NewDisposeScope();
        // Codes 0x38 = 1, 0x40 = 2, 0xB8 = −1; blocks of 2 × 2, ragged at both edges.
        byte[] codes = [0x38, 0x40, 0xB8, 0x38, 0x38, 0x38, 0x40, 0x40, 0x40];
        using var matrix = Fp8Matrices.Create(codes, [10, 100, 1000, 10000], 3, 3, 2, 2);

        Assert.Equal([10, 20, -100, 10, 10, 100, 2000, 2000, 20000], matrix.Widen().ToArray<float>());
        Assert.Equal(9 + (4 * 4), matrix.ByteSize);
    }

    [Fact]
    public void Widen_NotANumber_StaysOne()
    {
        using var scope = NewDisposeScope();
        using var matrix = Fp8Matrices.Create([0x7F, 0xFF, 0x38], [2], 1, 3, 128, 128);

        Assert.Equal([float.NaN, float.NaN, 2], matrix.Widen().ToArray<float>());
        Assert.Equal([float.NaN, float.NaN, 2], matrix.WidenByTorch(0, 1).ToArray<float>());
    }

    [Fact]
    public void Gather_RowsOfAnyBlock_EqualTheWidened()
    {
        using var scope = NewDisposeScope();
        using var matrix = Fp8Matrices.Random(new Random(5), 300, 140, 128, 128);
        long[] rows = [299, 0, 127, 128, 255, 256, 0];

        var gathered = matrix.Gather(tensor(rows));

        Assert.Equal(Bits(matrix.Widen().index_select(0, tensor(rows))), Bits(gathered));
    }

    private static int[] Bits(Tensor values) => Array.ConvertAll(values.ToArray<float>(), BitConverter.SingleToInt32Bits);
}
