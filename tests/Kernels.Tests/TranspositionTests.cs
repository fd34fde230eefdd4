namespace Deepseek.Inference.Kernels.Tests;

public sealed unsafe class TranspositionTests
{
    // Multiples of eight, which vectors turn, and others.
    [Theory]
    [InlineData(8, 8)]
    [InlineData(16, 32)]
    [InlineData(4, 32)]
    [InlineData(32, 4)]
    [InlineData(8, 12)]
    [InlineData(1, 5)]
    public void Run_RowsWithRoomBetweenThem_BecomeColumns(int rows, int columns)
    {
        var (stride, step) = (columns + 3, rows + 5);
        var from = Enumerable.Range(1, rows * stride).ToArray();
        var to = new int[columns * step];

        fixed (int* source = from, destination = to)
            Transposition.Run(source, stride, rows, columns, destination, step);

        for (var column = 0; column < columns; column++)
        {
            Assert.Equal(Enumerable.Range(0, rows).Select(row => from[(row * stride) + column]), to[(column * step)..((column * step) + rows)]);
            Assert.All(to[((column * step) + rows)..((column + 1) * step)], beyond => Assert.Equal(0, beyond));
        }
    }
}
