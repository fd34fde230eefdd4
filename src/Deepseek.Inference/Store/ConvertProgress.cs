namespace Deepseek.Inference.Store;

/// <summary>How far a conversion has come.</summary>
/// <param name="Current">The tensor that was just done; empty before the first.</param>
/// <param name="BytesDone">Bytes of the source's tensors that are done.</param>
/// <param name="BytesTotal">Bytes of all of the source's tensors.</param>
public sealed record ConvertProgress(string Current, long BytesDone, long BytesTotal);
