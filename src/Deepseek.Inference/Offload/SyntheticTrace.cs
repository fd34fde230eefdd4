using Deepseek.Inference.Store;

namespace Deepseek.Inference.Offload;

/// <summary>Makes up routing traces with a known law: to see what a cache would do before a model has been recorded.</summary>
/// <remarks>Without <see cref="SyntheticTraceOptions.Stay"/> tokens are independent draws; with it each layer is a Markov chain, whose experts stay for some tokens.</remarks>
public static class SyntheticTrace
{
    /// <summary>Makes a trace.</summary>
    /// <param name="options">Sizes and law.</param>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    public static RoutingTrace Create(SyntheticTraceOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var shape = new RoutingTraceShape(options.Layers, options.ExpertsPerLayer, options.Chosen);
        var choices = new ushort[options.Tokens * shape.Choices];
        for (var layer = 0; layer < options.Layers; layer++)
            new Layer(options, layer).Fill(choices);
        return new RoutingTrace(shape, choices);
    }

    /// <summary>The draws of one layer: they follow from the seed and its number alone.</summary>
    private sealed class Layer
    {
        private readonly SyntheticTraceOptions _options;
        private readonly int _layer;
        private readonly double[] _weights; // [E]
        private readonly double _total;
        private readonly bool[] _taken; // [E]
        private SyntheticRandom _random;

        public Layer(SyntheticTraceOptions options, int layer)
        {
            (_options, _layer) = (options, layer);
            _random = new SyntheticRandom(options.Seed, FormattableString.Invariant($"routing of layer {layer}"));
            _taken = new bool[options.ExpertsPerLayer];
            _weights = new double[options.ExpertsPerLayer];
            for (var rank = 0; rank < _weights.Length; rank++)
                _weights[rank] = Math.Pow(rank + 1, -options.Skew);
            for (var i = _weights.Length - 1; i > 0; i--) // Fisher and Yates
            {
                var other = _random.Below(i + 1);
                (_weights[i], _weights[other]) = (_weights[other], _weights[i]);
            }

            _total = _weights.Sum();
        }

        public void Fill(ushort[] choices)
        {
            var (chosen, stride) = (_options.Chosen, _options.Layers * _options.Chosen);
            Span<ushort> before = [];
            for (var token = 0; token < _options.Tokens; token++)
            {
                var now = choices.AsSpan((token * stride) + (_layer * chosen), chosen);
                Draw(before, now);
                before = now;
            }
        }

        /// <summary>Those of the token before that stay, then others, each drawn among those that are left: what is drawn is distinct without trying again.</summary>
        private void Draw(ReadOnlySpan<ushort> before, Span<ushort> now)
        {
            var (count, left) = (0, _total);
            foreach (var expert in before)
            {
                if (NextDouble() < _options.Stay)
                    left -= Take(expert, now, ref count);
            }

            while (count < now.Length)
                left -= Take(Pick(left), now, ref count);
            foreach (var expert in now)
                _taken[expert] = false;
            now.Sort();
        }

        private double Take(int expert, Span<ushort> now, ref int count)
        {
            _taken[expert] = true;
            now[count++] = (ushort)expert;
            return _weights[expert];
        }

        private int Pick(double left)
        {
            var (at, last) = (NextDouble() * left, 0);
            for (var expert = 0; expert < _weights.Length; expert++)
            {
                if (_taken[expert])
                    continue;
                last = expert;
                at -= _weights[expert];
                if (at < 0)
                    break;
            }

            return last; // the last one that is left, where rounding took the sum beyond it
        }

        private double NextDouble() => (_random.Next() >> 11) * (1.0 / (1UL << 53));
    }
}
