namespace Deepseek.Inference.Kernels;

// Over whole numbers.
internal static unsafe partial class ScalarAttention
{
    private readonly record struct RoundedQuery(short[] Codes, float LatentStep, float RopeStep);

    private static RoundedQuery RoundQuery(float[] query, int latent)
    {
        var codes = new short[query.Length];
        return new RoundedQuery(codes, RoundPart(query.AsSpan(0, latent), codes.AsSpan(0, latent)), RoundPart(query.AsSpan(latent), codes.AsSpan(latent)));
    }

    private static float RoundPart(ReadOnlySpan<float> values, Span<short> codes)
    {
        Span<float> sums = stackalloc float[2 * Lanes];
        sums.Clear();
        var largest = 0f;
        for (var i = 0; i < values.Length; i++)
        {
            largest = MathF.Max(largest, MathF.Abs(values[i]));
            sums[i % sums.Length] += MathF.Abs(values[i]);
        }

        var sum = 0f;
        for (var lane = 0; lane < Lanes; lane++)
            sum = MathF.Max(sum, sums[2 * lane] + sums[(2 * lane) + 1]);
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
        Span<int> sums = stackalloc int[Lanes];
        sums.Clear();
        for (var i = 0; i < query.Length; i++)
            sums[i / 2 % Lanes] = checked(sums[i / 2 % Lanes] + (query[i] * codes[i]));

        Span<float> lanes = stackalloc float[Lanes];
        for (var lane = 0; lane < Lanes; lane++)
            lanes[lane] = sums[lane];
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

            for (var lane = 0; lane < Lanes; lane++)
                lanes[lane] = scaled[lane] + scaled[lane + Lanes];
            var step = RoundWith(CodeSteps.Of(largest, LaneSums.AddScalar(lanes)), scaled, codes);
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
