using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// The definition. Every other path must equal it bit for bit.
internal static unsafe partial class BandProducts
{
    private const int ScalarRows = 4; // whose scales are decoded at once

    private static void MultiplyScalar(in BandProduct product, PreparedActivations x)
    {
        var layout = product.Layout;
        var scales = (float*)KernelScratch.Reserve((long)ScalarRows * layout.BlocksPerRow * sizeof(float));
        var sums = stackalloc float[ScalarRows];
        for (var tile = 0; tile < product.RowCount; tile += ScalarRows)
        {
            TileScales.Decode(product, tile, ScalarRows, scales);
            for (var token = 0; token < product.Count; token++)
            {
                for (var row = 0; row < ScalarRows; row++)
                    sums[row] = SumOf(product, tile + row, scales + ((long)row * layout.BlocksPerRow), x.Precision, token);
                product.Write(token, tile, Vector128.Load(sums));
            }
        }
    }

    private static float SumOf(in BandProduct product, int row, float* scales, ActivationPrecision precision, int token)
    {
        Span<float> lanes = stackalloc float[ProductShape.Lanes];
        lanes.Clear();
        var blocks = product.Activations(token);
        var xScales = product.ActivationScales(token);
        for (var block = 0; block < product.Blocks; block++)
        {
            var words = (short*)(blocks + ((long)block * PreparedActivations.BlockBytes));
            var sum = 0;
            for (var column = 0; column < BandLayout.BlockColumns; column++)
                sum += words[column] * NumberAt(product, row, block, column, precision);
            ref var lane = ref lanes[block % ProductShape.Lanes];
            lane = MathF.FusedMultiplyAdd(sum, scales[block] * xScales[block], lane);
        }

        for (var half = lanes.Length / 2; half > 0; half /= 2)
        {
            for (var lane = 0; lane < half; lane++)
                lanes[lane] += lanes[lane + half];
        }

        return lanes[0];
    }

    /// <summary>A weight as a whole number.</summary>
    private static int NumberAt(in BandProduct product, int row, int block, int column, ActivationPrecision precision)
    {
        var layout = product.Layout;
        var header = layout.HeaderBytesOf(product.Band);
        if (!IsNf4(layout))
            return (sbyte)product.Source[layout.LineOffset(header, row, block) + column];
        var pair = product.Source[layout.LineOffset(header, row, block / 2) + (column / BandLayout.PieceBytes * layout.PieceStride) + (column % BandLayout.PieceBytes)];
        return ProductShape.LevelsOf(precision)[block % 2 == 0 ? pair & 0xF : pair >> 4];
    }

    private static bool IsNf4(BandLayout layout) => layout.Precision is WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic;
}
