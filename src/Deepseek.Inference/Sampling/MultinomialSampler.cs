namespace Deepseek.Inference.Sampling;

/// <summary>Draws a token with its soft-max probability.</summary>
/// <remarks>
/// One uniform draw, by the inverse of the cumulative distribution in the order of ids, accumulated in double precision.
/// Equal logits are equally likely. A removed token is never drawn, nor is one whose logit lies more than 708 below the
/// best.
/// </remarks>
public sealed class MultinomialSampler : ISampler
{
    /// <inheritdoc/>
    public int Sample(ReadOnlySpan<float> logits, ref SamplingRandom random)
    {
        var maximum = LogitRow.RequireMaximum(logits);
        using var weights = new Rented<double>(logits.Length);
        var target = SoftMaxWeights.Compute(logits, maximum, weights.Span) * random.NextDouble();
        return Invert(weights.Span, target);
    }

    /// <summary>The first token at which the running sum exceeds the target; only a token with weight makes it grow.</summary>
    internal static int Invert(ReadOnlySpan<double> weights, double target)
    {
        var sum = 0.0;
        var last = 0;
        for (var id = 0; id < weights.Length; id++)
        {
            if (weights[id] == 0)
                continue;
            sum += weights[id];
            if (sum > target)
                return id;
            last = id;
        }

        // The target came from a sum in another order: rounding can leave this one a little short of it.
        return last;
    }
}
