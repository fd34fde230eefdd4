namespace Deepseek.Inference.Configuration;

/// <summary>How a checkpoint's weights are quantized, as <c>quantization_config</c> states it.</summary>
/// <param name="Method"><c>fp8</c> or <c>bitsandbytes</c>.</param>
/// <param name="BlockRows">Rows of an FP8 block that share a scale (128); 0 for other methods.</param>
/// <param name="BlockColumns">Columns of an FP8 block that share a scale (128); 0 for other methods.</param>
public sealed record CheckpointQuantization(string Method, int BlockRows, int BlockColumns);
