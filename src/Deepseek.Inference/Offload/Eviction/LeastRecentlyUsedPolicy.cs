namespace Deepseek.Inference.Offload.Eviction;

/// <summary>The expert that was demanded longest ago leaves first.</summary>
internal sealed class LeastRecentlyUsedPolicy(int experts) : IEvictionPolicy
{
    private readonly double[] _ranks = new double[experts];
    private long _clock;
    private long _cold;

    public void Demanded(int expert) => _ranks[expert] = ++_clock;

    // One that comes in warm without a demand is a start with recorded usage: the last of them is worth most.
    public void Inserted(int expert, bool cold) => _ranks[expert] = cold ? EvictionRank.Cold(_cold++) : ++_clock;

    public void Removed(int expert)
    {
        // Its rank is set anew when it comes back.
    }

    public double Rank(int expert, int incoming) => _ranks[expert];
}
