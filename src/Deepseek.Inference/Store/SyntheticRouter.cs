using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Store;

/// <summary>Router weights under which all experts are chosen equally often, or as a Zipf law says.</summary>
/// <remarks>
/// Normed random states point anywhere; the logits of equally long random rows over them are independent and standard normal, whatever the width. So equal use needs no more than such rows,
/// unless so few tokens exist that chance prefers some experts. Experts are preferred by the selection bias where there is one. Routers with a softmax have none: longer rows
/// make small differences, and for those of a Zipf law a column becomes a bias (<see cref="Carrier"/>).
/// </remarks>
internal sealed class SyntheticRouter
{
    // A share of the entropy of equal use.
    private const double TolerableDeficit = 0.001;

    private const long MostProducts = 1 << 24; // 64 MB, of tokens with their values or with the experts

    private readonly ModelConfig _config;
    private readonly ExpertConfig _experts;
    private readonly long _seed;
    private readonly double? _skew;
    private readonly Lazy<float[]>? _states; // what tokens look like where they are few, [N, D], of length √D

    /// <param name="config">A model with experts.</param>
    /// <param name="seed">The seed of the store.</param>
    /// <param name="skew">The exponent of a Zipf law; null for equal use.</param>
    /// <param name="embeddings">Gives the embedding, [vocabulary, D].</param>
    public SyntheticRouter(ModelConfig config, long seed, double? skew, Func<float[]> embeddings)
    {
        (_config, _experts, _seed, _skew) = (config, config.Experts!, seed, skew);
        if (HasFewTokens)
            _states = new Lazy<float[]>(() => Normed(embeddings()));
    }

    /// <summary>What dimension 0 of the residual stream holds for every token, in units of the embedding's deviation; null where it is like the others.</summary>
    /// <remarks>Large against the other weights of its block, so that NF4 keeps it well; small against the length of a state.</remarks>
    public static float? Carrier(ModelConfig config, double? skew) =>
        skew is not null && config.Experts is { Method: not RoutingMethod.SigmoidNoAuxiliaryLoss } ? MathF.Min(4, MathF.Sqrt(config.HiddenSize) / 4) : null;

    /// <summary>Writes a router's rows in BF16, [E, D].</summary>
    /// <param name="layer">Its layer.</param>
    /// <param name="destination">Receives the rows.</param>
    public void WriteRows(int layer, Span<byte> destination)
    {
        var rows = Rows(layer);
        if (_experts.Method != RoutingMethod.SigmoidNoAuxiliaryLoss)
            Prefer(rows, Preferences(layer, rows), layer);
        for (var i = 0; i < rows.Length; i++)
            WriteBFloat16(destination[(2 * i)..], rows[i]);
    }

    /// <summary>A selection bias, [E].</summary>
    public float[] Bias(int layer) => Preferences(layer, _states is null ? [] : Rows(layer));

    public static void WriteBFloat16(Span<byte> destination, float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        BinaryPrimitives.WriteUInt16LittleEndian(destination, (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)); // to the nearest, ties to even
    }

    /// <summary>Whether chance prefers experts noticeably: by what counting E frequencies over the vocabulary is expected to take from their entropy.</summary>
    private bool HasFewTokens
    {
        get
        {
            double chosen = (long)_config.VocabularySize * _experts.ChosenCount;
            return _experts.RoutedCount > 1
                && (_experts.RoutedCount - 1) / (2 * chosen * Math.Log(_experts.RoutedCount)) > TolerableDeficit
                && (long)_config.VocabularySize * Math.Max(_config.HiddenSize, _experts.RoutedCount) <= MostProducts;
        }
    }

    private void Prefer(float[] rows, float[] preferences, int layer)
    {
        var width = _config.HiddenSize;
        for (var expert = 0; expert < preferences.Length; expert++)
        {
            if (Carrier(_config, _skew) is { } carrier)
            {
                rows[expert * width] = preferences[expert] * SyntheticStream.Length(_config, layer, carrier) / carrier;
                continue;
            }

            var factor = MathF.Exp(preferences[expert]);
            foreach (ref var weight in rows.AsSpan(expert * width, width))
                weight *= factor;
        }
    }

    private float[] Rows(int layer)
    {
        var rows = new float[_experts.RoutedCount * _config.HiddenSize];
        var random = new SyntheticRandom(_seed, FormattableString.Invariant($"router {layer}"));
        for (var expert = 0; expert < _experts.RoutedCount; expert++)
        {
            var row = rows.AsSpan(expert * _config.HiddenSize, _config.HiddenSize);
            random.FillNormal(row, 1);
            if (Carrier(_config, _skew) is not null)
                row[0] = 0;
            Scale(row, 1);
        }

        return rows;
    }

    private float[] Preferences(int layer, float[] rows)
    {
        if (_skew is null && _states is null)
            return new float[_experts.RoutedCount];

        var random = new SyntheticRandom(_seed, FormattableString.Invariant($"preferences {layer}"));
        var frequencies = SyntheticBalance.Frequencies(_experts, _skew ?? 0, ref random);
        var kind = _experts.Method == RoutingMethod.SigmoidNoAuxiliaryLoss ? SyntheticPreference.AddedToSigmoid
            : _skew is not null ? SyntheticPreference.AddedToLogit
            : SyntheticPreference.LongerRow;
        var known = _states is null ? null : Products(_states.Value, rows);
        // What layers add to an embedding is unknown, but not how much it is.
        var length = SyntheticStream.Length(_config, layer, null);
        var noise = MathF.Sqrt((length * length) - 1);
        return SyntheticBalance.Preferences(_experts, frequencies, kind, (token, logits) =>
        {
            random.FillNormal(logits, 1);
            if (known is null)
                return;
            var at = token % (known.Length / logits.Length) * logits.Length;
            for (var expert = 0; expert < logits.Length; expert++)
                logits[expert] = (known[at + expert] + (noise * logits[expert])) / length;
        });
    }

    /// <summary>Every state times every row, [N, E].</summary>
    private float[] Products(float[] states, float[] rows)
    {
        var (width, tokens) = (_config.HiddenSize, states.Length / _config.HiddenSize);
        var products = new float[tokens * _experts.RoutedCount];
        for (var i = 0; i < products.Length; i++)
            products[i] = Dot(states.AsSpan(i / _experts.RoutedCount * width, width), rows.AsSpan(i % _experts.RoutedCount * width, width));
        return products;
    }

    private float[] Normed(float[] states)
    {
        for (var at = 0; at < states.Length; at += _config.HiddenSize)
            Scale(states.AsSpan(at, _config.HiddenSize), MathF.Sqrt(_config.HiddenSize));
        return states;
    }

    private static void Scale(Span<float> vector, float length)
    {
        var present = MathF.Sqrt(Dot(vector, vector));
        var factor = present > 0 ? length / present : 0;
        foreach (ref var value in vector)
            value *= factor;
    }

    /// <summary>A sum in one order, whatever the machine.</summary>
    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var left = MemoryMarshal.Cast<float, Vector256<float>>(a);
        var right = MemoryMarshal.Cast<float, Vector256<float>>(b);
        var sums = Vector256<float>.Zero;
        for (var i = 0; i < left.Length; i++)
            sums += left[i] * right[i];
        var sum = 0f;
        for (var lane = 0; lane < Vector256<float>.Count; lane++)
            sum += sums[lane];
        for (var i = left.Length * Vector256<float>.Count; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
