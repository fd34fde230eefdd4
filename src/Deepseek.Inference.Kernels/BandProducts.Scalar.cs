namespace Deepseek.Inference.Kernels;

// The definition. Every other path must equal it bit for bit.
public static unsafe partial class BandProducts
{
    private static void MultiplyScalar(BandLayout layout, int band, byte* source, PreparedActivations x, float* y, long stride)
    {
        var scales = new float[layout.BlocksPerRow];
        for (var row = 0; row < layout.RowsOf(band); row++)
        {
            BandScales.Decode(KernelPath.Scalar, layout, band, source, row, scales);
            for (var token = 0; token < x.Tokens; token++)
                y[(token * stride) + row] = x.Precision == ActivationPrecision.Fp32 ? SumOfSingles(layout, band, source, row, scales, x, token) : SumOfWords(layout, band, source, row, scales, x, token);
        }
    }

    private static float SumOfWords(BandLayout layout, int band, byte* source, int row, float[] scales, PreparedActivations x, int token)
    {
        Span<float> lanes = stackalloc float[ProductShape.Lanes];
        lanes.Clear();
        var levels = ProductShape.LevelsOf(x.Precision);
        for (var block = 0; block < scales.Length; block++)
        {
            var at = ((long)token * x.PaddedBlocks) + block;
            var words = x.Words + (at * BandLayout.BlockColumns);
            var scale = scales[block] * x.Scales[at];
            for (var lane = 0; lane < lanes.Length; lane++)
            {
                var sum = 0;
                for (var i = 0; i < ProductShape.LaneColumns; i++)
                {
                    var column = (lane * ProductShape.LaneColumns) + i;
                    var code = CodeAt(layout, band, source, row, block, column);
                    sum += words[(column % 2 * (BandLayout.BlockColumns / 2)) + (column / 2)] * (IsNf4(layout) ? levels[code] : code);
                }

                lanes[lane] = MathF.FusedMultiplyAdd(sum, scale, lanes[lane]);
            }
        }

        return Add(lanes) * ProductShape.FactorOf(layout.Precision, x.Precision);
    }

    private static float SumOfSingles(BandLayout layout, int band, byte* source, int row, float[] scales, PreparedActivations x, int token)
    {
        Span<float> lanes = stackalloc float[ProductShape.Lanes];
        lanes.Clear();
        for (var block = 0; block < scales.Length; block++)
        {
            var singles = x.Singles + ((((long)token * x.PaddedBlocks) + block) * BandLayout.BlockColumns);
            for (var lane = 0; lane < lanes.Length; lane++)
            {
                for (var i = 0; i < ProductShape.LaneColumns; i++)
                {
                    var code = CodeAt(layout, band, source, row, block, (lane * ProductShape.LaneColumns) + i);
                    var weight = (IsNf4(layout) ? Nf4.Levels[code] : code) * scales[block];
                    lanes[lane] = MathF.FusedMultiplyAdd(singles[(i * ProductShape.Lanes) + lane], weight, lanes[lane]);
                }
            }
        }

        return Add(lanes);
    }

    private static float Add(Span<float> lanes)
    {
        for (var half = lanes.Length / 2; half > 0; half /= 2)
        {
            for (var lane = 0; lane < half; lane++)
                lanes[lane] += lanes[lane + half];
        }

        return lanes[0];
    }

    private static int CodeAt(BandLayout layout, int band, byte* source, int row, int block, int column)
    {
        if (!IsNf4(layout))
            return (sbyte)source[layout.LineOffset(layout.HeaderBytesOf(band), row, block) + column];
        var pair = source[layout.LineOffset(layout.HeaderBytesOf(band), row, block / 2) + column];
        return block % 2 == 0 ? pair & 0xF : pair >> 4;
    }

    private static bool IsNf4(BandLayout layout) => layout.Precision is WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic;
}
