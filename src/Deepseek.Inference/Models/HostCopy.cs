using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>Values of the tensors that models return, for those who work with numbers alone.</summary>
internal static class HostCopy
{
    /// <summary>Copies a tensor's values to managed memory, whatever its device.</summary>
    public static T[] CopyToHost<T>(this Tensor tensor)
        where T : unmanaged => tensor.ToArray<T>();
}
