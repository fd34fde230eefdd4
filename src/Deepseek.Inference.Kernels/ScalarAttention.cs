namespace Deepseek.Inference.Kernels;

/// <summary>Attention of one head of one token over the cache: the definition. Every other path must equal it bit for bit.</summary>
internal static unsafe partial class ScalarAttention
{
    private const int Lanes = LaneSums.Lanes;
    private const int GroupPositions = AttentionCall.GroupPositions;

    /// <summary>Computes a query row's output.</summary>
    /// <param name="call">The call.</param>
    /// <param name="group">The group of heads.</param>
    /// <param name="row">The row in the group: token · heads per group + head.</param>
    public static void Run(in AttentionCall call, int group, int row)
    {
        var query = new float[call.Shape.KeyWidth];
        for (var i = 0; i < query.Length; i++)
            query[i] = call.Query(group, row)[i] * call.Scale;

        var rounded = call.InCodes ? RoundQuery(query, call.Shape.ValueWidth) : default;
        var (largest, sum) = (0f, 0f);
        float[]? output = null;
        for (var split = 0; split < call.Splits; split++)
        {
            var visible = call.Visible(row, split);
            if (visible.IsEmpty)
                continue;

            var start = (long)split * AttentionCall.SplitPositions;
            var scores = new float[AttentionCall.SplitPositions];
            for (var p = 0; p < scores.Length; p++)
                scores[p] = !visible.Contains(p) ? float.NegativeInfinity : call.InCodes ? ScoreOfCodes(call, rounded, start + p) : Score(call, group, query, start + p);
            var next = new float[call.Shape.ValueWidth];
            var (nextLargest, nextSum) = Soften(scores);
            if (call.InCodes)
                WeighCodes(call, start, visible, scores, next);
            else
                Weigh(call, group, start, visible, scores, next);

            if (output is null)
                (largest, sum, output) = (nextLargest, nextSum, next);
            else
                Merge(ref largest, ref sum, output, nextLargest, nextSum, next);
        }

        for (var i = 0; i < output!.Length; i++)
            call.Output(group, row)[i] = output[i] / sum;
    }

    private static float Score(in AttentionCall call, int group, float[] query, long position)
    {
        Span<float> lanes = stackalloc float[Lanes];
        lanes.Clear();
        for (var i = 0; i < query.Length; i++)
            lanes[i % Lanes] = MathF.FusedMultiplyAdd(query[i], Element(call.Cache, position, call.Shape.KeyOffset + (group * call.Shape.KeyWidth) + i), lanes[i % Lanes]);
        return LaneSums.AddScalar(lanes);
    }

    private static void Weigh(in AttentionCall call, int group, long start, VisiblePositions visible, float[] weights, float[] output)
    {
        for (var p = 0; p < weights.Length; p++)
        {
            for (var i = 0; i < output.Length && visible.Contains(p); i++)
                output[i] = MathF.FusedMultiplyAdd(weights[p], Element(call.Cache, start + p, call.Shape.ValueOffset + (group * call.Shape.ValueWidth) + i), output[i]);
        }
    }

    private static float Element(CachedRows cache, long position, int element)
    {
        var at = cache.At(position, element);
        return cache.Format switch
        {
            CacheFormat.Fp32 => *(float*)at,
            CacheFormat.BF16 => BitConverter.UInt32BitsToSingle((uint)*(ushort*)at << 16),
            _ => (float)*(Half*)at,
        };
    }

    // Scores become exp(score − largest).
    private static (float Largest, float Sum) Soften(float[] scores)
    {
        Span<float> lanes = stackalloc float[Lanes];
        lanes.Clear();
        var largest = float.NegativeInfinity;
        foreach (var score in scores)
            largest = MathF.Max(largest, score);
        for (var p = 0; p < scores.Length; p++)
        {
            scores[p] = FastExp.Exp(scores[p] - largest);
            lanes[p % Lanes] += scores[p];
        }

        return (largest, LaneSums.AddScalar(lanes));
    }

    private static void Merge(ref float largest, ref float sum, float[] output, float nextLargest, float nextSum, float[] next)
    {
        var both = MathF.Max(largest, nextLargest);
        var (factor, nextFactor) = (FastExp.Exp(largest - both), FastExp.Exp(nextLargest - both));
        largest = both;
        sum = MathF.FusedMultiplyAdd(sum, factor, nextSum * nextFactor);
        for (var i = 0; i < output.Length; i++)
            output[i] = MathF.FusedMultiplyAdd(output[i], factor, next[i] * nextFactor);
    }
}
