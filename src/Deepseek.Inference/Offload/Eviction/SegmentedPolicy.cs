namespace Deepseek.Inference.Offload.Eviction;

/// <summary>Experts that were demanded once leave before those that were demanded again while they were in memory; within both, the one that was demanded longest ago.</summary>
/// <remarks>
/// Segmented LRU: Karedla, Love and Wherry, "Caching strategies to improve disk system performance", IEEE Computer 27(3), 1994. The protected segment is bounded: what it has no place for becomes the youngest of those on
/// probation.
/// </remarks>
internal sealed class SegmentedPolicy : IEvictionPolicy
{
    /// <summary>Of the slots, those that may be protected.</summary>
    public const double ProtectedShare = 0.8;

    // Far above what the clock reaches, and small enough that their sum is exact.
    private const double Protected = 1L << 50;

    private readonly double[] _ranks;
    private readonly int[] _older; // of a protected expert, the one demanded just before it; itself where it is not protected
    private readonly int[] _younger;
    private readonly bool[] _present;
    private readonly int _limit;
    private readonly int _ends; // stands for both ends of the list
    private int _count;
    private long _clock;
    private long _cold;

    /// <param name="experts">Experts of all layers.</param>
    /// <param name="slots">Experts that fit into memory.</param>
    public SegmentedPolicy(int experts, int slots)
    {
        (_ranks, _present, _ends) = (new double[experts], new bool[experts], experts);
        (_older, _younger) = ([.. Enumerable.Range(0, experts + 1)], [.. Enumerable.Range(0, experts + 1)]);
        _limit = (int)(slots * ProtectedShare);
    }

    public void Demanded(int expert)
    {
        if (!_present[expert])
            return; // Inserted ranks it

        var isFirst = _ranks[expert] < EvictionRank.Warm;
        if (isFirst || _limit == 0)
        {
            _ranks[expert] = ++_clock;
            return;
        }

        Unlink(expert);
        Link(expert);
        if (_count > _limit)
            Demote(_younger[_ends]);
    }

    public void Inserted(int expert, bool cold)
    {
        _present[expert] = true;
        _ranks[expert] = cold ? EvictionRank.Cold(_cold++) : ++_clock;
    }

    public void Removed(int expert)
    {
        _present[expert] = false;
        Unlink(expert);
    }

    public double Rank(int expert, int incoming) => _ranks[expert];

    private void Link(int expert)
    {
        var youngest = _older[_ends];
        (_older[expert], _younger[expert]) = (youngest, _ends);
        (_younger[youngest], _older[_ends]) = (expert, expert);
        _ranks[expert] = Protected + ++_clock;
        _count++;
    }

    private void Unlink(int expert)
    {
        if (_older[expert] == expert)
            return;

        var (older, younger) = (_older[expert], _younger[expert]);
        (_younger[older], _older[younger]) = (younger, older);
        (_older[expert], _younger[expert]) = (expert, expert);
        _count--;
    }

    private void Demote(int expert)
    {
        Unlink(expert);
        _ranks[expert] = ++_clock;
    }
}
