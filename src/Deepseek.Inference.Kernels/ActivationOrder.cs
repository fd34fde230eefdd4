namespace Deepseek.Inference.Kernels;

/// <summary>Puts a token's activations in the order of the products, as they are or rounded to whole numbers. Every path writes the same bits.</summary>
internal static unsafe partial class ActivationOrder
{
    private const int Block = BandLayout.BlockColumns;
    private const int Lanes = ProductShape.Lanes;

    /// <summary>Single precision: of each block columns 0, 4, 8, …, then 1, 5, 9, …, so that four vectors of 16 hold the four columns of each lane.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="values">The activations, [columns].</param>
    /// <param name="destination">Receives [blocks × 64]; what has no column is 0.</param>
    /// <param name="blocks">Blocks to write.</param>
    public static void Arrange(KernelPath path, ReadOnlySpan<float> values, float* destination, int blocks)
    {
        var last = stackalloc float[Block];
        for (var block = 0; block < blocks; block++)
        {
            fixed (float* start = values)
            {
                var from = Whole(start, values.Length, block, last);
                for (var i = 0; i < Block; i++)
                    destination[(block * Block) + (i % ProductShape.LaneColumns * Lanes) + (i / ProductShape.LaneColumns)] = from[i];
            }
        }
    }

    /// <summary>Whole numbers: of each block the even columns, then the odd ones, so that a multiplication that adds neighbours stays within a lane.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="values">The activations, [columns].</param>
    /// <param name="largest">The largest whole number.</param>
    /// <param name="scales">Receives [blocks].</param>
    /// <param name="destination">Receives [blocks × 64]; what has no column is 0.</param>
    /// <param name="blocks">Blocks to write.</param>
    public static void Round(KernelPath path, ReadOnlySpan<float> values, int largest, float* scales, short* destination, int blocks)
    {
        var last = stackalloc float[Block];
        for (var block = 0; block < blocks; block++)
        {
            fixed (float* start = values)
            {
                var from = Whole(start, values.Length, block, last);
                var magnitude = Nf4.LargestMagnitude(new ReadOnlySpan<float>(from, Block));
                var inverse = largest / magnitude;
                scales[block] = float.IsPositiveInfinity(inverse) ? 0 : magnitude / largest;
                if (!float.IsNormal(inverse))
                    inverse = 0; // zeros, or not finite: then the scale says so
                for (var i = 0; i < Block; i++)
                    destination[(block * Block) + (i % 2 * (Block / 2)) + (i / 2)] = inverse == 0 ? (short)0 : (short)MathF.Round(from[i] * inverse);
            }
        }
    }

    /// <summary>A block of activations, filled up with zeros where it is short.</summary>
    private static float* Whole(float* values, int count, int block, float* last)
    {
        var first = block * Block;
        if (first + Block <= count)
            return values + first;

        for (var i = 0; i < Block; i++)
            last[i] = first + i < count ? values[first + i] : 0;
        return last;
    }
}
