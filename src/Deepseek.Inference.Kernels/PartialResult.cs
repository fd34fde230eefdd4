namespace Deepseek.Inference.Kernels;

/// <summary>What attention of a query row over some positions gave.</summary>
/// <param name="largest">The largest score.</param>
/// <param name="sum">Σ exp(score − largest).</param>
/// <param name="output">The values weighted by exp(score − largest).</param>
internal unsafe struct PartialResult(float largest, float sum, float* output)
{
    public float Largest = largest;
    public float Sum = sum;
    public float* Output = output;

    /// <summary>What the positions before are multiplied by when this joins them.</summary>
    public float Factor;

    /// <summary>What this is multiplied by.</summary>
    public float NextFactor;

    /// <summary>Joins the partial results that follow, in their order: largest score and sum of weights, and the factors with which values are to be joined.</summary>
    /// <param name="next">They, [count]; their factors are written.</param>
    /// <param name="count">How many.</param>
    public void Join(PartialResult* next, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var both = MathF.Max(Largest, next[i].Largest);
            var (factor, nextFactor) = (FastExp.Exp(Largest - both), FastExp.Exp(next[i].Largest - both));
            Sum = MathF.FusedMultiplyAdd(Sum, factor, next[i].Sum * nextFactor);
            Largest = both;
            (next[i].Factor, next[i].NextFactor) = (factor, nextFactor);
        }
    }
}
