namespace Deepseek.Inference.Kernels;

// Over whole numbers.
internal static unsafe partial class ScalarAttention
{
    private const int CodeRun = AttentionCall.CodeRun;

    private readonly record struct RoundedQuery(short[] Codes, float LatentStep, float RopeStep);

    private static RoundedQuery RoundQuery(float[] query, int latent)
    {
        var codes = new short[query.Length];
        return new RoundedQuery(codes, RoundPart(query.AsSpan(0, latent), codes.AsSpan(0, latent)), RoundPart(query.AsSpan(latent), codes.AsSpan(latent)));
    }

    private static float RoundPart(ReadOnlySpan<float> values, Span<short> codes)
    {
        var (largest, sum) = (0f, 0f);
        Span<float> magnitudes = stackalloc float[CodeRun];
        Span<float> lanes = stackalloc float[Lanes];
        for (var first = 0; first < values.Length; first += CodeRun)
        {
            magnitudes.Clear();
            for (var i = 0; i < Math.Min(CodeRun, values.Length - first); i++)
            {
                magnitudes[i] = MathF.Abs(values[first + i]);
                largest = MathF.Max(largest, magnitudes[i]);
            }

            sum = MathF.Max(sum, Add(magnitudes, lanes));
        }

        return RoundWith(CodeSteps.Of(largest, sum), values, codes);
    }

    private static float RoundWith((float Step, float Inverse) steps, ReadOnlySpan<float> values, Span<short> codes)
    {
        for (var i = 0; i < values.Length; i++)
            codes[i] = steps.Inverse == 0 ? (short)0 : (short)MathF.Round(values[i] * steps.Inverse);
        return steps.Step;
    }

    private static float ScoreOfCodes(in AttentionCall call, RoundedQuery query, long position)
    {
        var codes = new ReadOnlySpan<short>(call.Cache.At(position, 0), query.Codes.Length);
        var latent = call.Shape.ValueWidth;
        var scales = call.Cache.Scales + (2 * position);
        var latentSum = SumOfProducts(query.Codes.AsSpan(0, latent), codes[..latent]);
        var ropeSum = SumOfProducts(query.Codes.AsSpan(latent), codes[latent..]);
        return MathF.FusedMultiplyAdd(latentSum, scales[0] * query.LatentStep, ropeSum * (scales[1] * query.RopeStep));
    }

    private static float SumOfProducts(ReadOnlySpan<short> query, ReadOnlySpan<short> codes)
    {
        var total = 0f;
        for (var first = 0; first < query.Length; first += CodeRun)
        {
            var sum = 0;
            for (var i = first; i < Math.Min(first + CodeRun, query.Length); i++)
                sum = checked(sum + (query[i] * codes[i]));
            total += sum;
        }

        return total;
    }

    /// <summary>Adds 32 magnitudes.</summary>
    private static float Add(ReadOnlySpan<float> magnitudes, Span<float> lanes)
    {
        for (var lane = 0; lane < Lanes; lane++)
            lanes[lane] = magnitudes[lane] + magnitudes[lane + Lanes];
        return LaneSums.AddScalar(lanes);
    }

    private static void WeighCodes(in AttentionCall call, long start, VisiblePositions visible, float[] weights, float[] output)
    {
        Span<float> scaled = stackalloc float[GroupPositions];
        Span<short> codes = stackalloc short[GroupPositions];
        Span<float> lanes = stackalloc float[Lanes];
        for (var first = 0; first < weights.Length; first += GroupPositions)
        {
            if (visible.Within(first, first + GroupPositions).IsEmpty)
                continue;

            var largest = 0f;
            for (var i = 0; i < GroupPositions; i++)
            {
                scaled[i] = weights[first + i] == 0 || !visible.Contains(first + i) ? 0 : weights[first + i] * call.Cache.Scales[2 * (start + first + i)];
                largest = MathF.Max(largest, scaled[i]);
            }

            var step = RoundWith(CodeSteps.Of(largest, Add(scaled, lanes)), scaled, codes);
            if (step == 0)
                continue; // nothing to add

            for (var i = 0; i < output.Length; i++)
            {
                var sum = 0;
                for (var p = 0; p < GroupPositions; p++)
                {
                    if (visible.Contains(first + p))
                        sum = checked(sum + (codes[p] * ((short*)call.Cache.At(start + first + p, 0))[i]));
                }

                output[i] = MathF.FusedMultiplyAdd(sum, step, output[i]);
            }
        }
    }
}
