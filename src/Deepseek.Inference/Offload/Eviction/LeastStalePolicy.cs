namespace Deepseek.Inference.Offload.Eviction;

/// <summary>The expert whose next demand is expected latest leaves first.</summary>
/// <remarks>
/// <para>
/// Layers are visited in order: an expert whose layer was just visited cannot be wanted before a whole pass is over, one whose layer comes next may be wanted at once (SpecMD, arXiv:2602.03921, whose policy has this order
/// alone). Here the order is one part of an expectation: with a probability p of being wanted at a visit, an expert is wanted after d + L·(1 − p)/p layers, where its layer is d of L away.
/// </para>
/// <para>
/// p is the expert's faded share of the passes. Where the same experts are wanted by consecutive tokens more often than their shares say, those of the last visit are worth that much more: how much is learned from the demands.
/// </para>
/// </remarks>
internal sealed class LeastStalePolicy : IEvictionPolicy
{
    // An expert that nobody wanted yet is taken for one that is wanted a little.
    private const double LeastCount = 1.0 / 16;

    // How fast reuse is learned, a demand: a few passes of a large model, some tens of a small one.
    private const double Learning = 1.0 / 1024;

    private const double Scale = 1L << 40; // ranks are above EvictionRank.Warm whatever the wait

    private readonly double[] _counts; // faded, as of the pass of the last demand
    private readonly int[] _seen; // the pass of the last demand; −2 where there was none
    private readonly double[] _cold; // the rank of cold experts; +∞ for the others
    private readonly double[] _fading; // by passes gone by; beyond it nothing is left
    private readonly int _layers;
    private readonly int[] _layerOf; // a division a rank would cost more than the rest of it
    private PassCounter _passes;
    private double _passWeight = 1; // the faded count of an expert that is wanted every time
    private double _perPass = 1; // its reciprocal
    private double _reuse;
    private double _expected;
    private long _coldCount;

    /// <param name="layers">Layers that have experts.</param>
    /// <param name="expertsPerLayer">Experts of a layer.</param>
    /// <param name="usage">What was demanded before; null where nothing is known.</param>
    public LeastStalePolicy(int layers, int expertsPerLayer, ExpertUsage? usage = null)
    {
        (_layers, _passes) = (layers, new PassCounter(layers * expertsPerLayer, expertsPerLayer));
        _layerOf = [.. Enumerable.Range(0, layers * expertsPerLayer).Select(expert => expert / expertsPerLayer)];
        (_counts, _seen, _cold) = (new double[layers * expertsPerLayer], new int[layers * expertsPerLayer], new double[layers * expertsPerLayer]);
        Array.Fill(_seen, -2);
        Array.Fill(_cold, double.PositiveInfinity);
        var halfLife = HalfLife.For(expertsPerLayer);
        _fading = new double[16 * halfLife.Passes];
        for (var i = 0; i < _fading.Length; i++)
            _fading[i] = Math.Pow(2, -(double)i / halfLife.Passes);
        if (usage?.Bounded(halfLife.FullWeight) is { } known)
        {
            Weigh(Math.Max(1, known.Passes));
            for (var i = 0; i < _counts.Length; i++)
                _counts[i] = known.Counts[i];
        }
    }

    public void Demanded(int expert)
    {
        var before = _passes.Pass;
        _passes.Follow(expert);
        if (_passes.Pass != before)
            Weigh(1 + (_passWeight * _fading[1]));

        _reuse += Learning * ((_seen[expert] == _passes.Pass - 1 ? 1 : 0) - _reuse);
        _counts[expert] = 1 + Faded(expert);
        _seen[expert] = _passes.Pass;
        _expected += Learning * (Share(_counts[expert]) - _expected);
        _cold[expert] = double.PositiveInfinity;
    }

    public void Inserted(int expert, bool cold) => _cold[expert] = cold ? EvictionRank.Cold(_coldCount++) : double.PositiveInfinity;

    public void Removed(int expert)
    {
        // What is known of it stays.
    }

    public double Rank(int expert, int incoming)
    {
        if (_cold[expert] < EvictionRank.Warm)
            return _cold[expert];

        var distance = _layerOf[expert] - _passes.Layer;
        var lastVisit = distance <= 0 ? _passes.Pass : _passes.Pass - 1;
        if (distance <= 0)
            distance += _layers;
        var probability = Share(Faded(expert));
        if (_seen[expert] == lastVisit)
            probability += (1 - probability) * Math.Max(0, _reuse - _expected);
        return EvictionRank.Warm + (Scale * probability / ((distance * probability) + (_layers * (1 - probability))));
    }

    private void Weigh(double passes) => (_passWeight, _perPass) = (passes, 1 / passes);

    private double Faded(int expert) =>
        _passes.Pass - _seen[expert] is var gone && gone < _fading.Length ? _counts[expert] * _fading[gone] : 0;

    private double Share(double count) => Math.Min(1, Math.Max(LeastCount, count) * _perPass);
}
