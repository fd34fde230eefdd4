using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Quantization;

/// <summary>Encodes runs of blocks of one tensor, once what their scales share is known. Thread-safe.</summary>
internal sealed class Nf4BlockEncoder(Nf4Options options, Nf4ScaleGroups groups)
{
    /// <summary>Scale codes on either side of the best one's that are tried.</summary>
    private const int Neighbours = 1;

    private const int Batch = 64; // blocks whose scales lie on the stack

    /// <summary>Encodes consecutive blocks; the last of the tensor may be short.</summary>
    /// <param name="firstBlock">The number of the first block in the flattened tensor.</param>
    /// <param name="weights">The weights, [n].</param>
    /// <param name="codes">Receives two codes a byte, [⌈n / 2⌉].</param>
    /// <param name="scaleCodes">Receives a code a block.</param>
    public void Encode(int firstBlock, ReadOnlySpan<float> weights, Span<byte> codes, Span<byte> scaleCodes)
    {
        var size = options.BlockSize;
        Span<float> scales = stackalloc float[Batch];
        var importance = options.ColumnImportance.IsEmpty ? [] : new float[size];
        for (var first = 0; first < scaleCodes.Length; first += Batch)
        {
            var count = Math.Min(Batch, scaleCodes.Length - first);
            var part = weights.Slice(first * size, (int)Math.Min((long)count * size, weights.Length - (first * size)));
            for (var i = 0; i < count; i++)
            {
                var block = part.Slice(i * size, Math.Min(size, part.Length - (i * size)));
                (scaleCodes[first + i], scales[i]) = Choose(firstBlock + first + i, block, importance);
            }

            // The reference encodes by the magnitudes before they are quantized; a search, by the scales that will be decoded.
            Nf4.Encode(part, scales[..count], size, codes.Slice(first * size / 2, (part.Length + 1) / 2));
        }
    }

    private (byte Code, float Scale) Choose(int block, ReadOnlySpan<float> weights, Span<float> importance)
    {
        var magnitude = Nf4.LargestMagnitude(weights);
        var code = groups.CodeOf(magnitude, block);
        if (options.Mode == Nf4Mode.Reference)
            return (code, magnitude);

        code = Search(block, weights, options.Importance((long)block * options.BlockSize, importance, weights.Length), code);
        return (code, groups.ValueOf(code, block));
    }

    /// <summary>Of the codes near the ideal scale and the reference's own, the one with the least error.</summary>
    private byte Search(int block, ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, byte reference)
    {
        var group = groups.Scales[block / Nf4QuantizedScales.GroupSize];
        if (group == 0)
            return reference;

        var (best, error) = (reference, Nf4ScaleSearch.Error(weights, groups.ValueOf(reference, block), importance));
        int nearest = DynamicCode8.CodeOf((Nf4ScaleSearch.Find(weights, importance) - groups.Offset) / group);
        for (var code = Math.Max(0, nearest - Neighbours); code <= Math.Min(255, nearest + Neighbours); code++)
        {
            var candidate = Nf4ScaleSearch.Error(weights, groups.ValueOf((byte)code, block), importance);
            if (candidate < error)
                (best, error) = ((byte)code, candidate);
        }

        return best;
    }
}
