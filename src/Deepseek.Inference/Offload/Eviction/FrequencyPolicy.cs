namespace Deepseek.Inference.Offload.Eviction;

/// <summary>The expert that was demanded least often leaves first; a demand counts half as much after every half-life.</summary>
/// <remarks>
/// Counts outlive an expert's stay in memory: how often it is wanted is a property of the model and the text. They are kept as logarithms at a common point in time, so that fading touches nothing: log₂ of a count grows by 1 a
/// half-life where all others shrink.
/// </remarks>
internal sealed class FrequencyPolicy : IEvictionPolicy
{
    private readonly double[] _scores; // log2 of the faded count, plus passes / half-life; −∞ where there was no demand
    private readonly double[] _cold; // the rank of cold experts; +∞ for the others
    private readonly HalfLife _halfLife;
    private PassCounter _passes;
    private long _coldCount;

    /// <param name="experts">Experts of all layers.</param>
    /// <param name="expertsPerLayer">Experts of a layer.</param>
    /// <param name="usage">What was demanded before; null where nothing is known.</param>
    public FrequencyPolicy(int experts, int expertsPerLayer, ExpertUsage? usage = null)
    {
        (_scores, _cold, _passes) = (new double[experts], new double[experts], new PassCounter(experts, expertsPerLayer));
        _halfLife = HalfLife.For(expertsPerLayer);
        Array.Fill(_scores, double.NegativeInfinity);
        Array.Fill(_cold, double.PositiveInfinity);
        if (usage is not null)
        {
            var counts = usage.Bounded(_halfLife.FullWeight).Counts;
            for (var i = 0; i < experts; i++)
                _scores[i] = Math.Log2(counts[i]); // −∞ of none
        }
    }

    public void Demanded(int expert)
    {
        _passes.Follow(expert);
        var one = (double)_passes.Pass / _halfLife.Passes;
        _scores[expert] = one + Math.Log2(1 + Math.Pow(2, _scores[expert] - one));
        _cold[expert] = double.PositiveInfinity;
    }

    public void Inserted(int expert, bool cold) => _cold[expert] = cold ? EvictionRank.Cold(_coldCount++) : double.PositiveInfinity;

    public void Removed(int expert)
    {
        // Its count stays.
    }

    public double Rank(int expert, int incoming) => Math.Min(_cold[expert], EvictionRank.Warm + Math.Max(0, 1 + _scores[expert]));
}
