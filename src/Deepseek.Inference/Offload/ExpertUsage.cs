using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Offload;

/// <summary>How often experts were demanded, over several runs of a model: what a next start warms its cache with.</summary>
/// <remarks>Experts are numbered through, as <see cref="IEvictionPolicy"/> says. Not thread-safe.</remarks>
internal sealed class ExpertUsage
{
    private readonly float[] _counts;
    private readonly double _before; // passes of earlier runs
    private PassCounter _passes;
    private bool _any;

    public ExpertUsage(int layers, int expertsPerLayer)
        : this(layers, expertsPerLayer, passes: 0, new float[layers * expertsPerLayer])
    {
    }

    /// <summary>Takes counts over.</summary>
    internal ExpertUsage(int layers, int expertsPerLayer, double passes, float[] counts)
    {
        (Layers, ExpertsPerLayer, _before, _counts) = (layers, expertsPerLayer, passes, counts);
        _passes = new PassCounter(layers * expertsPerLayer, expertsPerLayer);
    }

    /// <summary>Layers that have experts.</summary>
    public int Layers { get; }

    /// <summary>Experts of a layer.</summary>
    public int ExpertsPerLayer { get; }

    /// <summary>Demands of every expert, [layers, experts].</summary>
    public ReadOnlySpan<float> Counts => _counts;

    /// <summary>Passes through the layers in which the demands were counted.</summary>
    public double Passes => _before + (_any ? _passes.Pass + 1 : 0);

    /// <summary>A token demanded an expert.</summary>
    public void Add(int expert)
    {
        _any = true;
        _passes.Follow(expert);
        _counts[expert]++;
    }

    /// <summary>The experts that were demanded, the most demanded first; of equals the lower number. Whoever cannot take all takes the first.</summary>
    public int[] Order()
    {
        int[] order = [.. Enumerable.Range(0, _counts.Length).Where(expert => _counts[expert] > 0)];
        Array.Sort(order, (left, right) => _counts[right].CompareTo(_counts[left]) is var byCount and not 0 ? byCount : left.CompareTo(right));
        return order;
    }

    /// <summary>A copy, to save while demands go on.</summary>
    public ExpertUsage Copy() => new(Layers, ExpertsPerLayer, Passes, [.. _counts]);

    /// <summary>The same usage, as if it had been counted in so many passes at most: what came before them counts less.</summary>
    public ExpertUsage Bounded(double passes)
    {
        var factor = Math.Min(1, passes / Math.Max(Passes, 1));
        return new ExpertUsage(Layers, ExpertsPerLayer, Passes * factor, Array.ConvertAll(_counts, count => (float)(count * factor)));
    }
}
