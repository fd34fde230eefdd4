namespace Deepseek.Inference.Checkpoints;

/// <summary>Where a checkpoint's tensors come from: a folder today, a model hub by ranged requests later.</summary>
/// <remarks>Everything here may be called from several threads at once. Pointers live until the source is disposed.</remarks>
public interface ICheckpointSource : IDisposable
{
    /// <summary>What the source is called in messages: a folder's path.</summary>
    string Location { get; }

    /// <summary>Every tensor by its name in the checkpoint. Building it has checked the headers; no tensor data has been read.</summary>
    IReadOnlyDictionary<string, TensorEntry> Tensors { get; }

    /// <summary>The bytes of <c>config.json</c>.</summary>
    ReadOnlyMemory<byte> ReadConfiguration();

    /// <summary>Copies part of a tensor's bytes.</summary>
    /// <param name="tensor">An entry of <see cref="Tensors"/>.</param>
    /// <param name="offset">First byte, from the start of the tensor.</param>
    /// <param name="destination">Receives as many bytes as it is long.</param>
    void Read(TensorEntry tensor, long offset, Span<byte> destination);

    /// <summary>The tensor's bytes in the process's memory, paged in by the system as they are touched.</summary>
    /// <param name="tensor">An entry of <see cref="Tensors"/>.</param>
    /// <param name="address">The first byte; not aligned to more than the file's layout gives.</param>
    /// <returns>False where the source cannot map; use <see cref="Read"/> there.</returns>
    bool TryMap(TensorEntry tensor, out nint address);
}
