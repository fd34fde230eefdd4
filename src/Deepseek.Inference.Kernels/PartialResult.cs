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
}
