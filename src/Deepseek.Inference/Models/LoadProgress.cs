namespace Deepseek.Inference.Models;

/// <summary>How far loading has come.</summary>
/// <param name="Tensors">Tensors taken so far.</param>
/// <param name="TotalTensors">Tensors of the checkpoint.</param>
/// <param name="Bytes">Bytes of those taken so far.</param>
/// <param name="TotalBytes">Bytes of the checkpoint's tensors.</param>
public readonly record struct LoadProgress(int Tensors, int TotalTensors, long Bytes, long TotalBytes);
