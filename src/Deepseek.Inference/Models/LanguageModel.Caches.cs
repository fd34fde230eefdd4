using Deepseek.Inference.Caching;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Models;

// Caches that outlive the process.
public abstract partial class LanguageModel : ICacheOwner
{
    private readonly Lazy<CacheOrigin> _origin;

    CacheOrigin ICacheOwner.Origin
    {
        get
        {
            using var lease = Enter();
            return _origin.Value;
        }
    }

    /// <summary>Makes a cache again that <see cref="SequenceCache.Save"/> has written: it continues with the bits that it would have had.</summary>
    /// <param name="stream">A stream at the cache's first byte; it is read to the cache's last one, and not closed.</param>
    /// <returns>A cache of its own; the caller disposes it.</returns>
    /// <remarks>
    /// The model must be the one that the cache was saved with, computed by the same operations with the same activations and form of attention. Threads, chunks and memory are free. Memory is taken
    /// as bytes arrive; what a damaged or hostile stream states costs no more than a layer's room.
    /// </remarks>
    /// <exception cref="CacheFormatException">It is no saved cache, damaged, cut short, of another version, or of another model.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    /// <exception cref="IOException">The stream cannot be read, or a file of the model cannot.</exception>
    public SequenceCache LoadCache(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var lease = Enter();
        var from = new ChecksumStream(stream);
        var header = CacheHeader.Read(from);
        header.RequireOrigin(_origin.Value, from);
        var cache = CreateCache(header.Options, from);
        try
        {
            cache.Fill(header, Config.VocabularySize, from);
            return cache;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    private SequenceCache CreateCache(CacheOptions options, ChecksumStream from)
    {
        try
        {
            return CreateCache(options);
        }
        catch (ArgumentException fault)
        {
            throw from.Fault($"its options are at fault. {fault.Message} It is damaged: take another copy, or run the text again and save anew.", fault);
        }
    }
}
