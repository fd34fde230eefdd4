using TorchSharp;

namespace Deepseek.Inference.Quantization;

/// <summary>TorchSharp's scalars that nothing frees, for its functions that would make one themselves.</summary>
/// <remarks>
/// TorchSharp reads a scalar's address and calls libtorch; from then on nothing holds the scalar, so that its finalizer may free it while libtorch reads it:
/// an error or, worse, another number. A scalar must be held by a variable until the call returns; eng/BannedSymbols.TorchSharp.txt names what makes one unseen.
/// </remarks>
internal static class HeldScalar
{
    /// <summary>The factor of the second operand of a sum.</summary>
    public static readonly Scalar One = 1.ToScalar();
}
