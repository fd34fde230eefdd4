using System.Runtime.InteropServices;
using Deepseek.Inference.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Caching;

// A cache as bytes: a header, the tokens, every layer's rows and scales exactly as they are stored, and a checksum.
public abstract partial class SequenceCache
{
    private const int IdsAtOnce = 1 << 14;

    /// <summary>Writes the cache to a stream, from which <see cref="Models.LanguageModel.LoadCache"/> makes it again: a continuation then has the same bits.</summary>
    /// <param name="stream">Receives some 4 bytes a token and the values in their precision; it is not closed.</param>
    /// <remarks>
    /// No second copy of the values is made in the host's memory. Where they lie on another device, a layer at a time passes through it. The first call may read parts of the model's files, to tell the
    /// model from others.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The cache is that of a multi-token-prediction layer.</exception>
    /// <exception cref="ObjectDisposedException">The cache, or its model, has been disposed.</exception>
    /// <exception cref="IOException">The stream cannot be written to, or a file of the model cannot be read.</exception>
    public void Save(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Owner is not ICacheOwner owner)
            throw new InvalidOperationException("The cache is that of a multi-token-prediction layer, which is not saved; save the model's cache, and make this one anew from its hidden states.");

        var to = new ChecksumStream(stream);
        new CacheHeader(owner.Origin, LayerCount, (int)_width, Options with { MaxLength = MaxLength, Precision = Options.Precision ?? CachePrecision.Float32 }, Length).Write(to);
        to.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_ids)));
        for (var layer = 0; layer < LayerCount && Length > 0; layer++)
        {
            Write(_layers[layer]!, to);
            if (_scales[layer] is { } scales)
                Write(scales, to);
        }

        to.WriteChecksum();
    }

    /// <summary>Fills an empty cache with what follows the header of a saved one.</summary>
    /// <param name="header">The header, which fits this cache.</param>
    /// <param name="vocabulary">Tokens that the model knows.</param>
    /// <param name="from">Reads the rest.</param>
    /// <exception cref="CacheFormatException">The rest is damaged or cut short; the cache is then to be disposed.</exception>
    internal void Fill(CacheHeader header, int vocabulary, ChecksumStream from)
    {
        header.RequireShape(LayerCount, _width, from);
        var scaleBytes = Options.Precision == CachePrecision.Int16 ? 2L * sizeof(float) : 0;
        var tokenBytes = sizeof(int) + (LayerCount * ((_width * StoredType.ElementSize()) + scaleBytes));
        from.RequireLeft((header.Length * tokenBytes) + ChecksumStream.ChecksumBytes);

        var ids = ReadIds(header.Length, vocabulary, from);
        for (var layer = 0; layer < LayerCount && ids.Count > 0; layer++)
        {
            Reserve(layer, ids.Count); // a layer at a time: a stream that lies about its length ends before much memory is taken
            Read(_layers[layer]!, ids.Count, from);
            if (_scales[layer] is { } scales)
                Read(scales, ids.Count, from);
        }

        from.RequireChecksum();
        Advance(CollectionsMarshal.AsSpan(ids));
    }

    private static List<int> ReadIds(int count, int vocabulary, ChecksumStream from)
    {
        List<int> ids = [];
        var piece = new int[Math.Min(count, IdsAtOnce)];
        while (ids.Count < count)
        {
            var part = piece.AsSpan(0, Math.Min(piece.Length, count - ids.Count));
            from.Read(MemoryMarshal.AsBytes(part));
            foreach (var id in part)
            {
                if ((uint)id >= (uint)vocabulary)
                    throw from.Fault(FormattableString.Invariant($"token {ids.Count} is {id}; the vocabulary has 0 to {vocabulary - 1}. It is damaged: take another copy, or run the text again and save anew."));
                ids.Add(id);
            }
        }

        return ids;
    }

    private void Write(Tensor values, ChecksumStream to)
    {
        using var held = values.narrow(0, 0, Length);
        using var host = held.cpu(); // the same memory, where the values are the host's
        to.Write(host.Address(), host.numel() * host.element_size());
        GC.KeepAlive(host); // read through its address
    }

    private static void Read(Tensor values, int count, ChecksumStream from)
    {
        using var place = values.narrow(0, 0, count);
        if (place.device_type == DeviceType.CPU)
        {
            from.Read(place.Address(), place.numel() * place.element_size());
            return;
        }

        using var host = empty(place.shape, dtype: place.dtype);
        from.Read(host.Address(), host.numel() * host.element_size());
        place.copy_(host).Dispose();
    }
}
