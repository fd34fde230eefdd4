namespace Deepseek.Inference.Experts;

/// <summary>One routed expert of one layer.</summary>
/// <param name="Layer">The layer's number, as in the checkpoint's tensor names.</param>
/// <param name="Index">The expert's number within the layer.</param>
internal readonly record struct ExpertId(int Layer, int Index);
